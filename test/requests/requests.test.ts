// requests.json itself: each value that is expected is what the servers agree on, or names its rule.
import { describe, expect, it } from 'vitest';
import { kinds } from './kinds.js';
import { data } from './suite.js';

const SERVERS = Object.keys(data.origin.servers);

describe('requests.json', () => {
  it('has six servers and 108 cases, each once', () => {
    expect(SERVERS).toHaveLength(6);
    expect(new Set(data.cases.map((one) => one.id)).size).toBe(108);
    expect(new Set(data.cases.map((one) => one.title)).size).toBe(108);
  });

  it('names every rule and every reason that it has, and no other', () => {
    const rules = data.cases.flatMap((one) => Object.values(one.why ?? {}));
    expect(new Set(rules)).toEqual(new Set(Object.keys(data.rules)));
    const exceptions = [...data.cases, ...kinds].flatMap((one) => Object.entries(one.exceptions ?? {}));
    expect(new Set(exceptions.map(([, { reason }]) => reason))).toEqual(new Set(Object.keys(data.reasons)));
    for (const [target, { reason }] of exceptions) expect(reason.split('.')[0]).toBe(target);
  });

  it('has no title twice among the other kinds', () => {
    expect(new Set(kinds.map((one) => one.title)).size).toBe(kinds.length);
  });

  it.each(data.cases.map((one) => [one.id, one] as const))('%s: what is not agreed on names its rule', (_, one) => {
    const { measured = {}, expected, why = {} } = one;
    const refusing = Object.keys(measured.refused ?? {}).length;
    if (expected.refused !== undefined) {
      expect(Object.keys(why)).toEqual(['refused']);
      return;
    }
    expect(refusing, 'servers that refuse').toBeLessThan(SERVERS.length / 2);
    const environ = expected.environ ?? {};
    for (const [key, value] of Object.entries(measured.same ?? {}))
      expect([key, environ[key] ?? '']).toEqual([key, value]);
    // The hosts of the servers differ, which says nothing: ours are those of the request.
    const own = Object.keys(environ).filter((key) => !/^(SERVER_NAME|SERVER_PORT)$/.test(key));
    for (const key of own.filter((key) => measured.same?.[key] === undefined)) expect(why).toHaveProperty([key]);
    for (const key of Object.keys(measured.differs ?? {})) {
      expect(why).toHaveProperty([key]);
      expect(Object.keys(environ).includes(key) || expected.absent?.includes(key)).toBe(true);
    }
    if (typeof measured.body === 'string') expect(expected.body).toBe(measured.body);
    else expect(why).toHaveProperty('body');
  });
});
