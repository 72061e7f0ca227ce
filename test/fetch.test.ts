import { Hono } from 'hono';
import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { Connection } from '../src/connection.js';
import { ClientDisconnected } from '../src/errors.js';
import { fromFetchHandler, isFetchBody } from '../src/fetch/application.js';
import { fetchEnviron } from '../src/fetch/environ.js';
import { toFetchHandler } from '../src/fetch/gateway.js';
import { FileWrapper } from '../src/file-wrapper.js';
import { createGateway } from '../src/gateway.js';
import { bytesSource, createInputStream } from '../src/input-stream.js';
import { mount } from '../src/middleware/mount.js';
import { bytesToText, textToBytes } from '../src/native-string.js';
import type { Application, Body, Environ } from '../src/types.js';
import { callApp, testEnviron } from '../testing/app.js';
import { bare } from './request-id.js';

const gateway = createGateway('test', () => [], {}, 599);
const read = (request: Request, make = fetchEnviron) =>
  make(request, gateway, new Connection(gateway.log, undefined), 'HTTP/1.1', () => undefined).environ;
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const quiet = { errors: () => {} };
const seen = (environs: Environ[]): Application => {
  return (environ, startResponse) => {
    environs.push(environ);
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [textToBytes('ok')];
  };
};
const environOf = async (url: string, init?: RequestInit): Promise<Environ> => {
  const environs: Environ[] = [];
  await toFetchHandler(seen(environs))(new Request(url, init));
  return environs[0] as Environ;
};

describe('toFetchHandler', () => {
  it('makes the environ of a Request', async () => {
    const environ = await environOf('https://h.example:8443/a%2Fb/%ff//c?x=%20&y', {
      method: 'POST',
      headers: [
        ['X-A', '1'],
        ['X-A', '2'],
        ['X_A', 'spoof'],
        ['Proxy', 'evil'],
        ['X-Latin', 'caf\u00e9'],
        ['Content-Type', 'text/plain'],
      ],
      body: 'hello',
    });
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'POST',
      SCRIPT_NAME: '',
      PATH_INFO: '/a/b/\u00ff//c',
      QUERY_STRING: 'x=%20&y',
      REQUEST_URI: '/a%2Fb/%ff//c?x=%20&y',
      SERVER_NAME: 'h.example',
      SERVER_PORT: '8443',
      SERVER_PROTOCOL: 'HTTP/1.1',
      HTTPS: 'on',
      'wsgi.url_scheme': 'https',
      CONTENT_TYPE: 'text/plain',
      HTTP_X_A: '1, 2',
      HTTP_X_LATIN: 'caf\u00e9',
    });
    expect(environ).not.toHaveProperty('HTTP_PROXY');
    expect(environ).not.toHaveProperty('HTTP_CONTENT_TYPE');
    expect(environ).not.toHaveProperty('REMOTE_ADDR');
    expect(bytesToText(await environ['wsgi.input'].read())).toBe('hello');
  });

  test.each([
    ['http://h.example/', 'h.example', '80'],
    ['https://h.example/', 'h.example', '443'],
    ['http://[::1]:8080/', '[::1]', '8080'],
  ])('%s has SERVER_NAME %s and SERVER_PORT %s', async (url, name, port) => {
    expect(await environOf(url)).toMatchObject({ SERVER_NAME: name, SERVER_PORT: port, QUERY_STRING: '' });
  });

  // What workerd hands over unnormalised; a Request of Node can't hold such a URL.
  test.each([
    ['http://h.example/evil/xyz', 'h.example/evil', 'localhost', '/xyz'],
    ['http://h.example/evil', 'h.example/evil', 'localhost', '/'],
    ['http://user:pw@h.example/x', null, 'h.example', '/x'],
    ['http://user:p@w@h.example/x', 'h.example', 'h.example', '/x'],
    ['http://h.example/x', 'h', 'h.example', '/x'],
    ['http://a.example/x', 'b.example', 'a.example', '/x'],
    ['http://h.example/a?b#c?d', 'h.example', 'h.example', '/a'],
    ['http://h.example#frag', 'h.example', 'h.example', '/'],
    ['http://h.example?q', 'h.example', 'h.example', '/'],
    ['http://h.example', 'h.example', 'h.example', '/'],
    ['http://h.example', null, 'h.example', '/'],
    ['http://h.example*', 'h.example', 'h.example', '*'],
    ['http://h.example/*', 'h.example', 'h.example', '/*'],
    ['http://h.example//evil.example/x', 'h.example', 'h.example', '//evil.example/x'],
    ['http://h.example/a/../b', 'h.example', 'h.example', '/a/../b'],
    ['http://H.EXAMPLE:80/caf\u00e9', 'H.EXAMPLE:80', 'H.EXAMPLE', '/caf\u00c3\u00a9'],
  ])('takes the path of %s with Host %s', (url, host, name, path) => {
    const request = { url, method: 'OPTIONS', headers: new Headers(host ? { host } : {}), body: null } as Request;
    expect(read(request)).toMatchObject({ SERVER_NAME: name, PATH_INFO: path });
  });

  test.each([
    ['a=1, b=2', 'a=1; b=2'],
    ['ab=1, cd=2,3, ef=4', 'ab=1; cd=2,3; ef=4'],
    ['a="x, y"; b=x, y', 'a="x, y"; b=x, y'],
    ['a=1,  b=2', 'a=1,  b=2'],
  ])('separates the cookies %s, joined by the platform', async (cookie, separated) => {
    const environ = await environOf('http://h/', { headers: { Cookie: cookie, 'X-A': 'a=1, b=2' } });
    expect(environ).toMatchObject({ HTTP_COOKIE: separated, HTTP_X_A: 'a=1, b=2' });
  });

  it('keeps several Set-Cookie lines and the reason', async () => {
    const response = await toFetchHandler((_, startResponse) => {
      startResponse('418 Short And Stout', [
        ['Set-Cookie', 'a=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT'],
        ['Set-Cookie', 'b=2'],
      ]);
      return [];
    })(new Request('http://h/'));
    expect([response.status, response.statusText]).toEqual([418, 'Short And Stout']);
    expect(response.headers.getSetCookie()).toEqual(['a=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT', 'b=2']);
    expect(response.headers.get('content-length')).toBe('0');
  });

  it('streams, one chunk at a time, as the reader asks', async () => {
    const produced: number[] = [];
    const response = await toFetchHandler(async function* (_, startResponse) {
      startResponse('200 OK', []);
      for (let i = 0; i < 5; i++) {
        produced.push(i);
        yield Uint8Array.of(i);
      }
    })(new Request('http://h/'));
    await later(20);
    expect(produced).toEqual([0]);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await later(20);
    expect(produced).toEqual([0, 1]);
    let total = 1;
    for (let step = await reader.read(); !step.done; step = await reader.read()) total += step.value.length;
    expect(total).toBe(5);
  });

  it('copies a chunk that stands in a Buffer of Node, too', async () => {
    const buffer = Buffer.alloc(3);
    const handler = toFetchHandler(async function* (_, startResponse) {
      startResponse('200 OK', []);
      for (const text of ['abc', 'def']) {
        buffer.write(text);
        yield buffer;
      }
    });
    expect(await (await handler(new Request('http://h/'))).text()).toBe('abcdef');
  });

  it('ends the body when the reader cancels, and rejects write()', async () => {
    const events: string[] = [];
    let rejection: unknown;
    const response = await toFetchHandler(async (environ, startResponse) => {
      environ['wsgi_edge.signal'].addEventListener('abort', () => events.push('signal'));
      const write = startResponse('200 OK', []);
      await write(textToBytes('first'));
      try {
        for (;;) await write(textToBytes('more'));
      } catch (error) {
        rejection = error;
      }
      return Object.assign([], { close: () => void events.push('close') });
    })(new Request('http://h/'));
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    await expect.poll(() => events).toEqual(['signal', 'close']);
    expect(rejection).toBeInstanceOf(ClientDisconnected);
  });

  it('rejects the write() that waits for the reader when that cancels', async () => {
    let rejection: unknown;
    const response = await toFetchHandler(async (_, startResponse) => {
      rejection = await startResponse(
        '200 OK',
        [],
      )(textToBytes('first')).then(
        () => 'accepted',
        (error: unknown) => error,
      );
      return [];
    })(new Request('http://h/'));
    await response.body?.cancel();
    await expect.poll(() => rejection).toBeInstanceOf(ClientDisconnected);
  });

  it('has nothing to log, whenever about the end of the body the reader cancels', async () => {
    const lines: string[] = [];
    for (let hops = 0; hops < 12; hops++) {
      let finish: ((step: IteratorResult<Uint8Array>) => void) | undefined;
      const app: Application = (_, startResponse) => {
        startResponse('200 OK', []);
        const steps = [
          Promise.resolve({ done: false, value: textToBytes('a') }),
          new Promise<IteratorResult<Uint8Array>>((resolve) => {
            finish = resolve;
          }),
        ];
        return { [Symbol.asyncIterator]: () => ({ next: () => steps.shift() }) } as Body;
      };
      const response = await toFetchHandler(app, { errors: (line) => lines.push(bare(line)) })(
        new Request('http://h/'),
      );
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      await later(1);
      finish?.({ done: true, value: undefined });
      for (let i = 0; i < hops; i++) await null;
      await reader.cancel();
      await later(1);
    }
    expect(lines).toEqual([]);
  });

  it('sends the head of a write() of no bytes, and no chunk for it', async () => {
    const response = await toFetchHandler((_, startResponse) => {
      const write = startResponse('200 OK', []);
      write(new Uint8Array(0));
      write(textToBytes('a'));
      return [];
    })(new Request('http://h/'));
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
    expect(chunks).toEqual([textToBytes('a')]);
  });

  it('aborts wsgi_edge.signal when that of the Request is, before or later', async () => {
    const before = await environOf('http://h/', { signal: AbortSignal.abort() });
    expect(before['wsgi_edge.signal'].reason).toBeInstanceOf(ClientDisconnected);
    const controller = new AbortController();
    let signal: AbortSignal | undefined;
    const response = toFetchHandler((environ) => {
      signal = environ['wsgi_edge.signal'];
      return new Promise(() => {});
    })(new Request('http://h/', { signal: controller.signal }));
    expect(signal?.aborted).toBe(false);
    controller.abort();
    await expect(response).rejects.toBeInstanceOf(ClientDisconnected);
    expect(signal?.reason).toBeInstanceOf(ClientDisconnected);
  });

  it('rejects where the client is gone before there is a head', async () => {
    const controller = new AbortController();
    const response = toFetchHandler(() => new Promise(() => {}))(
      new Request('http://h/', { signal: controller.signal }),
    );
    controller.abort();
    await expect(response).rejects.toBeInstanceOf(ClientDisconnected);
  });

  it('streams the bytes that an application gave, whatever it does to them afterwards', async () => {
    const response = await toFetchHandler(function* (_, startResponse) {
      startResponse('200 OK', []);
      const buffer = textToBytes('a');
      yield buffer;
      buffer[0] = 98;
      yield buffer;
    })(new Request('http://h/'));
    expect(await response.text()).toBe('ab');
  });

  it('errors the stream when the application fails after the first chunk', async () => {
    const response = await toFetchHandler(async function* (_, startResponse) {
      startResponse('200 OK', []);
      yield textToBytes('first');
      throw new Error('late');
    }, quiet)(new Request('http://h/'));
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  it('refuses a status that a Response can not have', async () => {
    const lines: string[] = [];
    const response = await toFetchHandler(
      (_, startResponse) => {
        startResponse('600 Odd', []);
        return [];
      },
      { errors: (line) => lines.push(bare(line)) },
    )(new Request('http://h/'));
    expect(response.status).toBe(500);
    expect(lines[0]).toMatch(/application: status "600 Odd" is above 599, which this platform can't send/);
  });

  it('mounts at scriptName', async () => {
    const environs: Environ[] = [];
    const handler = toFetchHandler(seen(environs), { scriptName: '/app' });
    expect((await handler(new Request('http://h/app/x'))).status).toBe(200);
    expect((await handler(new Request('http://h/application'))).status).toBe(404);
    await toFetchHandler(seen(environs), { scriptName: '/an/app' })(new Request('http://h/an/app/x'));
    expect(environs.map(({ SCRIPT_NAME, PATH_INFO }) => [SCRIPT_NAME, PATH_INFO])).toEqual([
      ['/app', '/x'],
      ['/an/app', '/x'],
    ]);
  });

  it('hands wait_until to the execution context and logs a rejection', async () => {
    const lines: string[] = [];
    const held: Promise<unknown>[] = [];
    await toFetchHandler(
      (environ, startResponse) => {
        environ['wsgi_edge.wait_until'](Promise.reject(new Error('later')));
        startResponse('204 No Content', []);
        return [];
      },
      { errors: (line) => lines.push(bare(line)) },
    )(new Request('http://h/'), {}, { waitUntil: (promise: Promise<unknown>) => held.push(promise) });
    await Promise.all(held);
    expect(held.length).toBe(1);
    expect(lines[0]).toBe('application: a promise given to wsgi_edge.wait_until rejected: Error: later');
    expect(lines[1]).toMatch(/^ +at /);
  });

  test.each([
    ['none', undefined],
    ['null', null],
    ['one without waitUntil', { remoteAddr: '192.0.2.1' }],
  ])('logs a rejection of wait_until where the context is %s', async (_, ctx) => {
    const lines: string[] = [];
    const response = await toFetchHandler(
      (environ, startResponse) => {
        environ['wsgi_edge.wait_until'](Promise.reject(new Error('later')));
        startResponse('204 No Content', []);
        return [];
      },
      { errors: (line) => lines.push(bare(line)) },
    )(new Request('http://h/'), {}, ctx);
    expect(response.status).toBe(204);
    await expect.poll(() => lines[0]).toMatch(/a promise given to wsgi_edge.wait_until rejected: Error: later$/);
  });

  test.each([
    ['app', 'x', {}, /toFetchHandler: the application must be a function .* not a string/],
    ['scriptName', () => [], { scriptName: 'app' }, /scriptName must be like "\/app", not "app"/],
    ['scriptName', () => [], { scriptName: '/app/' }, /scriptName must be like/],
    ['scriptName', () => [], { scriptName: 'an/app' }, /scriptName must be like/],
    ['scriptName', () => [], { scriptName: '/an//app' }, /scriptName must be like/],
    ['onError', () => [], { onError: 5 }, /onError must be a function, not a number/],
    ['errors', () => [], { errors: 'x' }, /errors must be a function, or an object with record\(\), not a string/],
  ])('refuses a bad %s at once', (_, app, options, why) => {
    expect(() => toFetchHandler(app as unknown as Application, options as never)).toThrow(why);
  });
});

describe('fromFetchHandler', () => {
  it('runs a Hono app below a mount', async () => {
    const hono = new Hono();
    hono.get('/hello/:name', (c) => c.json({ hello: c.req.param('name'), url: c.req.url }));
    hono.post('/echo', async (c) => c.text(`got ${await c.req.text()}`, 201));
    const app = mount({ '/hono': fromFetchHandler(hono.fetch) });
    const got = await callApp(app, testEnviron({ PATH_INFO: '/hono/hello/w\u00c3\u00b6', QUERY_STRING: 'a=1' }));
    expect(got.status).toBe('200 ');
    expect(JSON.parse(got.text())).toEqual({ hello: 'wö', url: 'http://127.0.0.1/hello/w%C3%B6?a=1' });
    expect((await callApp(app, testEnviron({ PATH_INFO: '/hono/none' }))).status).toMatch(/^404 /);
  });

  it('hands the body, the cookies and the status on, both ways', async () => {
    const handler = toFetchHandler(
      fromFetchHandler(async (request) => {
        const headers = new Headers([
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
          ['Connection', 'keep-alive'],
          ['X-Got', request.headers.get('x-sent') ?? ''],
        ]);
        return new Response(`${request.method} ${await request.text()}`, { status: 202, statusText: 'Fine', headers });
      }),
    );
    const response = await handler(
      new Request('http://h/x', { method: 'PUT', body: 'data', headers: { 'X-Sent': 'caf\u00e9' } }),
    );
    expect([response.status, response.statusText]).toEqual([202, 'Fine']);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('x-got')).toBe('caf\u00e9');
    expect(response.headers.has('connection')).toBe(false);
    expect(await response.text()).toBe('PUT data');
  });

  it("never lets a path become the URL's authority", async () => {
    const app = fromFetchHandler((request) => new Response(request.url));
    const environ = testEnviron({ PATH_INFO: '//evil.example/x', REQUEST_URI: '//evil.example/x' });
    expect((await callApp(app, environ)).text()).toBe('http://127.0.0.1//evil.example/x');
  });

  it.each([
    ['/a#b', '', 'http://127.0.0.1/a%23b'],
    ['/a\\b', '', 'http://127.0.0.1/a%5Cb'],
    ['/a\r\n\tb ', '', 'http://127.0.0.1/a%0D%0A%09b%20'],
    ['/\u00c3\u00bc', '', 'http://127.0.0.1/%C3%BC'],
    ['/%c3%bc/%2F/50%', '', 'http://127.0.0.1/%c3%bc/%2F/50%'],
    ['/', 'a=#b&c=\u00ff\n&d=\\%zz ', 'http://127.0.0.1/?a=%23b&c=%FF%0A&d=\\%zz%20'],
  ])('keeps what stands raw in the path %j or the query %j', async (path, query, url) => {
    const app = fromFetchHandler((request) => new Response(request.url));
    const PATH_INFO = path.replace('%c3%bc/%2F', '\u00c3\u00bc//');
    const environ = testEnviron({ PATH_INFO, QUERY_STRING: query, REQUEST_URI: `${path}?${query}` });
    expect((await callApp(app, environ)).text()).toBe(url);
  });

  it.each(['GET', 'HEAD', 'get', 'Head'])('drops the body of a %s', async (method) => {
    let request: Request | undefined;
    const app = fromFetchHandler((given) => {
      request = given;
      return new Response();
    });
    const environ = testEnviron({ REQUEST_METHOD: method, CONTENT_LENGTH: '1' });
    expect((await callApp(app, environ)).status).toBe('200 ');
    expect([request?.body, request?.headers.has('content-length')]).toEqual([null, false]);
  });

  test.each(['TRACE', 'CONNECT', 'TRACK'])('answers %s, which a Request can not have, with 501', async (method) => {
    const app = fromFetchHandler(() => new Response('never'));
    const { status, headers, text } = await callApp(app, testEnviron({ REQUEST_METHOD: method }));
    expect([status, text()]).toEqual(['501 Not Implemented', 'Not Implemented\n']);
    expect(headers).toContainEqual(['Content-Type', 'text/plain; charset=utf-8']);
    for (const other of [`X${method}`, `${method}X`])
      expect((await callApp(app, testEnviron({ REQUEST_METHOD: other }))).text()).toBe('never');
  });

  it('streams a body and cancels it when the client goes away', async () => {
    let cancelled = false;
    const handler = toFetchHandler(
      fromFetchHandler(
        () =>
          new Response(
            new ReadableStream({
              pull: (controller) => controller.enqueue(textToBytes('x')),
              cancel() {
                cancelled = true;
              },
            }),
          ),
      ),
    );
    const response = await handler(new Request('http://h/'));
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    await expect.poll(() => cancelled).toBe(true);
  });

  test.each([
    ['undefined', undefined, /fetch handler: must return a Response, not undefined/],
    ['a status alone', { status: 200 }, /fetch handler: must return a Response, not an Object/],
    ['headers that are none', { status: 200, headers: {} }, /fetch handler: must return a Response, not an Object/],
    ['an upgrade', { status: 101, headers: new Headers() }, /which this target has no way to do/],
  ])('says so when the handler gives %s', async (_, response, why) => {
    const lines: string[] = [];
    const handler = toFetchHandler(fromFetchHandler((() => response) as never), {
      errors: (line) => lines.push(bare(line)),
    });
    expect((await handler(new Request('http://h/'))).status).toBe(500);
    expect(lines[0]).toMatch(why);
  });

  it('hands on the headers of the request but those of its connection', async () => {
    const app = fromFetchHandler((request) => new Response(JSON.stringify([...request.headers])));
    const environ = testEnviron({
      CONTENT_TYPE: 'text/plain',
      CONTENT_LENGTH: '4',
      HTTP_X_A_B: 'caf\u00e9',
      HTTP_KEEP_ALIVE: '300',
      HTTP_CONNECTION: 'Upgrade',
      HTTP_UPGRADE: 'h2c',
      'x.HTTP_Y': 'no header',
      HTTP_: 'no header',
      HTTP_NONE: undefined,
      HTTP_NUMBER: 5,
      CONTENT_LENGTHS: 'no header',
    } as never);
    const seen = async (more: Partial<Environ>) =>
      Object.fromEntries(JSON.parse((await callApp(app, { ...environ, ...more })).text()));
    expect(await seen({})).toEqual({ 'content-type': 'text/plain', host: '127.0.0.1', 'x-a-b': 'caf\u00e9' });
    expect(await seen({ 'workers.upgrade': () => {} })).toEqual({ ...(await seen({})), upgrade: 'h2c' });
    expect(await seen({ CONTENT_LENGTH: '0' })).toHaveProperty('content-length', '0');
    const body = createInputStream(bytesSource(textToBytes('body')));
    expect(await seen({ REQUEST_METHOD: 'POST', 'wsgi.input': body })).toHaveProperty('content-length', '4');
  });

  it.each([
    ['GET', undefined, null],
    ['GET', '4', null],
    ['HEAD', undefined, null],
    ['HEAD', '4', null],
    ['POST', '0', null],
    ['POST', '4', 'body'],
    ['POST', undefined, 'body'],
    ['DELETE', '4', 'body'],
  ])('gives the Request of %s with CONTENT_LENGTH %s the body %s', async (method, length, text) => {
    let body: string | null | undefined;
    const app = fromFetchHandler(async (request) => {
      body = request.body === null ? null : await request.text();
      return new Response(null);
    });
    const environ = testEnviron({
      REQUEST_METHOD: method,
      CONTENT_LENGTH: length,
      'wsgi.input': createInputStream(bytesSource(textToBytes('body'))),
    } as Partial<Environ>);
    expect((await callApp(app, environ)).status).toBe('200 ');
    expect(body).toBe(text);
  });

  it.each<[string, (response: Response) => unknown]>([
    ['returned twice', () => undefined],
    ['read before', (response) => response.text()],
    ['locked', (response) => response.body?.getReader()],
  ])('refuses a Response whose body is used: %s', async (how, use) => {
    const response = new Response('once');
    const log: string[] = [];
    const handler = toFetchHandler(
      fromFetchHandler(() => response),
      { errors: (line) => void log.push(line) },
    );
    const request = () => new Request('http://h/');
    if (how === 'returned twice') expect(await (await handler(request())).text()).toBe('once');
    await use(response);
    expect((await handler(request())).status).toBe(500);
    expect(log.join('\n')).toContain('fetch handler: returned a Response whose body is used already');
  });

  it('marks the body of a Response, for a platform to tell', async () => {
    const call = (response: Response) => fromFetchHandler(() => response)(testEnviron(), () => async () => {});
    const body = (await call(new Response('x'))) as FileWrapper;
    expect(body).toBeInstanceOf(FileWrapper);
    expect(isFetchBody(body.source as ReadableStream<Uint8Array>)).toBe(true);
    expect(isFetchBody(new ReadableStream())).toBe(false);
    expect(await call(new Response(null))).toEqual([]);
  });

  it('gives env and ctx, of Workers or in their place', async () => {
    const calls: unknown[][] = [];
    const app = fromFetchHandler((...args) => {
      calls.push(args);
      return new Response(null, { status: 204 });
    });
    const ctx = { waitUntil() {} };
    const wait = () => {};
    await callApp(app, testEnviron({ 'workers.env': { KV: 1 }, 'workers.ctx': ctx }));
    await callApp(app, testEnviron({ 'wsgi_edge.wait_until': wait }));
    expect(calls[0]?.slice(1)).toEqual([{ KV: 1 }, ctx]);
    expect(calls[0]?.[2]).toBe(ctx);
    expect(calls[1]?.[1]).toEqual({});
    expect(calls[1]?.[2]).toMatchObject({ waitUntil: wait, passThroughOnException: expect.any(Function) });
  });

  it('drops the encoding of what fetch has decoded, and only of that', async () => {
    const encoded = () =>
      new Response('x', { headers: { 'Content-Encoding': 'gzip', 'Content-Length': '9', 'X-A': '1' } });
    const fetched = () => Object.defineProperty(encoded(), 'url', { value: 'http://upstream.example/' });
    const names = async (response: Response) =>
      (await callApp(fromFetchHandler(() => response))).headers
        .map(([name]) => name)
        .filter((name) => name !== 'content-type');
    expect(await names(fetched())).toEqual(['x-a']);
    const short = encoded();
    short.headers.set('Content-Length', '1');
    expect((await names(short)).sort()).toEqual(['content-encoding', 'content-length', 'x-a']);
  });

  it('hands a 101 to the platform that can upgrade', async () => {
    const upgraded: unknown[] = [];
    const response = { status: 101, statusText: '', headers: new Headers(), body: null, url: '' };
    const environ = testEnviron({ 'workers.upgrade': (given: unknown) => upgraded.push(given) });
    const call = () =>
      callApp(
        fromFetchHandler(() => response as never),
        environ,
      );
    expect((await call()).status).toBe('500 Internal Server Error'); // callApp itself can not send a 101
    expect(upgraded).toEqual([response]);
  });

  it.each([
    ['h.example:8080', 'http://h.example:8080/p?q'],
    ['b\u00c3\u00bccher.example', 'http://xn--bcher-kva.example/p?q'],
    ['h.example/evil', 'http://fallback.example:8080/p?q'],
    ['user:secret@h.example', 'http://fallback.example:8080/p?q'],
    ['h\t.example', 'http://fallback.example:8080/p?q'],
    ['bad host<>:99999', 'http://fallback.example:8080/p?q'],
    ['', 'http://fallback.example:8080/p?q'],
    [undefined, 'http://fallback.example:8080/p?q'],
  ])('makes a URL of Host %j', async (host, url) => {
    const environ = testEnviron({
      PATH_INFO: '/p',
      QUERY_STRING: 'q',
      HTTP_HOST: host,
      SERVER_NAME: 'fallback.example',
      SERVER_PORT: '8080',
    } as Partial<Environ>);
    const echo = fromFetchHandler((request) => new Response(request.url));
    expect((await callApp(echo, environ)).text()).toBe(url);
    environ.SERVER_NAME = '1.2.3.4.5';
    if (url.includes('fallback')) expect((await callApp(echo, environ)).text()).toBe('http://localhost/p?q');
  });

  it.each([
    ['*', 'http://127.0.0.1/*'],
    ['', 'http://127.0.0.1/'],
  ])('makes a URL of path %j', async (path, url) => {
    const echo = fromFetchHandler((request) => new Response(request.url));
    expect((await callApp(echo, testEnviron({ REQUEST_METHOD: 'OPTIONS', PATH_INFO: path }))).text()).toBe(url);
  });

  it('refuses what is no function', () => {
    expect(() => fromFetchHandler({} as never)).toThrow(/fromFetchHandler: the handler must be a function/);
  });
});

// workerd, which is not at hand here: headers and reasons are text, and a reason that is not given is the runtime's.
describe('where header values are text', () => {
  let probes = 0;
  class TextResponse {
    readonly statusText: string;
    readonly headers: Array<[string, string]> & { append?(name: string, value: string): void } = [];
    constructor(_body: unknown, { statusText = 'Default' }: ResponseInit) {
      if (statusText === '\u20ac') probes++;
      this.statusText = statusText;
      this.headers.append = (name, value) => void this.headers.push([name, value]);
    }
  }
  class ByteResponse extends Response {
    constructor(body: null, init: ResponseInit) {
      if (init.statusText === '\u20ac') probes++;
      super(body, init);
    }
  }
  const head = (status: string) => ({
    status,
    code: 200,
    headers: [
      ['X-A', 'caf\u00c3\u00a9'],
      ['X-B', 'caf\u00e9'],
    ] as Array<[string, string]>,
    length: undefined,
  });
  const load = async (global: unknown) => {
    probes = 0;
    vi.resetModules();
    vi.stubGlobal('Response', global);
    return { ...(await import('../src/fetch/response.js')), ...(await import('../src/fetch/environ.js')) };
  };

  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it('gives the platform text, and the bytes as they are where they are none', async () => {
    const { createResponse } = await load(TextResponse);
    const { statusText, headers } = createResponse(head('200 caf\u00c3\u00a9'), null);
    expect([statusText, ...headers]).toEqual(['caf\u00e9', ['X-A', 'caf\u00e9'], ['X-B', 'caf\u00e9']]);
    expect(createResponse(head('200 '), null).statusText).toBe('Default');
    expect(probes).toBe(1);
  });

  it('makes native strings of what the platform gives', async () => {
    const { fetchEnviron } = await load(TextResponse);
    const headers = new Map([['x-a', '\u20ac']]);
    const request = { url: 'http://h.example/', method: 'GET', headers, body: null } as unknown as Request;
    expect(read(request, fetchEnviron)).toHaveProperty('HTTP_X_A', '\u00e2\u0082\u00ac');
  });

  it('is not assumed where they are bytes', async () => {
    const { createResponse } = await load(ByteResponse);
    const { statusText, headers } = createResponse(head('200 caf\u00c3\u00a9'), null);
    expect([statusText, ...headers]).toEqual(['caf\u00c3\u00a9', ['x-a', 'caf\u00c3\u00a9'], ['x-b', 'caf\u00e9']]);
    expect(probes).toBe(1);
  });
});
