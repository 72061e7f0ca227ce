import { createErrorStream } from './error-stream.js';
import { FileWrapper } from './file-wrapper.js';
import { addRequestHeader } from './headers.js';
import { createInputStream, type InputSource } from './input-stream.js';
import type { Environ } from './types.js';
import { splitAuthority } from './url.js';

/** The version of this package, as SERVER_SOFTWARE names it. */
export const VERSION = '0.1.0';

/** A request as a target hands it over. Strings are native strings. */
export interface RequestFields {
  method: string;
  /** The path, percent-decoded once. */
  path: string;
  /** Without the `?`. */
  query: string;
  /** The undecoded path and query, where the platform still has them. */
  rawUri: string | undefined;
  scheme: string;
  /** The authority that the request was sent to: "h", "h:8080", "[::1]:8080"; may be malformed or empty. */
  host: string;
  /** SERVER_NAME and SERVER_PORT where `host` is of no use. */
  fallbackHost: string;
  fallbackPort?: string;
  protocol: string;
  remoteAddr: string | undefined;
  eachHeader: (add: (name: string, value: string) => void) => void;
  /** The true length of the body in bytes, where the target knows it; it goes before the header's. */
  contentLength?: number;
  body: InputSource;
  /** The longest body in bytes. */
  maxBody: number;
  signal: AbortSignal;
  waitUntil: (promise: PromiseLike<unknown>) => void;
  errors: (lines: string) => void;
}

const fileWrapper: Environ['wsgi.file_wrapper'] = (source, blockSize) => new FileWrapper(source, blockSize);

/** Assembles the environ of a request; a target adds its platform's own keys. PEP 3333, "environ Variables". */
export function createEnviron(fields: RequestFields): Environ {
  const { scheme, rawUri, remoteAddr } = fields;
  const authority = splitAuthority(fields.host);
  const defaultPort = scheme === 'https' ? '443' : '80';
  const environ = {
    REQUEST_METHOD: fields.method,
    SCRIPT_NAME: '',
    // The form of `OPTIONS *` says nothing with another method (RFC 9112, section 3.2.4).
    PATH_INFO: fields.path === '*' && fields.method !== 'OPTIONS' ? '/*' : fields.path,
    QUERY_STRING: fields.query,
    SERVER_NAME: authority === null ? fields.fallbackHost : authority.name,
    SERVER_PORT: (authority === null ? fields.fallbackPort : authority.port) ?? defaultPort,
    SERVER_PROTOCOL: fields.protocol,
    SERVER_SOFTWARE: `wsgi-edge/${VERSION}`,
    GATEWAY_INTERFACE: 'CGI/1.1',
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': scheme,
    'wsgi.errors': createErrorStream(fields.errors),
    'wsgi.multithread': false,
    'wsgi.multiprocess': true,
    'wsgi.run_once': false,
    'wsgi.file_wrapper': fileWrapper,
    'wsgi.input_terminated': true,
    'wsgi_edge.wait_until': fields.waitUntil,
    'wsgi_edge.signal': fields.signal,
  } as unknown as Environ; // wsgi.input follows when the headers tell its length
  if (rawUri !== undefined) {
    environ.REQUEST_URI = rawUri;
    environ.RAW_URI = rawUri;
  }
  if (remoteAddr !== undefined) environ.REMOTE_ADDR = remoteAddr;
  if (scheme === 'https') environ.HTTPS = 'on';
  fields.eachHeader((name, value) => addRequestHeader(environ, name, value));
  if (fields.contentLength !== undefined) environ.CONTENT_LENGTH = String(fields.contentLength);
  const { CONTENT_LENGTH: length } = environ;
  environ['wsgi.input'] = createInputStream(
    fields.body,
    length === undefined ? undefined : Number(length),
    fields.maxBody,
  );
  return environ;
}
