import { nameOf, WsgiError } from './errors.js';
import { encodeNative, percentEncode } from './native-string.js';
import type { HeaderList } from './types.js';

/** A header list with access by name, in any case. The view has no state: it reads and changes the list. */
export interface HeaderView extends Iterable<[name: string, value: string]> {
  /** The number of headers, repeats included. */
  readonly length: number;
  /** The first value of a header, or undefined. */
  get(name: string): string | undefined;
  /** Every value of a header, in order. */
  getAll(name: string): string[];
  has(name: string): boolean;
  /** Removes every header of the name, then adds this one at the end of the list. */
  set(name: string, value: string): void;
  /** Removes every header of a name. */
  delete(name: string): void;
  /** Returns the first value of a header. If there is none, adds the header with `value` and returns that. */
  setDefault(name: string, value: string): string;
  /** Adds a header, with parameters: `add('Content-Disposition', 'attachment', { filename: 'a.txt' })` gives
   *  `attachment; filename="a.txt"`. A parameter is ordinary text. It becomes a quoted string, or the form of RFC 8187
   *  (`filename*=UTF-8''…`) if it is not ASCII. A value of null gives the bare name, and undefined omits the parameter.
   *  @param value  null if the header has only parameters */
  add(name: string, value: string | null, params?: Record<string, string | null | undefined>): void;
  /** The names in order, repeats included. */
  keys(): string[];
  /** The values in order. */
  values(): string[];
  /** A copy of the list. */
  entries(): HeaderList;
  /** The head as HTTP sends it: `Name: value` lines with CR LF, and the empty line after them. */
  toString(): string;
}

/** Gives access by name to a header list, and changes it in place. Names and values are native strings. They are not
 *  checked here, because `startResponse` checks them. As `wsgiref.headers.Headers`.
 *  @throws {WsgiError} when `list` is not an array
 *  @example
 *  ```ts
 *  import { headerView, type HeaderList } from 'wsgi-edge';
 *
 *  const headers: HeaderList = [['content-type', 'text/plain']];
 *  headerView(headers).set('Content-Type', 'text/html');
 *  headers; //=> [['Content-Type', 'text/html']]
 *  ``` */
export function headerView(list: HeaderList = []): HeaderView {
  if (!Array.isArray(list))
    throw new WsgiError(`headerView: takes an array of [name, value] pairs, not ${nameOf(list)}`);
  const named = (name: string): HeaderList => {
    const folded = name.toLowerCase();
    return list.filter((pair) => pair[0].toLowerCase() === folded);
  };
  const view: HeaderView = {
    get length() {
      return list.length;
    },
    get: (name) => named(name)[0]?.[1],
    getAll: (name) => named(name).map((pair) => pair[1]),
    has: (name) => named(name).length > 0,
    set(name, value) {
      view.delete(name);
      list.push([name, value]);
    },
    delete(name) {
      const folded = name.toLowerCase();
      let kept = 0;
      for (const pair of list) if (pair[0].toLowerCase() !== folded) list[kept++] = pair;
      list.length = kept;
    },
    setDefault(name, value) {
      const given = view.get(name);
      if (given === undefined) list.push([name, value]);
      return given ?? value;
    },
    add(name, value, params = {}) {
      const parts = Object.entries(params).flatMap(([key, text]) => (text === undefined ? [] : [parameter(key, text)]));
      list.push([name, [...(value === null ? [] : [value]), ...parts].join('; ')]);
    },
    keys: () => list.map((pair) => pair[0]),
    values: () => list.map((pair) => pair[1]),
    entries: () => [...list],
    [Symbol.iterator]: () => list[Symbol.iterator](),
    toString: () => `${list.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  };
  return view;
}

// RFC 8187 leaves these unescaped, in addition to the unreserved characters (section 3.2.1, "attr-char").
const ATTRIBUTE_SAFE = '!#$&+^`|';

function parameter(name: string, value: string | null): string {
  if (value === null) return name;
  const native = encodeNative(value);
  if (native !== value) return `${name}*=UTF-8''${percentEncode(native, ATTRIBUTE_SAFE)}`;
  return `${name}="${value.replace(/["\\]/g, '\\$&')}"`;
}
