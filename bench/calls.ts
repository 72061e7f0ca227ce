// One Lambda function called with one event, as Lambda's runtime calls it.
import { strict as assert } from 'node:assert';
import { type LambdaKind, lambdaEvent, readLambdaResult } from 'wsgi-edge/testing';
import { binary, CACHE, COOKIE, TEXT } from './contenders/answers.ts';
import { type Contender, handlerOf } from './contenders/index.ts';

export const KINDS = {
  'HTTP API 2.0': 'apigw-http-v2',
  'REST v1': 'apigw-rest-v1',
  'ALB, multi-value': 'alb-multi',
} as const;
export type Kind = keyof typeof KINDS;

const headers = (type?: string): Array<[string, string]> => [
  ['x-name', 'bench'],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
  ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['accept-language', 'en-US,en;q=0.5'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['cookie', 'session=0123456789abcdef; theme=dark'],
  ['cache-control', 'no-cache'],
  ...(type === undefined ? [] : ([['content-type', type]] as Array<[string, string]>)),
];
const ITEMS = Array.from({ length: 60 }, (_, i) => `item number ${i}`);

const REQUESTS = {
  'GET with 12 headers': {
    request: { target: '/hello?a=1&b=two', headers: headers() },
    answer: { body: 'Hello, bench\n', headers: { 'content-type': TEXT, 'cache-control': CACHE, 'set-cookie': COOKIE } },
  },
  'POST of 1 kB JSON': {
    request: {
      method: 'POST',
      target: '/json',
      headers: headers('application/json'),
      body: JSON.stringify({ items: ITEMS }),
    },
    answer: { body: JSON.stringify({ count: ITEMS.length }), headers: { 'content-type': 'application/json' } },
  },
  '100 kB binary response': {
    request: { target: '/binary', headers: headers() },
    answer: { body: binary(), headers: { 'content-type': 'application/octet-stream' } },
  },
  '5 MB upload': {
    request: {
      method: 'POST',
      target: '/upload',
      headers: headers('application/octet-stream'),
      body: new Uint8Array(5_000_000),
    },
    answer: { body: '5000000', headers: { 'content-type': TEXT } },
  },
};
export type Asked = keyof typeof REQUESTS;

export const ASKED = Object.keys(REQUESTS) as Asked[];

/** Tells if a contender can answer. srvx throws if an event has no `headers`, as in the multi-value mode of a load balancer;
 *  a synchronous application cannot read a body. */
export function takes(contender: Contender, kind: Kind, asked: Asked): boolean {
  if (contender === 'srvx') return kind !== 'ALB, multi-value';
  return contender !== 'wsgi-edge, synchronous' || asked === 'GET with 12 headers';
}

export const eventOf = (kind: LambdaKind, asked: Asked): unknown => lambdaEvent(kind, REQUESTS[asked].request);

export const CONTEXT = {
  awsRequestId: '8f507cfc-2f7a-4b6e-9a53-000000000000',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => 30_000,
};

/** @throws {AssertionError} if a result is not the right answer */
export function check(kind: LambdaKind, asked: Asked, result: unknown): void {
  const { answer } = REQUESTS[asked];
  const got = readLambdaResult(kind, result);
  assert.equal(got.status, 200);
  assert.deepEqual(Buffer.from(got.body), Buffer.from(answer.body));
  for (const [name, value] of Object.entries(answer.headers)) {
    const values = got.headers.filter(([other]) => other.toLowerCase() === name).map(([, each]) => each.toLowerCase());
    // Peers spell the charset in their own ways, or leave it out where JSON needs none.
    assert.deepEqual(name === 'content-type' ? values.map(media) : values, [
      name === 'content-type' ? media(value) : value.toLowerCase(),
    ]);
  }
}

const media = (type: string): string => type.split(';', 1)[0] ?? '';

/** A call of a contender, which has given the right answer twice: the first call may change the event. */
export async function checkedCall(contender: Contender, kind: Kind, asked: Asked): Promise<() => Promise<unknown>> {
  const handler = await handlerOf(contender);
  // A handler may change its event, so contenders do not share it. Lambda's runtime makes it with JSON.parse(), too.
  const event = JSON.parse(JSON.stringify(eventOf(KINDS[kind], asked)));
  for (let i = 0; i < 2; i++) {
    try {
      check(KINDS[kind], asked, await handler(event, CONTEXT));
    } catch (error) {
      throw new Error(`${contender} gives a wrong answer to ${kind}, ${asked}`, { cause: error });
    }
  }
  return () => handler(event, CONTEXT);
}

/** µs of CPU for each call, garbage collection and compilation included, measured for so many ms. */
export async function cpuOf(call: () => Promise<unknown>, ms: number): Promise<number> {
  const until = performance.now() + ms;
  const start = process.cpuUsage();
  let calls = 0;
  do {
    for (let i = 0; i < 10; i++) await call();
    calls += 10;
  } while (performance.now() < until);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / calls;
}
