import type { Connection } from './connection.js';
import { createErrorStream } from './error-stream.js';
import { FileWrapper } from './file-wrapper.js';
import type { Gateway } from './gateway.js';
import { createInputStream, type InputSource } from './input-stream.js';
import type { Environ } from './types.js';
import { splitAuthority } from './url.js';

/** The version of this package, as SERVER_SOFTWARE names it. */
export const VERSION = '0.1.0';
const SOFTWARE = `wsgi-edge/${VERSION}`;

/** The request line, and the facts about the connection. Strings are native strings. */
export interface RequestLine {
  method: string;
  /** The path, percent-decoded once. */
  path: string;
  /** Without the `?`. */
  query: string;
  /** The undecoded path and query, if the platform still has them. */
  rawUri: string | undefined;
  scheme: string;
  protocol: string;
  remoteAddr: string | undefined;
}

const fileWrapper: Environ['wsgi.file_wrapper'] = (source, blockSize) => new FileWrapper(source, blockSize);

/** Begins the environ of a request. A target then adds the request headers, `setServer`, `setInput` and its platform's own
 *  keys. PEP 3333, "environ Variables". */
export function createEnviron(line: RequestLine, { errors }: Pick<Gateway, 'errors'>, connection: Connection): Environ {
  const { method, path, scheme, rawUri, remoteAddr } = line;
  const environ = {
    REQUEST_METHOD: method,
    SCRIPT_NAME: '',
    // The form of `OPTIONS *` has no meaning with another method (RFC 9112, section 3.2.4).
    PATH_INFO: path === '*' && method !== 'OPTIONS' ? '/*' : path,
    QUERY_STRING: line.query,
    SERVER_NAME: '', // setServer() tells
    SERVER_PORT: '',
    SERVER_PROTOCOL: line.protocol,
    SERVER_SOFTWARE: SOFTWARE,
    GATEWAY_INTERFACE: 'CGI/1.1',
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': scheme,
    'wsgi.errors': createErrorStream(errors),
    'wsgi.input': undefined, // setInput() makes it
    'wsgi.multithread': false,
    'wsgi.multiprocess': true,
    'wsgi.run_once': false,
    'wsgi.file_wrapper': fileWrapper,
    'wsgi.input_terminated': true,
    'wsgi_edge.wait_until': (promise: PromiseLike<unknown>) => connection.waitUntil(promise),
    'wsgi_edge.signal': connection.signal,
  } as unknown as Environ;
  if (rawUri !== undefined) {
    environ.REQUEST_URI = rawUri;
    environ.RAW_URI = rawUri;
  }
  setPeer(environ, scheme, remoteAddr);
  return environ;
}

/** Sets the scheme and the address of the peer, which some front ends tell by headers. */
export function setPeer(environ: Environ, scheme: string, remoteAddr: string | undefined): void {
  environ['wsgi.url_scheme'] = scheme;
  if (scheme === 'https') environ.HTTPS = 'on';
  if (remoteAddr !== undefined) environ.REMOTE_ADDR = remoteAddr;
}

/** Sets SERVER_NAME and SERVER_PORT from the authority that the request was sent to.
 *  @param host  "h", "h:8080", "[::1]:8080"; may be malformed or empty
 *  @param fallbackHost  SERVER_NAME if `host` is of no use, with `fallbackPort` */
export function setServer(environ: Environ, host: string, fallbackHost: string, fallbackPort?: string): void {
  const authority = splitAuthority(host);
  environ.SERVER_NAME = authority === null ? fallbackHost : authority.name;
  environ.SERVER_PORT =
    (authority === null ? fallbackPort : authority.port) ?? (environ['wsgi.url_scheme'] === 'https' ? '443' : '80');
}

/** Sets `wsgi.input`, once the request headers are there.
 *  @param maxBody  the longest body in bytes
 *  @param length  the true length of the body in bytes, if the target knows it; it replaces the header's */
export function setInput(environ: Environ, body: InputSource, maxBody: number, length?: number): void {
  if (length !== undefined) environ.CONTENT_LENGTH = String(length);
  const { CONTENT_LENGTH: given } = environ;
  environ['wsgi.input'] = createInputStream(body, given === undefined ? undefined : Number(given), maxBody);
}
