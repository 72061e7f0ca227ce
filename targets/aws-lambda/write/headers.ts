// The forms in which results hold headers: one value for a name, or a list.
import { WsgiError } from '../../../src/errors.js';
import { lowerName } from '../../../src/headers.js';
import { decodeNativeOrKeep } from '../../../src/native-string.js';
import type { HeaderList } from '../../../src/types.js';

/** Repeated headers joined, except Set-Cookie, which can't be joined. A name keeps its first spelling. */
export function joinedHeaders(list: HeaderList): { headers: Record<string, string>; cookies: string[] | undefined } {
  const headers: Record<string, string> = {};
  let cookies: string[] | undefined;
  for (const [name, values, folded] of listedHeaders(list)) {
    if (folded === 'set-cookie') cookies = values;
    else define(headers, name, values.length === 1 ? (values[0] as string) : values.join(', '));
  }
  return { headers, cookies };
}

/** Each header with its values and its name in lower case. A name keeps its first spelling. */
export function listedHeaders(list: HeaderList): Array<[name: string, values: string[], folded: string]> {
  const listed: Array<[string, string[], string]> = [];
  // For a short list, a Map would cost as much as the rest.
  const byName = list.length > SHORT ? new Map<string, string[]>() : undefined;
  for (const [name, native] of list) {
    const folded = lowerName(name);
    const value = decodeNativeOrKeep(native);
    const earlier = byName === undefined ? valuesIn(listed, folded) : byName.get(folded);
    if (earlier !== undefined) {
      earlier.push(value);
      continue;
    }
    const values = [value];
    byName?.set(folded, values);
    listed.push([name, values, folded]);
  }
  return listed;
}

const SHORT = 16;

function valuesIn(listed: Array<[string, string[], string]>, folded: string): string[] | undefined {
  for (const entry of listed) if (entry[2] === folded) return entry[1];
  return undefined;
}

/** Joined headers for a front end that takes only strings. Each cookie gets a different spelling of Set-Cookie, and
 *  the front end sends them as separate lines. */
export function spelledHeaders(list: HeaderList): Record<string, string> {
  const { headers, cookies = [] } = joinedHeaders(list);
  if (cookies.length > SPELLINGS)
    throw new WsgiError(
      `aws-lambda: ${cookies.length} cookies are more than the ${SPELLINGS} that this front end takes`,
    );
  for (const [i, cookie] of cookies.entries()) define(headers, spelling(i), cookie);
  return headers;
}

const SPELLINGS = 2 ** 9; // of nine letters

// The letters of Set-Cookie in upper case if a bit of `n` is set: Set-Cookie itself first.
function spelling(n: number): string {
  let bit = 0;
  return [...'set-cookie']
    .map((char) => (char === '-' || ((n ^ 9) >> bit++) % 2 === 0 ? char : char.toUpperCase()))
    .join('');
}

/** Sets a property, even one named `__proto__`. */
export function define<T>(headers: Record<string, T>, name: string, value: T): void {
  if (name !== '__proto__') headers[name] = value;
  else Object.defineProperty(headers, name, { value, enumerable: true, writable: true, configurable: true });
}
