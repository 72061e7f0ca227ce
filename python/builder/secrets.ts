import { WsgiError } from '../../src/errors.js';

const NAMES: RegExp[] = [
  /secret|token|passw|passphrase|credential|private/i,
  /(^|_)(pass|pwd|creds?|auth|salt|pepper|hmac|dsn|webhook)(_|$)/i,
  /(^|_)(?<!public_)(key|apikey|accesskey)(_id|_base|s)?$/i,
  /(database|db|sql|postgres|pg|maria|mongo|redis|valkey|memcache|amqp|rabbit|broker|celery|kafka|elastic|smtp|mail|ldap|cache)\w*_ur[il]$/i,
  /(connection|conn)_?str(ing)?(_|$)/i,
];

const VALUES: Array<[kind: string, pattern: RegExp]> = [
  ['a URL with a password', /\w:\/\/[^\s/@:]*:[^\s/@]+@/],
  ['a key or certificate', /-----BEGIN /],
  ['a key of Stripe', /\b[sr]k_(live|test)_\w/],
  ['a key of AWS', /\b(AKIA|ASIA)[A-Z0-9]{16}\b/],
  ['a token of GitHub', /\b(gh[oprsu]_|github_pat_)\w{20}/],
  ['a token of GitLab', /\bglpat-[\w-]{20}/],
  ['a token of Slack', /\bxox[a-z]-|hooks\.slack\.com\/services\//],
  ['a key of Google', /\bAIza[\w-]{30}|\bya29\.|\bGOCSPX-/],
  ['a key of an AI service', /\bsk-[\w-]{20}/],
  ['a key of SendGrid', /\bSG\.[\w-]{16,}\.[\w-]{16,}/],
  ['a token of a package index', /\b(npm_\w{30}|pypi-\w{20})/],
  ['a JSON Web Token', /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\./],
  ['a password in a connection string', /\b(password|pwd|accountkey|sharedaccesskey)\s*=/i],
];

const FLAG = /^(true|false|yes|no|on|off|0|1)?$/i;

/** Checks the environment variables of the build, which become part of the assets.
 *  @param allowed  names that are accepted in any case
 *  @throws {WsgiError} on a name or a value that looks like a secret */
export function checkSecrets(env: Record<string, string>, allowed: string[]): void {
  for (const [name, value] of Object.entries(env)) {
    if (allowed.includes(name) || FLAG.test(value)) continue;
    const reason = secretIn(name, value);
    if (reason !== null)
      throw new WsgiError(
        `build-python: the environment variable ${name} looks like a secret (${reason}) and would be in the assets: give it at run time (option env of fromPython), or allow it with --allow-secrets ${name}`,
      );
  }
}

function secretIn(name: string, value: string): string | null {
  if (NAMES.some((pattern) => pattern.test(name))) return 'its name';
  const found = VALUES.find(([, pattern]) => pattern.test(value));
  if (found !== undefined) return `its value is like ${found[0]}`;
  return isRandom(value) ? 'its value looks random' : null;
}

// Words, paths and dates have fewer bits for each character than these. Hexadecimal digits have fewer than base64.
const RANDOM: Array<[runs: RegExp, bits: number]> = [
  [/[A-Za-z0-9]{20,}/g, 3],
  [/[A-Za-z0-9+/_-]{32,}/g, 4.3],
];

function isRandom(value: string): boolean {
  return RANDOM.some(([runs, bits]) =>
    (value.match(runs) ?? []).some((run) => /\d/.test(run) && /[A-Za-z]/.test(run) && entropyOf(run) > bits),
  );
}

/** The information of a text in bits for each character, as if its characters were drawn from its own letters. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}
