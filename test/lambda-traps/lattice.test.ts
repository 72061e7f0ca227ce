import { expect, it } from 'vitest';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import {
  answering,
  context,
  environOf,
  eventOf,
  eventWithHeaders,
  LATTICE,
  requestOf,
  sample,
  targetOf,
} from './harness.js';

const handle = (event: unknown) => toLambdaHandler(answering('201 Created', [['X-A', '1']], 'x'))(event, context);

it.each(LATTICE)('L-01: %s is served', async (kind) => {
  const event = eventOf(kind, { method: 'PUT', target: '/a%20b/?c=d+e', headers: [['Host', 'svc.example:8080']] });
  expect(await environOf(event)).toMatchObject({
    REQUEST_METHOD: 'PUT',
    SCRIPT_NAME: '',
    PATH_INFO: '/a b/',
    QUERY_STRING: 'c=d+e',
    SERVER_NAME: 'svc.example',
    SERVER_PORT: '8080',
    REMOTE_ADDR: '203.0.113.7',
  });
  expect(await handle(event)).toEqual({
    statusCode: 201,
    statusDescription: '201 Created',
    headers: { 'X-A': '1', 'Content-Length': '1' },
    body: 'x',
    isBase64Encoded: false,
  });
});

it.each(LATTICE)('L-02: %s with a body in base64 gives its bytes', async (kind) => {
  const bytes = Uint8Array.of(0, 255, 1);
  const environ = await environOf(eventOf(kind, { method: 'POST', target: '/up', body: bytes }));
  expect([environ.REQUEST_METHOD, environ.PATH_INFO, environ.CONTENT_LENGTH]).toEqual(['POST', '/up', '3']);
  expect(await environ['wsgi.input'].read()).toEqual(bytes);
});

it('L-02: the samples with a body in base64', async () => {
  for (const file of ['lattice-v1.json', 'lattice-v2-rust-base64.json']) {
    const event = sample(file);
    const environ = await environOf(event);
    expect(Buffer.from(await environ['wsgi.input'].read())).toEqual(Buffer.from(event.body, 'base64'));
  }
});

it('L-03: version 1 is taken for nothing else', async () => {
  const event = sample('lattice-v1.json');
  const environ = await environOf(event);
  expect([environ.REQUEST_METHOD, environ.PATH_INFO]).toEqual([event.method, event.raw_path.split('?')[0]]);
  expect(Object.keys((await handle(event)) as object)).toEqual([
    'statusCode',
    'statusDescription',
    'headers',
    'body',
    'isBase64Encoded',
  ]);
  // A sample of AWS's has the query in the path.
  const inPath = eventOf('lattice-v1', {}, { raw_path: '/p%20q?a=b%26c&d', query_string_parameters: { a: 'b&c' } });
  expect(await environOf(inPath)).toMatchObject({ PATH_INFO: '/p q', QUERY_STRING: 'a=b%26c&d' });
  expect(await targetOf(inPath)).toBe('/p%20q?a=b%26c&d');
});

it('L-04: version 2 has its lists, in whichever form a sample has them', async () => {
  const lists = { headers: { 'x-a': ['1', '2'], cookie: ['a=1', 'b=2'] }, queryStringParameters: { q: ['1', '2'] } };
  expect(await environOf(eventOf('lattice-v2', {}, lists))).toMatchObject({
    HTTP_X_A: '1, 2',
    HTTP_COOKIE: 'a=1; b=2',
    QUERY_STRING: 'q=1&q=2',
  });
  const strings = { headers: { 'x-a': '1' }, queryStringParameters: { q: '1', 'order-id': '2' } };
  expect(await environOf(eventOf('lattice-v2', {}, strings))).toMatchObject({
    HTTP_X_A: '1',
    QUERY_STRING: 'q=1&order-id=2',
  });
  const { queryStringParameters: _, ...snake } = eventOf(
    'lattice-v2',
    {},
    { query_string_parameters: { q: ['1', '2'] } },
  );
  expect((await environOf(snake)).QUERY_STRING).toBe('q=1&q=2');
  expect((await environOf(sample('lattice-v2-headers-live.json'))).HTTP_HOST).toMatch(/vpc-lattice-svcs/);
});

it.each(LATTICE)('L-05: %s with a body on a GET', async (kind) => {
  const event = eventOf(kind, { method: 'GET', body: 'x', headers: [['Content-Type', 'text/plain']] });
  const environ = await environOf(event);
  expect(Buffer.from(await environ['wsgi.input'].read()).toString()).toBe('x');
  const request = await requestOf(event);
  expect([request.method, request.body]).toEqual(['GET', null]);
});

it.each(LATTICE)('L-05: %s without a host or an address', async (kind) => {
  const environ = await environOf(eventWithHeaders(kind, [['x-a', '1']]));
  expect([environ.SERVER_NAME, environ.SERVER_PORT, environ.REMOTE_ADDR]).toEqual(['localhost', '80', undefined]);
});
