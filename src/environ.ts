import type { Connection } from './connection.js';
import { createErrorStream } from './error-stream.js';
import { FileWrapper } from './file-wrapper.js';
import type { Gateway } from './gateway.js';
import { createInputStream, type InputSource } from './input-stream.js';
import { percentDecode } from './native-string.js';
import type { Environ } from './types.js';
import { splitAuthority } from './url.js';

/** The version of this package, as SERVER_SOFTWARE names it. */
export const VERSION = '0.1.0';
const SOFTWARE = `wsgi-edge/${VERSION}`;

/** The request line. Strings are native strings. */
export interface RequestLine {
  method: string;
  /** The path, percent-decoded once. */
  path: string;
  /** Without the `?`. */
  query: string;
  protocol: string;
}

const fileWrapper: Environ['wsgi.file_wrapper'] = (source, blockSize) => new FileWrapper(source, blockSize);

/** Begins the environ of a request. The request headers follow, then `setPeer`, `setServer`, `setInput` and the platform's own
 *  keys: V8 keeps an object fast as long as computed keys are few and are added first.
 *  PEP 3333, "environ Variables". */
export function createEnviron({ method, path, query, protocol }: RequestLine, connection: Connection): Environ {
  const environ = {
    REQUEST_METHOD: method,
    SCRIPT_NAME: '',
    PATH_INFO: path,
    QUERY_STRING: query,
    SERVER_NAME: '', // setServer() tells
    SERVER_PORT: '',
    SERVER_PROTOCOL: protocol,
    SERVER_SOFTWARE: SOFTWARE,
    GATEWAY_INTERFACE: 'CGI/1.1',
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': 'http', // setPeer() tells
    'wsgi.errors': createErrorStream(connection),
    'wsgi.input': undefined, // setInput() makes it
    'wsgi.multithread': false,
    'wsgi.multiprocess': true,
    'wsgi.run_once': false,
    'wsgi.file_wrapper': fileWrapper,
    'wsgi.input_terminated': true,
    'wsgi_edge.wait_until': (promise: PromiseLike<unknown>) => connection.waitUntil(promise),
    'wsgi_edge.request_id': '', // setRequestId() tells
  } as unknown as Environ;
  connection.environ = environ;
  return environ;
}

// Visible ASCII: the id goes into the log and onto a page.
const ID = /^[\x21-\x7e]{1,128}$/;
// Made at the first request: Workers forbid random numbers outside of requests.
let prefix: string | undefined;
let count = 0;

/** Sets `wsgi_edge.request_id`, after the headers have been added: to the client's id if it is trusted, else to the platform's,
 *  else to a number after a random prefix, because a random id for each request costs more.
 *  @param given  the platform's id */
export function setRequestId(environ: Environ, { trustRequestId }: Gateway, given?: string): void {
  environ['wsgi_edge.request_id'] = (trustRequestId && idOf(environ.HTTP_X_REQUEST_ID)) || given || nextId();
}

/** A header as an id, if it can be one. */
export function idOf(value: string | undefined): string | undefined {
  return value !== undefined && ID.test(value) ? value : undefined;
}

/** An id that no other request has. */
function nextId(): string {
  prefix ??= Math.random().toString(36).slice(2, 12);
  return `${prefix}-${++count}`;
}

/** Sets the scheme, the address of the peer and `wsgi_edge.signal`. The signal is not a lazy accessor, because that
 *  saves only 1 µs in workerd and costs more than the signal in Node. */
export function setPeer(
  environ: Environ,
  connection: Connection,
  scheme: string,
  remoteAddr: string | undefined,
): void {
  environ['wsgi.url_scheme'] = scheme;
  if (scheme === 'https') environ.HTTPS = 'on';
  if (remoteAddr !== undefined) environ.REMOTE_ADDR = remoteAddr;
  environ['wsgi_edge.signal'] = connection.signal;
}

/** Sets path and query from the target of a request line.
 *  @param rawUri  the target as received, if it was changed afterwards */
export function setTarget(environ: Environ, target: string, rawUri = target): void {
  const mark = target.indexOf('?');
  const path = percentDecode(mark < 0 ? target : target.slice(0, mark));
  // The form of `OPTIONS *` has no meaning with another method (RFC 9112, section 3.2.4).
  environ.PATH_INFO = path === '*' && environ.REQUEST_METHOD !== 'OPTIONS' ? '/*' : path;
  environ.QUERY_STRING = mark < 0 ? '' : target.slice(mark + 1);
  environ.REQUEST_URI = rawUri;
  environ.RAW_URI = rawUri;
}

/** Sets SERVER_NAME and SERVER_PORT from the authority that the request was sent to.
 *  @param host  "h", "h:8080", "[::1]:8080"; may be malformed or empty
 *  @param fallbackHost  SERVER_NAME if `host` can't be used, with `fallbackPort` */
export function setServer(environ: Environ, host: string, fallbackHost: string, fallbackPort?: string): void {
  const authority = splitAuthority(host);
  environ.SERVER_NAME = authority === null ? fallbackHost : authority.name;
  environ.SERVER_PORT =
    (authority === null ? fallbackPort : authority.port) ?? (environ['wsgi.url_scheme'] === 'https' ? '443' : '80');
}

/** Sets `wsgi.input`, after the request headers have been added.
 *  @param maxBody  the longest body in bytes
 *  @param length  the true length of the body in bytes, if the target knows it; it replaces the header's */
export function setInput(environ: Environ, body: InputSource, maxBody: number, length?: number): void {
  if (length !== undefined) environ.CONTENT_LENGTH = String(length);
  const { CONTENT_LENGTH: given } = environ;
  environ['wsgi.input'] = createInputStream(body, given === undefined ? undefined : Number(given), maxBody);
}
