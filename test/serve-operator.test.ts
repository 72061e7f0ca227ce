// What an operator sees of `serve`: the health path, refusals of Node's parser, and the channels of diagnostics_channel.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Application, LogRecord } from '../src/types.js';
import { type ServeOptions, serve } from '../targets/node/index.js';

const hello: Application = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return [new TextEncoder().encode('hello')];
};
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function start(app: Application, options: ServeOptions = {}) {
  const records: LogRecord[] = [];
  const server = await serve(app, { errors: { record: (each) => void records.push(each) }, ...options });
  servers.push(server);
  return { server, records, port: (server.address() as AddressInfo).port };
}

/** Sends bytes, and returns the answer when the server has closed the connection. */
async function send(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  socket.on('error', () => {});
  await once(socket, 'close');
  return answer;
}

describe('the health path', () => {
  it('is answered by serve, with 503 from SIGTERM on, beyond maxConnections too, and is not observed', async () => {
    const onRequest = vi.fn();
    let finish = () => {};
    const waiting = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const slow: Application = async (environ, startResponse) => {
      await waiting;
      return hello(environ, startResponse);
    };
    const { port } = await start(slow, { healthPath: '/healthz', maxConnections: 1, observe: { onRequest } });
    // One connection: the answers come in the order of the requests.
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    const ask = (path: string) => socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
    ask('/healthz?from=probe');
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*OK\n$/);
    ask('/slow');
    ask('/healthz');
    await expect.poll(() => onRequest.mock.calls.length).toBe(1);
    // vitest listens too, so the process stays.
    const others = process.listeners('SIGTERM').slice(0, -1);
    const [stop] = process.listeners('SIGTERM').slice(-1) as [() => void];
    process.off('SIGTERM', stop);
    process.on('SIGTERM', () => {});
    stop();
    ask('/healthz');
    finish();
    await once(socket, 'close');
    process.removeAllListeners('SIGTERM');
    for (const other of others) process.on('SIGTERM', other);
    expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 503']);
    expect(onRequest).toHaveBeenCalledTimes(1);
  });

  it('belongs to the application if the option is not given', async () => {
    const { port } = await start(hello);
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe('hello');
  });

  it('must be a path', async () => {
    await expect(serve(hello, { healthPath: 'healthz' })).rejects.toThrow('healthPath must be like "/healthz"');
  });
});

describe('the log of serve', () => {
  it.each([
    [`GET / HTTP/1.1\r\nHost: h\r\nX: ${'a'.repeat(20_000)}`, 431, 'HPE_HEADER_OVERFLOW'],
    ['no HTTP at all\r\n\r\n', 400, 'HPE_INVALID_'],
  ])('has a line for a request that Node refuses, and Node answers', async (text, status, code) => {
    const { port, records } = await start(hello);
    expect(await send(port, text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(records).toEqual([
      { level: 'warn', message: expect.stringContaining(`127.0.0.1 sent no valid HTTP, or too slowly (${code}`) },
    ]);
  });

  it('has no line for a client that leaves', async () => {
    const { port, records, server } = await start(async (environ, startResponse) => {
      await environ['wsgi.input'].read();
      return hello(environ, startResponse);
    });
    const left = once(server, 'clientError');
    const socket = connect(port, '127.0.0.1', () =>
      socket.end('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\npart'),
    );
    socket.on('error', () => {});
    expect(await left).toMatchObject([{ code: 'HPE_INVALID_EOF_STATE' }, {}]);
    socket.destroy();
    expect(records).toEqual([]);
  });

  it('has the reason of a refusal of the gateway', async () => {
    const { port, records } = await start(hello);
    await send(port, 'GET /a HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n');
    const message = 'client: the Host header is not a host; refused with 400 Bad Request';
    expect(records).toMatchObject([{ level: 'warn', method: 'GET', path: '/a', message }]);
  });

  it('has requests beyond maxConnections', async () => {
    const { port, records } = await start(() => new Promise<never>(() => {}), { maxConnections: 1 });
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n'),
    );
    const message = 'node: more than maxConnections requests are in flight; refused with 503 Service Unavailable';
    await expect.poll(() => records).toMatchObject([{ level: 'warn', method: 'GET', path: '/b', message }]);
    const beyond = connect(port, '127.0.0.1');
    await once(beyond, 'close');
    expect(records[1]).toMatchObject({ level: 'warn', message: 'node: closed a connection beyond maxConnections' });
    socket.destroy();
  });
});

describe('diagnostics_channel', () => {
  it('has requests, responses and errors while somebody has subscribed', async () => {
    const events: unknown[] = [];
    const listener = (message: unknown, name: string | symbol) => void events.push([name, message]);
    const names = ['wsgi-edge.request', 'wsgi-edge.response', 'wsgi-edge.error'];
    const onResponse = vi.fn();
    const error = new Error('x');
    const app: Application = (environ, startResponse) => {
      if (environ.PATH_INFO === '/boom') throw error;
      return hello(environ, startResponse);
    };
    const { port } = await start(app, { observe: { onResponse } });
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    await ask('/before');
    for (const name of names) subscribe(name, listener);
    await ask('/boom');
    for (const name of names) unsubscribe(name, listener);
    await ask('/after');
    expect(events).toMatchObject([
      ['wsgi-edge.request', { environ: { PATH_INFO: '/boom' } }],
      ['wsgi-edge.error', { error, environ: { PATH_INFO: '/boom' }, phase: 'before_head' }],
      ['wsgi-edge.response', { status: 500, error, environ: { PATH_INFO: '/boom' } }],
    ]);
    expect(onResponse).toHaveBeenCalledTimes(3);
  });
});
