// A request holds the interpreter for as long as Python runs or waits for something that it asked for itself, but for no client,
// and not for ever.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fromPython, type PythonOptions } from '../../python/index.js';
import { testEnviron } from '../../testing/index.js';
import { sleep } from '../conformance/case.js';
import { CONCURRENT_ASSETS, loadAssets } from './assets.ts';
import { type Served, servers } from './served.ts';

const SLOW = 20;

const running: Served[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const { stop } of running.splice(0)) await stop();
});

/** Opens a connection and sends something. Nothing is read from it. */
async function slow(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(text.replaceAll('\n', '\r\n'));
  return socket;
}

/** Clients that hold a connection, by what they do. */
const CLIENTS: Record<string, (port: number) => Promise<unknown>> = {
  'reads nothing of a stream of 8 MiB': (port) => slow(port, 'GET /stream?128 HTTP/1.1\nHost: h\n\n'),
  'sends nothing of 64 KiB': (port) => slow(port, 'POST /upload HTTP/1.1\nHost: h\nContent-Length: 65537\n\n'),
  'sends a chunk and no end': (port) =>
    slow(port, 'POST /upload HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n1\na\n'),
  'expects a 100 and sends nothing': (port) =>
    slow(port, 'POST /upload HTTP/1.1\nHost: h\nExpect: 100-continue\nContent-Length: 10\n\n'),
};

describe.each(Object.entries(servers))('on %s', (_where, start) => {
  const starting = async (options: PythonOptions = {}, folder?: string) => {
    const served = await start({ application: 'turns:app', ...options }, folder);
    running.push(served);
    const ask = async (target: string, init?: RequestInit) => {
      const response = await fetch(`http://127.0.0.1:${served.port}/${target}`, init);
      const text = await response.text();
      return response.status === 200 ? JSON.parse(text) : response.status;
    };
    return { port: served.port, ask };
  };
  const poll = async (condition: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 100 && !(await condition()); i++) await sleep(20);
  };

  it('slow clients do not keep others from the interpreter', async () => {
    const { port, ask } = await starting();
    for (const [name, client] of Object.entries(CLIENTS)) {
      for (let i = 0; i < SLOW; i++) await client(port);
      await sleep(50); // they have begun
      const answers = await Promise.all(Array.from({ length: SLOW }, () => ask('hello')));
      expect(answers, name).toEqual(answers.map(() => 'hello'));
    }
  });

  it('views that wait for others do not keep them from a concurrent interpreter', async () => {
    const { port, ask } = await starting({}, CONCURRENT_ASSETS);
    for (let i = 0; i < SLOW; i++) await slow(port, 'GET /stall HTTP/1.1\nHost: h\n\n');
    await sleep(50);
    expect(await Promise.all(Array.from({ length: SLOW }, () => ask('hello')))).toHaveLength(SLOW);
  });

  it('Python runs ahead of a slow reader as far as a buffer, and is closed when the reader leaves', async () => {
    const { port, ask } = await starting();
    const socket = await slow(port, 'GET /stream?4096 HTTP/1.1\nHost: h\n\n');
    let before = -1;
    let produced = 0;
    await poll(async () => {
      before = produced;
      [, produced] = await ask('state');
      return produced > 0 && produced === before;
    });
    expect(produced).toBeGreaterThan(4);
    expect(produced, 'of 4096').toBeLessThan(1000);
    socket.resetAndDestroy();
    let closed = 0;
    await poll(async () => {
      [, , closed] = await ask('state');
      return closed === 1;
    });
    expect(closed).toBe(1);
  });

  it('streams to clients that read arrive whole', async () => {
    const { port } = await starting();
    const lengths = Array.from({ length: 4 }, async () => {
      const response = await fetch(`http://127.0.0.1:${port}/stream?100`);
      return (await response.arrayBuffer()).byteLength;
    });
    expect(await Promise.all(lengths)).toEqual(Array.from({ length: 4 }, () => 100 * 65_536));
  });

  it('an application that reads no body answers a client that expects a 100 and sends nothing', async () => {
    const { port } = await starting();
    const socket = await slow(port, 'POST /refuse HTTP/1.1\nHost: h\nExpect: 100-continue\nContent-Length: 10\n\n');
    let text = '';
    for await (const data of socket.resume()) {
      text += data;
      if (text.includes('too large')) break;
    }
    expect(text).toContain('HTTP/1.1 413');
  });

  it('a view that waits for longer than timeout is interrupted by an exception, and the state in memory survives', async () => {
    const { ask } = await starting({ timeout: 50 });
    expect(await ask('stall')).toBe(500);
    expect(await ask('cleaned')).toBe(true);
    expect(await ask('state')).toEqual([3, 0, 0]);
  });

  it('a view that can not be interrupted is a 500, and its interpreter is replaced', async () => {
    const { ask } = await starting({ timeout: 50 });
    expect(await ask('hello')).toBe('hello');
    const stubborn = ask('stubborn');
    const waiting = Array.from({ length: 5 }, () => ask('hello'));
    expect(await stubborn).toBe(500);
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => 'hello'));
    expect((await ask('state'))[0]).toBe(6);
  });

  it('threading.local is taken over from requests that have ended, so that frameworks keep their connections', async () => {
    const { ask } = await starting();
    for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: SLOW }, () => ask('connects')));
    expect(await ask('connects')).toBeLessThanOrEqual(SLOW);
  });

  it('maxRequests replaces the interpreter', async () => {
    const { ask } = await starting({ maxRequests: 3 });
    const served: number[] = [];
    for (let i = 0; i < 7; i++) served.push((await ask('state'))[0]);
    expect(served).toEqual([1, 2, 3, 1, 2, 3, 1]);
  });

  it('maxMemory replaces the interpreter', async () => {
    const { ask } = await starting({ maxMemory: 48 * 1024 * 1024 });
    expect([await ask('state'), await ask('grow'), await ask('state')]).toEqual([[1, 0, 0], 'grown', [1, 0, 0]]);
  });

  it('requests that take turns between chunks do not share threading.local and contextvars', async () => {
    const { port } = await starting();
    const names = ['Ada', 'Grace', 'Edsger', 'Barbara'];
    const texts = names.map(async (name) => (await fetch(`http://127.0.0.1:${port}/named?${name}`)).text());
    for (const [i, text] of (await Promise.all(texts)).entries())
      expect(text.slice(text.indexOf(']') + 1)).toBe(` ${names[i]} ${names[i]}`.repeat(3));
  });
});

it('threading.local is never taken over from a request that goes on, and only by one request', async () => {
  const app = fromPython(await loadAssets(), { application: 'turns:visits' });
  const begin = async (visitor: string) => {
    const body = (await app(testEnviron({ QUERY_STRING: visitor }), () => async () => {})) as AsyncIterable<Uint8Array>;
    const chunks = body[Symbol.asyncIterator]();
    const next = async () => String(Buffer.from((await chunks.next()).value ?? []));
    const found = (await next()).trim();
    // The visitor is still there at its end, whoever has come meanwhile.
    const end = async () => {
      const last = await next();
      await next();
      await (body as { close?(): Promise<void> }).close?.();
      return last;
    };
    return { found, end };
  };
  const ada = await begin('Ada');
  const grace = await begin('Grace');
  expect([ada.found, grace.found]).toEqual(['nobody', 'nobody']);
  expect([await ada.end(), await grace.end()]).toEqual(['Ada', 'Grace']);
  const later = [await begin('Edsger'), await begin('Barbara'), await begin('Donald')];
  expect(later.map(({ found }) => found).sort()).toEqual(['Ada', 'Grace', 'nobody']);
  const ends: string[] = [];
  for (const { end } of later) ends.push(await end());
  expect(ends).toEqual(['Edsger', 'Barbara', 'Donald']);
});
