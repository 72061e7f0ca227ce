// Readers of a request. Each takes environ, and refuses bad input with an HttpError that has the response for the client.
import { parseCookie, stringifySetCookie } from 'cookie';
import { quote, WsgiError } from '../src/errors.js';
import { weightsOf } from '../src/http-semantics.js';
import { bytesToTextOrNull, decodeNative } from '../src/native-string.js';
import type { Environ } from '../src/types.js';
import { HttpError, text } from './response.js';

/** How much a reader takes. */
export interface ReadOptions {
  /** The most bytes that are held in memory, 1 MiB by default. A longer body is refused with 413. */
  maxBytes?: number;
}

export const MAX_BYTES = 1024 * 1024;

/** Throws the error of a request that a reader refuses.
 *  @param what  the client's mistake, such as "sent a form that ends early"; the client sees it, too */
export function refuse(status: number, what: string): never {
  throw new HttpError(text(`The client ${what}\n`, { status }), `client: ${what}`);
}

/** Refuses a body that is too long. */
export const tooLarge = (maxBytes: number): never => refuse(413, `sent more than ${maxBytes} bytes`);

/** Refuses a body of another type. */
export const wrongType = (environ: Environ, expected: string): never =>
  refuse(415, `sent ${quote(environ.CONTENT_TYPE ?? '')} instead of ${expected}`);

/** The media type of the request body in lower case, without parameters. */
export function mediaType({ CONTENT_TYPE = '' }: Environ): string {
  return (CONTENT_TYPE.split(';', 1)[0] as string).trim().toLowerCase();
}

/** The parameters of the query string. A name may occur several times: `get` gives the first value, `getAll` all.
 *  @example
 *  ```ts
 *  import { query } from 'wsgi-edge/http';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  query(testEnviron({ QUERY_STRING: 'a=1&a=caf%C3%A9' })).getAll('a'); //=> ['1', 'café']
 *  ``` */
export function query(environ: Environ): URLSearchParams {
  return new URLSearchParams(decodeNative(environ.QUERY_STRING));
}

/** The path of the request within the application, decoded for people: PATH_INFO as text. Don't route by it, because bytes
 *  that are not UTF-8 become U+FFFD.
 *  @example
 *  ```ts
 *  import { pathText } from 'wsgi-edge/http';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  pathText(testEnviron({ PATH_INFO: '/caf\u00c3\u00a9' })); //=> '/café'
 *  ``` */
export function pathText(environ: Environ): string {
  return decodeNative(environ.PATH_INFO);
}

/** The cookies of the request by name, decoded. The first of several with the same name counts (RFC 6265, section 5.4). The
 *  object has no prototype.
 *  @example
 *  ```ts
 *  import { cookies } from 'wsgi-edge/http';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  cookies(testEnviron({ HTTP_COOKIE: 'theme=dark; name=Zo%C3%AB' })).name; //=> 'Zoë'
 *  ``` */
export function cookies(environ: Environ): Record<string, string | undefined> {
  return parseCookie(decodeNative(environ.HTTP_COOKIE ?? ''));
}

/** The attributes of a cookie (RFC 6265, section 5.2). */
export interface CookieOptions {
  /** Seconds; 0 deletes the cookie. Without it, the cookie lasts as long as the browser's session. */
  maxAge?: number;
  /** "/" by default. */
  path?: string;
  domain?: string;
  httpOnly?: boolean;
  secure?: boolean;
  sameSite?: 'strict' | 'lax' | 'none';
  partitioned?: boolean;
}

/** Makes the header that sets a cookie. The value is ordinary text and is percent-encoded.
 *  @throws {WsgiError} when the name, the path or another part can't stand in the header
 *  @example
 *  ```ts
 *  import { redirect, setCookie } from 'wsgi-edge/http';
 *
 *  setCookie('theme', 'dark', { maxAge: 3600, httpOnly: true });
 *  //=> ['Set-Cookie', 'theme=dark; Max-Age=3600; Path=/; HttpOnly']
 *  redirect('/', { headers: [setCookie('theme', '', { maxAge: 0 })] });
 *  ``` */
export function setCookie(name: string, value: string, options: CookieOptions = {}): [name: string, value: string] {
  try {
    return ['Set-Cookie', stringifySetCookie({ path: '/', ...options, name, value }, { encode: encodeURIComponent })];
  } catch (error) {
    throw new WsgiError(`setCookie: ${(error as Error).message}`, { cause: error });
  }
}

/** The whole request body.
 *  @throws {HttpError} (as a rejection) with 413 when it is longer than `maxBytes`
 *  @example
 *  ```ts
 *  import { body } from 'wsgi-edge/http';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  (await body(testEnviron({}, 'four'), { maxBytes: 100 })).length; //=> 4
 *  ``` */
export async function body(
  environ: Environ,
  { maxBytes = MAX_BYTES }: ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { CONTENT_LENGTH: length, 'wsgi.input': input } = environ;
  // This order refuses every body if the limit is NaN.
  if (!(Number(length ?? 0) <= maxBytes)) return tooLarge(maxBytes);
  // A known body is read in one step. read(size) gives fewer bytes only at the end, so one more tells that it is too long.
  const limited = length === undefined && maxBytes !== Number.POSITIVE_INFINITY;
  const bytes = await (limited ? input.read(maxBytes + 1) : input.read());
  return bytes.length <= maxBytes ? bytes : tooLarge(maxBytes);
}

/** The request body as JSON, from `application/json` or a type that ends with `+json`. Other types are refused: a form of
 *  another site can send `text/plain` with the cookies of this one.
 *  @typeParam T  the type to use it as; nothing checks it
 *  @throws {HttpError} (as a rejection) with 415 for another type, 413 when it is longer than `maxBytes`, and 400 when it is
 *    not JSON in UTF-8
 *  @example
 *  ```ts
 *  import { jsonBody } from 'wsgi-edge/http';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  const environ = testEnviron({ CONTENT_TYPE: 'application/json' }, '{"url":"http://h/"}');
 *  (await jsonBody<{ url?: unknown }>(environ)).url; //=> 'http://h/'
 *  ``` */
export async function jsonBody<T = unknown>(environ: Environ, options?: ReadOptions): Promise<T> {
  if (!/^application\/json$|\+json$/.test(mediaType(environ))) return wrongType(environ, 'application/json');
  const content = bytesToTextOrNull(await body(environ, options));
  try {
    return JSON.parse(content ?? '');
  } catch {
    return refuse(400, 'sent a body that is not JSON in UTF-8');
  }
}

/** The media type that the client prefers, by its Accept header (RFC 9110, section 12.5.1). Between equal ones the first
 *  counts; without the header any is accepted.
 *  @param types  in the order of the application's preference
 *  @returns undefined if the client accepts none of them
 *  @example
 *  ```ts
 *  import { accepts } from 'wsgi-edge/http';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  const environ = testEnviron({ HTTP_ACCEPT: 'text/html;q=0.5, application/*' });
 *  accepts(environ, 'text/html', 'application/json'); //=> 'application/json'
 *  ``` */
export function accepts<Type extends string>(environ: Environ, ...types: Type[]): Type | undefined {
  if (!environ.HTTP_ACCEPT) return types[0];
  const weights = weightsOf(environ.HTTP_ACCEPT);
  const weightOf = (type: string) =>
    weights.get(type) ?? weights.get(type.replace(/\/.*/, '/*')) ?? weights.get('*/*') ?? 0;
  return types.filter(weightOf).sort((a, b) => weightOf(b) - weightOf(a))[0];
}
