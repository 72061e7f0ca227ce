import { describe, expect, it } from 'vitest';
import { fromFetchHandler } from '../../src/fetch/application.js';
import { encodeNative } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { type LambdaKind, readLambdaResult } from '../../testing/index.js';
import {
  ALB,
  type AnyEvent,
  answering,
  context,
  EDGE,
  environOf,
  eventOf,
  eventWithHeaders,
  HTTP2,
  KINDS,
  LATTICE,
  logged,
  REST,
  requestOf,
  resultOf,
  sample,
  statusOf,
  URL_KIND,
  V1,
  V2,
} from './harness.js';

/** Those whose events keep repeated headers apart. */
const LISTS: LambdaKind[] = [...V1, 'alb-multi', 'lattice-v2', ...EDGE];
const TEXT: HeaderList = [['Content-Type', 'text/plain']];

/** All values of a response header of a raw result, wherever it has them. */
const valuesOf = (result: AnyEvent, name: string): unknown[] =>
  [result.headers, result.multiValueHeaders]
    .flatMap((map) => Object.entries(map ?? {}))
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value as unknown[])
    .map((value) => (typeof value === 'object' && value !== null ? (value as { value: unknown }).value : value));

describe('requests', () => {
  it.each(LISTS)('H-01: %s keeps a value that is a part of another one', async (kind) => {
    const event = eventWithHeaders(kind, [
      ['X-Forwarded-For', '203.0.113.1'],
      ['X-Forwarded-For', '203.0.113.10'],
      ['X-A', 'b'],
      ['X-A', 'abc'],
      ['X-A', 'b'],
    ]);
    const environ = await environOf(event);
    expect(environ.HTTP_X_FORWARDED_FOR).toBe('203.0.113.1, 203.0.113.10');
    expect(environ.HTTP_X_A).toBe('b, abc, b');
  });

  it.each(V1)('H-02: %s takes lists where there are some, and what only the other map has', async (kind) => {
    const event = eventOf(
      kind,
      {},
      {
        headers: { 'X-A': '2', 'X-Only': 'single', Cookie: 'a=1', 'x-b': 'other spelling' },
        multiValueHeaders: { 'x-a': ['1', '2'], 'X-B': ['list'], 'X-Empty': [] },
      },
    );
    expect(await environOf(event)).toMatchObject({
      HTTP_X_A: '1, 2',
      HTTP_X_ONLY: 'single',
      HTTP_COOKIE: 'a=1',
      HTTP_X_B: 'list',
    });
    expect((await environOf(sample('http-v1-custom-domain.json'))).HTTP_COOKIE).toBeDefined();
  });

  describe('H-04: null is as good as absent', () => {
    const nothing = { headers: null, multiValueHeaders: null, queryStringParameters: null, body: null };
    const nulls = { ...nothing, multiValueQueryStringParameters: null, isBase64Encoded: null, pathParameters: null };
    it.each([
      [REST, { ...nulls, requestContext: null }],
      [REST, { ...nulls, requestContext: { stage: null, domainName: null, identity: null, authorizer: null } }],
      ['apigw-http-v1', { ...nulls, requestContext: null }],
      ['alb-single', nulls],
      ['alb-multi', nulls],
      [HTTP2, { ...nothing, cookies: null, rawQueryString: null }],
      [URL_KIND, { ...nothing, cookies: null, rawQueryString: null, isBase64Encoded: null }],
      ['lattice-v1', { headers: null, query_string_parameters: null, body: null, is_base64_encoded: null }],
      ['lattice-v2', { ...nothing, isBase64Encoded: null }],
    ] as Array<[LambdaKind, object]>)('H-04: %s %#', async (kind, changes) => {
      const environ = await environOf(eventOf(kind, {}, changes));
      expect(environ).toMatchObject({ REQUEST_METHOD: 'GET', PATH_INFO: '/', QUERY_STRING: '' });
      expect(environ.SERVER_NAME).toMatch(/./);
      expect(Object.keys(environ).filter((key) => /^HTTP_|^CONTENT_/.test(key))).toEqual([]);
      expect((await environ['wsgi.input'].read()).length).toBe(0);
    });

    it.each(EDGE)('H-04: %s', async (kind) => {
      const event = eventOf(kind);
      Object.assign(event.Records[0].cf.request, { headers: null, querystring: null, clientIp: null, body: null });
      const environ = await environOf(event);
      expect([environ.QUERY_STRING, environ.SERVER_NAME]).toEqual(['', 'd111111abcdef8.cloudfront.net']);
      expect(environ).not.toHaveProperty('REMOTE_ADDR');
    });

    it('H-04: the sample of the console, whose maps are all null', async () => {
      const environ = await environOf(sample('rest-v1-console-test-post.json'));
      expect(environ.SERVER_NAME).toMatch(/./);
      expect(environ).not.toHaveProperty('REMOTE_ADDR');
    });

    it.each([...V1, ...ALB])('H-04: %s with null for some values', async (kind) => {
      const maps = { headers: { 'X-A': null, 'X-B': '1' }, multiValueHeaders: { 'X-C': [null, '2'], 'X-A': null } };
      const environ = await environOf(eventOf(kind, {}, maps));
      expect(environ).toMatchObject({ HTTP_X_B: '1', HTTP_X_C: '2' });
      expect(environ).not.toHaveProperty('HTTP_X_A');
    });
  });

  it.each([...V1, ...ALB, ...LATTICE, HTTP2, URL_KIND] as LambdaKind[])(
    'H-06: %s joins two spellings of a name',
    async (kind) => {
      const event = eventWithHeaders(kind, [
        ['Cookie', 'a=1'],
        ['cookie', 'b=2'],
        ['X-A', '1'],
        ['x-a', '2'],
        ['X-a', '1'],
        ['HOST', 'h.example'],
        ['CONTENT-type', 'text/plain'],
      ]);
      expect(await environOf(event)).toMatchObject({
        HTTP_COOKIE: 'a=1; b=2',
        HTTP_X_A: '1, 2',
        SERVER_NAME: 'h.example',
        CONTENT_TYPE: 'text/plain',
      });
    },
  );

  it.each(KINDS)('H-26: %s keeps a header with an empty value', async (kind) => {
    const environ = await environOf(
      eventWithHeaders(kind, [
        ['X-A', ''],
        ['X-B', '0'],
      ]),
    );
    expect([environ.HTTP_X_A, environ.HTTP_X_B]).toEqual(['', '0']);
    expect((await requestOf(eventWithHeaders(kind, [['x-a', '']]))).headers.get('x-a')).toBe('');
  });

  it.each(V1)('H-26: %s keeps an empty value that only the single map has', async (kind) => {
    const event = eventOf(kind, {}, { headers: { 'X-A': '' }, multiValueHeaders: { 'X-B': [''] } });
    expect(await environOf(event)).toMatchObject({ HTTP_X_A: '', HTTP_X_B: '' });
  });

  it.each(KINDS)('H-16: %s leaves out a header whose name is none', async (kind) => {
    const event = eventWithHeaders(kind, [
      ['bad name', 'x'],
      ['', 'x'],
      ['b\u00e4d', 'x'],
      ['x\r\ny', 'x'],
      ['X-\u212aey', 'x'], // the Kelvin sign: its lower case is "k"
      ['(x)', 'x'],
      ['X-Good', 'y'],
    ]);
    const environ = await environOf(event);
    expect(Object.keys(environ).filter((key) => key.startsWith('HTTP_'))).toEqual(['HTTP_X_GOOD']);
    expect([...(await requestOf(event)).headers]).toEqual([['x-good', 'y']]);
  });

  it.each(KINDS)('H-19: %s keeps what is falsy', async (kind) => {
    const authorization = `Basic ${Buffer.from('user:').toString('base64')}`;
    const environ = await environOf(
      eventWithHeaders(kind, [
        ['Content-Length', '0'],
        ['Authorization', authorization],
        ['X-Zero', '0'],
        ['X-False', 'false'],
      ]),
    );
    expect(environ).toMatchObject({
      CONTENT_LENGTH: '0',
      HTTP_AUTHORIZATION: authorization,
      HTTP_X_ZERO: '0',
      HTTP_X_FALSE: 'false',
    });
    expect((await requestOf(eventWithHeaders(kind, [['Content-Length', '0']]))).headers.get('content-length')).toBe(
      '0',
    );
  });

  it.each(KINDS)('H-23: %s invents no content type', async (kind) => {
    const event = eventWithHeaders(kind, [['X-A', '1']], { method: 'POST', body: '{}' });
    expect(await environOf(event)).not.toHaveProperty('CONTENT_TYPE');
    expect((await requestOf(event)).headers.has('content-type')).toBe(false);
  });

  it.each(KINDS)('H-24: the event of %s stays as it was', async (kind) => {
    const event = eventOf(kind, { target: '/a?b=1', headers: [['X-A', '1']], method: 'POST', body: 'x' });
    const before = structuredClone(event);
    let seen: unknown;
    await toLambdaHandler((environ, startResponse) => {
      seen = environ['aws.event'];
      for (const key of Object.keys(environ)) if (key.startsWith('HTTP_')) delete environ[key];
      startResponse('200 OK', []);
      return [];
    })(deepFreeze(event), context);
    expect(event).toEqual(before);
    expect(seen).toBe(event);
  });
});

describe('responses', () => {
  const repeated: HeaderList = [
    ['Content-Type', 'text/plain'],
    ['Vary', 'Accept'],
    ['vary', 'Origin'],
    ['Link', '</a>; rel=preload'],
    ['Link', '</b>; rel=preload'],
  ];

  it.each(V1)('H-07: %s has each name in one of the two maps', async (kind) => {
    const result = await resultOf(kind, answering('200 OK', [...repeated, ['Set-Cookie', 'a=1']], 'x'));
    expect(result).toEqual({
      statusCode: 200,
      headers: { 'Content-Type': 'text/plain', 'Content-Length': '1' },
      multiValueHeaders: {
        Vary: ['Accept', 'Origin'],
        Link: ['</a>; rel=preload', '</b>; rel=preload'],
        'Set-Cookie': ['a=1'],
      },
      body: 'x',
      isBase64Encoded: false,
    });
  });

  it('H-08: alb-multi has the list of the two values', async () => {
    const result = await resultOf('alb-multi', answering('200 OK', repeated, 'x'));
    expect(result.multiValueHeaders).toEqual({
      'Content-Type': ['text/plain'],
      Vary: ['Accept', 'Origin'],
      Link: ['</a>; rel=preload', '</b>; rel=preload'],
      'Content-Length': ['1'],
    });
  });

  it('H-25: a load balancer is answered in the form of its request', async () => {
    const multi = await resultOf('alb-multi', answering('200 OK', TEXT, 'x'));
    expect(multi).toEqual({
      statusCode: 200,
      statusDescription: '200 OK',
      multiValueHeaders: { 'Content-Type': ['text/plain'], 'Content-Length': ['1'] },
      body: 'x',
      isBase64Encoded: false,
    });
    const single = await resultOf('alb-single', answering('200 OK', TEXT, 'x'));
    expect(single).toEqual({
      statusCode: 200,
      statusDescription: '200 OK',
      headers: { 'Content-Type': 'text/plain', 'Content-Length': '1' },
      body: 'x',
      isBase64Encoded: false,
    });
  });

  it.each(KINDS)('H-27: %s sends no header with a line end in it, nor one whose name is none', async (kind) => {
    for (const header of [
      ['X-A', 'a\r\nSet-Cookie: evil=1'],
      ['X-A', 'a\nb'],
      ['X-A', 'a\0b'],
      ['X A', 'a'],
      ['X-A:', 'a'],
      ['', 'a'],
    ] as HeaderList) {
      const { lines, errors } = logged();
      const result = await resultOf(kind, answering('200 OK', [header]), { errors });
      expect([statusOf(result), JSON.stringify(result).includes('evil')]).toEqual([500, false]);
      expect(lines[0]).toMatch(/^WsgiError: application: header (value for|name) /);
    }
  });

  it.each(V2)('H-11: %s has every value of a repeated header', async (kind) => {
    const result = await resultOf(kind, answering('200 OK', repeated, 'x'));
    expect(result.headers).toEqual({
      'Content-Type': 'text/plain',
      Vary: 'Accept, Origin',
      Link: '</a>; rel=preload, </b>; rel=preload',
      'Content-Length': '1',
    });
  });

  it.each([...V2, 'alb-single', ...LATTICE] as LambdaKind[])('H-12: %s joins two Link headers', async (kind) => {
    const links: HeaderList = [
      ['Link', '<a>'],
      ['link', '<b>'],
    ];
    expect((await resultOf(kind, answering('200 OK', links))).headers).toEqual({
      Link: '<a>, <b>',
      'Content-Length': '0',
    });
  });

  it.each(KINDS)('H-13: %s gets text for every header, whatever the application gives', async (kind) => {
    const result = await resultOf(
      kind,
      answering('200 OK', [...repeated, ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']], 'x'),
    );
    for (const value of Object.values(result.headers ?? {}))
      if (EDGE.includes(kind)) for (const entry of value as AnyEvent[]) expect(typeof entry.value).toBe('string');
      else expect(typeof value).toBe('string');
    for (const list of Object.values(result.multiValueHeaders ?? {}))
      for (const value of list as unknown[]) expect(typeof value).toBe('string');
    // A number, a list or nothing in place of text is the application's fault, and said so.
    for (const value of [5, true, null, undefined, ['a', 'b'], {}]) {
      const { lines, errors } = logged();
      const failed = await resultOf(kind, answering('200 OK', [['X-A', value as never]]), { errors });
      expect(statusOf(failed)).toBe(500);
      expect(lines[0]).toMatch(/header value for "X-A" must be a string, not /);
    }
  });

  it.each(KINDS)('H-15: %s sends the letters of a header, or refuses them', async (kind) => {
    const text = await resultOf(kind, answering('200 OK', [['X-A', encodeNative('\u00fcn\u00ef \u20ac')]]));
    expect(valuesOf(text, 'x-a')).toEqual(['\u00fcn\u00ef \u20ac']);
    const latin = await resultOf(kind, answering('200 OK', [['X-A', '\u00fcn\u00ef']]));
    expect(valuesOf(latin, 'x-a')).toEqual(['\u00fcn\u00ef']);
    const response = () => new Response(null, { headers: { 'x-a': '\u00fcn\u00ef' } });
    expect(valuesOf(await resultOf(kind, fromFetchHandler(response)), 'x-a')).toEqual(['\u00fcn\u00ef']);
    const { lines, errors } = logged();
    expect(statusOf(await resultOf(kind, answering('200 OK', [['X-A', '\u20ac']]), { errors }))).toBe(500);
    expect(lines[0]).toMatch(/"X-A" has a code unit above U\+00FF; encodeNative\(\) makes it bytes/);
  });

  it.each(KINDS)('H-17: %s gets no header of the connection', async (kind) => {
    for (const name of ['Transfer-Encoding', 'Connection', 'keep-alive', 'Upgrade', 'TE', 'Trailer']) {
      const { lines, errors } = logged();
      const result = await resultOf(kind, answering('200 OK', [[name, 'x']]), { errors });
      expect([statusOf(result), valuesOf(result, name.toLowerCase())]).toEqual([500, []]);
      expect(lines[0]).toMatch(`header "${name}" is hop-by-hop and belongs to the server`);
    }
    // A Response of the Fetch API may have come from a server that sets them.
    const headers = { connection: 'close', 'transfer-encoding': 'chunked', 'keep-alive': 'timeout=5', 'x-a': '1' };
    const result = await resultOf(
      kind,
      fromFetchHandler(() => new Response('x', { headers })),
    );
    expect(statusOf(result)).toBe(200);
    for (const name of Object.keys(headers)) expect(valuesOf(result, name)).toEqual(name === 'x-a' ? ['1'] : []);
    expect(valuesOf(await resultOf(kind, answering('200 OK')), 'connection')).toEqual([]);
  });

  it.each(KINDS)("H-18: %s leaves the application's own list of headers as it is", async (kind) => {
    const headers: HeaderList = deepFreeze([
      ['Content-Type', 'text/plain'],
      ['Set-Cookie', 'a=1'],
      ['Vary', 'A'],
      ['Vary', 'B'],
    ]);
    const first = await resultOf(kind, answering('200 OK', headers, 'x'));
    expect(headers.length).toBe(4);
    expect(await resultOf(kind, answering('200 OK', headers, 'x'))).toEqual(first);
  });

  it.each(KINDS)('H-26: %s sends a header with an empty value', async (kind) => {
    const result = await resultOf(kind, answering('200 OK', [['X-A', '']]));
    expect(valuesOf(result, 'x-a')).toEqual(['']);
    expect(readLambdaResult(kind, result).headers).toContainEqual(['X-A', '']);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) deepFreeze(each);
  return Object.freeze(value);
}
