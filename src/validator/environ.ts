import { nameOf, quote } from '../errors.js';
import { isToken } from '../headers.js';
import { isNative } from '../native-string.js';
import type { Environ } from '../types.js';
import { breach, DETAILS, ENVIRON, FILE, HTTP, STREAMS, STRINGS } from './breach.js';

const REQUIRED = ['REQUEST_METHOD', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL'] as const;
const FLAGS = ['wsgi.multithread', 'wsgi.multiprocess', 'wsgi.run_once'] as const;

/** Checks the environ that a gateway, or middleware in its role, calls the application with.
 *  @throws {WsgiError} on the first breach */
export function checkEnviron(environ: Environ): void {
  checkObject(environ);
  checkVariables(environ);
  checkHeaders(environ);
  checkRequest(environ);
  checkServer(environ);
  checkWsgi(environ);
  checkExtensions(environ);
}

function checkObject(environ: Environ): void {
  //!# environ
  //! `environ` is a plain object with the prototype of `{}`.
  if (typeof environ !== 'object' || environ === null || Object.getPrototypeOf(environ) !== Object.prototype)
    breach('gateway', `environ must be a plain object, not ${nameOf(environ)}`, ENVIRON);
  //! An application may change it in any way: it is extensible, and its properties can be written and deleted.
  if (!Object.isExtensible(environ)) breach('gateway', 'environ can not be extended', DETAILS);
  for (const key of Reflect.ownKeys(environ)) {
    const own = Object.getOwnPropertyDescriptor(environ, key);
    if (!own?.configurable || !(own.writable || own.set))
      breach('gateway', `environ["${String(key)}"] can not be changed`, DETAILS);
    //! Its keys are strings, and its properties are enumerable.
    if (typeof key !== 'string')
      breach('gateway', `environ has the key ${String(key)}, which is not a string`, ENVIRON);
    if (!own.enumerable) breach('gateway', `environ["${key}"] is not enumerable`, ENVIRON);
  }
}

function checkVariables(environ: Environ): void {
  //! `REQUEST_METHOD`, `SERVER_NAME`, `SERVER_PORT` and `SERVER_PROTOCOL` are there and not empty.
  for (const key of REQUIRED) if (!environ[key]) breach('gateway', `environ["${key}"] is missing or empty`, ENVIRON);
  //! `SCRIPT_NAME`, `PATH_INFO` and `QUERY_STRING` are there; they may be empty.
  for (const key of ['SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING'])
    if (environ[key] === undefined) breach('gateway', `environ["${key}"] is missing`, ENVIRON);
  for (const key of Object.keys(environ)) {
    const value = environ[key];
    if (key.includes('.') && !key.startsWith('HTTP_')) continue;
    //! Every CGI variable (a key without a dot, or an `HTTP_` one) is a string.
    if (typeof value !== 'string')
      breach('gateway', `environ["${key}"] must be a string, not ${nameOf(value)}`, ENVIRON);
    //! Every CGI variable is a native string: a code unit of U+0000 to U+00FF for each byte.
    if (!isNative(value)) breach('gateway', `environ["${key}"] has a code unit above U+00FF`, STRINGS);
  }
}

function checkHeaders(environ: Environ): void {
  //! `HTTP_CONTENT_TYPE` and `HTTP_CONTENT_LENGTH` do not exist: the headers are `CONTENT_TYPE` and `CONTENT_LENGTH`.
  for (const key of ['CONTENT_TYPE', 'CONTENT_LENGTH'])
    if (`HTTP_${key}` in environ) breach('gateway', `environ has HTTP_${key} instead of ${key}`, ENVIRON);
  //! `HTTP_TRANSFER_ENCODING` does not exist: the gateway has decoded the body.
  if ('HTTP_TRANSFER_ENCODING' in environ)
    breach('gateway', 'environ has HTTP_TRANSFER_ENCODING, which is for the gateway to decode', HTTP);
  //! `HTTP_PROXY` does not exist: libraries take it for a setting (httpoxy, CVE-2016-5385).
  if ('HTTP_PROXY' in environ) breach('gateway', 'environ has HTTP_PROXY (httpoxy)', ENVIRON);
  for (const key of Object.keys(environ)) {
    if (!key.startsWith('HTTP_')) continue;
    //! The key of a request header is `HTTP_` and its name in capitals, with `_` for `-`.
    if (!/^HTTP_[!#$%&'*+.^_`|~0-9A-Z]+$/.test(key))
      breach('gateway', `environ["${key}"] is not the name of a header in capitals`, ENVIRON);
    //! The value of a request header has no CR, LF or NUL in it (RFC 9110).
    if (/[\r\n\0]/.test(environ[key] as string))
      breach('gateway', `environ["${key}"] has CR, LF or NUL in it: ${quote(environ[key])}`, ENVIRON);
  }
}

function checkRequest(environ: Environ): void {
  //! `REQUEST_METHOD` is a token (RFC 9110).
  if (!isToken(environ.REQUEST_METHOD))
    breach('gateway', `REQUEST_METHOD ${quote(environ.REQUEST_METHOD)} is not a token`, ENVIRON);
  //! `SCRIPT_NAME` is empty or starts with `/`, and is not just `/`.
  if (!/^(\/.+)?$/s.test(environ.SCRIPT_NAME))
    breach('gateway', `SCRIPT_NAME ${quote(environ.SCRIPT_NAME)} must be like "/app" or empty`, ENVIRON);
  //! `PATH_INFO` is empty or starts with `/`; it is `*` for `OPTIONS *`.
  if (!/^(\/|$)/.test(environ.PATH_INFO) && !(environ.PATH_INFO === '*' && environ.REQUEST_METHOD === 'OPTIONS'))
    breach('gateway', `PATH_INFO ${quote(environ.PATH_INFO)} must start with "/"`, ENVIRON);
  //! `PATH_INFO` is empty only below a mount, when `SCRIPT_NAME` is not empty.
  if (environ.PATH_INFO === '' && environ.SCRIPT_NAME === '')
    breach('gateway', 'SCRIPT_NAME and PATH_INFO are both empty; PATH_INFO must be "/"', ENVIRON);
  //! `QUERY_STRING` does not start with the `?` of the URL, as far as `REQUEST_URI` shows.
  if (environ.QUERY_STRING.startsWith('?') && environ.REQUEST_URI?.includes('??') === false)
    breach('gateway', `QUERY_STRING ${quote(environ.QUERY_STRING)} starts with the "?" of the URL`, ENVIRON);
  //! `CONTENT_LENGTH`, if present and not empty, is a number of bytes in decimal digits.
  if (environ.CONTENT_LENGTH && !/^[0-9]+$/.test(environ.CONTENT_LENGTH))
    breach('gateway', `CONTENT_LENGTH ${quote(environ.CONTENT_LENGTH)} is not a number of bytes`, ENVIRON);
}

function checkServer(environ: Environ): void {
  //! `SERVER_NAME` is a host: a name, an IPv4 address, or an IPv6 address in brackets.
  if (!/^(\[[0-9A-Fa-f:.]+\]|[^\0- "/:<>?@[\\\]^`{|}\x7f#]+)$/.test(environ.SERVER_NAME))
    breach('gateway', `SERVER_NAME ${quote(environ.SERVER_NAME)} is not a host`, ENVIRON);
  //! `SERVER_PORT` is decimal digits, 65535 at most.
  if (!/^[0-9]{1,5}$/.test(environ.SERVER_PORT) || Number(environ.SERVER_PORT) > 65_535)
    breach('gateway', `SERVER_PORT ${quote(environ.SERVER_PORT)} is not a port number`, ENVIRON);
  //! `SERVER_PROTOCOL` is `HTTP/` and a version, such as `HTTP/1.1` or `HTTP/2`.
  if (!/^HTTP\/[0-9](\.[0-9])?$/.test(environ.SERVER_PROTOCOL))
    breach('gateway', `SERVER_PROTOCOL ${quote(environ.SERVER_PROTOCOL)} is not like "HTTP/1.1"`, ENVIRON);
}

function checkWsgi(environ: Environ): void {
  //! `wsgi.version` is `[1, 0]`.
  const version: unknown = environ['wsgi.version'];
  if (!Array.isArray(version) || version.length !== 2 || version[0] !== 1 || version[1] !== 0)
    breach('gateway', `wsgi.version must be [1, 0], not ${quote(version)}`, ENVIRON);
  //! `wsgi.url_scheme` is `http` or `https`.
  if (!/^https?$/.test(environ['wsgi.url_scheme']))
    breach('gateway', `wsgi.url_scheme must be "http" or "https", not ${quote(environ['wsgi.url_scheme'])}`, ENVIRON);
  //! `wsgi.multithread`, `wsgi.multiprocess` and `wsgi.run_once` are booleans.
  for (const key of FLAGS)
    if (typeof environ[key] !== 'boolean')
      breach('gateway', `${key} must be a boolean, not ${nameOf(environ[key])}`, ENVIRON);
  //! `wsgi.input` has `read`, `readline`, `readlines` and asynchronous iteration.
  hasMethods(environ['wsgi.input'], 'wsgi.input', ['read', 'readline', 'readlines', Symbol.asyncIterator]);
  //! `wsgi.errors` has `write`, `writelines` and `flush`.
  hasMethods(environ['wsgi.errors'], 'wsgi.errors', ['write', 'writelines', 'flush']);
}

function checkExtensions(environ: Environ): void {
  //! `wsgi.input_terminated`, if present, is a boolean.
  const terminated: unknown = environ['wsgi.input_terminated'];
  if (terminated !== undefined && typeof terminated !== 'boolean')
    breach('gateway', `wsgi.input_terminated must be a boolean, not ${nameOf(terminated)}`, STREAMS);
  //! `wsgi.file_wrapper`, if present, is a function.
  if (environ['wsgi.file_wrapper'] !== undefined && typeof environ['wsgi.file_wrapper'] !== 'function')
    breach('gateway', 'wsgi.file_wrapper must be a function', FILE);
  //! `wsgi_edge.wait_until` is a function, and `wsgi_edge.signal` an AbortSignal.
  if (typeof environ['wsgi_edge.wait_until'] !== 'function')
    breach('gateway', 'wsgi_edge.wait_until must be a function', ENVIRON);
  if (typeof environ['wsgi_edge.signal']?.aborted !== 'boolean')
    breach('gateway', 'wsgi_edge.signal must be an AbortSignal', ENVIRON);
}

function hasMethods(stream: unknown, name: string, methods: PropertyKey[]): void {
  for (const method of methods)
    if (typeof (stream as Record<PropertyKey, unknown> | null | undefined)?.[method] !== 'function')
      breach('gateway', `${name} has no ${String(method)}()`, STREAMS);
}
