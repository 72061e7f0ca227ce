// Any bytes to Node and workerd, any Request to toFetchHandler: nothing hangs or escapes, every environ that an application
// sees keeps the interface, and no request is answered with what belongs to another.
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import fc from 'fast-check';
import type { Miniflare } from 'miniflare';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toFetchHandler } from '../../src/fetch.js';
import { serve } from '../../targets/node/index.js';
import { echo } from './echo.js';
import { RUNS, SEED, TIMEOUT } from './runs.js';

const token = fc.constantFrom(
  'GET',
  'POST',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'PUT',
  'get',
  'PURGE',
  'CONNECT',
  'TRACE',
  'G\tT',
);
const target = fc.oneof(
  fc.constantFrom(
    '/',
    '*',
    '',
    '//evil.example/x',
    '/a%2Fb%zz%FF',
    '/?',
    '/?a=1&a=2#f',
    '/\\..\\x',
    '/../..//x',
    '/%00',
    '/caf\xe9',
  ),
  fc.constantFrom('http://evil.example/x', 'http://user@h/', 'https://[::1]:1/', 'h:80', '@evil.example/'),
  fc.string({ maxLength: 12, unit: 'binary' }).map((text) => `/${text}`),
);
const headerName = fc.constantFrom(
  'X-A',
  'x_a',
  'Proxy',
  '__proto__',
  'constructor',
  'Cookie',
  'Content-Type',
  'Forwarded',
  'X-Forwarded-For',
  'Expect',
  'Upgrade',
  'Connection',
  'TE',
  'Trailer',
  'Content-Encoding',
  'Range',
  'bad name',
  '',
  'X-A ',
);
const headerValue = fc.oneof(
  fc.constantFrom(
    '',
    '1',
    'a, b',
    ' padded ',
    'chunked',
    'close',
    'keep-alive',
    '100-continue',
    'a=1; b=2',
    'caf\xe9',
    '\xc3\xa9',
    'x\0y',
    'x\ry',
    'x\r\n y',
  ),
  fc.string({ maxLength: 12, unit: 'binary' }),
);
const framing = fc.constantFrom(
  ['Content-Length: 5'],
  ['Content-Length: 0'],
  ['Content-Length: 5', 'Content-Length: 6'],
  ['Content-Length: 5, 5'],
  ['Content-Length: -1'],
  ['Content-Length: +5'],
  ['Content-Length: 0x5'],
  ['Content-Length: 99999999999999999999'],
  ['Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: 5'],
  ['Transfer-Encoding: gzip, chunked'],
  ['Transfer-Encoding:\x0bchunked'],
  ['Transfer-Encoding : chunked'],
  ['Transfer-Encoding: xchunked'],
  [],
);
const body = fc.constantFrom(
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '5;x=y\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
  'ffffffffffffffff1\r\nx',
  '5\nhello\n0\n\n',
  '-5\r\nhello\r\n',
  '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n',
);
const host = fc.constantFrom(
  'Host: h',
  'Host: h:80',
  'Host: ',
  'Host: h\r\nHost: i',
  'Host: a b',
  'Host: h/x',
  'Host: [::1]',
  '',
);
const request = fc
  .record({
    token,
    target,
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'http/1.1', ''),
    host,
    headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 5 }),
    framing,
    body,
    /** Bytes put in place of others. */
    noise: fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 2 }),
    twice: fc.boolean(),
  })
  .map((parts) => {
    const lines = [
      `${parts.token} ${parts.target} ${parts.version}`,
      ...(parts.host === '' ? [] : [parts.host]),
      ...parts.headers.map(([name, value]) => `${name}: ${value}`),
      ...parts.framing,
    ];
    const text = `${lines.join('\r\n')}\r\n\r\n${parts.body}`;
    const bytes = Buffer.from(parts.twice ? text + text : text, 'latin1');
    for (const [at, byte] of parts.noise) if (at < bytes.length) bytes[at] = byte;
    return bytes;
  });

const TOGETHER = 16; // inputs at a time
const requests = fc.array(request, { minLength: TOGETHER, maxLength: TOGETHER });

/** Sends bytes and closes its side; what comes back until the server has closed, too. */
function exchange(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => socket.end(bytes));
    socket.on('data', (data) => {
      answer += data.toString('latin1');
    });
    // A request that never ends is not the server's fault, and neither is its connection that stays open.
    socket.setTimeout(500, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

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
