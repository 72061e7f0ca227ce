import { headerValue, without } from './headers.js';
import { statusPage } from './pages.js';
import type { Application, Environ, HeaderList } from './types.js';

// Rules of RFC 9110 that the middleware and the responses of this package share: validators, ranges, negotiation.

/** The validators of a representation. */
export interface Validators {
  /** An entity tag with its quotes: `"a"` or `W/"a"`. */
  etag?: string | undefined;
  /** Seconds since 1970. */
  modified?: number | undefined;
}

/** A range of bytes: the first and the last one. */
export interface ByteRange {
  first: number;
  last: number;
}

/** The time of an HTTP-date in seconds since 1970, or undefined if it is none. RFC 9110, section 5.6.7. */
export function parseHttpDate(text: string | undefined): number | undefined {
  // Date.parse() accepts much more, such as a bare number.
  if (text === undefined || !/^[A-Z][a-z]{2,8},? [\w: -]{14,24}( GMT)?$/.test(text)) return undefined;
  const time = Date.parse(/GMT$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

/** An HTTP-date of seconds since 1970. RFC 9110, section 5.6.7. */
export function formatHttpDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}

/** The validators in the headers of a response. */
export function validatorsOf(headers: HeaderList): Validators {
  const etag = headerValue(headers, 'etag');
  return {
    etag: etag !== undefined && /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : undefined,
    modified: parseHttpDate(headerValue(headers, 'last-modified')),
  };
}

// Evaluates the preconditions of a request for a representation that exists. RFC 9110, section 13.2.2. Returns the status
// that answers instead of the representation: 304 for GET and HEAD, 412; or undefined.
function precondition(environ: Environ, { etag, modified }: Validators): 304 | 412 | undefined {
  const { HTTP_IF_MATCH: ifMatch, HTTP_IF_NONE_MATCH: ifNoneMatch } = environ;
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, etag, isSameStrong)) return 412;
  } else {
    const unmodified = parseHttpDate(environ.HTTP_IF_UNMODIFIED_SINCE);
    if (unmodified !== undefined && modified !== undefined && modified > unmodified) return 412;
  }
  const reads = environ.REQUEST_METHOD === 'GET' || environ.REQUEST_METHOD === 'HEAD';
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, etag, isSameWeak)) return reads ? 304 : 412;
  } else if (reads) {
    const since = parseHttpDate(environ.HTTP_IF_MODIFIED_SINCE);
    if (since !== undefined && modified !== undefined && modified <= since) return 304;
  }
  return undefined;
}

const opaque = (tag: string): string => tag.replace(/^W\//, '');
const isSameWeak = (a: string, b: string): boolean => opaque(a) === opaque(b);
const isSameStrong = (a: string, b: string): boolean => a === b && !a.startsWith('W/');

function matches(list: string, etag: string | undefined, same: (a: string, b: string) => boolean): boolean {
  if (list.trim() === '*') return true;
  if (etag === undefined) return false;
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => same(tag, etag));
}

// The range that a GET asks for. RFC 9110, section 14. Several ranges are answered with the whole representation, as
// section 14.2 allows: many small or overlapping ones would cost more than that.
function requestedRange(
  environ: Environ,
  size: number,
  validators: Validators,
): ByteRange | 'unsatisfiable' | undefined {
  const { HTTP_RANGE: range, HTTP_IF_RANGE: ifRange } = environ;
  if (range === undefined || environ.REQUEST_METHOD !== 'GET') return undefined;
  if (ifRange !== undefined && !isUnchanged(ifRange, validators)) return undefined;
  const [, from = '', to = ''] = /^bytes=[\t ]*(\d{0,15})-(\d{0,15})[\t ]*$/i.exec(range) ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '')
    return Number(to) === 0 || size === 0 ? 'unsatisfiable' : { first: Math.max(0, size - Number(to)), last: size - 1 };
  if (to !== '' && Number(to) < Number(from)) return undefined; // invalid, so it is ignored
  if (Number(from) >= size) return 'unsatisfiable';
  return { first: Number(from), last: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

/** Decides by the conditions and the range of a request how a representation is sent. RFC 9110, sections 13 and 14.
 *  @param headers  of the whole representation
 *  @param size  its length in bytes; undefined if no range of it can be sent
 *  @returns an application that answers instead (304, 412, 416), the range to send, or undefined for all of it */
export function select(
  environ: Environ,
  headers: HeaderList,
  size: number | undefined,
  validators: Validators,
): Application | ByteRange | undefined {
  const refused = precondition(environ, validators);
  if (refused === 412) return statusPage('412 Precondition Failed');
  if (refused === 304)
    return (_environ, startResponse) => {
      startResponse('304 Not Modified', notModifiedHeaders(headers));
      return [];
    };
  const range = size === undefined ? undefined : requestedRange(environ, size, validators);
  if (range !== 'unsatisfiable') return range;
  return statusPage('416 Range Not Satisfiable', ['Content-Range', `bytes */${size}`]);
}

/** The headers that tell the range and its length. RFC 9110, section 14.4.
 *  @param size  the length of the whole representation in bytes */
export function rangeHeaders({ first, last }: ByteRange, size: number): HeaderList {
  return [
    ['Content-Range', `bytes ${first}-${last}/${size}`],
    ['Content-Length', String(last - first + 1)],
  ];
}

// RFC 9110, section 13.1.5: a strong comparison, and the exact date.
function isUnchanged(ifRange: string, { etag, modified }: Validators): boolean {
  if (/^(W\/)?"/.test(ifRange)) return etag !== undefined && isSameStrong(ifRange, etag);
  const date = parseHttpDate(ifRange);
  return date !== undefined && date === modified;
}

// RFC 9110, section 15.4.5; the others describe the body that is not sent. Set-Cookie and headers about access still hold.
const DESCRIBES_BODY = /^content-(encoding|language|length|range|type|disposition)$/;

/** The headers of a 304: the 200's without the ones that describe the body. */
function notModifiedHeaders(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => !DESCRIBES_BODY.test(name.toLowerCase()));
}

/** Adds a request header to Vary, in place, unless it is there. RFC 9110, section 12.5.5. */
export function addVary(headers: HeaderList, name: string): void {
  const given = headers.filter(([each]) => each.toLowerCase() === 'vary').map(([, value]) => value);
  const names = given.flatMap((value) => value.toLowerCase().split(',')).map((each) => each.trim());
  if (names.includes('*') || names.includes(name.toLowerCase())) return;
  const others = without(headers, 'vary');
  headers.splice(0, headers.length, ...others, ['Vary', [...given, name].filter((value) => value !== '').join(', ')]);
}

/** The weights in an Accept or Accept-Encoding header, by media range or coding in lower case: 1 without one. An item with a
 *  malformed weight is left out. RFC 9110, section 12.4.2. */
export function weightsOf(header: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const item of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
    const given = parameters.find((parameter) => /^q\s*=/.test(parameter)) ?? 'q=1';
    const [, weight] = /=\s*([01](?:\.\d{0,3})?)$/.exec(given) ?? [];
    if (name !== '' && weight !== undefined) weights.set(name, Number(weight));
  }
  return weights;
}

/** The coding of a list that the client prefers, by its Accept-Encoding. RFC 9110, section 12.5.3.
 *  @param offered  in the order of the server's preference, which decides if the client gives them the same weight
 *  @returns undefined if the client accepts none of them, or prefers the body without a coding */
export function acceptedEncoding<Coding extends string>(
  accept: string | undefined,
  offered: readonly Coding[],
): Coding | undefined {
  if (accept === undefined) return undefined;
  const weights = weightsOf(accept);
  const weightOf = (coding: string): number => weights.get(coding) ?? weights.get('*') ?? 0;
  let best: Coding | undefined;
  for (const coding of offered) if (weightOf(coding) > (best === undefined ? 0 : weightOf(best))) best = coding;
  return best !== undefined && weightOf(best) >= (weights.get('identity') ?? 0) ? best : undefined;
}
