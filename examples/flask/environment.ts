/** The settings that the application reads from `os.environ`. Flask takes its own with the prefix FLASK_. */
export function environment({ SECRET_KEY = '', DATABASE_URL, PACKAGE_INDEX }: Record<string, unknown>) {
  const settings = { FLASK_SECRET_KEY: SECRET_KEY, DATABASE_URL, PACKAGE_INDEX };
  const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string';
  return Object.fromEntries(Object.entries(settings).filter(isText));
}
