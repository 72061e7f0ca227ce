// Secrets in the environment of the build, which becomes part of the assets.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkSecrets } from '../../python/builder/secrets.js';

const NAMES = `DB_PASS REDIS_URL MONGODB_URI JWT_KEY SIGNING_KEY STRIPE_KEY SQLALCHEMY_DATABASE_URI ENCRYPTION_KEY FERNET_KEY
  AWS_ACCESS_KEY_ID CELERY_BROKER_URL SENTRY_DSN AMQP_URL SMTP_PASS MAIL_PWD PASSPHRASE SESSION_SALT CONNECTION_STRING
  AZURE_STORAGE_CONNECTION_STRING SECRET_KEY GITHUB_TOKEN PGPASSWORD APIKEY API_KEY SLACK_WEBHOOK DATABASE_URL BASIC_AUTH
  GOOGLE_CREDENTIALS TLS_PRIVATE_KEY SECRET_KEY_BASE EMAIL_URL`;

// In parts, so that tools which look for secrets in repositories find none here.
const VALUES = [
  'postgres://app:hunter2@db.example/app',
  'redis://:hunter2@cache.example:6379/0',
  '-----BEGIN PRIVATE KEY-----\nMIIE',
  `sk_${'live'}_4eC39HqLyjWDarjt`,
  `${'AKIA'}IOSFODNN7EXAMPLE`,
  `${'ghp'}_16C7e42F292c6912E7710c838347Ae178B4a`,
  `${'xoxb'}-17653672481-19874698323`,
  `${'AIza'}SyA1234567890abcdefghijklmnopqrstuv`,
  `${'glpat'}-ABCDEFGHIJKLMNOPQRST`,
  `${'eyJhbGciOiJI'}.eyJzdWIiOiIxMjM0.c2ln`,
  'Server=db;Password=hunter2;',
];

const HARMLESS: Record<string, string> = {
  DEBUG: 'true',
  TZ: 'Europe/Berlin',
  LANG: 'en_US.UTF-8',
  DJANGO_SETTINGS_MODULE: 'mysite.settings_production_2026',
  BASE_URL: 'https://www.example.com:8443/a/rather/long/path/2026/11',
  RELEASED: '2026-11-25T10:00:00Z',
  KEYBOARD: 'de',
  MONKEY: 'wrench',
  COMPASS: 'north',
  AUTHOR: 'Zoë',
  PUBLIC_KEY: 'abc',
  CACHE_KEY_PREFIX: 'site',
  AUTH_ENABLED: '1',
  EMPTY_TOKEN: '',
  SORT: 'aaaaaaaaaaaaaaaaaaaaaaaaaa1',
};

describe('the environment of a build', () => {
  it.each(NAMES.split(/\s+/))('is refused with the name %s', (name) => {
    expect(() => checkSecrets({ [name]: 'value' }, [])).toThrow(`${name} looks like a secret (its name)`);
    checkSecrets({ [name]: 'value' }, [name]);
  });

  it.each(VALUES)('is refused with the value %j', (value) => {
    expect(() => checkSecrets({ SETTING: value }, [])).toThrow('SETTING looks like a secret (its value is like a');
    expect(() => checkSecrets({ SETTING: `before ${value}` }, [])).toThrow('looks like a secret');
  });

  it('is refused with a random value', () => {
    for (let i = 0; i < 100; i++)
      for (const encoding of ['hex', 'base64', 'base64url'] as const)
        expect(() => checkSecrets({ SETTING: randomBytes(48).toString(encoding) }, [])).toThrow(
          'its value looks random',
        );
  });

  it('does not print the value', () => {
    expect(() => checkSecrets({ SETTING: 'postgres://app:hunter2@db.example/app' }, [])).toThrow(/^(?!.*hunter2)/);
  });

  it.each(Object.entries(HARMLESS))('may have %s=%s', (name, value) => {
    checkSecrets({ [name]: value }, []);
  });
});
