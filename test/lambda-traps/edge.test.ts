import { expect, it } from 'vitest';
import { fromFetchHandler } from '../../src/fetch/application.js';
import type { Application, HeaderList } from '../../src/types.js';
import { type AwsEnviron, toLambdaHandler } from '../../targets/aws-lambda/index.js';
import {
  type AnyEvent,
  answering,
  context,
  EDGE,
  environOf,
  eventOf,
  eventWithHeaders,
  logged,
  resultOf,
  sample,
  statusOf,
} from './harness.js';

const handle = (event: unknown, options = {}): Promise<AnyEvent> =>
  toLambdaHandler(answering('200 OK'), options)(event, context);
const namesOf = (result: AnyEvent) => Object.keys(result.headers);

const FORBIDDEN = [
  'Expect',
  'X-Accel-Buffering',
  'X-Accel-Charset',
  'X-Accel-Limit-Rate',
  'X-Accel-Redirect',
  'X-Amz-Cf-Id',
  'X-Amz-Cf-Pop',
  'X-Amzn-Auth',
  'X-Amzn-Cf-Billing',
  'X-Amzn-Cf-Id',
  'X-Amzn-Cf-Xff',
  'X-Amzn-ErrorType',
  'X-Amzn-Fle-Profile',
  'X-Amzn-Header-Count',
  'X-Amzn-Header-Order',
  'X-Amzn-Lambda-Integration-Tag',
  'X-Amzn-RequestId',
  'X-Cache',
  'X-Edge-Location',
  'X-Forwarded-Proto',
  'X-Real-IP',
  'Content-Length',
  'Via',
];
const READ_ONLY: Record<string, string[]> = {
  'edge-viewer-request': ['Host'],
  'edge-origin-request': ['Accept-Encoding', 'If-Modified-Since', 'If-None-Match', 'If-Range', 'If-Unmodified-Since'],
};
const valueFor = (name: string) => (name === 'Content-Length' ? '0' : 'x');

it.each(EDGE)('G-01: %s gets no header that it does not take', async (kind) => {
  const names = [...FORBIDDEN, ...(READ_ONLY[kind] ?? [])];
  const headers = names.map((name): [string, string] => [name, valueFor(name)]);
  const result = await resultOf(kind, answering('200 OK', [...headers, ['X-A', '1']]));
  expect(namesOf(result)).toEqual(['x-a']);
  const response = new Response(null, {
    headers: { connection: 'close', 'keep-alive': 'x', 'transfer-encoding': 'chunked', 'x-cache': 'x', 'x-a': '1' },
  });
  const fetched = await resultOf(
    kind,
    fromFetchHandler(() => response),
  );
  expect([fetched.status, namesOf(fetched)]).toEqual(['200', ['x-a']]);
  // An application that is told so by the gateway, not by CloudFront.
  const { lines, errors } = logged();
  expect(statusOf(await resultOf(kind, answering('200 OK', [['Connection', 'close']]), { errors }))).toBe(500);
  expect(lines[0]).toMatch(/header "Connection" is hop-by-hop/);
});

it.each(EDGE)('G-02: %s: the rule is about whole names, and the same each time', async (kind) => {
  const kept = [
    'x-upgrade-token',
    'x-cache-control',
    'x-real-ip-2',
    'my-via',
    'x-forwarded-prototype',
    'x-edgy',
    'expect-ct',
  ];
  const headers: HeaderList = [
    ...kept.map((name): [string, string] => [name, '1']),
    ['X-Cache', 'Hit'],
    ['X-Edge-', 'x'],
  ];
  const app = answering('200 OK', headers);
  for (let i = 0; i < 4; i++) expect(namesOf(await resultOf(kind, app))).toEqual(kept);
});

it.each([
  ['edge-viewer-request', 40_960],
  ['edge-origin-request', 1_048_576],
] as const)('G-03, G-13: %s is measured in bytes, headers and base64 included', async (kind, limit) => {
  const sizes = async (headers: HeaderList, body: string | Uint8Array) => {
    const { lines, errors } = logged();
    const result = await resultOf(kind, answering('200 OK', headers, body), { errors });
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThanOrEqual(limit);
    return [result.status, lines.length > 0];
  };
  const text: HeaderList = [['Content-Type', 'text/plain; charset=utf-8']];
  expect(await sizes(text, 'x'.repeat(limit - 300))).toEqual(['200', false]);
  expect(await sizes(text, 'x'.repeat(limit))).toEqual(['500', true]);
  expect(await sizes(text, '\u20ac'.repeat(limit / 2))).toEqual(['500', true]); // three bytes each
  expect(await sizes([['Content-Type', 'image/png']], new Uint8Array(limit * 0.8))).toEqual(['500', true]);
  expect(await sizes([...text, ['X-Large', 'x'.repeat(limit)]], 'x')).toEqual(['500', true]);
  const { lines, errors } = logged();
  await resultOf(kind, answering('200 OK', text, 'x'.repeat(limit)), { errors });
  expect(lines[0]).toMatch(new RegExp(`bytes; Lambda@Edge \\(${kind.slice(5, 11)} request\\) takes ${limit}$`));
});

it.each(EDGE)('G-04: %s gets no body where there is none', async (kind) => {
  for (const app of [answering('204 No Content'), answering('302 Found', [['Location', '/']]), answering('200 OK')])
    expect(Object.keys(await resultOf(kind, app))).toEqual(['status', 'statusDescription', 'headers']);
  const head = await resultOf(kind, answering('200 OK', [], 'x'), {}, { method: 'HEAD' });
  expect(head).not.toHaveProperty('body');
});

it.each(EDGE)('G-05: %s has all entries of a request header', async (kind) => {
  const event = eventWithHeaders(kind, [
    ['X-Forwarded-For', '198.51.100.1'],
    ['x-forwarded-for', '198.51.100.2, 192.0.2.1'],
    ['Authorization', 'Bearer a'],
    ['Cookie', 'a=1'],
    ['Cookie', 'b=2'],
  ]);
  event.Records[0].cf.request.headers['x-forwarded-for'] = [
    { key: 'X-Forwarded-For', value: '198.51.100.1' },
    { value: '192.0.2.1' },
  ];
  expect(await environOf(event)).toMatchObject({
    HTTP_X_FORWARDED_FOR: '198.51.100.1, 192.0.2.1',
    HTTP_AUTHORIZATION: 'Bearer a',
    HTTP_COOKIE: 'a=1; b=2',
    REMOTE_ADDR: '203.0.113.7',
  });
});

it.each(EDGE)('G-06: a response trigger is refused, also where it lacks its type (%s)', async (kind) => {
  const refusal =
    /^aws-lambda: this is a Lambda@Edge response event, not an HTTP request; the option onOtherEvent can take it$/;
  await expect(handle(sample('edge-origin-response-docs.json'))).rejects.toThrow(refusal);
  for (const eventType of ['viewer-response', 'origin-response']) {
    const event = eventOf(kind);
    event.Records[0].cf.config.eventType = eventType;
    await expect(handle(event)).rejects.toThrow(refusal);
  }
  const event = eventOf(kind);
  delete event.Records[0].cf.config.eventType;
  event.Records[0].cf.response = { status: '200', statusDescription: 'OK', headers: {} };
  await expect(handle(event)).rejects.toThrow(refusal);
});

it.each(EDGE)('G-07: %s gets its status as three digits of text', async (kind) => {
  for (const status of ['200 OK', '404 Not Found', '599 X'])
    expect((await resultOf(kind, answering(status))).status).toBe(status.slice(0, 3));
});

it.each(EDGE)('G-08: %s answers a cut body with 413, and the application is not called', async (kind) => {
  const event = eventOf(kind, { method: 'POST', body: new Uint8Array(2 * 1024 * 1024) });
  expect(event.Records[0].cf.request.body.inputTruncated).toBe(true);
  const { lines, errors } = logged();
  let calls = 0;
  const result = await toLambdaHandler(
    (_environ, startResponse) => {
      calls++;
      startResponse('200 OK', []);
      return [];
    },
    { errors },
  )(event, context);
  expect([calls, statusOf(result), lines.length]).toEqual([0, 413, 1]);
  expect(lines[0]).toMatch(/has cut the request body; refused with 413 Content Too Large$/);
  // One that just fits is not cut.
  const whole = await environOf(eventOf(kind, { method: 'POST', body: new Uint8Array(40 * 1024) }));
  expect(whole.CONTENT_LENGTH).toBe('40960');
});

it.each(EDGE)('G-09: %s is for the host of its Host header, not for the distribution', async (kind) => {
  const event = eventWithHeaders(kind, [['Host', 'www.example.com']]);
  const environ = await environOf(event);
  expect([environ.SERVER_NAME, environ.SERVER_PORT, environ.HTTP_HOST]).toEqual([
    'www.example.com',
    '443',
    'www.example.com',
  ]);
  expect((await environOf(eventWithHeaders(kind, [['X-A', '1']]))).SERVER_NAME).toBe('d111111abcdef8.cloudfront.net');
});

it.each(EDGE)('G-10: %s: a request that goes on keeps its Host and the origin’s settings', async (kind) => {
  const event = eventWithHeaders(kind, [['Host', 'bucket.s3.amazonaws.com']]);
  event.Records[0].cf.request.origin = { s3: { domainName: 'bucket.s3.amazonaws.com', authMethod: 'none', path: '' } };
  const app: Application = (environ, startResponse) => {
    (environ as AwsEnviron<'edge-origin-request'>)['aws.forward']();
    startResponse('204 No Content', []);
    return [];
  };
  expect(await toLambdaHandler(app)(event, context)).toEqual(event.Records[0].cf.request);
});

it.each(EDGE)('G-11: %s gets an entry for each response header of a name', async (kind) => {
  const headers: HeaderList = [
    ['Vary', 'Accept'],
    ['vary', 'Origin'],
    ['Link', '<a>'],
    ['Link', '<b>'],
  ];
  expect((await resultOf(kind, answering('200 OK', headers))).headers).toEqual({
    vary: [
      { key: 'Vary', value: 'Accept' },
      { key: 'Vary', value: 'Origin' },
    ],
    link: [
      { key: 'Link', value: '<a>' },
      { key: 'Link', value: '<b>' },
    ],
  });
});

it.each(EDGE)('G-12: %s needs nothing of process.env', async (kind) => {
  const { AWS_LAMBDA_FUNCTION_NAME: name } = process.env;
  const event = eventWithHeaders(kind, [['X-A', '1']]);
  delete event.Records[0].cf.config;
  try {
    delete process.env.AWS_LAMBDA_FUNCTION_NAME;
    expect((await environOf(event, { basePath: '/v1', stage: 'prod' })).SERVER_NAME).toBe('localhost');
    process.env.AWS_LAMBDA_FUNCTION_NAME = 'us-east-1.my-function';
    expect((await environOf(event)).SERVER_NAME).toBe('us-east-1.my-function');
  } finally {
    if (name === undefined) delete process.env.AWS_LAMBDA_FUNCTION_NAME;
    else process.env.AWS_LAMBDA_FUNCTION_NAME = name;
  }
});

it.each(EDGE)('G-14: %s made by hand, without what AWS always sends', async (kind) => {
  const event = eventOf(kind);
  const { cf } = event.Records[0];
  const origin = kind === 'edge-origin-request' ? { origin: {} } : {};
  cf.request = { method: 'GET', uri: '/a', headers: { host: [{ value: 'h.example' }], 'x-a': [] }, ...origin };
  const environ = await environOf(event);
  expect(environ).toMatchObject({ PATH_INFO: '/a', QUERY_STRING: '', REQUEST_URI: '/a', SERVER_NAME: 'h.example' });
  for (const key of ['REMOTE_ADDR', 'CONTENT_LENGTH', 'HTTP_X_A']) expect(environ).not.toHaveProperty(key);
  cf.request.body = {};
  expect((await (await environOf(event))['wsgi.input'].read()).length).toBe(0);
  delete cf.config;
  expect((await environOf(event)).PATH_INFO).toBe('/a');
  delete cf.request.headers;
  expect((await environOf(event)).SERVER_NAME).toBe('localhost');
  cf.request.headers = { host: [null] };
  await expect(handle(event)).rejects.toThrow(/^aws-lambda: this event of Lambda@Edge \(.* request\) is malformed \(/);
});
