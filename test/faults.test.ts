// What breaks while a request is served, by the name of the fault, on every target that runs in process and on Node by a raw
// socket. The conformance suite has the faults of bodies on all targets; docs/THREATS.md lists them.
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../command/wire.js';
import { toFetchHandler } from '../src/fetch/gateway.js';
import type { Application, GatewayOptions } from '../src/types.js';
import { toLambdaHandler } from '../targets/aws-lambda/index.js';
import { serve, toNodeHandler } from '../targets/node/index.js';
import { type LambdaKind, lambdaEvent, readLambdaResult } from '../testing/index.js';
import { withoutId } from './request-id.js';

type Answer = { status: number; body: string; complete: boolean };
interface Asked {
  headers?: Array<[string, string]>;
  body?: Uint8Array;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const logged: string[] = [];
const errors = (line: string) => void logged.push(line);
const KINDS: LambdaKind[] = ['apigw-rest-v1', 'apigw-http-v2', 'function-url', 'alb-single', 'lattice-v2'];

const targets: Record<string, (app: Application, asked?: Asked, options?: GatewayOptions) => Promise<Answer>> = {
  async toFetchHandler(app, { headers = [], body } = {}, options = {}) {
    const sent = body === undefined ? {} : { method: 'POST', body: body as BodyInit };
    const length: Array<[string, string]> = body === undefined ? [] : [['Content-Length', String(body.length)]];
    const request = new Request('http://h/', { ...sent, headers: [...headers, ...length] });
    const response = await toFetchHandler(app, { errors, ...options })(request);
    const text = await response.text().catch(() => null);
    return { status: response.status, body: text ?? '', complete: text !== null };
  },
  async Node(app, { headers = [], body } = {}, options = {}) {
    const server = await serve(app, { errors, ...options });
    const method = body === undefined ? 'GET' : 'POST';
    const got = await sendRaw((server.address() as AddressInfo).port, { method, headers, ...(body ? { body } : {}) });
    server.close();
    return { status: got.status, body: Buffer.from(got.body).toString(), complete: got.complete };
  },
  ...Object.fromEntries(
    KINDS.map((kind) => [
      `Lambda, ${kind}`,
      async (app: Application, asked: Asked = {}, options: GatewayOptions = {}): Promise<Answer> => {
        const event = lambdaEvent(kind, { method: asked.body ? 'POST' : 'GET', ...asked });
        const result = await toLambdaHandler(app, { errors, ...options })(JSON.parse(JSON.stringify(event)), {
          getRemainingTimeInMillis: () => 700,
        });
        const { status, text } = readLambdaResult(kind, result);
        return { status, body: text(), complete: status !== 500 };
      },
    ]),
  ),
};

describe.each(Object.entries(targets))('%s', (name, ask) => {
  it('decompression: a gzip bomb is handed on as it was sent, and counted so against maxBody', async () => {
    const bomb = gzipSync(new Uint8Array(20_000_000));
    const seen: number[] = [];
    const app: Application = async (environ, startResponse) => {
      const body = await environ['wsgi.input'].read();
      seen.push(body.length, Number(Buffer.compare(body, bomb)));
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [bytes(String(environ.HTTP_CONTENT_ENCODING))];
    };
    const asked: Asked = { headers: [['Content-Encoding', 'gzip']], body: bomb };
    expect(await ask(app, asked, { maxBody: bomb.length })).toMatchObject({ status: 200, body: 'gzip' });
    expect(seen).toEqual([bomb.length, 0]);
    expect((await ask(app, asked, { maxBody: bomb.length - 1 })).status).toBe(413);
    expect(seen).toEqual([bomb.length, 0]);
  });

  it('a binding that rejects is a 500 without its message, and is logged', async () => {
    const binding = { get: () => Promise.reject(new Error('KV GET failed: 500 key hunter2')) };
    const { status, body } = await ask(async (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [await binding.get()];
    });
    expect([status, withoutId(body)]).toEqual([500, 'Internal Server Error\n']);
    expect(logged.splice(0).join('\n')).toContain('hunter2');
  });

  it('a body source that errors is broken off or a 500, never whole, and closed once', async () => {
    let closed = 0;
    const { complete, body } = await ask((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      let given = 0;
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (given++ === 0) controller.enqueue(bytes('first'));
          else controller.error(new Error('the disk is gone'));
        },
        cancel() {},
      });
      const iterable = { [Symbol.asyncIterator]: () => source[Symbol.asyncIterator](), close: () => void closed++ };
      return iterable as AsyncIterable<Uint8Array> & { close(): void };
    });
    // close() may come after the last byte.
    for (let i = 0; i < 100 && closed === 0; i++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect([complete, closed]).toEqual([false, 1]);
    expect(body).not.toContain('disk');
    expect(logged.splice(0).join('\n')).toContain('the disk is gone');
  });

  it('close() that throws or never settles takes no byte from the response', async () => {
    for (const close of [
      () => {
        throw new Error('close threw');
      },
      () => new Promise<void>(() => {}),
    ]) {
      const { status, body } = await ask((_environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return Object.assign([bytes('whole')], { close });
      });
      expect([status, body]).toEqual([200, 'whole']);
    }
    logged.splice(0);
  });

  it('memory that is not to be had is a 500, and the next request is served', async () => {
    const app: Application = (_environ, startResponse) => {
      const size = asked++ === 0 ? 2 ** 53 - 1 : 4;
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [new Uint8Array(size).fill(65)];
    };
    let asked = 0;
    expect((await ask(app)).status).toBe(500);
    expect(await ask(app)).toMatchObject({ status: 200, body: 'AAAA' });
    expect(logged.splice(0).join('\n')).toMatch(/RangeError/);
  });

  if (name.startsWith('Lambda'))
    it('the time of the platform runs out: wsgi_edge.signal tells, and a 500 goes out', async () => {
      let told: unknown;
      const { status } = await ask(async (environ) => {
        environ['wsgi_edge.signal'].addEventListener('abort', () => {
          told = environ['wsgi_edge.signal'].reason;
        });
        return new Promise(() => {});
      });
      expect(status).toBe(500);
      expect(String(told)).toMatch(/time is nearly up/);
      logged.splice(0);
    });
});

describe('a client of Node that goes away', () => {
  let app: Application;
  let server: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    server = await serve((environ, startResponse) => app(environ, startResponse), { errors });
  });
  afterAll(() => void server.close());

  /** Runs `given`, whose client sends `head` and leaves when it is told to; resolves when the body is closed. */
  async function left(head: string, given: (leave: () => void, closed: () => void) => Application): Promise<number> {
    let count = 0;
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1', () => socket.write(head));
    socket.on('error', () => {});
    await new Promise<void>((resolve) => {
      app = given(
        () => socket.destroy(),
        () => {
          count++;
          resolve();
        },
      );
    });
    await new Promise((resolve) => setTimeout(resolve, 20)); // a second close() would come now
    app = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return [bytes('next')];
    };
    expect(Buffer.from((await sendRaw(port, {})).body).toString()).toBe('next');
    return count;
  }
  const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
  const aborted = (signal: AbortSignal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));

  it('before the response: the body that still comes is closed once', async () => {
    const count = await left(GET, (leave, closed) => async (environ, startResponse) => {
      leave();
      await aborted(environ['wsgi_edge.signal']);
      startResponse('200 OK', []);
      return Object.assign([bytes('late')], { close: closed });
    });
    expect(count).toBe(1);
  });

  it('during the response: the body is closed once, between two chunks', async () => {
    const count = await left(GET, (leave, closed) => (environ, startResponse) => {
      startResponse('200 OK', []);
      const body = (async function* () {
        yield bytes('first');
        leave();
        await aborted(environ['wsgi_edge.signal']);
        yield bytes('never');
      })();
      return Object.assign(body, { close: closed });
    });
    expect(count).toBe(1);
  });

  it('after the response: wsgi_edge.signal stays as it is, close() has run once', async () => {
    let signal: AbortSignal | undefined;
    const count = await left(GET, (leave, closed) => (environ, startResponse) => {
      signal = environ['wsgi_edge.signal'];
      startResponse('200 OK', []);
      setTimeout(leave, 50);
      return Object.assign([bytes('whole')], { close: () => void setTimeout(closed, 100) });
    });
    expect([count, signal?.aborted]).toEqual([1, false]);
  });

  it('mid-upload: wsgi.input rejects with ClientDisconnected, and close() runs', async () => {
    let name = '';
    const post = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\npart';
    const count = await left(post, (leave, closed) => (environ, startResponse) => {
      startResponse('200 OK', []);
      const body = (async function* () {
        yield await environ['wsgi.input'].read(4);
        leave();
        await environ['wsgi.input'].read().catch((error: Error) => {
          name = error.name;
        });
      })();
      return Object.assign(body, { close: closed });
    });
    expect([count, name]).toEqual([1, 'ClientDisconnected']);
  });

  it('in a write(): it rejects with ClientDisconnected, and close() runs', async () => {
    let name = '';
    const count = await left(GET, (leave, closed) => async (_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      leave();
      try {
        for (;;) await write(new Uint8Array(65_536));
      } catch (error) {
        name = (error as Error).name;
      }
      return Object.assign([bytes('late')], { close: closed });
    });
    expect([count, name]).toEqual([1, 'ClientDisconnected']);
  });
});

it('HTTP/2 rapid reset: each body is closed, none is left in flight, and the next client is served', async () => {
  let started = 0;
  let closed = 0;
  const server = createHttp2Server(
    toNodeHandler(
      (environ, startResponse) => {
        startResponse('200 OK', []);
        if (environ.PATH_INFO === '/next') return [bytes('next')];
        started++;
        const body = (async function* () {
          for (;;) {
            yield new Uint8Array(1000);
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        })();
        return Object.assign(body, { close: () => void closed++ });
      },
      { errors },
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const attacker = connectHttp2(url);
  attacker.on('error', () => {}); // Node ends the session of a client that resets too many
  for (let i = 0; i < 2000 && !attacker.destroyed; i++) {
    const stream = attacker.request({ ':path': '/' });
    stream.on('error', () => {});
    stream.close(8); // CANCEL
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const client = connectHttp2(url);
  const answer = await new Promise((resolve, reject) => {
    const stream = client.request({ ':path': '/next' });
    let text = '';
    stream.on('data', (data) => {
      text += data;
    });
    stream.on('end', () => resolve(text));
    stream.on('error', reject);
  });
  expect(answer).toBe('next');
  attacker.destroy();
  for (let i = 0; i < 200 && closed < started; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(started).toBeGreaterThan(0);
  expect(closed).toBe(started);
  client.close();
  await new Promise((resolve) => server.close(resolve));
});
