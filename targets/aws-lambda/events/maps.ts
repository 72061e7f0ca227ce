// The maps of events, of headers and of query parameters.
import type { RequestFields } from '../../../src/environ.js';
import { encodeNative } from '../../../src/native-string.js';

/** A name to a value or to several. */
export type ValueMap = Readonly<Record<string, string | readonly string[] | undefined>> | null | undefined;

/** Request headers by their names in lower case. */
export type EventHeaders = Map<string, string | string[]>;

/** The request headers of two maps: of a name that both have, the lists of the first count. Spellings of one name are
 *  joined, a value that both have not said twice. */
export function headersOf(lists: ValueMap, values?: ValueMap): EventHeaders {
  const headers: EventHeaders = new Map();
  collect(headers, lists, undefined);
  collect(headers, values, headers.size > 0 ? new Set(headers.keys()) : undefined);
  return headers;
}

function collect(headers: EventHeaders, map: ValueMap, known: ReadonlySet<string> | undefined): void {
  const said = new Map<string, Set<string>>(); // the values of a name that has several spellings
  for (const name of Object.keys(map ?? {})) {
    const value = given(map?.[name]);
    const folded = name.toLowerCase();
    // The Kelvin sign, which is no character of a header name, has an ASCII letter for its lower case.
    if (value === undefined || known?.has(folded) || name.includes('\u212a')) continue;
    const earlier = headers.get(folded);
    if (earlier === undefined) {
      headers.set(folded, value);
      continue;
    }
    const values = typeof earlier === 'string' ? [earlier] : earlier;
    const earlierOnes = said.get(folded) ?? new Set(values);
    const more = [value].flat().filter((each) => !earlierOnes.has(each));
    for (const each of more) {
      values.push(each);
      earlierOnes.add(each);
    }
    said.set(folded, earlierOnes);
    headers.set(folded, values);
  }
}

// A string or strings; undefined where there is none.
function given(value: unknown): string | string[] | undefined {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return String(value);
  const strings = value.filter((each) => each !== undefined && each !== null).map(String);
  return strings.length > 0 ? strings : undefined;
}

/** Hands each header to an environ. */
export function eachHeader(headers: EventHeaders): RequestFields['eachHeader'] {
  return (add) => {
    for (const [name, value] of headers)
      if (typeof value === 'string') add(name, headerNative(value));
      else for (const each of value) add(name, headerNative(each));
  };
}

// JSON can carry what no HTTP parser lets through: CR, LF and NUL become spaces (RFC 9110, section 5.5).
function headerNative(value: string): string {
  return PRINTABLE.test(value) ? value : encodeNative(value.replace(/[\r\n\0]/g, ' '));
}

const PRINTABLE = /^[\x20-\x7e]*$/;

/** The first value of a header (lower case). */
export function firstValue(headers: EventHeaders, name: string): string | undefined {
  const value = headers.get(name);
  return typeof value === 'string' ? value : value?.[0];
}

/** The last entry of a header that each hop appends to: the one of the hop in front of the function. */
export function lastEntry(headers: EventHeaders, name: string): string {
  return [headers.get(name) ?? ''].flat().join().split(',').at(-1)?.trim() ?? '';
}

/** A query of parameters that the front end has decoded, encoded anew (application/x-www-form-urlencoded). */
export function encodedQuery(lists: ValueMap, values?: ValueMap): string {
  const parameters = new URLSearchParams();
  eachName(chosen(lists, values), (name, given) => {
    for (const value of given) parameters.append(name, value);
  });
  return parameters.toString();
}

/** A query of parameters that are still encoded. */
export function verbatimQuery(lists: ValueMap, values?: ValueMap): string {
  const pairs: string[] = [];
  eachName(chosen(lists, values), (name, given) => {
    for (const value of given) pairs.push(`${name}=${value}`);
  });
  return encodeNative(pairs.join('&'));
}

const chosen = (lists: ValueMap, values: ValueMap): ValueMap => (Object.keys(lists ?? {}).length > 0 ? lists : values);

function eachName(map: ValueMap, visit: (name: string, values: string[]) => void): void {
  for (const name of Object.keys(map ?? {})) {
    const value = given(map?.[name]);
    if (value !== undefined) visit(name, typeof value === 'string' ? [value] : value);
  }
}
