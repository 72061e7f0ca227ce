// The function that streaming.test.ts runs in AWS's runtime client: its cases are picked by the path.
import { runInNewContext } from 'node:vm';
import { fromFetchHandler } from '../../src/fetch/application.js';
import type { Application, HeaderList } from '../../src/types.js';
import { toLambdaStreamHandler } from '../../targets/aws-lambda/index.js';
import { ID } from '../request-id.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const COOKIES: HeaderList = [
  ['Content-Type', 'text/plain'],
  ['Set-Cookie', 'a=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT'],
  ['Set-Cookie', 'b=2'],
  ['Vary', 'Accept'],
  ['vary', 'Origin'],
];
class OwnBytes extends Uint8Array {}

const plain =
  (status: string, headers: HeaderList, make: () => Iterable<unknown> | AsyncIterable<unknown>): Application =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return make() as Iterable<Uint8Array>;
  };

const CASES: Record<string, Application> = {
  '/redirect': plain('302 Found', [['Location', '/there']], () => []),
  '/redirect-generator': plain('302 Found', [['Location', '/there']], async function* () {}),
  '/no-content': plain('204 No Content', [['X-A', '1']], () => []),
  '/empty-chunks': plain('201 Created', [], () => [new Uint8Array(0), new Uint8Array(0)]),
  '/empty-stream': fromFetchHandler(
    () => new Response(new ReadableStream({ start: (controller) => controller.close() }), { status: 202 }),
  ),
  '/no-body': fromFetchHandler(() => new Response(null, { status: 204, headers: { 'x-a': '1' } })),
  '/subclass': plain('200 OK', [], () => [OwnBytes.from(bytes('own')), OwnBytes.from(bytes('!'))]),
  '/subclass-generator': plain('200 OK', [], function* () {
    yield OwnBytes.from(bytes('own'));
    yield OwnBytes.from(bytes('!'));
  }),
  '/realm': plain('200 OK', [], function* () {
    yield runInNewContext('Uint8Array.of(111, 119)');
    yield runInNewContext('Uint8Array.of(110)');
  }),
  '/same-buffer': plain('200 OK', [], async function* () {
    const buffer = Buffer.alloc(3);
    for (const text of ['abc', 'def', 'ghi']) {
      buffer.write(text);
      yield buffer;
    }
  }),
  '/array-buffer': plain('200 OK', [], () => [new ArrayBuffer(3)]),
  '/wide': plain('200 OK', [], function* () {
    yield bytes('ok');
    yield Uint16Array.of(1, 2);
  }),
  '/text': plain('200 OK', [], () => ['text']),
  '/throws': () => {
    throw new Error('secret');
  },
  // biome-ignore lint/correctness/useYield: it rejects in place of its first chunk
  '/rejects-generator': plain('200 OK', [['X-A', '1']], async function* () {
    await wait(1);
    throw new Error('secret');
  }),
  '/fails-late': plain('200 OK', [['Content-Type', 'text/plain']], async function* () {
    yield bytes('part');
    await wait(1);
    throw new Error('late');
  }),
  '/custom-error': () => {
    throw new RangeError('custom');
  },
  '/pid': plain('200 OK', [], () => [bytes(String(process.pid))]),
  '/sse': plain('200 OK', [['Content-Type', 'text/event-stream']], async function* () {
    yield bytes('data: 1\n\n');
    yield bytes('data: 2\n\n');
  }),
  '/length': plain('200 OK', [['Content-Length', '4']], () => [bytes('data')]),
  '/transfer-encoding': plain('200 OK', [['Transfer-Encoding', 'chunked']], () => [bytes('data')]),
  '/trailer': plain('200 OK', [['Trailer', 'X-Checksum']], () => [bytes('data')]),
  '/cookies': plain('200 OK', COOKIES, () => [bytes('x')]),
  '/cookies-generator': plain('200 OK', COOKIES, function* () {
    yield bytes('x');
  }),
  '/large': plain('200 OK', [], () => [new Uint8Array(10 * 1024 * 1024).fill(97)]),
  '/writes': async (_environ, startResponse) => {
    const write = startResponse('200 OK', []);
    for (let i = 0; i < 400; i++) await write(new Uint8Array(25_600).fill(97 + (i % 26)));
    return [];
  },
  '/environ': (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'application/json']]);
    return [
      bytes(
        JSON.stringify(
          Object.entries(environ).filter(
            ([key, value]) => typeof value === 'string' && key !== ID && !key.startsWith('aws.'),
          ),
        ),
      ),
    ];
  },
  '/echo': async (environ, startResponse) => {
    const body = await environ['wsgi.input'].read();
    startResponse('200 OK', [['X-Mount', environ.SCRIPT_NAME]]);
    return [body];
  },
};

const application: Application = (environ, startResponse) => {
  const app = Object.hasOwn(CASES, environ.PATH_INFO) ? CASES[environ.PATH_INFO] : undefined;
  return (app ?? plain('404 Not Found', [], () => []))(environ, startResponse);
};

export const handler = toLambdaStreamHandler(application, {
  basePath: '/base',
  maxBody: 1000,
  onOtherEvent: (event) => ({ other: event }),
  onError: (error) =>
    error instanceof RangeError ? plain('503 Busy', [['X-Page', 'own']], () => [bytes('own page')]) : undefined,
});
