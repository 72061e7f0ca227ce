import { nameOf, quote } from './errors.js';
import { isNative } from './native-string.js';
import type { HeaderList } from './types.js';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110, section 5.6.2
// PEP 3333 forbids control characters; RFC 9110 allows the tab.
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
]);

/** Whether `text` is a token, as names of headers and methods are (RFC 9110, section 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether `name` is a hop-by-hop header, which belongs to the server alone. PEP 3333, "Other HTTP Features"; as
 *  `wsgiref.util.is_hop_by_hop`. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase());
}

/** What is wrong with a status line, or null. PEP 3333, "The start_response() Callable". */
export function statusFault(status: unknown): string | null {
  if (typeof status !== 'string') return `status must be a string such as "200 OK", not ${nameOf(status)}`;
  if (!/^[0-9]{3} /.test(status)) return `status ${quote(status)} is not three digits, a space and a reason`;
  if (CONTROL.test(status) || status.includes('\t')) return `status ${quote(status)} contains ${controlIn(status)}`;
  if (!isNative(status)) return `status ${quote(status)} has a code unit above U+00FF; encodeNative() makes it bytes`;
  return null;
}

/** What is wrong with response headers, or null. PEP 3333, "The start_response() Callable". */
export function headersFault(headers: unknown): string | null {
  if (!Array.isArray(headers)) return `headers must be an array of [name, value] pairs, not ${nameOf(headers)}`;
  let length: number | undefined;
  for (const pair of headers) {
    if (!Array.isArray(pair) || pair.length !== 2) return `header ${quote(pair)} is not a [name, value] pair`;
    const [name, value] = pair;
    if (typeof name !== 'string') return `header name must be a string, not ${nameOf(name)}`;
    if (!TOKEN.test(name)) return `header name ${quote(name)} is not a token (RFC 9110, section 5.6.2)`;
    if (typeof value !== 'string') return `header value for "${name}" must be a string, not ${nameOf(value)}`;
    if (CONTROL.test(value)) return `header value for "${name}" contains ${controlIn(value)}`;
    if (!isNative(value))
      return `header value for "${name}" has a code unit above U+00FF; encodeNative() makes it bytes`;
    if (isHopByHop(name)) return `header "${name}" is hop-by-hop and belongs to the server`;
    if (isContentLength(name)) {
      if (!/^[\t ]*[0-9]{1,15}[\t ]*$/.test(value)) return `Content-Length ${quote(value)} is not a number of bytes`;
      if (length !== undefined && length !== Number(value)) return 'two Content-Length headers that differ';
      length = Number(value);
    }
  }
  return null;
}

/** Copies response headers that are without fault, and tells their Content-Length in bytes: white space around a value is
 *  none of it (RFC 9110, section 5.5), and of a Content-Length that is there twice the first stays (section 8.6). */
export function copyHeaders(headers: HeaderList): { copy: HeaderList; length: number | undefined } {
  const copy: HeaderList = [];
  let length: number | undefined;
  for (const [name, value] of headers) {
    if (isContentLength(name)) {
      if (length !== undefined) continue;
      length = Number(value);
    }
    copy.push([name, trim(value)]);
  }
  return { copy, length };
}

const isContentLength = (name: string): boolean => name.length === 14 && name.toLowerCase() === 'content-length';

/** The first value of a header, or undefined. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  return headers.find((pair) => pair[0].toLowerCase() === name)?.[1];
}

/** The headers but those of one name (lower case). */
export function without(headers: HeaderList, name: string): HeaderList {
  return headers.filter((pair) => pair[0].toLowerCase() !== name);
}

// Names are the client's to choose: a bounded cache keeps a flood of them from growing it.
const KEY_CACHE_LIMIT = 512;
const keys = new Map<string, string | null>();

/** The environ key of a request header, or null for one that must not reach the application: a name with `_` (it would
 *  pass for one with `-`), `Proxy` (httpoxy, CVE-2016-5385), and `Transfer-Encoding`, which the platform has decoded. */
export function environKey(name: string): string | null {
  let key = keys.get(name);
  if (key === undefined) {
    key = foldName(name.toLowerCase());
    if (keys.size >= KEY_CACHE_LIMIT) keys.clear();
    keys.set(name, key);
  }
  return key;
}

function foldName(name: string): string | null {
  if (name === 'content-type') return 'CONTENT_TYPE';
  if (name === 'content-length') return 'CONTENT_LENGTH';
  if (name === 'proxy' || name === 'transfer-encoding' || !TOKEN.test(name) || name.includes('_')) return null;
  return `HTTP_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** Adds a request header (native strings) to environ as PEP 3333 and CGI (RFC 3875, section 4.1.18) name it; one that
 *  is there already gets the value joined: cookies with `; ` (RFC 9113, section 8.2.3), others with `, `. */
export function addRequestHeader(environ: Record<string, unknown>, name: string, value: string): void {
  const key = environKey(name);
  if (key === null) return;
  const earlier = environ[key];
  const trimmed = trim(value);
  environ[key] = earlier === undefined ? trimmed : `${earlier}${key === 'HTTP_COOKIE' ? '; ' : ', '}${trimmed}`;
}

// Not String.prototype.trim: it also cuts U+00A0, a byte that ends many UTF-8 characters. Nor a pattern: it would take
// quadratic time for a long run of spaces inside. The space after a last comma stays: a platform that joins lines makes
// ", " of a last one that is empty.
function trim(value: string): string {
  let from = 0;
  let to = value.length;
  while (from < to && isSpace(value[from])) from++;
  while (to > from && isSpace(value[to - 1])) to--;
  return value.slice(from, to > from && value[to - 1] === ',' ? to + 1 : to);
}

const isSpace = (char: string | undefined): boolean => char === ' ' || char === '\t';

function controlIn(text: string): string {
  const code = CONTROL.exec(text)?.[0].charCodeAt(0) ?? 9;
  const names: Record<number, string> = { 0: 'NUL', 10: 'LF', 13: 'CR' };
  return names[code] ?? `the control character 0x${code.toString(16).padStart(2, '0')}`;
}
