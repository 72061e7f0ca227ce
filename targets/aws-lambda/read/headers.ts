import { addRequestHeader, environKey, foldName } from '../../../src/headers.js';
import { encodeNative } from '../../../src/native-string.js';
import type { Environ } from '../../../src/types.js';

/** A name to a value or to several. */
export type ValueMap = Readonly<Record<string, string | readonly string[] | undefined>> | null | undefined;

/** Adds the request headers of two maps to an environ that has none. If both maps have a name, the lists of the first
 *  count. Spellings of one name are joined, without a value that an earlier spelling had. */
export function addHeaders(environ: Environ, lists: ValueMap, values?: ValueMap): void {
  const map = isEmpty(lists) ? values : lists;
  if ((map === values || !hasMore(values, lists)) && addDistinct(environ, map)) return;
  for (const [name, value] of foldHeaders(lists, values)) {
    const key = environKey(name);
    if (key === null) continue;
    delete environ[key];
    addValue(environ, name, value);
  }
}

// `for … in` takes half the time of Object.keys(); an event is made by JSON.parse(), so it inherits no names.
export function isEmpty(map: ValueMap): boolean {
  for (const _ in map) return false;
  return true;
}

function hasMore(map: ValueMap, than: ValueMap): boolean {
  const others = Object.keys(than ?? {});
  let at = 0;
  // Both maps of an event list their names in one order.
  for (const name in map) if (name !== others[at++] && !Object.hasOwn(than ?? {}, name)) return true;
  return false;
}

// The fast path, without a map of folded names. Returns false if a name comes in two spellings, which is only checked
// once a name is not in lower case.
function addDistinct(environ: Environ, map: ValueMap): boolean {
  if (map === undefined || map === null) return true;
  let mixed = false;
  for (const name in map) {
    const { key, folded } = foldName(name);
    if (key === null) continue;
    mixed ||= folded !== name;
    if (mixed && environ[key] !== undefined) return false;
    const value = map[name];
    const only = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (typeof only === 'string' && !UNCLEAN.test(only)) environ[key] = only;
    else addValue(environ, name, given(value));
  }
  return true;
}

function addValue(environ: Environ, name: string, value: string | readonly string[] | undefined): void {
  if (typeof value === 'string') addRequestHeader(environ, name, headerNative(value));
  else for (const each of value ?? []) addRequestHeader(environ, name, headerNative(each));
}

// Matches the few values that are not native or not trimmed.
const UNCLEAN = /^ |[^\x20-\x7e]| $/;

/** A value of an event as a native string. JSON can carry characters that HTTP parsers reject, so CR, LF and NUL
 *  become spaces (RFC 9110, section 5.5). */
export function headerNative(value: string): string {
  return UNCLEAN.test(value) ? encodeNative(value.replace(/[\r\n\0]/g, ' ')) : value;
}

type Folded = Map<string, string | string[]>;

function foldHeaders(lists: ValueMap, values: ValueMap): Folded {
  const headers: Folded = new Map();
  fold(headers, lists, undefined);
  fold(headers, values, headers.size > 0 ? new Set(headers.keys()) : undefined);
  return headers;
}

function fold(headers: Folded, map: ValueMap, known: ReadonlySet<string> | undefined): void {
  const said = new Map<string, Set<string>>(); // the values of a name that has several spellings
  for (const name of Object.keys(map ?? {})) {
    const value = given(map?.[name]);
    const folded = name.toLowerCase();
    // The lower case of the Kelvin sign, which no header name can have, is an ASCII letter.
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

/** A string or strings; undefined if there is none. */
export function given(value: unknown): string | string[] | undefined {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return String(value);
  const strings = value.filter((each) => each !== undefined && each !== null).map(String);
  return strings.length > 0 ? strings : undefined;
}

/** The last entry of a header that each hop appends to: the entry of the hop in front of the function. */
export function lastEntry(value: string | undefined): string {
  return value === undefined ? '' : value.slice(value.lastIndexOf(',') + 1).trim();
}
