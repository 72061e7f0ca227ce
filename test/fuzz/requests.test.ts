// Any bytes to Node and workerd, any Request to toFetchHandler: nothing hangs or escapes, every environ that an application
// sees keeps the interface, and no request is answered with what belongs to another.
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import fc from 'fast-check';
import type { Miniflare } from 'miniflare';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toFetchHandler } from '../../src/fetch/gateway.js';
import { serve } from '../../targets/node/index.js';
import { CONNECT, withoutProvoked } from '../workerd-log.js';
import { exchange, headerName, headerValue, request, target } from './bytes.js';
import { echo } from './echo.js';
import { RUNS, SEED, TIMEOUT } from './runs.js';

const TOGETHER = 64; // inputs at a time
const requests = fc.array(request, { minLength: TOGETHER, maxLength: TOGETHER });

let nonce = 0;

/** Sends several inputs side by side, with a request among them and another one behind them that are as they should be,
 *  which must get their own answers and nothing else. */
async function survives(port: number, inputs: Uint8Array[]): Promise<void> {
  const answers = await Promise.all([...inputs.map((bytes) => exchange(port, bytes)), served(port)]);
  for (const answer of answers.slice(0, -1)) {
    if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.[01] [1-5]\d\d /);
    expect(answer).not.toMatch(/nonce-/);
  }
  await served(port);
}

async function served(port: number): Promise<string> {
  const mark = `nonce-${nonce++}-`;
  const good = await exchange(
    port,
    Buffer.from(
      `POST /good HTTP/1.1\r\nHost: h\r\nX-Mark: ${mark}\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody`,
    ),
    20_000, // on a busy machine an answer may take its time; none at all is a fault
  );
  expect(good).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const echoed = JSON.parse(good.slice(good.indexOf('{'), good.lastIndexOf('}') + 1)) as Record<string, string>;
  expect(echoed).toMatchObject({ PATH_INFO: '/good', HTTP_X_MARK: mark, body: 'body' });
  expect(
    Object.keys(echoed)
      .filter((key) => key.startsWith('HTTP_'))
      .sort(),
  ).toEqual(
    ['HTTP_CONNECTION', 'HTTP_HOST', 'HTTP_X_MARK'].filter((key) => key in echoed || key !== 'HTTP_CONNECTION'),
  );
  return good;
}

// A breach that the validator finds, by the gateway or by the echo, is logged with this word.
const breaches: string[] = [];
const errors = (line: string) => {
  if (/validator:|WsgiError|TypeError/.test(line)) breaches.push(line);
};
const escaped: unknown[] = [];
const onEscaped = (error: unknown) => escaped.push(error);
beforeAll(() => {
  process.on('unhandledRejection', onEscaped);
  process.on('uncaughtException', onEscaped);
});
afterAll(() => {
  process.off('unhandledRejection', onEscaped);
  process.off('uncaughtException', onEscaped);
});
afterEach(() => {
  expect(escaped.splice(0)).toEqual([]);
  expect(breaches.splice(0)).toEqual([]);
});

describe('any bytes', () => {
  let server: Awaited<ReturnType<typeof serve>>;
  let workerd: Miniflare;
  let port: number;

  beforeAll(async () => {
    server = await serve(echo, { errors });
    const { outputFiles } = await build({
      stdin: {
        contents: `import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
          import { echo } from './echo.js';
          const breaches = [];
          const handler = toCloudflareHandler((environ, startResponse) => {
            if (environ.PATH_INFO !== '/breaches') return echo(environ, startResponse);
            startResponse('200 OK', []);
            return [new TextEncoder().encode(JSON.stringify(breaches.splice(0)))];
          }, { errors: (line) => { if (/validator:|WsgiError|TypeError/.test(line)) breaches.push(line); } });
          export default handler;`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
        loader: 'ts',
      },
      bundle: true,
      format: 'esm',
      write: false,
    });
    const miniflare: typeof import('miniflare') = createRequire(import.meta.url)('miniflare');
    workerd = new miniflare.Miniflare(
      miniflare.convertV4MiniflareOptions({
        name: 'fuzz',
        modules: [{ type: 'ESModule', path: 'worker.js', contents: outputFiles[0]?.text ?? '' }],
        compatibilityDate: '2026-10-20',
        host: '127.0.0.1',
        cf: false,
        unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        handleStructuredLogs: withoutProvoked(CONNECT),
      }),
    );
    await workerd.ready;
    port = Number((await workerd.unsafeGetDirectURL('fuzz')).port);
  }, 60_000);
  afterAll(async () => {
    server.close();
    await workerd?.dispose();
  });

  it(
    'leave Node able to serve the next request',
    () =>
      fc.assert(
        fc.asyncProperty(requests, (inputs) => survives((server.address() as AddressInfo).port, inputs)),
        { numRuns: Math.ceil(RUNS / TOGETHER), seed: SEED },
      ),
    TIMEOUT,
  );

  it(
    'leave workerd able to serve the next request',
    async () => {
      await fc.assert(
        fc.asyncProperty(requests, (inputs) => survives(port, inputs)),
        { numRuns: Math.ceil(RUNS / TOGETHER), seed: SEED },
      );
      const found = await exchange(port, Buffer.from('GET /breaches HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'));
      expect(found).toMatch(/\[\]\s*(0\s*)?$/);
    },
    TIMEOUT,
  );
});

describe('any Request', () => {
  const url = fc.oneof(
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    target.map((path) => `http://h${path}`),
  );
  it(
    'to toFetchHandler is answered, with an environ that keeps the interface',
    () =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom('GET', 'POST', 'PUT', 'PURGE', 'OPTIONS'),
          url,
          fc.array(fc.tuple(headerName, headerValue), { maxLength: 5 }),
          fc.uint8Array({ maxLength: 40 }),
          async (method, address, headers, bytes) => {
            let given: Request;
            try {
              given = new Request(address, { method, headers, ...(method === 'GET' ? {} : { body: bytes }) });
            } catch {
              return; // no Request at all
            }
            const response = await toFetchHandler(echo, { errors })(given);
            expect([200, 400, 501]).toContain(response.status);
            if (response.status !== 200) return;
            const echoed = JSON.parse(await response.text()) as Record<string, string>;
            expect(echoed.length).toBe(method === 'GET' ? '0' : String(bytes.length));
          },
        ),
        { numRuns: RUNS * 2, seed: SEED },
      ),
    TIMEOUT,
  );
});
