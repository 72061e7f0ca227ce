// The option sendTimeout: a client that takes nothing of its response is given up.
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Application } from '../src/types.js';
import { serve, toNodeHandler } from '../targets/node/index.js';

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const REQUEST = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
/** An application whose response is larger than the buffers of a connection. */
const large: Application = (_, startResponse) => {
  startResponse('200 OK', []);
  return [new Uint8Array(32_000_000)];
};

/** An application without an end, and the promise that its body is closed. */
function endless(): { app: Application; closed: Promise<void> } {
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const app: Application = (_, startResponse) => {
    startResponse('200 OK', []);
    const chunks = (function* () {
      for (;;) yield new Uint8Array(65_536);
    })();
    return Object.assign(chunks, { close });
  };
  return { app, closed };
}

/** Serves an application; `closed` is a promise that the server has closed its first connection. */
async function start(app: Application, sendTimeout: number) {
  const server = await serve(app, { sendTimeout, errors: () => {} });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const closed = accepted.then((socket) => new Promise((resolve) => socket.once('close', resolve)));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  const stop = () => {
    client.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return { client, accepted, closed, stop };
}

describe('a client that does not read', () => {
  it('loses its connection after sendTimeout, and the body is closed', async () => {
    const { app, closed } = endless();
    const server = await start(app, 50);
    server.client.pause().write(REQUEST);
    await Promise.all([server.closed, closed]);
    await server.stop();
  });

  it('loses it also when the response had been given as a whole', async () => {
    const server = await start(large, 50);
    server.client.pause().write(REQUEST);
    await server.closed;
    await server.stop();
  });

  it('loses it also when its second request waits behind the first', async () => {
    const { app, closed } = endless();
    let asked = 0;
    const server = await start((environ, startResponse) => {
      if (asked++ > 0) return app(environ, startResponse);
      startResponse('200 OK', []);
      return (async function* () {
        await later(10);
        yield new Uint8Array(1);
      })();
    }, 50);
    server.client.pause().write(REQUEST + REQUEST);
    await Promise.all([server.closed, closed]);
    await server.stop();
  });

  it('loses its stream of HTTP/2, and the session lives on', async () => {
    const { app, closed } = endless();
    const server = createHttp2Server(toNodeHandler(app, { sendTimeout: 50, errors: () => {} }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    const ended = new Promise((resolve) => stream.on('close', resolve));
    stream.on('response', () => stream.pause());
    await Promise.all([closed, ended]);
    expect([stream.rstCode, session.closed]).toEqual([8, false]);
    session.close();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('a client that reads nothing of its session of HTTP/2', () => {
  it('loses its stream', async () => {
    const { app, closed } = endless();
    const server = createHttp2Server(toNodeHandler(app, { sendTimeout: 50, errors: () => {} }));
    const streams: ServerHttp2Stream[] = [];
    server.on('stream', (stream) => streams.push(stream));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A window without an end, so that only the connection can hold the server up.
    const endlessWindow = { initialWindowSize: 2 ** 31 - 1 };
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const behind = new Duplex({
      read() {},
      write: (chunk, _, done) => void socket.write(chunk, done),
    });
    const session = connectHttp2('http://h', { createConnection: () => behind, settings: endlessWindow });
    session.on('error', () => {});
    socket.once('data', (data) => {
      // The settings of the server, and then nothing more.
      socket.pause();
      behind.push(data);
      session.setLocalWindowSize(2 ** 31 - 1);
      session.request({ ':path': '/' }).on('error', () => {});
    });
    await closed;
    await expect.poll(() => streams.map(({ destroyed }) => destroyed)).toEqual([true]);
    session.destroy();
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('a client that reads', () => {
  it('gets all of a response whose application takes longer than sendTimeout', async () => {
    const server = await start(async function* (_, startResponse) {
      startResponse('200 OK', []);
      yield new Uint8Array(1_000_000);
      await later(300);
      yield new Uint8Array(1);
    }, 50);
    let answer = '';
    server.client.on('data', (data) => {
      answer += data.toString('latin1');
    });
    server.client.write('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => server.client.on('close', resolve));
    expect(answer).toMatch(/\r\n1\r\n\0\r\n0\r\n\r\n$/);
    await server.stop();
  });

  it('keeps the time that Node gives a connection for its next request', async () => {
    const server = await start(large, 20_000);
    // The response waits until the client reads it.
    server.client.pause().write(REQUEST);
    const socket = await server.accepted;
    await expect.poll(() => socket.timeout).toBe(20_000);
    let read = 0;
    const whole = new Promise<void>((resolve) => {
      server.client.on('data', (data) => {
        read += data.length;
        if (read > 32_000_000) resolve();
      });
    });
    server.client.resume();
    await whole;
    await expect.poll(() => socket.timeout).toBeLessThan(20_000);
    expect(socket.timeout).toBeGreaterThanOrEqual(5000);
    await server.stop();
  });

  it('has any time without a limit', async () => {
    const server = await start(large, 0);
    server.client.pause().write(REQUEST);
    const socket = await server.accepted;
    await expect.poll(() => socket.writableLength).toBeGreaterThan(0);
    expect([socket.timeout ?? 0, socket.destroyed]).toEqual([0, false]);
    await server.stop();
  });
});
