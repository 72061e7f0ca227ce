import { nameOf, WsgiError } from '../src/errors.js';
import { bytesToText, nativeToBytes, textToBytes } from '../src/native-string.js';
import { statusPage } from '../src/pages.js';
import type { Environ, Middleware } from '../src/types.js';

/** The options of `basicAuth`. */
export interface BasicAuthOptions {
  /** Users with their passwords, or a function that checks a password. */
  users: Record<string, string> | ((user: string, password: string, environ: Environ) => boolean | Promise<boolean>);
  /** The text that the browser shows; "Restricted" by default. Ordinary text in ASCII. */
  realm?: string;
}

/** Asks for a user name and a password: HTTP Basic, RFC 7617. Passes the name on as `REMOTE_USER`, with `AUTH_TYPE`
 *  "Basic". Compares in constant time, and takes as long for an unknown user. Use it only over https.
 *  @throws {WsgiError} when `users` is neither an object nor a function, or the realm has other characters than ASCII
 *  @example
 *  ```ts
 *  import { text } from 'wsgi-edge/http';
 *  import { basicAuth } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = basicAuth({ users: { admin: 'secret' } })(text('hello'));
 *  (await client(app).get('/')).status; //=> 401
 *  ``` */
export function basicAuth<E extends Environ = Environ>({
  users,
  realm = 'Restricted',
}: BasicAuthOptions): Middleware<E> {
  if (typeof users !== 'function' && (typeof users !== 'object' || users === null))
    throw new WsgiError(`basicAuth: users must be an object or a function, not ${nameOf(users)}`);
  if (!/^[\x20-\x7e]*$/.test(realm)) throw new WsgiError('basicAuth: the realm must be ASCII (RFC 7617, section 2)');
  const check = typeof users === 'function' ? users : checkerOf(users);
  const challenge = `Basic realm="${realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`;
  const refused = statusPage('401 Unauthorized', ['WWW-Authenticate', challenge]);
  return (app) => async (environ, startResponse) => {
    const given = credentials(environ.HTTP_AUTHORIZATION);
    if (given === null || !(await check(given.user, given.password, environ))) return refused(environ, startResponse);
    return app({ ...environ, REMOTE_USER: given.native, AUTH_TYPE: 'Basic' }, startResponse);
  };
}

function credentials(header = ''): { user: string; password: string; native: string } | null {
  const [, encoded] = /^basic +([\w+/-]+={0,2})\s*$/i.exec(header) ?? [];
  if (encoded === undefined) return null;
  let native: string;
  try {
    native = atob(encoded);
  } catch {
    return null;
  }
  const colon = native.indexOf(':');
  // RFC 7617, section 2: control characters are invalid, and would become part of REMOTE_USER.
  if (colon < 0 || /[\x00-\x1f\x7f]/.test(native)) return null;
  const user = native.slice(0, colon);
  return {
    user: bytesToText(nativeToBytes(user)),
    password: bytesToText(nativeToBytes(native.slice(colon + 1))),
    native: user,
  };
}

// A hash makes the strings equally long. Every user is compared, so that the time tells nothing about the names.
function checkerOf(users: Record<string, string>): (user: string, password: string) => Promise<boolean> {
  let known: Uint8Array[] | undefined;
  return async (user, password) => {
    const given = await digest(user, password);
    known ??= await Promise.all(Object.entries(users).map(([name, secret]) => digest(name, secret)));
    let found = 0;
    for (const each of known) found |= isEqual(each, given) ? 1 : 0;
    return found === 1;
  };
}

// JSON keeps the two apart: a plain separator could also be a part of either.
async function digest(user: string, password: string): Promise<Uint8Array> {
  return new Uint8Array(
    await crypto.subtle.digest('SHA-256', textToBytes(JSON.stringify([user, password])) as Uint8Array<ArrayBuffer>),
  );
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}
