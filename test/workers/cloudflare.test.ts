// Runs inside workerd.
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { Hono } from 'hono';
import { upgradeWebSocket } from 'hono/cloudflare-workers';
import { describe, expect, it, test } from 'vitest';
import { fromFetchHandler } from '../../src/fetch/application.js';
import { compose } from '../../src/middleware/compose.js';
import { bytesToText, textToBytes } from '../../src/native-string.js';
import type { Application, HeaderList, Middleware } from '../../src/types.js';
import { toCloudflareHandler, type WorkersEnviron } from '../../targets/cloudflare/index.js';
import { withoutId } from '../request-id.js';

const bindings = { GREETING: 'hey' };
const quiet = { errors: () => {} };

async function send(app: Application, request: Request | string = 'https://h.example/', options = {}) {
  const ctx = createExecutionContext();
  const response = await toCloudflareHandler(app, options).fetch(
    typeof request === 'string' ? new Request(request) : request,
    bindings,
    ctx,
  );
  return { response, ctx, finished: () => waitOnExecutionContext(ctx) };
}

const answering =
  (status: string, headers: HeaderList, body: Uint8Array[] = []): Application =>
  (_, startResponse) => {
    startResponse(status, headers);
    return body;
  };

describe('a file', () => {
  it('whose stream somebody reads already is an error before the head', async () => {
    const { body } = new Response('x');
    body?.getReader();
    const { response } = await send(
      (environ, startResponse) => {
        startResponse('200 OK', []);
        return environ['wsgi.file_wrapper'](body as ReadableStream<Uint8Array>);
      },
      undefined,
      quiet,
    );
    expect([response.status, withoutId(await response.text())]).toEqual([500, 'Internal Server Error\n']);
  });
});

describe('the environ of a Worker', () => {
  it('has the bindings, the context and the request', async () => {
    let environ: WorkersEnviron<typeof bindings> | undefined;
    const request = new Request('https://h.example/p?q', {
      headers: { 'CF-Connecting-IP': '203.0.113.9', 'X-Forwarded-For': '6.6.6.6' },
    });
    const { ctx } = await send((given, startResponse) => {
      environ = given as WorkersEnviron<typeof bindings>;
      startResponse('200 OK', []);
      return [];
    }, request);
    expect(environ?.['workers.env']).toBe(bindings);
    expect(environ?.['workers.ctx']).toBe(ctx);
    expect(environ?.['workers.request']).toBe(request);
    expect(environ?.REMOTE_ADDR).toBe('203.0.113.9');
    expect(environ?.['wsgi.url_scheme']).toBe('https');
  });

  it('has native strings, though the runtime decodes headers as UTF-8', async () => {
    let environ: WorkersEnviron | undefined;
    await send(
      (given, startResponse) => {
        environ = given as WorkersEnviron;
        startResponse('200 OK', []);
        return [];
      },
      new Request('https://h.example/caf%C3%A9', { headers: { 'X-A': 'caf\u00e9 €', Cookie: 'a=1, b=2' } }),
    );
    expect(environ?.HTTP_X_A).toBe('caf\u00c3\u00a9 \u00e2\u0082\u00ac');
    expect(environ?.PATH_INFO).toBe('/caf\u00c3\u00a9');
    expect(environ?.HTTP_COOKIE).toBe('a=1; b=2');
  });

  it('has no REMOTE_ADDR where the platform vouches for none', async () => {
    let environ: WorkersEnviron | undefined;
    await send((given, startResponse) => {
      environ = given as WorkersEnviron;
      startResponse('200 OK', []);
      return [];
    });
    expect(environ).not.toHaveProperty('REMOTE_ADDR');
  });
});

describe('the Response', () => {
  it('has the bytes of native strings', async () => {
    const { response } = await send(answering('200 caf\u00c3\u00a9', [['X-A', 'caf\u00c3\u00a9']]));
    expect(response.headers.get('x-a')).toBe('caf\u00e9');
    expect(response.statusText).toBe('caf\u00e9');
  });

  test.each(['204 No Content', '205 Reset Content', '304 Not Modified'])('%s has no body', async (status) => {
    const { response, finished } = await send(
      answering(status, [['Content-Length', '4']], [textToBytes('body')]),
      'https://h/',
      quiet,
    );
    expect(response.body).toBeNull();
    await finished();
  });

  it('is not encoded once more', async () => {
    const bytes = Uint8Array.of(31, 139, 1, 2, 3);
    const { response } = await send(answering('200 OK', [['Content-Encoding', 'gzip']], [bytes]));
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  });

  it('keeps several Set-Cookie lines', async () => {
    const headers: HeaderList = [
      ['Set-Cookie', 'a=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT'],
      ['Set-Cookie', 'b=2'],
    ];
    const { response } = await send(answering('200 OK', headers));
    expect(response.headers.getSetCookie()).toEqual(headers.map(([, value]) => value));
  });

  it.each([
    ['a Blob', () => new Blob(['from a file'])],
    ['a stream', () => new Response('from a file').body as ReadableStream<Uint8Array>],
    ['a reader', () => ({ read: once(textToBytes('from a file')) })],
  ])('is the file of wsgi.file_wrapper: %s', async (_, source) => {
    let closed = 0;
    const { response, finished } = await send((environ, startResponse) => {
      startResponse('200 OK', []);
      const body = environ['wsgi.file_wrapper'](source());
      const close = body.close?.bind(body);
      body.close = async () => {
        closed++;
        await close?.();
      };
      return body;
    });
    expect(await response.text()).toBe('from a file');
    await finished();
    expect(closed).toBe(1);
  });

  it.each([
    ['at once', 100_000, () => undefined],
    ['at once, in small ones', 10, () => undefined],
    ['after I/O', 100_000, () => scheduler.wait(1)],
  ])('is every byte of a stream that gives its blocks %s', async (_, size, wait) => {
    let given = 0;
    const source = new ReadableStream({
      type: 'bytes',
      async pull(controller) {
        await wait();
        controller.enqueue(new Uint8Array(size).fill(++given));
        if (given === 3) controller.close();
      },
    });
    const { response, finished } = await send((environ, startResponse) => {
      startResponse('200 OK', []);
      return environ['wsgi.file_wrapper'](source);
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(bytes.length).toBe(3 * size);
    expect([bytes[0], bytes[size - 1], bytes[size], bytes[3 * size - 1]]).toEqual([1, 1, 2, 3]);
    await finished();
  });

  it('goes on after the handler has returned, and ends the body once', async () => {
    const events: string[] = [];
    const { response, finished } = await send(async (_, startResponse) => {
      startResponse('200 OK', [['Content-Length', '2']]);
      return {
        async *[Symbol.asyncIterator]() {
          yield textToBytes('a');
          yield textToBytes('b');
        },
        close: () => void events.push('close'),
      };
    });
    expect(await response.text()).toBe('ab');
    await finished();
    expect(events).toEqual(['close']);
  });
});

describe('a WebSocket', () => {
  const upgradeRequest = () => new Request('https://h.example/ws', { headers: { Upgrade: 'websocket' } });

  const talk = async (response: Response) => {
    expect(response.status).toBe(101);
    const socket = response.webSocket as WebSocket;
    socket.accept();
    const answer = new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)));
    socket.send('ping');
    expect(await answer).toBe('echo ping');
    socket.close();
  };

  it('of a Worker reaches the client through fromFetchHandler', async () => {
    const worker = fromFetchHandler(() => {
      const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
      server.accept();
      server.addEventListener('message', ({ data }) => server.send(`echo ${data}`));
      return new Response(null, { status: 101, webSocket: client });
    });
    const { response } = await send(worker, upgradeRequest());
    await talk(response);
  });

  it('of Hono does so too, with the headers that middleware adds', async () => {
    const hono = new Hono();
    hono.get(
      '/ws',
      upgradeWebSocket(() => ({ onMessage: (event, socket) => socket.send(`echo ${event.data}`) })),
    );
    const cookies: Middleware = (app) => (environ, startResponse) =>
      app(environ, (status, headers, excInfo) =>
        startResponse(status, [...headers, ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']], excInfo),
      );
    const { response } = await send(compose(cookies)(fromFetchHandler(hono.fetch)), upgradeRequest());
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    await talk(response);
  });

  it('is the only way to status 101', async () => {
    const { response } = await send(answering('101 Switching Protocols', []), 'https://h/', quiet);
    expect(response.status).toBe(500);
  });
});

it('serves without an execution context, as in a Durable Object', async () => {
  const { fetch } = toCloudflareHandler(async (environ, startResponse) => {
    startResponse('200 OK', []);
    return [await environ['wsgi.input'].read()];
  });
  const request = new Request('https://h/', { method: 'POST', body: 'data' });
  const response = await fetch(request, {}, undefined as never);
  expect(bytesToText(new Uint8Array(await response.arrayBuffer()))).toBe('data');
});

function once(bytes: Uint8Array) {
  let left: Uint8Array | null = bytes;
  return () => {
    const block = left;
    left = null;
    return block;
  };
}

describe('faults', () => {
  it('decompression: a gzip body is handed on as it was sent, and counted so against maxBody', async () => {
    const zeros = new Response(new Uint8Array(1_000_000)).body as ReadableStream<Uint8Array>;
    const body = new Uint8Array(await new Response(zeros.pipeThrough(new CompressionStream('gzip'))).arrayBuffer());
    const echo: Application = async (environ, startResponse) => {
      const given = await environ['wsgi.input'].read();
      startResponse('200 OK', []);
      return [given];
    };
    const post = () =>
      new Request('https://h.example/', {
        method: 'POST',
        body,
        headers: { 'Content-Encoding': 'gzip', 'Content-Length': String(body.length) },
      });
    const { response } = await send(echo, post(), { maxBody: body.length });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
    expect((await send(echo, post(), { ...quiet, maxBody: body.length - 1 })).response.status).toBe(413);
  });

  it('a binding that rejects is a 500 without its message, and is logged', async () => {
    const lines: string[] = [];
    const { response } = await send(
      async (_environ, startResponse) => {
        startResponse('200 OK', []);
        return [await Promise.reject(new Error('KV GET failed: 500 key hunter2'))];
      },
      undefined,
      { errors: (line: string) => void lines.push(line) },
    );
    expect([response.status, withoutId(await response.text())]).toEqual([500, 'Internal Server Error\n']);
    expect(lines.join('\n')).toContain('hunter2');
  });

  it('has the id of Cloudflare in the log and on the 500 page', async () => {
    const lines: string[] = [];
    const app: Application = () => {
      throw new Error('x');
    };
    const { response } = await send(
      app,
      new Request('https://h.example/', { headers: { 'CF-Ray': '8f5e1c8a0b1c2d3e-FRA' } }),
      { errors: (line: string) => void lines.push(line) },
    );
    expect(await response.text()).toBe('Internal Server Error\nRequest id: 8f5e1c8a0b1c2d3e-FRA\n');
    expect(lines[0]).toBe('[8f5e1c8a0b1c2d3e-FRA] GET /: Error: x');
    for (const line of lines) expect(line).toMatch(/^\[8f5e1c8a0b1c2d3e-FRA\] /);
  });

  it('close() that never settles takes no byte from the response', async () => {
    const { response } = await send((_environ, startResponse) => {
      startResponse('200 OK', []);
      return Object.assign([textToBytes('whole')], { close: () => new Promise<void>(() => {}) });
    });
    expect(await response.text()).toBe('whole');
  });

  it('memory that is not to be had is a 500, and the next request is served', async () => {
    const sized =
      (size: number): Application =>
      (_environ, startResponse) => {
        startResponse('200 OK', []);
        return [new Uint8Array(size)];
      };
    expect((await send(sized(2 ** 53 - 1), undefined, quiet)).response.status).toBe(500);
    expect((await send(sized(4))).response.status).toBe(200);
  });
});
