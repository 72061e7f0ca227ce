// What the events of all front ends have in common: a path, a body, a host, an address, a user.
import type { RequestFields } from '../../../src/environ.js';
import { quote } from '../../../src/errors.js';
import { isToken } from '../../../src/headers.js';
import { bytesSource } from '../../../src/input-stream.js';
import { encodeNative } from '../../../src/native-string.js';
import { splitAuthority } from '../../../src/url.js';
import { type EventHeaders, eachHeader, firstValue } from './maps.js';

const EMPTY = new Uint8Array(0);

/** The part of an environ that an event tells. Strings are native strings. */
export interface EventFields
  extends Pick<
    RequestFields,
    | 'method'
    | 'path'
    | 'query'
    | 'rawUri'
    | 'scheme'
    | 'host'
    | 'fallbackHost'
    | 'fallbackPort'
    | 'protocol'
    | 'remoteAddr'
    | 'eachHeader'
    | 'contentLength'
    | 'body'
  > {
  /** The part of the client's path that is no part of `path`. */
  scriptName?: string;
  user?: User | undefined;
  /** Whether the front end has cut the body. */
  truncated?: boolean;
}

/** Whom the front end has let in, and by what. */
export interface User {
  authType: string;
  /** Absent where the authorizer does not tell. */
  name?: string | undefined;
}

/** Any object of an event, empty where there is none. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A string of an event that is not empty. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A string of an event as a native string, "" where there is none.
 *  @throws {TypeError} when it is something else */
export function nativeOf(value: string | null | undefined): string {
  return encodeNative(stringOf(value));
}

function stringOf(value: unknown): string {
  if (value !== undefined && value !== null && typeof value !== 'string')
    throw new TypeError(`${quote(value)} is no string`);
  return value ?? '';
}

/** The method of a request.
 *  @throws {TypeError} when it is none */
export function methodOf(method: string): string {
  if (!isToken(stringOf(method))) throw new TypeError(`${quote(method)} is no method`);
  return method;
}

/** A path as a native string. */
export function pathOf(path: string | null | undefined): string {
  const native = nativeOf(path);
  return native.startsWith('/') ? native : `/${native}`;
}

/** What the headers of all events tell, and the body with its true length: the header may differ from what arrived, or be
 *  absent. A request with neither a body nor the header has no length. */
export function entityOf(headers: EventHeaders, body: string | null | undefined, base64: boolean | null | undefined) {
  const bytes = body ? Buffer.from(stringOf(body), base64 ? 'base64' : 'utf8') : EMPTY;
  return {
    eachHeader: eachHeader(headers),
    body: bytesSource(() => bytes),
    ...(bytes.length > 0 || headers.has('content-length') ? { contentLength: bytes.length } : {}),
  } satisfies Partial<EventFields>;
}

/** The host that a request was for.
 *  @param domain  the front end's own name, where it has one */
export function hostOf(headers: EventHeaders, domain?: string | null) {
  const own = nativeOf(domain);
  const header = firstValue(headers, 'host');
  return {
    host: header === undefined ? own : encodeNative(header.trim()),
    fallbackHost: splitAuthority(own)?.name ?? (process.env.AWS_LAMBDA_FUNCTION_NAME || 'localhost'),
  } satisfies Partial<EventFields>;
}

/** The protocol of the request, where the event has a sensible one. */
export function protocolOf(protocol: string | null | undefined): string {
  return protocol && /^HTTP\/[0-9](\.[0-9])?$/.test(protocol) ? protocol : 'HTTP/1.1';
}

/** An IP address from what events have in its place: spaces around it (a capture of 2020), a network's size behind it
 *  (AWS's own samples), a port (the load balancer's `xff_client_port`), or no address at all (the console's test). */
export function addressOf(given: string | null | undefined): string | undefined {
  const bare = given?.trim().replace(/\/\d+$/, '') ?? '';
  const address = /^\[(.*)\](:\d+)?$/.exec(bare)?.[1] ?? /^([\d.]+):\d+$/.exec(bare)?.[1] ?? bare;
  return isAddress(address) ? address : undefined;
}

const IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;

// Not `isIP` of node:net: the import of that module takes longer than all of this package.
function isAddress(text: string): boolean {
  return IPV4.test(text) || (/^[\da-f:.]+$/i.test(text) && text.includes(':') && URL.canParse(`http://[${text}]`));
}

/** The name in the claims of a token: its subject (RFC 7519, section 4.1.2), or what Cognito has instead. */
export function subjectOf(claims: Record<string, unknown>): string | undefined {
  return text(claims.sub) ?? text(claims['cognito:username']) ?? text(claims.username);
}
