// The maps of events. None is filled by assignment: a name may be "__proto__".
import type { HeaderList } from '../../src/types.js';

/** Each name with all its values. */
export function lists<Value>(pairs: Array<[name: string, value: Value]>): Record<string, Value[]> {
  const byName = new Map<string, Value[]>();
  for (const [name, value] of pairs) byName.set(name, [...(byName.get(name) ?? []), value]);
  return Object.fromEntries(byName);
}

/** Each name with its values joined, so that none can be told from a comma. */
export function joined(pairs: HeaderList): Record<string, string> {
  return Object.fromEntries(Object.entries(lists(pairs)).map(([name, values]) => [name, values.join()]));
}

/** Each name with its last value; the others are lost. */
export function lastValues(pairs: HeaderList): Record<string, string> {
  return Object.fromEntries(pairs);
}

/** The same in lower case. */
export function lowered(headers: HeaderList): HeaderList {
  return headers.map(([name, value]) => [name.toLowerCase(), value]);
}
