import { expect, it } from 'vitest';
import { fromFetchHandler } from '../../src/fetch/application.js';
import type { Application, HeaderList } from '../../src/types.js';
import { type LambdaKind, readLambdaResult } from '../../testing/index.js';
import {
  type AnyEvent,
  answering,
  EDGE,
  environOf,
  eventOf,
  eventWithHeaders,
  HTTP2,
  KINDS,
  LATTICE,
  REST,
  requestOf,
  resultOf,
  sample,
  URL_KIND,
  V1,
  V2,
} from './harness.js';

const EXPIRES = 'a=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT; Path=/';
const cookies: HeaderList = [
  ['Set-Cookie', EXPIRES],
  ['set-cookie', 'b=x%3D%2Cy; HttpOnly'],
  ['Set-Cookie', 'a=1; Path=/x'],
];

/** The headers of a raw result with these Set-Cookie values in the form of its front end. */
const COOKIES: Record<LambdaKind, object> = {
  'apigw-rest-v1': { headers: {}, multiValueHeaders: { 'Set-Cookie': cookies.map(([, value]) => value) } },
  'apigw-http-v1': { headers: {}, multiValueHeaders: { 'Set-Cookie': cookies.map(([, value]) => value) } },
  'apigw-http-v2': { headers: {}, cookies: cookies.map(([, value]) => value) },
  'function-url': { headers: {}, cookies: cookies.map(([, value]) => value) },
  'alb-single': { headers: { 'Set-Cookie': EXPIRES, 'set-Cookie': cookies[1]?.[1], 'SEt-Cookie': cookies[2]?.[1] } },
  'alb-multi': { multiValueHeaders: { 'Set-Cookie': cookies.map(([, value]) => value) } },
  'lattice-v1': { headers: { 'Set-Cookie': EXPIRES, 'set-Cookie': cookies[1]?.[1], 'SEt-Cookie': cookies[2]?.[1] } },
  'lattice-v2': { headers: { 'Set-Cookie': EXPIRES, 'set-Cookie': cookies[1]?.[1], 'SEt-Cookie': cookies[2]?.[1] } },
  'edge-viewer-request': {
    headers: { 'set-cookie': cookies.map(([, value]) => ({ key: 'Set-Cookie', value })) },
  },
  'edge-origin-request': {
    headers: { 'set-cookie': cookies.map(([, value]) => ({ key: 'Set-Cookie', value })) },
  },
};
const headOf = ({ headers, multiValueHeaders, cookies: list }: AnyEvent) => {
  const drop = (map: AnyEvent) =>
    map && Object.fromEntries(Object.entries(map).filter(([name]) => name.toLowerCase() !== 'content-length'));
  return JSON.parse(
    JSON.stringify({ headers: drop(headers), multiValueHeaders: drop(multiValueHeaders), cookies: list }),
  );
};

it.each(V2)('C-01: %s has the cookies of its list', async (kind) => {
  const event = { ...eventWithHeaders(kind, [['X-A', '1']]), cookies: ['session=abc123', 'theme=dark'] };
  const environ = await environOf(event);
  expect(environ.HTTP_COOKIE).toBe('session=abc123; theme=dark');
  expect((await requestOf(event)).headers.get('cookie')).toBe('session=abc123; theme=dark');
});

it('C-01: a Function URL, which has them twice, gives them once', async () => {
  const event = eventWithHeaders(URL_KIND, [['cookie', 'a=1; b=2']]);
  expect((await environOf({ ...event, cookies: ['a=1', 'b=2'] })).HTTP_COOKIE).toBe('a=1; b=2');
  expect((await environOf({ ...event, cookies: ['c=3'] })).HTTP_COOKIE).toBe('c=3');
});

it.each(V2)('C-03: %s without a list keeps the header that it has', async (kind) => {
  for (const cookies of [undefined, null, [], ['']]) {
    const event = { ...eventWithHeaders(kind, [['Cookie', 'a=1']]), cookies };
    expect((await environOf(event)).HTTP_COOKIE).toBe('a=1');
    expect(await environOf({ ...eventWithHeaders(kind, [['X-A', '1']]), cookies })).not.toHaveProperty('HTTP_COOKIE');
  }
});

it.each(KINDS)('C-07: %s splits no cookie at a comma or "="', async (kind) => {
  const cookie = 'json={"a":1,"b":[2,3]}; t=YWJj==; date=Wed, 09 Jun';
  expect((await environOf(eventOf(kind, { headers: [['Cookie', cookie]] }))).HTTP_COOKIE).toBe(cookie);
  const result = await resultOf(kind, answering('200 OK', [['Set-Cookie', EXPIRES]]));
  const sent = readLambdaResult(kind, result).headers.filter(([name]) => name.toLowerCase() === 'set-cookie');
  expect(sent.map(([, value]) => value)).toEqual([EXPIRES]);
});

it.each(KINDS)('C-10, C-13: %s has all cookies of a response, in one place of its result', async (kind) => {
  const result = await resultOf(kind, answering('200 OK', cookies));
  expect(headOf(result)).toEqual(COOKIES[kind]);
});

it.each(KINDS)('C-13: %s without a cookie has no place for them', async (kind) => {
  const result = await resultOf(kind, answering('200 OK', [['X-A', '1']]));
  expect(JSON.stringify(result)).not.toMatch(/cookie/i);
  if (!['alb-multi'].includes(kind)) expect(result).not.toHaveProperty('multiValueHeaders');
});

it.each([...EDGE, 'alb-multi', 'lattice-v2', ...V1] as LambdaKind[])(
  'C-14: %s joins several cookie headers with "; "',
  async (kind) => {
    const crumbs: HeaderList = [
      ['cookie', 'a=1'],
      ['cookie', 'b=2; c=3'],
    ];
    expect((await environOf(eventWithHeaders(kind, crumbs))).HTTP_COOKIE).toBe('a=1; b=2; c=3');
    expect((await requestOf(eventWithHeaders(kind, crumbs))).headers.get('cookie')).toBe('a=1; b=2; c=3');
  },
);

it('C-15: a list of cookies in other spellings is joined with "; " too', async () => {
  const lattice = eventOf('lattice-v2', {}, { headers: { Cookie: ['a=1', 'b=2'] } });
  expect((await environOf(lattice)).HTTP_COOKIE).toBe('a=1; b=2');
  const single = eventOf('lattice-v2', {}, { headers: { cookie: 'a=1; b=2' } });
  expect((await environOf(single)).HTTP_COOKIE).toBe('a=1; b=2');
  const multi = eventOf('alb-multi', {}, { multiValueHeaders: { COOKIE: ['a=1'], cookie: ['b=2'] } });
  expect((await environOf(multi)).HTTP_COOKIE).toBe('a=1; b=2');
});

it.each(KINDS)('C-16: %s hands the bytes of a cookie on, as often as they were sent', async (kind) => {
  const value = 'q=a%3Db%2Cc%20d+e; r="x\\y"';
  expect((await environOf(eventOf(kind, { headers: [['Cookie', value]] }))).HTTP_COOKIE).toBe(value);
  // A middleware that sets the cookie which the page has set: it is the application's to tell.
  const twice: Application = (_, startResponse) => {
    startResponse('200 OK', [
      ['Set-Cookie', 'q=a%3Db'],
      ['Set-Cookie', 'q=a%3Db'],
    ]);
    return [];
  };
  const sent = readLambdaResult(kind, await resultOf(kind, twice)).headers;
  const count = sent.filter(([name, given]) => name.toLowerCase() === 'set-cookie' && given === 'q=a%3Db').length;
  expect(count).toBe(2);
});

it.each(KINDS)('C-16: %s hands the cookies of a Response on, one by one', async (kind) => {
  const app = fromFetchHandler(() => {
    const headers = new Headers();
    for (const [name, value] of cookies) headers.append(name, value);
    return new Response(null, { headers });
  });
  const sent = readLambdaResult(kind, await resultOf(kind, app)).headers;
  expect(sent.filter(([name]) => /^set-cookie$/i.test(name)).map(([, value]) => value)).toEqual(
    cookies.map(([, value]) => value),
  );
});

it.each([REST, HTTP2, ...LATTICE] as LambdaKind[])(
  'C-16: %s has percent signs of a sample as they were',
  async (kind) => {
    const event = sample('http-v2-bref-cookies.json');
    const given = event.cookies.join('; ');
    expect((await environOf(event)).HTTP_COOKIE).toBe(given);
    expect((await environOf(eventWithHeaders(kind, [['Cookie', given]]))).HTTP_COOKIE).toBe(given);
  },
);
