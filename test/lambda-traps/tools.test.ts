import { expect, it } from 'vitest';
import { readLambdaResult } from '../../testing/index.js';
import { ID } from '../request-id.js';
import {
  answering,
  environOf,
  eventOf,
  HTTP2,
  KINDS,
  REST,
  resultOf,
  sample,
  targetOf,
  URL_KIND,
  V2,
} from './harness.js';

it('T-01: what sam local sends is served', async () => {
  const query = await environOf(sample('http-v2-sam-local-query.json'));
  expect([query.SERVER_NAME, query.SERVER_PORT, query['wsgi.url_scheme']]).toEqual(['127.0.0.1', '3000', 'https']);
  const rest = await environOf(sample('rest-v1-sam-local.json'));
  expect([rest.SERVER_NAME, rest.SERVER_PORT, rest.SCRIPT_NAME]).toEqual(['127.0.0.1', '3000', '']);
  // Its names in title case, an empty list beside the header, an http scheme that is the tool's.
  const event = eventOf(HTTP2, {}, { cookies: [], stageVariables: null });
  event.headers = { Host: '127.0.0.1:3000', 'X-Forwarded-Proto': 'http', Cookie: 'a=1', 'Content-Type': 'text/plain' };
  expect(await environOf(event)).toMatchObject({
    SERVER_PORT: '3000',
    HTTP_COOKIE: 'a=1',
    CONTENT_TYPE: 'text/plain',
    'wsgi.url_scheme': 'https',
  });
});

it('T-02: the stages and cookies of emulators do no harm', async () => {
  // A named stage on a host of the emulator's own: no part of a URL that the gateway could know of.
  const rest = eventOf(REST, { target: '/foo', headers: [['Host', 'localhost:4566']] });
  rest.requestContext = { ...rest.requestContext, domainName: 'localhost:4566', stage: 'dev', path: '/dev/foo' };
  expect(await environOf(rest)).toMatchObject({ SCRIPT_NAME: '', PATH_INFO: '/foo', SERVER_NAME: 'localhost' });
  const staged = eventOf(HTTP2, {}, { rawPath: '/dev/foo' });
  staged.requestContext = { ...staged.requestContext, domainName: 'localhost', stage: 'dev' };
  staged.headers.host = 'localhost:4566';
  expect(await environOf(staged)).toMatchObject({ SCRIPT_NAME: '', PATH_INFO: '/dev/foo' });
  expect(await environOf(staged, { stage: 'dev' })).toMatchObject({ SCRIPT_NAME: '/dev', PATH_INFO: '/foo' });
  // Cookies in the header, in the list, in both.
  for (const [cookie, cookies] of [
    ['a=1; b=2', undefined],
    [undefined, ['a=1', 'b=2']],
    ['a=1; b=2', ['a=1', 'b=2']],
  ]) {
    const event = eventOf(HTTP2, {}, { cookies, headers: cookie === undefined ? {} : { cookie } });
    expect((await environOf(event)).HTTP_COOKIE).toBe('a=1; b=2');
  }
});

it('T-03: both maps of a load balancer, which AWS never sends, make each header once', async () => {
  for (const file of ['alb-both-maps.json', 'alb-both-maps-se-example.json', 'alb-both-maps-encoded-query.json']) {
    const { headers, multiValueHeaders, ...event } = sample(file);
    const lists =
      multiValueHeaders ?? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    const single = Object.fromEntries(
      Object.entries(lists).map(([name, values]) => [name, (values as string[]).at(-1)]),
    );
    const both = await environOf({ ...event, headers: single, multiValueHeaders: lists });
    const one = await environOf({ ...event, multiValueHeaders: lists });
    const stringsOf = (environ: object) =>
      Object.entries(environ).filter(([key, value]) => typeof value === 'string' && key !== ID);
    expect(stringsOf(both)).toEqual(stringsOf(one));
    expect(stringsOf(one).filter(([key]) => key.startsWith('HTTP_')).length).toBeGreaterThan(5);
  }
});

it.each(KINDS)('T-04: a 204 of %s with an empty body is read as the front end would', async (kind) => {
  const read = readLambdaResult(kind, await resultOf(kind, answering('204 No Content', [['X-A', '1']])));
  expect([read.status, read.body.length, read.text()]).toEqual([204, 0, '']);
  expect(read.headers).toEqual([['X-A', '1']]);
});

it.each(V2)('T-05: the query of %s has no "?" in front, and one that it has is the client’s', async (kind) => {
  const file = kind === HTTP2 ? 'http-v2-voker-live.json' : 'furl-voker-live.json';
  expect(sample(file).rawQueryString).not.toMatch(/^\?/);
  expect((await environOf(sample(file))).QUERY_STRING).toBe(sample(file).rawQueryString);
  const event = eventOf(kind, { target: '/p??a=1' });
  expect((await environOf(event)).QUERY_STRING).toBe('?a=1');
  expect(await targetOf(event)).toBe('/p??a=1');
  if (kind === URL_KIND) expect((await environOf(event)).REQUEST_URI).toBe('/p??a=1');
});
