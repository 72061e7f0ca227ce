// The option maxBody: a request body that is too long is a 413, whatever the platform, and is not taken in.
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { BodyTooLarge } from '../src/errors.js';
import { toFetchHandler } from '../src/fetch/gateway.js';
import { createInputStream, inputStream } from '../src/input-stream.js';
import { textToBytes } from '../src/native-string.js';
import type { Application } from '../src/types.js';
import { toLambdaHandler } from '../targets/aws-lambda/index.js';
import { serve, toNodeHandler } from '../targets/node/index.js';
import { lambdaEvent } from '../testing/index.js';

const MAX = 10;
let called = 0;
let pulled = 0;
const counting: Application = async (environ, startResponse) => {
  called++;
  const body = await environ['wsgi.input'].read();
  startResponse('200 OK', []);
  return [textToBytes(String(body.length))];
};
const lines: string[] = [];
const options = { maxBody: MAX, errors: (line: string) => void lines.push(line) };

// Endless, and cancelled by whoever has had enough.
const endless = () =>
  new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(4));
    },
  });

test.each([-1, Number.NaN, '10', null])('%j is no maxBody', (maxBody) => {
  expect(() => toNodeHandler(counting, { maxBody: maxBody as never })).toThrow(
    /toNodeHandler: maxBody must be a number of bytes, not/,
  );
});

describe('toFetchHandler', () => {
  const handler = toFetchHandler(counting, options);
  const post = (body: BodyInit, headers = {}) =>
    handler(new Request('http://h/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit));

  it('takes a body of just that length', async () => {
    expect(await (await post(new Uint8Array(MAX), { 'Content-Length': String(MAX) })).text()).toBe(String(MAX));
    expect(await (await post('0123456789')).text()).toBe(String(MAX));
  });

  it('does not call the application where the length tells', async () => {
    const before = called;
    const response = await post(new Uint8Array(11), { 'Content-Length': '11' });
    expect([response.status, await response.text(), called]).toEqual([413, 'Content Too Large\n', before]);
  });

  it('stops to read where it does not', async () => {
    pulled = 0;
    const response = await post(endless());
    expect([response.status, await response.text()]).toEqual([413, 'Content Too Large\n']);
    expect(pulled).toBeLessThan(6);
    expect(lines.join('\n')).toMatch(/client: the request body has more bytes than maxBody, 10/);
  });

  it('limits the stream of inputStream() as well', async () => {
    const reading = toFetchHandler(async (environ, startResponse) => {
      const { length } = new Uint8Array(await new Response(inputStream(environ)).arrayBuffer());
      startResponse('200 OK', []);
      return [textToBytes(String(length))];
    }, options);
    const request = (body: BodyInit) =>
      new Request('http://h/', { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(await (await reading(request('0123456789'))).text()).toBe('10');
    expect((await reading(request(endless()))).status).toBe(413);
  });

  it('leaves the answer to the application that catches the error', async () => {
    const own = toFetchHandler(async (environ, startResponse) => {
      const failed = await environ['wsgi.input'].read().catch((error: Error) => error.name);
      startResponse('200 OK', []);
      return [textToBytes(String(failed))];
    }, options);
    const request = new Request('http://h/', { method: 'POST', body: endless(), duplex: 'half' } as RequestInit);
    expect(await (await own(request)).text()).toBe('BodyTooLarge');
  });
});

describe('readlines()', () => {
  const LINES = 65_536;
  const linesOf = (count: number, maxBody: number, hint?: number) => {
    const handler = toFetchHandler(
      async (environ, startResponse) => {
        const { length } = await environ['wsgi.input'].readlines(hint);
        startResponse('200 OK', []);
        return [textToBytes(String(length))];
      },
      { ...options, maxBody },
    );
    return handler(new Request('http://h/', { method: 'POST', body: '\n'.repeat(count) }));
  };

  it('limits the lines of readlines(), because each takes memory', async () => {
    expect(await (await linesOf(LINES, LINES + 1)).text()).toBe(String(LINES));
    const refused = await linesOf(LINES + 1, LINES + 1);
    expect([refused.status, await refused.text()]).toEqual([413, 'Content Too Large\n']);
    expect(lines.splice(0).join('\n')).toContain(
      'client: the request body has more lines than readlines() gives under maxBody, 65537; iterate over them',
    );
  });

  it('gives more lines under a larger maxBody, and any number without one or up to a hint', async () => {
    const larger = 16 * (LINES + 1);
    expect(await (await linesOf(LINES + 1, larger)).text()).toBe(String(LINES + 1));
    expect((await linesOf(LINES + 2, larger)).status).toBe(413);
    expect(await (await linesOf(LINES + 2, Number.POSITIVE_INFINITY)).text()).toBe(String(LINES + 2));
    expect(await (await linesOf(LINES + 2, LINES + 2, 10)).text()).toBe('10');
  });

  it('gives the body up with the error that it rejects with', async () => {
    const cancelled: unknown[] = [];
    const body = textToBytes('\n'.repeat(LINES + 2));
    const input = createInputStream(
      { pull: async () => body.slice(), cancel: async (reason) => void cancelled.push(reason) },
      undefined,
      2 * LINES,
    );
    const error = await input.readlines().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BodyTooLarge);
    expect(cancelled).toEqual([error]);
    await expect(input.read()).rejects.toBe(error);
  });
});

describe('Lambda', () => {
  it.each(['apigw-rest-v1', 'function-url', 'alb-multi', 'edge-viewer-request'] as const)('%s', async (kind) => {
    const handler = toLambdaHandler(counting, options);
    const statusOf = async (length: number) => {
      const result = await handler(lambdaEvent(kind, { method: 'POST', body: new Uint8Array(length) }) as unknown, {});
      return Number('statusCode' in result ? result.statusCode : 'status' in result && result.status);
    };
    const before = called;
    expect([await statusOf(MAX), await statusOf(MAX + 1), called]).toEqual([200, 413, before + 1]);
  });
});

/** What a connection gives until the server closes it. */
function untilClosed(port: number, head: string, more?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    let timer: ReturnType<typeof setInterval> | undefined;
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(head);
      if (more !== undefined) timer = setInterval(() => socket.write(more), 2);
    });
    socket.on('data', (data) => {
      answer += data.toString('latin1');
    });
    // A client that goes on sending may be told by a reset; it has the answer then.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      if (answer === '') reject(new Error('closed without an answer'));
      else resolve(answer);
    });
  });
}

const TOO_LARGE = /^HTTP\/1\.1 413 Content Too Large\r\n/;

describe('Node', () => {
  it('answers and closes the connection, whether the length tells or not', async () => {
    const server = await serve(counting, options);
    const { port } = server.address() as AddressInfo;
    const post = 'POST / HTTP/1.1\r\nHost: h\r\n';
    const before = called;
    const told = await untilClosed(port, `${post}Content-Length: 1000000000\r\n\r\n`, '0123456789');
    expect(told).toMatch(TOO_LARGE);
    expect(called).toBe(before);
    const chunked = await untilClosed(port, `${post}Transfer-Encoding: chunked\r\n\r\n`, '8\r\n01234567\r\n');
    expect(chunked).toMatch(TOO_LARGE);
    expect(chunked).toMatch(/\r\nConnection: close\r\n/);
    server.close();
  });

  it('ends the stream of HTTP/2', async () => {
    const server = createHttp2Server(toNodeHandler(counting, options));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = session.request({ ':method': 'POST' }, { endStream: false });
    stream.on('error', () => {});
    stream.resume();
    const sending = setInterval(() => stream.write('0123456789'), 2);
    let status: unknown;
    stream.on('response', (headers) => {
      status = headers[':status'];
    });
    await new Promise((resolve) => stream.on('close', resolve));
    clearInterval(sending);
    expect([status, stream.rstCode]).toEqual([413, 0]);
    session.close();
    server.close();
  });
});

describe('workerd', () => {
  let workerd: Miniflare;
  let port: number;

  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `import { toCloudflareHandler } from './targets/cloudflare/index.ts';
          let called = 0;
          export default toCloudflareHandler(async (environ, startResponse) => {
            called++;
            const body = await environ['wsgi.input'].read();
            startResponse('200 OK', []);
            return [new TextEncoder().encode(called + ' ' + body.length)];
          }, { maxBody: ${MAX}, errors() {} });`,
        resolveDir: '.',
        loader: 'ts',
      },
      bundle: true,
      format: 'esm',
      write: false,
    });
    workerd = new Miniflare(
      convertV4MiniflareOptions({
        modules: [{ type: 'ESModule', path: 'worker.js', contents: outputFiles[0]?.text ?? '' }],
        compatibilityDate: '2026-10-20',
        host: '127.0.0.1',
        cf: false,
        unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      }),
    );
    await workerd.ready;
    port = Number((await workerd.unsafeGetDirectURL()).port);
  });
  afterAll(() => workerd.dispose());

  it('answers, whether the length tells or not', async () => {
    const post = 'POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n';
    const taken = await untilClosed(port, `${post}Content-Length: 10\r\n\r\n0123456789`);
    expect(taken).toMatch(/1 10$/);
    const told = await untilClosed(port, `${post}Content-Length: 11\r\n\r\n01234567890`);
    expect(told).toMatch(TOO_LARGE);
    const chunked = await untilClosed(
      port,
      `${post}Transfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n`,
    );
    expect(chunked).toMatch(TOO_LARGE);
    const after = await untilClosed(port, `${post}Content-Length: 0\r\n\r\n`);
    expect(after).toMatch(/3 0$/);
  });
});
