// How results hold headers: one value for a name, or a list.
import { WsgiError } from '../../../src/errors.js';
import { decodeNativeOrKeep } from '../../../src/native-string.js';
import type { HeaderList } from '../../../src/types.js';

/** Repeated headers joined, Set-Cookie apart, as it can't be. A name keeps its first spelling. */
export function joinedHeaders(list: HeaderList): { headers: Record<string, string>; cookies: string[] } {
  const headers: Record<string, string> = {};
  const spelling = new Map<string, string>();
  const cookies: string[] = [];
  for (const [name, native] of list) {
    const folded = name.toLowerCase();
    const value = decodeNativeOrKeep(native);
    if (folded === 'set-cookie') {
      cookies.push(value);
      continue;
    }
    const first = spelling.get(folded);
    if (first === undefined) {
      spelling.set(folded, name);
      define(headers, name, value);
    } else headers[first] += `, ${value}`;
  }
  return { headers, cookies };
}

/** Each header with its values. A name keeps its first spelling. */
export function listedHeaders(list: HeaderList): Array<[name: string, values: string[]]> {
  const byName = new Map<string, [string, string[]]>();
  for (const [name, native] of list) {
    const value = decodeNativeOrKeep(native);
    const earlier = byName.get(name.toLowerCase());
    if (earlier === undefined) byName.set(name.toLowerCase(), [name, [value]]);
    else earlier[1].push(value);
  }
  return [...byName.values()];
}

/** Joined headers for a front end that takes strings only: each cookie under a spelling of Set-Cookie of its own, which
 *  the front end sends as lines of their own. */
export function spelledHeaders(list: HeaderList): Record<string, string> {
  const { headers, cookies } = joinedHeaders(list);
  if (cookies.length > SPELLINGS)
    throw new WsgiError(
      `aws-lambda: ${cookies.length} cookies are more than the ${SPELLINGS} that this front end takes`,
    );
  for (const [i, cookie] of cookies.entries()) define(headers, spelling(i), cookie);
  return headers;
}

const SPELLINGS = 2 ** 9; // of nine letters

// The letters of Set-Cookie in upper case where a bit of `n` is set: Set-Cookie itself first.
function spelling(n: number): string {
  let bit = 0;
  return [...'set-cookie']
    .map((char) => (char === '-' || ((n ^ 9) >> bit++) % 2 === 0 ? char : char.toUpperCase()))
    .join('');
}

function define(headers: Record<string, string>, name: string, value: string): void {
  if (name !== '__proto__') headers[name] = value;
  else Object.defineProperty(headers, name, { value, enumerable: true, writable: true, configurable: true });
}
