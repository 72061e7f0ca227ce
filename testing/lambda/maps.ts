// The maps of events. Entries are not assigned, because a name may be "__proto__".
import type { HeaderList } from '../../src/types.js';

/** Each name with all its values. */
export function lists<Value>(pairs: Array<[name: string, value: Value]>): Record<string, Value[]> {
  const byName = new Map<string, Value[]>();
  for (const [name, value] of pairs) byName.set(name, [...(byName.get(name) ?? []), value]);
  return Object.fromEntries(byName);
}

/** Each name with its values joined. The bare comma can't be told from one in a value. */
export function joined(pairs: HeaderList): Record<string, string> {
  return Object.fromEntries(Object.entries(lists(pairs)).map(([name, values]) => [name, values.join()]));
}

/** Each name with its last value; the others are lost. */
export function lastValues(pairs: HeaderList): Record<string, string> {
  return Object.fromEntries(pairs);
}

/** The headers with their names in lower case. */
export function lowered(headers: HeaderList): HeaderList {
  return headers.map(([name, value]) => [name.toLowerCase(), value]);
}
