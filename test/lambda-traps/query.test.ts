import { describe, expect, it } from 'vitest';
import type { LambdaKind } from '../../targets/aws-lambda/index.js';
import {
  ALB,
  asJson,
  EDGE,
  environOf,
  eventOf,
  HTTP1,
  HTTP2,
  KINDS,
  LATTICE,
  REST,
  sample,
  targetOf,
  URL_KIND,
  V1,
  V2,
} from './harness.js';

const queryOf = async (event: unknown) => (await environOf(event)).QUERY_STRING;

/** The event of a load balancer with these parameters, one value each. */
const albEvent = (kind: (typeof ALB)[number], pairs: Record<string, string>) => {
  const lists = Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name, [value]]));
  return eventOf(
    kind,
    {},
    kind === 'alb-multi' ? { multiValueQueryStringParameters: lists } : { queryStringParameters: pairs },
  );
};

/** The event of a front end that has decoded these parameters. */
const decodedEvent = (kind: (typeof KINDS)[number], lists: Record<string, string[]>) => {
  const last = Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.at(-1)]));
  if (kind === 'lattice-v1') return eventOf(kind, {}, { query_string_parameters: last });
  if (kind === 'lattice-v2') return eventOf(kind, {}, { queryStringParameters: lists });
  return eventOf(kind, {}, { queryStringParameters: last, multiValueQueryStringParameters: lists });
};
const DECODED = [...V1, ...LATTICE];

describe.each(ALB)('the query of a load balancer (%s)', (kind) => {
  it("Q-01: a load balancer's query is joined as it is", async () => {
    const event = albEvent(kind, { x: 'foo%3Dbar' });
    expect(await queryOf(event)).toBe('x=foo%3Dbar');
    expect((await environOf(event)).REQUEST_URI).toBe('/?x=foo%3Dbar');
    expect(await targetOf(event)).toBe('/?x=foo%3Dbar');
  });

  it('Q-02: an encoded plus, URL or name keeps its escapes', async () => {
    const pairs = { encodedPlus: 'a%2Bb', redirect: 'https%3A%2F%2Fexample.com%2Fa%3Fb', 'k%2B%26': '1' };
    expect(await queryOf(albEvent(kind, pairs))).toBe(
      'encodedPlus=a%2Bb&redirect=https%3A%2F%2Fexample.com%2Fa%3Fb&k%2B%26=1',
    );
  });

  it('Q-03: a plus sign stays one, in value and name', async () => {
    const event = albEvent(kind, { literalPlus: 'a+b', 'c+d': '+' });
    expect(await queryOf(event)).toBe('literalPlus=a+b&c+d=+');
    expect(await targetOf(event)).toBe('/?literalPlus=a+b&c+d=+');
  });

  it.each(['%FF', '%', '%zz', '%e0%a4', '100%'])('Q-04: %s is not decoded and throws nothing', async (value) => {
    expect(await queryOf(albEvent(kind, { q: value }))).toBe(`q=${value}`);
    expect(await targetOf(albEvent(kind, { q: value }))).toBe(`/?q=${value}`);
  });

  it('Q-05: bytes that are no UTF-8 arrive as they were', async () => {
    const event = albEvent(kind, { q: '%FF%fe' });
    const { search } = new URL(`http://h${await targetOf(event)}`);
    expect(await queryOf(event)).toBe('q=%FF%fe');
    expect(search).toBe('?q=%FF%fe');
  });

  it('Q-10: an encoded "&" makes no second parameter', async () => {
    const event = albEvent(kind, { q: 'a%26b%3Dc' });
    expect(await queryOf(event)).toBe('q=a%26b%3Dc');
    expect([...new URL(`http://h${await targetOf(event)}`).searchParams]).toEqual([['q', 'a&b=c']]);
  });

  it.each(['%2520', '%25252520', '%2526'])('Q-25: %s is encoded as often as before', async (value) => {
    expect(await queryOf(albEvent(kind, { d: value }))).toBe(`d=${value}`);
  });
});

it('Q-01, Q-02: the reserved characters of a whole sample stay as they are', async () => {
  const event = sample('alb-single-query-zoo.json');
  const pairs = Object.entries(event.queryStringParameters).map(([name, value]) => `${name}=${value}`);
  expect(await queryOf(event)).toBe(pairs.join('&'));
});

it.each(KINDS)('Q-24: %s keeps parameters with the names of an object', async (kind) => {
  const event = eventOf(kind, { target: '/?__proto__=x&z=1&constructor=y&toString=' });
  expect(await queryOf(event)).toBe('__proto__=x&z=1&constructor=y&toString=');
});

it.each(DECODED)('Q-07: %s has its percent signs escaped again', async (kind) => {
  const event = decodedEvent(kind, { rate: ['100%'], literal: ['%41%zz'] });
  expect(await queryOf(event)).toBe('rate=100%25&literal=%2541%25zz');
});

it.each(DECODED)('Q-08: %s makes one parameter of a value with "&", "=" or "#"', async (kind) => {
  const event = decodedEvent(kind, { test: ['a&how&b=c#d;e'] });
  expect(await queryOf(event)).toBe('test=a%26how%26b%3Dc%23d%3Be');
  expect([...new URL(`http://h${await targetOf(event)}`).searchParams]).toEqual([['test', 'a&how&b=c#d;e']]);
});

it.each(DECODED)('Q-09: %s encodes keys as values', async (kind) => {
  const event = decodedEvent(kind, { 'a:b&c=d+e f': ['g:h&i+j k'], ü: ['\u{1f600}'] });
  expect(await queryOf(event)).toBe('a%3Ab%26c%3Dd%2Be+f=g%3Ah%26i%2Bj+k&%C3%BC=%F0%9F%98%80');
});

it.each(V2)('Q-11: %s has the raw query, not what the joined map says', async (kind) => {
  const event = eventOf(kind, {}, { rawQueryString: 'a=1,2', queryStringParameters: { a: '1,2', b: 'map only' } });
  expect(await queryOf(event)).toBe('a=1,2');
});

it.each([...V2, ...V1, 'alb-multi', 'lattice-v2', ...EDGE] as typeof KINDS)(
  'Q-12: %s has every value of a repeated parameter',
  async (kind) => {
    const event = eventOf(kind, { target: '/?repeat=one&repeat=two&single=1' });
    expect(await queryOf(event)).toBe('repeat=one&repeat=two&single=1');
  },
);

it.each([...V1, 'alb-multi'] as typeof KINDS)(
  'Q-13: %s takes the multi map where the single one has the last value',
  async (kind) => {
    const event = eventOf(
      kind,
      {},
      { queryStringParameters: { a: '2' }, multiValueQueryStringParameters: { a: ['1', '2', '1'] } },
    );
    expect(await queryOf(event)).toBe('a=1&a=2&a=1');
  },
);

it.each([...V1, ...ALB])('Q-15: %s takes the multi map alone where the two maps disagree', async (kind) => {
  const maps = { queryStringParameters: { foo: 'bar', a: 'x' }, multiValueQueryStringParameters: { a: ['1', '2'] } };
  expect(await queryOf(eventOf(kind, {}, maps))).toBe('a=1&a=2');
  for (const multiValueQueryStringParameters of [null, undefined, {}])
    expect(await queryOf(eventOf(kind, {}, { ...maps, multiValueQueryStringParameters }))).toBe('foo=bar&a=x');
});

it.each(KINDS)('Q-17: %s keeps a key that starts with "+" and an empty value', async (kind) => {
  const query = await queryOf(eventOf(kind, { target: '/?+123&a=' }));
  // A map does not tell "?a" from "?a=".
  expect(query).toBe([...V2, ...EDGE].includes(kind) ? '+123&a=' : '+123=&a=');
});

it.each(KINDS)('Q-18: %s hands the query on', async (kind) => {
  const event = eventOf(kind, { target: '/p?a=1&b=2' });
  expect(await queryOf(event)).toBe('a=1&b=2');
  expect(await targetOf(event)).toBe('/p?a=1&b=2');
});

describe('Q-19: no "?" without a query', () => {
  it.each(KINDS)('Q-19: %s', async (kind) => {
    const environ = await environOf(eventOf(kind, { target: '/path' }));
    expect(environ.QUERY_STRING).toBe('');
    expect(environ.REQUEST_URI ?? '/path').not.toContain('?');
    expect(await targetOf(eventOf(kind, { target: '/path' }))).toBe('/path');
  });

  it.each([...V1, ...ALB])('Q-19: %s with empty maps', async (kind) => {
    const event = eventOf(kind, {}, { queryStringParameters: {}, multiValueQueryStringParameters: {} });
    const environ = await environOf(event);
    expect([environ.QUERY_STRING, environ.REQUEST_URI?.includes('?') ?? false]).toEqual(['', false]);
  });
});

it('Q-20: brackets are nobody else’s than the application’s', async () => {
  const lists = { 'a[]': ['1', '2'], 'a[b]': ['1'], 'c%5B%5D': ['3'] };
  const alb = eventOf('alb-multi', {}, { multiValueQueryStringParameters: lists });
  expect(await queryOf(alb)).toBe('a[]=1&a[]=2&a[b]=1&c%5B%5D=3');
  expect(await targetOf(alb)).toBe('/?a[]=1&a[]=2&a[b]=1&c%5B%5D=3');
  for (const kind of V1)
    expect(await queryOf(decodedEvent(kind, { 'a[]': ['1', '2'], 'a[b]': ['1'] }))).toBe(
      'a%5B%5D=1&a%5B%5D=2&a%5Bb%5D=1',
    );
  for (const kind of V2) expect(await queryOf(eventOf(kind, { target: '/?a[]=1&a%5B%5D=2' }))).toBe('a[]=1&a%5B%5D=2');
});

it.each<LambdaKind>([REST, HTTP1, ...ALB, ...LATTICE])(
  'Q-22: %s keeps the order inside one name; across names JSON has none to keep',
  async (kind) => {
    // As the text of the event has it; JSON.parse puts names that are numbers first.
    const maps = JSON.parse('{"b":["1","0"],"2":["x"],"1":["y"]}');
    expect(Object.keys(maps)).toEqual(['1', '2', 'b']);
    const event = ALB.includes(kind)
      ? eventOf(kind, {}, { multiValueQueryStringParameters: maps })
      : decodedEvent(kind, maps);
    const last = kind === 'lattice-v1';
    expect(await queryOf(event)).toBe(last ? '1=y&2=x&b=0' : '1=y&2=x&b=1&b=0');
  },
);

it.each<LambdaKind>([HTTP2, URL_KIND, ...EDGE])('Q-22: %s keeps the whole order', async (kind) => {
  expect(await queryOf(asJson(eventOf(kind, { target: '/?b=1&2=x&1=y' })))).toBe('b=1&2=x&1=y');
});
