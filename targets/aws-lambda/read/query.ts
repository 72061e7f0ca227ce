import { encodeNative } from '../../../src/native-string.js';
import { given, isEmpty, type ValueMap } from './headers.js';

/** Encodes parameters that the front end has decoded as a query (application/x-www-form-urlencoded). */
export function encodedQuery(lists: ValueMap, values?: ValueMap): string {
  return joined(lists, values, (text) => (SAFE.test(text) ? text : encode(text)));
}

/** Joins parameters that are still encoded to a query. */
export function verbatimQuery(lists: ValueMap, values?: ValueMap): string {
  return encodeNative(joined(lists, values, (text) => text));
}

const SAFE = /^[\w*.-]*$/;

const encode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

function joined(lists: ValueMap, values: ValueMap, encode: (text: string) => string): string {
  const map = isEmpty(lists) ? values : lists;
  let query = '';
  for (const name in map) {
    const value = given(map[name]);
    if (value === undefined) continue;
    for (const each of typeof value === 'string' ? [value] : value)
      query += `${query === '' ? '' : '&'}${encode(name)}=${encode(each)}`;
  }
  return query;
}
