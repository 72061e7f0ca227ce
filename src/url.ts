import { encodeNative, percentDecode, percentEncode } from './native-string.js';
import type { Environ } from './types.js';

// wsgiref.util leaves these unescaped in a path, in addition to the unreserved characters.
const PATH_SAFE = '/;=,';

/** The scheme by the CGI variable `HTTPS`: "on", "yes" and "1" mean https. For gateways that have no other source. As
 *  `wsgiref.util.guess_scheme`.
 *  @example
 *  ```ts
 *  import { guessScheme } from 'wsgi-edge';
 *
 *  guessScheme({ HTTPS: 'on' }); //=> 'https'
 *  ``` */
export function guessScheme(environ: { HTTPS?: string | undefined }): 'http' | 'https' {
  return /^(on|yes|1)$/.test(environ.HTTPS ?? '') ? 'https' : 'http';
}

/** The URL of the application: scheme, host and SCRIPT_NAME. PEP 3333, "URL Reconstruction".
 *  @example
 *  ```ts
 *  import { applicationUri } from 'wsgi-edge';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  applicationUri(testEnviron({ SCRIPT_NAME: '/app' })); //=> 'http://127.0.0.1/app'
 *  ``` */
export function applicationUri(environ: Environ): string {
  return `${origin(environ)}${percentEncode(environ.SCRIPT_NAME, PATH_SAFE) || '/'}`;
}

/** The URL of the request. PEP 3333, "URL Reconstruction".
 *  @param includeQuery  false leaves the query string out
 *  @example
 *  ```ts
 *  import { requestUri } from 'wsgi-edge';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  requestUri(testEnviron({ PATH_INFO: '/a b', QUERY_STRING: 'c=d' })); //=> 'http://127.0.0.1/a%20b?c=d'
 *  ``` */
export function requestUri(environ: Environ, includeQuery = true): string {
  const path = percentEncode(environ.SCRIPT_NAME, PATH_SAFE) + percentEncode(environ.PATH_INFO, PATH_SAFE);
  const query = includeQuery && environ.QUERY_STRING ? `?${environ.QUERY_STRING}` : '';
  return `${origin(environ)}${path.startsWith('/') ? '' : '/'}${path}${query}`;
}

/** Scheme and authority of the request: the Host header, or SERVER_NAME and SERVER_PORT. */
function origin(environ: Environ): string {
  const scheme = environ['wsgi.url_scheme'];
  if (environ.HTTP_HOST) return `${scheme}://${environ.HTTP_HOST}`;
  const { SERVER_NAME: name, SERVER_PORT: port } = environ;
  return `${scheme}://${name}${port === (scheme === 'https' ? '443' : '80') ? '' : `:${port}`}`;
}

// The paths that shiftPathInfo left in an environ. It cleans other paths first, so a loop over all segments cleans once
// and takes linear time.
const cleanPaths = new WeakMap<Environ, { script: string; path: string }>();

/** Moves the first segment of PATH_INFO to SCRIPT_NAME, in place, and returns it: "" for a trailing slash, null when
 *  nothing is left. Drops empty and "." segments in the middle. As `wsgiref.util.shift_path_info`.
 *  @example
 *  ```ts
 *  import { shiftPathInfo } from 'wsgi-edge';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  const environ = testEnviron({ PATH_INFO: '/users/7' });
 *  shiftPathInfo(environ); //=> 'users'
 *  [environ.SCRIPT_NAME, environ.PATH_INFO]; //=> ['/users', '/7']
 *  ``` */
export function shiftPathInfo(environ: Environ): string | null {
  const { SCRIPT_NAME, PATH_INFO } = environ;
  if (!PATH_INFO.includes('/')) return null;
  const clean = cleanPaths.get(environ);
  const script = clean?.script === SCRIPT_NAME ? SCRIPT_NAME : normalize(SCRIPT_NAME);
  const path = clean?.path === PATH_INFO ? PATH_INFO : PATH_INFO.replace(/\/\.?(?=\/)/g, '');
  const start = path.indexOf('/');
  const next = path.indexOf('/', start + 1);
  const end = next < 0 ? path.length : next;
  const name = path.slice(start + 1, end);
  environ.SCRIPT_NAME = joined(script, name);
  environ.PATH_INFO = path.slice(0, start) + path.slice(end);
  if (name !== '') cleanPaths.set(environ, { script: environ.SCRIPT_NAME, path: environ.PATH_INFO });
  return name === '.' ? null : name;
}

// A normalized path with one more segment.
function joined(path: string, segment: string): string {
  if (segment === '.') return path;
  if (segment === '..') return path.slice(0, Math.max(0, path.lastIndexOf('/')));
  return `${path}/${segment}`;
}

// A path without empty, "." and ".." segments, and without a trailing slash.
function normalize(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(`/${segment}`);
  }
  return kept.join('');
}

/** Moves a prefix (ordinary text such as "/app") from PATH_INFO to SCRIPT_NAME, in place. Returns false and changes nothing
 *  when the path is not below the prefix at a "/" boundary. */
export function enterMount(environ: Environ, prefix: string): boolean {
  const native = encodeNative(prefix);
  const path = environ.PATH_INFO;
  if (!path.startsWith(native) || (path.length > native.length && path[native.length] !== '/')) return false;
  environ.SCRIPT_NAME += native;
  environ.PATH_INFO = path.slice(native.length);
  return true;
}

/** PATH_INFO for a URL that is parsed again: as the client spelled it if REQUEST_URI still matches, otherwise escaped. */
export function rawPathInfo(environ: Environ): string {
  const raw = environ.REQUEST_URI?.split('?', 1)[0];
  const { SCRIPT_NAME: script, PATH_INFO: path } = environ;
  if (raw !== undefined && percentDecode(raw) === script + path) {
    // PATH_INFO follows the raw prefix that decodes to SCRIPT_NAME.
    let end = 0;
    for (let decoded = 0; decoded < script.length; decoded++)
      end += /^%[0-9a-f]{2}/i.test(raw.slice(end, end + 3)) ? 3 : 1;
    if (raw[end] === '/' || end === raw.length) return escapeRaw(raw.slice(end)).replaceAll('\\', '%5C');
  }
  return percentEncode(path, `${PATH_SAFE}:@!$&'()*+`);
}

/** Escapes a raw query or path for a URL that is parsed again. The parser would cut off a fragment, drop white space, and
 *  encode bytes above U+007F as text. A path also needs its backslashes escaped, because the parser makes them slashes. */
export function escapeRaw(raw: string): string {
  return raw.replace(/[\x00-\x20\x7f-\xff#]/g, (char) => percentEncode(char, ''));
}

/** The host and the port of an authority. */
export interface Authority {
  name: string;
  port: string | undefined;
}

// Most requests have the Host of the one before, and both environ and admission ask for its parts.
let lastAuthority = '';
let lastParts: Authority | null = null;

/** The parts of an authority ("h", "h:80", "[::1]:80"), or null when it is malformed. */
export function splitAuthority(authority: string): Authority | null {
  if (authority !== lastAuthority) {
    lastAuthority = authority;
    lastParts = parseAuthority(authority);
  }
  return lastParts;
}

function parseAuthority(authority: string): Authority | null {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=\u0080-\u00ff-]+)(?::([0-9]{0,5}))?$/.exec(authority);
  const port = Number(match?.[2] || 80);
  if (match?.[1] === undefined || port === 0 || port > 65_535) return null;
  return { name: match[1], port: match[2] || undefined };
}
