import { nameOf, quote } from './errors.js';
import { isNative } from './native-string.js';
import type { HeaderList } from './types.js';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110, section 5.6.2
// PEP 3333 forbids control characters; RFC 9110 allows the tab.
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const HOP_BY_HOP =
  /^(connection|keep-alive|proxy-(authenticate|authorization|connection)|te|trailers?|transfer-encoding|upgrade)$/;

/** A header name, folded once. */
export interface Name {
  /** In lower case. */
  folded: string;
  token: boolean;
  hopByHop: boolean;
  /** The environ key of a request header, or null for one that must not reach the application. */
  key: string | null;
}

// The cache is bounded, because clients choose the names and could make it grow without limit.
const CACHE_LIMIT = 512;
let names = new Map<string, Name>();

/** Folds a header name, through the cache of names. */
export function foldName(name: string): Name {
  let known = names.get(name);
  if (known === undefined) {
    const folded = name.toLowerCase();
    const token = TOKEN.test(name);
    known = { folded, token, hopByHop: HOP_BY_HOP.test(folded), key: token ? keyOf(folded) : null };
    if (names.size >= CACHE_LIMIT) names = new Map();
    names.set(name, known);
  }
  return known;
}

function keyOf(folded: string): string | null {
  if (folded === 'content-type') return 'CONTENT_TYPE';
  if (folded === 'content-length') return 'CONTENT_LENGTH';
  if (folded === 'proxy' || folded === 'transfer-encoding' || folded.includes('_')) return null;
  return `HTTP_${folded.toUpperCase().replaceAll('-', '_')}`;
}

/** Tells if `text` is a token, as header names and methods must be (RFC 9110, section 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Tells if `name` is a hop-by-hop header, which only the server may set. PEP 3333, "Other HTTP Features"; as
 *  `wsgiref.util.is_hop_by_hop`.
 *  @example
 *  ```ts
 *  import { isHopByHop } from 'wsgi-edge';
 *
 *  isHopByHop('Keep-Alive'); //=> true
 *  ``` */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.test(name.toLowerCase());
}

/** A header name in lower case, from the cache of names. */
export function lowerName(name: string): string {
  return foldName(name).folded;
}

/** The environ key of a request header, or null for one that must not reach the application: a name with `_` (it would
 *  look like one with `-`), `Proxy` (httpoxy, CVE-2016-5385), and `Transfer-Encoding`, which the platform has decoded. */
export function environKey(name: string): string | null {
  return foldName(name).key;
}

/** Adds a request header (native strings) to environ as PEP 3333 and CGI (RFC 3875, section 4.1.18) name it. The value of
 *  a repeated header is joined to the earlier one: cookies with `; ` (RFC 9113, section 8.2.3), others with `, `. */
export function addRequestHeader(environ: Record<string, unknown>, name: string, value: string): void {
  const { key } = foldName(name);
  if (key === null) return;
  const earlier = environ[key];
  const trimmed = trim(value);
  environ[key] = earlier === undefined ? trimmed : `${earlier}${key === 'HTTP_COOKIE' ? '; ' : ', '}${trimmed}`;
}

/** Sets a request header that the platform has already joined, trimmed and named in lower case. */
export function setRequestHeader(environ: Record<string, unknown>, name: string, value: string): void {
  const { key } = foldName(name);
  if (key !== null) environ[key] = value;
}

/** Returns the fault of a status line as text, or null. PEP 3333, "The start_response() Callable". */
export function statusFault(status: unknown): string | null {
  if (status === '200 OK') return null; // the usual one, at no cost
  if (typeof status !== 'string') return `status must be a string such as "200 OK", not ${nameOf(status)}`;
  if (!/^[0-9]{3} /.test(status)) return `status ${quote(status)} is not three digits, a space and a reason`;
  const fault = valueFault(status) ?? (status.includes('\t') ? 'contains the control character 0x09' : null);
  return fault === null ? null : `status ${quote(status)} ${fault}`;
}

/** Returns the fault of response headers as text, or null. PEP 3333, "The start_response() Callable". */
export function headersFault(headers: unknown): string | null {
  const checked = checkHeaders(headers);
  return typeof checked === 'string' ? checked : null;
}

/** Checked response headers, as a copy. */
export interface CheckedHeaders {
  /** Values are trimmed (RFC 9110, section 5.5). If Content-Length occurs twice, only the first stays (section 8.6). */
  copy: HeaderList;
  /** Content-Length in bytes, if there is one. */
  length: number | undefined;
  /** Content-Encoding, if there is one. */
  encoding: string | undefined;
}

/** Checks and copies response headers. PEP 3333, "The start_response() Callable".
 *  @returns the copy, or the fault as text */
export function checkHeaders(headers: unknown): CheckedHeaders | string {
  if (!Array.isArray(headers)) return `headers must be an array of [name, value] pairs, not ${nameOf(headers)}`;
  const copy: HeaderList = [];
  let length: number | undefined;
  let encoding: string | undefined;
  for (const pair of headers) {
    if (!Array.isArray(pair) || pair.length !== 2) return `header ${quote(pair)} is not a [name, value] pair`;
    const [name, value] = pair;
    if (typeof name !== 'string') return `header name must be a string, not ${nameOf(name)}`;
    const { folded, token, hopByHop } = foldName(name);
    if (!token) return `header name ${quote(name)} is not a token (RFC 9110, section 5.6.2)`;
    if (typeof value !== 'string') return `header value for "${name}" must be a string, not ${nameOf(value)}`;
    const fault = valueFault(value);
    if (fault !== null) return `header value for "${name}" ${fault}`;
    if (hopByHop) return `header "${name}" is hop-by-hop and belongs to the server`;
    if (folded === 'content-length') {
      if (!/^[\t ]*[0-9]{1,15}[\t ]*$/.test(value)) return `Content-Length ${quote(value)} is not a number of bytes`;
      if (length === Number(value)) continue;
      if (length !== undefined) return 'two Content-Length headers that differ';
      length = Number(value);
    }
    if (folded === 'content-encoding') encoding = value;
    copy.push([name, trim(value)]);
  }
  return { copy, length, encoding };
}

function valueFault(value: string): string | null {
  if (FIELD_VALUE.test(value)) return null;
  const control = CONTROL.exec(value)?.[0];
  if (control === undefined && !isNative(value)) return 'has a code unit above U+00FF; encodeNative() makes it bytes';
  const code = control?.charCodeAt(0) ?? 9;
  const known: Record<number, string> = { 0: 'NUL', 10: 'LF', 13: 'CR' };
  return `contains ${known[code] ?? `the control character 0x${code.toString(16).padStart(2, '0')}`}`;
}

/** The first value of a header, or undefined.
 *  @param folded  the name in lower case */
export function headerValue(headers: readonly (readonly [string, string])[], folded: string): string | undefined {
  for (const [name, value] of headers) if (lowerName(name) === folded) return value;
  return undefined;
}

/** The headers without the ones of a given name.
 *  @param folded  the name in lower case */
export function without<Pair extends readonly [string, string]>(headers: readonly Pair[], folded: string): Pair[] {
  return headers.filter((pair) => lowerName(pair[0]) !== folded);
}

/** A header value without spaces and tabs around it. */
// String.prototype.trim() would also cut U+00A0, a byte that ends many UTF-8 characters, and a regular expression would
// take quadratic time on a long run of spaces inside. The space after a last comma stays, because a platform that joins
// lines turns an empty last line into ", ".
export function trim(value: string): string {
  let from = 0;
  let to = value.length;
  if (to === 0 || !(isSpace(value.charCodeAt(0)) || isSpace(value.charCodeAt(to - 1)))) return value;
  while (from < to && isSpace(value.charCodeAt(from))) from++;
  while (to > from && isSpace(value.charCodeAt(to - 1))) to--;
  return value.slice(from, to > from && value[to - 1] === ',' ? to + 1 : to);
}

const isSpace = (code: number): boolean => code === 32 || code === 9;
