import { setInput, setServer } from '../../../src/environ.js';
import { quote } from '../../../src/errors.js';
import type { Gateway } from '../../../src/gateway.js';
import { isToken } from '../../../src/headers.js';
import { bytesSource } from '../../../src/input-stream.js';
import { encodeNative } from '../../../src/native-string.js';
import type { Environ } from '../../../src/types.js';
import { splitAuthority } from '../../../src/url.js';

const EMPTY = new Uint8Array(0);

/** An object of an event, or an empty object if it is missing. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A string of an event that is not empty. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A string of an event as a native string, "" if there is none.
 *  @throws {TypeError} when it is something else */
export function nativeOf(value: string | null | undefined): string {
  return encodeNative(stringOf(value));
}

function stringOf(value: unknown): string {
  if (value !== undefined && value !== null && typeof value !== 'string')
    throw new TypeError(`${quote(value)} is not a string`);
  return value ?? '';
}

/** The method of a request.
 *  @throws {TypeError} when it is not a token */
export function methodOf(method: string): string {
  if (method !== 'GET' && !isToken(stringOf(method))) throw new TypeError(`${quote(method)} is not a method`);
  return method;
}

/** A path as a native string. */
export function pathOf(path: string | null | undefined): string {
  const native = nativeOf(path);
  return native.startsWith('/') ? native : `/${native}`;
}

/** REQUEST_URI of a front end that sends the path as the client spelled it. */
export function uriOf(path: string, query: string): string {
  return query === '' ? path : `${path}?${query}`;
}

/** Sets REQUEST_URI. */
export function setUri(environ: Environ, uri: string): void {
  environ.REQUEST_URI = uri;
  environ.RAW_URI = uri;
}

/** The protocol of the request, if the event has a sensible one. */
export function protocolOf(protocol: unknown): string {
  if (protocol === 'HTTP/1.1') return protocol;
  return typeof protocol === 'string' && /^HTTP\/[0-9](\.[0-9])?$/.test(protocol) ? protocol : 'HTTP/1.1';
}

/** Sets the body with its true length, which may differ from the header. A request with neither a body nor the header
 *  has no length. */
export function setBody(
  environ: Environ,
  body: string | null | undefined,
  base64: boolean | null | undefined,
  { maxBody }: Gateway,
): void {
  const bytes = body ? Buffer.from(stringOf(body), base64 ? 'base64' : 'utf8') : EMPTY;
  const told = bytes.length > 0 || environ.CONTENT_LENGTH !== undefined;
  setInput(environ, bytesSource(bytes), maxBody, told ? bytes.length : undefined);
}

/** Sets SERVER_NAME and SERVER_PORT, after the headers have been added.
 *  @param domain  the front end's own name, if it has one
 *  @param port  the port if the Host header has no valid one */
export function setHost(environ: Environ, domain?: string | null, port?: string): void {
  const host = environ.HTTP_HOST ?? nativeOf(domain);
  // process.env is slow to read, and most hosts are well formed.
  const fallback =
    splitAuthority(host) === null
      ? (splitAuthority(nativeOf(domain))?.name ?? (process.env.AWS_LAMBDA_FUNCTION_NAME || 'localhost'))
      : '';
  setServer(environ, host, fallback, port);
}

/** Sets AUTH_TYPE and REMOTE_USER for a user whom the front end has authenticated.
 *  @param name  undefined if the authorizer does not provide it */
export function setUser(environ: Environ, authType: string, name: string | undefined): void {
  environ.AUTH_TYPE = authType;
  // A token may contain any name, and a name with a line break would forge log lines.
  if (name !== undefined && !/[\x00-\x1f\x7f]/.test(name)) environ.REMOTE_USER = encodeNative(name);
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Reads an IP address in the forms that events use: with spaces around it (a capture of 2020), with a network's size
 *  (AWS's own samples), with a port (the load balancer's `xff_client_port`), or no address at all (the console's
 *  test). */
export function addressOf(given: string | null | undefined): string | undefined {
  if (given === undefined || given === null) return undefined;
  // test() would accept an array with one address.
  const sent = stringOf(given);
  if (IPV4.test(sent)) return sent;
  const bare = sent.trim().replace(/\/\d+$/, '');
  const address = /^\[(.*)\](:\d+)?$/.exec(bare)?.[1] ?? /^([\d.]+):\d+$/.exec(bare)?.[1] ?? bare;
  return isAddress(address) ? address : undefined;
}

// The import of node:net, for its isIP, would take longer than all of this package.
function isAddress(text: string): boolean {
  return IPV4.test(text) || (/^[\da-f:.]+$/i.test(text) && text.includes(':') && URL.canParse(`http://[${text}]`));
}

/** The name in the claims of a token: its subject (RFC 7519, section 4.1.2), or Cognito's field for it. */
export function subjectOf(claims: Record<string, unknown>): string | undefined {
  return text(claims.sub) ?? text(claims['cognito:username']) ?? text(claims.username);
}
