const NAMES = [
  'SECRET_KEY',
  'DATABASE_URL',
  'DJANGO_SUPERUSER_USERNAME',
  'DJANGO_SUPERUSER_EMAIL',
  'DJANGO_SUPERUSER_PASSWORD',
];

/** The settings that the site reads from `os.environ`. */
export const environment = (from: object): Record<string, string> =>
  Object.fromEntries(Object.entries(from).filter(([name]) => NAMES.includes(name)));
