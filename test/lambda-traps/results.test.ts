import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { Application } from '../../src/types.js';
import { toLambdaHandler, toLambdaStreamHandler } from '../../targets/aws-lambda/index.js';
import { type LambdaKind, lambdaEvent } from '../../testing/index.js';
import { withoutId } from '../request-id.js';
import {
  ALB,
  answering,
  bytesOf,
  context,
  EDGE,
  environOf,
  KINDS,
  LATTICE,
  logged,
  resultOf,
  sample,
  statusOf,
} from './harness.js';

/** The keys of a result, each, with a cookie and a body. */
const KEYS: Record<LambdaKind, string[]> = {
  'apigw-rest-v1': ['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded'],
  'apigw-http-v1': ['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded'],
  'apigw-http-v2': ['statusCode', 'headers', 'cookies', 'body', 'isBase64Encoded'],
  'function-url': ['statusCode', 'headers', 'cookies', 'body', 'isBase64Encoded'],
  'alb-single': ['statusCode', 'statusDescription', 'headers', 'body', 'isBase64Encoded'],
  'alb-multi': ['statusCode', 'statusDescription', 'multiValueHeaders', 'body', 'isBase64Encoded'],
  'lattice-v1': ['statusCode', 'statusDescription', 'headers', 'body', 'isBase64Encoded'],
  'lattice-v2': ['statusCode', 'statusDescription', 'headers', 'body', 'isBase64Encoded'],
  'edge-viewer-request': ['status', 'statusDescription', 'headers', 'body', 'bodyEncoding'],
  'edge-origin-request': ['status', 'statusDescription', 'headers', 'body', 'bodyEncoding'],
};

it.each(KINDS)('E-01: %s gets the keys that it knows, and none else', async (kind) => {
  expect(Object.keys(await resultOf(kind, answering('200 OK', [['Set-Cookie', 'a=1']], 'x')))).toEqual(KEYS[kind]);
  const bare = await resultOf(kind, answering('200 OK', [['Content-Type', 'text/plain']], 'x'));
  const optional = /^(cookies|multiValueHeaders)$/;
  expect(Object.keys(bare)).toEqual(KEYS[kind].filter((key) => kind === 'alb-multi' || !optional.test(key)));
});

it.each(KINDS)('E-02: %s gets its status code as a number, or as three digits', async (kind) => {
  for (const status of ['200 OK', '404 Not Found', '599 Odd']) {
    const { statusCode, status: edge } = await resultOf(kind, answering(status));
    const code = Number(status.slice(0, 3));
    expect([statusCode, edge]).toEqual(EDGE.includes(kind) ? [undefined, String(code)] : [code, undefined]);
  }
});

it.each([...ALB, ...LATTICE, ...EDGE])('E-04: %s gets the reason that the application gives', async (kind) => {
  const describe = (status: string) => (EDGE.includes(kind) ? status.slice(4) : status);
  for (const status of ['599 Out of Order', '218 This is fine', "418 I'm a teapot", '200 OK'])
    expect((await resultOf(kind, answering(status))).statusDescription).toBe(describe(status));
  for (const status of ['218 ', '200 '])
    expect(await resultOf(kind, answering(status))).not.toHaveProperty('statusDescription');
});

it.each(KINDS)('E-05: %s gets a whole result whatever the application does', async (kind) => {
  const never = new Error('broken');
  const apps: Application[] = [
    () => {
      throw never;
    },
    () => Promise.reject(never),
    () => [],
    (_environ, startResponse) => {
      startResponse('nonsense', []);
      return [];
    },
    async function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/html']]);
      yield Buffer.from('<p>');
      throw never;
    },
  ];
  for (const app of apps) {
    const result = await resultOf(kind, app, { errors: () => {} });
    expect(statusOf(result)).toBe(500);
    expect(Object.keys(result)).toEqual(
      KEYS[kind].filter((key) => (key !== 'cookies' && key !== 'multiValueHeaders') || kind === 'alb-multi'),
    );
    expect(withoutId(bytesOf(result).toString())).toBe('Internal Server Error\n');
    expect(JSON.stringify(result)).not.toContain('broken');
  }
});

describe('E-07: a result that a front end would not take is told, in place of a silent 502', () => {
  it.each(ALB)('E-07: %s with 1 MB of headers', async (kind) => {
    const { lines, errors } = logged();
    const app = answering('200 OK', [['X-Large', 'x'.repeat(1_048_576)]]);
    const result = await resultOf(kind, app, { errors });
    expect(result).toMatchObject({
      statusCode: 500,
      body: expect.stringMatching(/^The response is too large to be sent\nRequest id: \S+\n$/),
    });
    expect(lines[0]).toMatch(/makes a result of at least 1048\d{3} bytes; an Application Load Balancer takes 1048576$/);
  });

  it.each([
    ['apigw-rest-v1', 6_291_556],
    ['apigw-http-v2', 6_291_556],
    ['function-url', 6_291_556],
    ['alb-multi', 1_048_576],
    ['lattice-v2', 6_291_556],
    ['edge-viewer-request', 40_960],
    ['edge-origin-request', 1_048_576],
  ] as Array<[LambdaKind, number]>)('E-07: %s takes %d bytes, and not one more', async (kind, limit) => {
    const text = (length: number) => answering('200 OK', [['Content-Type', 'text/plain']], 'x'.repeat(length));
    const frame = JSON.stringify(await resultOf(kind, text(1_000_000 % limit))).length - (1_000_000 % limit);
    // The length of the body is in a header as well, where the front end takes one.
    const fits = await resultOf(kind, text(limit - frame));
    expect(statusOf(fits)).toBe(200);
    expect(JSON.stringify(fits).length).toBe(limit);
    expect(statusOf(await resultOf(kind, text(limit - frame + 1), { errors: () => {} }))).toBe(500);
    const third = answering('200 OK', [], new Uint8Array(limit * 0.751));
    expect(statusOf(await resultOf(kind, third, { errors: () => {} }))).toBe(500);
    // JSON makes six bytes of each.
    const escaped = answering('200 OK', [['Content-Type', 'text/plain']], '\0'.repeat(limit / 6));
    expect(statusOf(await resultOf(kind, escaped, { errors: () => {} }))).toBe(500);
  });
});

it('E-08: a handler has two parameters, and a promise for its result', async () => {
  const handler = toLambdaHandler(answering('200 OK'));
  expect(handler.length).toBe(2);
  const returned = handler(lambdaEvent('function-url'), context);
  expect(returned).toBeInstanceOf(Promise);
  expect((await returned).statusCode).toBe(200);
  // Lambda's runtime hands the stream to one that is marked so; its third parameter is no callback.
  expect(toLambdaStreamHandler(answering('200 OK')).constructor.name).toBe('AsyncFunction');
});

it.each(KINDS)('E-09: %s: excInfo after output is thrown again, and the response is a 500', async (kind) => {
  const { lines, errors } = logged();
  const failure = new Error('late');
  let caught: unknown;
  const app: Application = async function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield Buffer.from('part');
    try {
      startResponse('500 Oops', [], failure);
    } catch (error) {
      caught = error;
      throw error;
    }
  };
  expect(statusOf(await resultOf(kind, app, { errors }))).toBe(500);
  expect([caught, lines[0]]).toEqual([failure, 'Error: late']);
  const early: Application = (_environ, startResponse) => {
    startResponse('200 OK', [['X-A', '1']]);
    startResponse('503 Busy', [], failure);
    return [];
  };
  const result = await resultOf(kind, early);
  expect([statusOf(result), JSON.stringify(result).includes('X-A')]).toEqual([503, false]);
});

describe('E-12: another event ends once, with a result or an error', () => {
  const handle = (options: object) => toLambdaHandler(answering('200 OK'), options);
  it('E-12: without onOtherEvent it is refused', async () => {
    await expect(handle({})(sample('reject-sqs.json'), context)).rejects.toThrow(/this is an SQS event/);
  });

  it('E-12: a rejection or an error of onOtherEvent is the invocation’s', async () => {
    const failure = new Error('queue');
    const rejecting = handle({ onOtherEvent: () => Promise.reject(failure) });
    await expect(rejecting(sample('reject-sqs.json'), context)).rejects.toBe(failure);
    const throwing = handle({
      onOtherEvent: () => {
        throw failure;
      },
    });
    await expect(throwing(sample('reject-sns.json'), context)).rejects.toBe(failure);
  });
});

it.each(EDGE)('E-13: %s gets the result itself', async (kind) => {
  const result = await toLambdaHandler(answering('200 OK'))(lambdaEvent(kind), context);
  expect(result).toEqual({ status: '200', statusDescription: 'OK', headers: {} });
});

it.each(KINDS)('E-14: %s: nothing is left to do when the result is there', async (kind) => {
  const order: string[] = [];
  const later = (name: string) => new Promise<void>((resolve) => setTimeout(() => resolve(void order.push(name)), 2));
  const app: Application = (environ, startResponse) => {
    environ['wsgi_edge.wait_until'](later('background').then(() => environ['wsgi_edge.wait_until'](later('more'))));
    startResponse('200 OK', []);
    return Object.assign([], { close: () => later('close') });
  };
  await resultOf(kind, app);
  expect(order.sort()).toEqual(['background', 'close', 'more']);
});

it.each(KINDS)('E-15: %s leaves no timer behind that keeps the process', async (kind) => {
  const started = vi.spyOn(globalThis, 'setTimeout');
  const cleared = vi.spyOn(globalThis, 'clearTimeout');
  try {
    await environOf(lambdaEvent(kind));
    await resultOf(kind, async function* (_environ, startResponse) {
      await turn();
      startResponse('200 OK', []);
      yield Buffer.from('x');
    });
    const timers = started.mock.results.map(({ value }) => value);
    expect(timers.length).toBeGreaterThan(0);
    expect(cleared.mock.calls.map(([timer]) => timer)).toEqual(timers);
  } finally {
    vi.restoreAllMocks();
  }
});
