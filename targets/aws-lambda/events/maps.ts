// The maps of events, of headers and of query parameters.
import type { RequestFields } from '../../../src/environ.js';
import { encodeNative } from '../../../src/native-string.js';

/** A name to a value or to several. */
export type ValueMap = Readonly<Record<string, string | readonly string[] | undefined>> | null | undefined;

/** The request headers of two maps: of a name that both have, the lists of the first count. Spellings of one name are
 *  joined, a value that both have not said twice. */
export function headersOf(lists: ValueMap, values?: ValueMap): RequestFields['eachHeader'] {
  return (add) => {
    const byName = new Map<string, string[]>();
    const collect = (map: ValueMap, known?: ReadonlySet<string>) =>
      eachName(map, (name, given) => {
        const folded = name.toLowerCase();
        if (known?.has(folded)) return;
        const earlier = byName.get(folded);
        if (earlier === undefined) byName.set(folded, given);
        else earlier.push(...given.filter((value) => !earlier.includes(value)));
      });
    collect(lists);
    collect(values, new Set(byName.keys()));
    for (const [name, given] of byName) for (const value of given) add(name, headerNative(value));
  };
}

/** A header value of an event as a native string. JSON can carry what no HTTP parser lets through: CR, LF and NUL become
 *  spaces (RFC 9110, section 5.5). */
function headerNative(value: string): string {
  return encodeNative(value.replace(/[\r\n\0]/g, ' '));
}

/** The values of a header (lower case) in the first of the maps that has it. */
export function headerValues(name: string, ...maps: ValueMap[]): string[] {
  for (const map of maps) {
    const found: string[] = [];
    eachName(map, (key, given) => {
      if (key.toLowerCase() === name) found.push(...given);
    });
    if (found.length > 0) return found;
  }
  return [];
}

/** The last entry of a header that each hop appends to: the one of the hop in front of the function. */
export function lastEntry(name: string, ...maps: ValueMap[]): string {
  return (
    headerValues(name, ...maps)
      .join()
      .split(',')
      .at(-1)
      ?.trim() ?? ''
  );
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
  if (map === null || map === undefined) return;
  for (const name of Object.keys(map)) {
    const value: unknown = map[name];
    const values = (Array.isArray(value) ? value : [value]).filter((each) => each !== null && each !== undefined);
    if (values.length > 0) visit(name, values.map(String));
  }
}
