// A server of its own process, stopped as an operator stops it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest';
import type { Application } from '../src/types.js';
import { serve, toNodeHandler } from '../targets/node/index.js';

const PROGRAM = `
import { serve } from './targets/node/index.ts';
const until = async (signal) => {
  const alive = setInterval(() => {}, 1000); // a listener for a signal does not keep a process
  await new Promise((resolve) => process.once(signal, resolve));
  clearInterval(alive);
};
const bytes = (text) => new TextEncoder().encode(text);
const paths = {
  async *'/'() {
    yield bytes('first ');
    await until('SIGUSR1');
    yield bytes('last');
  },
  async *'/work'(environ) {
    yield bytes('first ');
    environ['wsgi_edge.wait_until'](until('SIGUSR2').then(() => console.log('work done')));
    yield bytes('last');
  },
  async *'/later'() {
    console.log('asked');
    await until('SIGUSR1');
    yield bytes('later');
  },
  async *'/now'() {
    yield bytes('now');
  },
  '/close': () => Object.assign([bytes('whole')], {
    close: () => until('SIGUSR2').then(() => console.log('body closed')),
  }),
  async *'/never'(environ) {
    environ['wsgi_edge.wait_until'](new Promise(() => {}));
    yield bytes('done');
  },
  async *'/upload'(environ) {
    await environ['wsgi.input'].read(1);
    console.log('reading');
    await environ['wsgi.input'].read();
  },
  async *'/endless'() {
    for (;;) yield new Uint8Array(65536);
  },
};
const { GRACEFUL: gracefulTimeout } = process.env;
const server = await serve((environ, startResponse) => {
  startResponse('200 OK', []);
  return paths[environ.PATH_INFO](environ);
}, gracefulTimeout === undefined ? {} : { gracefulTimeout: Number(gracefulTimeout) });
server.on('close', () => console.log('closed'));
if (process.env.CONNECTION) setInterval(() => {}, 1000); // as a pool of connections would, it keeps the process
console.log(server.address().port);
`;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-serve-'));
  await build({
    stdin: { contents: PROGRAM, resolveDir: '.', loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: join(folder, 'server.mjs'),
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  // One that a failed test has left waiting.
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Starts the server; `line()` is its next line of output. */
async function start(env: Record<string, string> = {}, around: string[] = []) {
  const [command = '', ...args] = [...around, process.execPath, join(folder, 'server.mjs')];
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  children.push(child);
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value as string;
  return { child, exit, line, port: Number(await line()) };
}

/** Sends a request; `first` is the first piece of the answer, `whole` all of it when the server has closed. */
function get(port: number, path = '/') {
  const socket: Socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`));
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  socket.on('error', () => {});
  const first = new Promise((resolve) => socket.once('data', resolve));
  const whole = new Promise<string>((resolve) => socket.once('close', () => resolve(answer)));
  return { socket, first, whole };
}

/** Waits until the server takes no more connections. It accepts those that come without a pause for another second. */
async function refusing(port: number): Promise<void> {
  for (let taken = true; taken; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const socket = connect(port, '127.0.0.1');
    taken = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
  }
}

describe('SIGTERM', () => {
  it('finishes the request in flight, refuses new ones, and ends the process', async () => {
    const { child, exit, port } = await start();
    const { first, whole } = get(port);
    await first;
    child.kill('SIGTERM');
    await refusing(port);
    child.kill('SIGUSR1');
    expect(await whole).toMatch(/first \r\n[\s\S]*last\r\n0\r\n\r\n$/);
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('waits for what wsgi_edge.wait_until was given', async () => {
    const { child, exit, line, port } = await start();
    const { first, whole } = get(port, '/work');
    await first;
    child.kill('SIGTERM');
    expect(await whole).toMatch(/last/);
    expect(await line()).toBe('closed');
    child.kill('SIGUSR2');
    expect(await line()).toBe('work done');
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('waits for the close() of a body', async () => {
    const { child, exit, line, port } = await start();
    await get(port, '/close').first;
    child.kill('SIGTERM');
    expect(await line()).toBe('closed');
    child.kill('SIGUSR2');
    expect(await line()).toBe('body closed');
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('answers with Connection: close, so that no busy connection loses a request', async () => {
    const { child, exit, line, port } = await start();
    const clients = Array.from({ length: 8 }, () => get(port, '/later'));
    for (const _ of clients) await line();
    child.kill('SIGTERM');
    await refusing(port);
    child.kill('SIGUSR1');
    for (const { whole } of clients)
      expect(await whole).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n[\s\S]*later\r\n0\r\n\r\n$/);
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('answers requests whose connections it has not accepted yet', async () => {
    const { child, exit, port } = await start();
    child.kill('SIGSTOP'); // the system queues connections meanwhile
    const requests = Array.from({ length: 50 }, () => get(port, '/now'));
    await Promise.all(requests.map(({ socket }) => once(socket, 'connect')));
    child.kill('SIGTERM');
    child.kill('SIGCONT');
    const answers = await Promise.all(requests.map(({ whole }) => whole));
    // The server may have accepted some of them, and answered, before it heard of the signal.
    expect(answers.filter((answer) => !/^HTTP\/1\.1 200 [\s\S]*now/.test(answer))).toEqual([]);
    expect(answers.filter((answer) => answer.includes('Connection: close')).length).toBeGreaterThan(25);
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('answers all requests of a pipeline, and closes with the last', async () => {
    const { child, exit, line, port } = await start();
    const { socket, whole } = get(port, '/later');
    socket.write('GET /later HTTP/1.1\r\nHost: h\r\n\r\n');
    await line();
    await line();
    child.kill('SIGTERM');
    await refusing(port);
    child.kill('SIGUSR1');
    expect((await whole).match(/^Connection: .*|later/gm)).toEqual([
      'Connection: keep-alive',
      'later',
      'Connection: close',
      'later',
    ]);
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('answers the next request of a connection that an earlier response has promised to keep', async () => {
    const { child, exit, port } = await start();
    const streaming = get(port);
    const idle = get(port, '/now');
    await Promise.all([streaming.first, idle.first]);
    child.kill('SIGTERM');
    await refusing(port);
    const next = 'GET /now HTTP/1.1\r\nHost: h\r\n\r\n';
    idle.socket.write(next);
    expect(await idle.whole).toMatch(/Connection: keep-alive[\s\S]*Connection: close\r\n[\s\S]*now\r\n0\r\n\r\n$/);
    streaming.socket.on('data', (data) => {
      if (String(data).includes('last')) streaming.socket.write(next);
    });
    child.kill('SIGUSR1');
    expect(await streaming.whole).toMatch(/Connection: keep-alive[\s\S]*last[\s\S]*Connection: close\r\n[\s\S]*now/);
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it.each([
    ['has sent nothing', ''],
    ['has sent half a header', 'GET / HTTP/1.1\r\nHost: h\r\nX-A'],
    ['waits for its next request', 'GET /now HTTP/1.1\r\nHost: h\r\n\r\n'],
  ])('is not held up by a connection that %s', async (_, sent) => {
    const { child, exit, port } = await start();
    const socket = connect(port, '127.0.0.1', () => socket.write(sent));
    socket.on('error', () => {});
    socket.resume();
    // The server has read what came before this answer.
    await once(socket, 'connect');
    await get(port, '/now').first;
    child.kill('SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('ends process 1, as in a container', async ({ skip }) => {
    const inContainer = ['unshare', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--pid', '--fork'];
    const [command = '', ...args] = inContainer;
    const refused = spawnSync(command, [...args, 'true']);
    skip(refused.status !== 0, `this machine lets nobody make a process 1: ${refused.stderr ?? refused.error}`);
    const { child, exit, port } = await start({ CONNECTION: '1' }, [...inContainer, '--kill-child']);
    await get(port, '/now').first;
    const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
    process.kill(Number(first), 'SIGTERM');
    expect(await exit).toEqual([143, null]);
  });

  it('ends the process after gracefulTimeout, although wsgi_edge.wait_until never settles', async () => {
    const { child, exit, port } = await start({ GRACEFUL: '200' });
    await get(port, '/never').first;
    child.kill('SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('closes a connection whose client sends its body slowly after gracefulTimeout', async () => {
    const { child, exit, line, port } = await start({ GRACEFUL: '200' });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n');
    const sending = setInterval(() => socket.write('a'), 20);
    expect(await line()).toBe('reading');
    child.kill('SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
    clearInterval(sending);
  });

  it('closes a connection whose client does not read after gracefulTimeout', async () => {
    const { child, exit, port } = await start({ GRACEFUL: '200' });
    const { socket, first } = get(port, '/endless');
    await first;
    socket.pause();
    child.kill('SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('ends the process at once the second time', async () => {
    const { child, exit, port } = await start();
    const { first } = get(port);
    await first;
    child.kill('SIGTERM');
    await refusing(port);
    child.kill('SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('is not listened for any more when the server has closed', async () => {
    const before = process.listenerCount('SIGTERM');
    const server = await serve(() => []);
    expect(process.listenerCount('SIGTERM')).toBe(before + 1);
    await new Promise((resolve) => server.close(resolve));
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});

describe('limits', () => {
  it('closes connections beyond maxConnections', async () => {
    const server = await serve(
      (_, startResponse) => {
        startResponse('200 OK', []);
        return [];
      },
      { maxConnections: 1 },
    );
    const { port } = server.address() as AddressInfo;
    const kept = get(port);
    await kept.first;
    expect(await get(port).whole).toBe('');
    kept.socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('answers 503 to pipelined requests beyond as many in flight', async () => {
    let called = 0;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const server = await serve(
      async (_, startResponse) => {
        called++;
        await held;
        startResponse('200 OK', []);
        return [];
      },
      { maxConnections: 3 },
    );
    const { port } = server.address() as AddressInfo;
    const flood = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(50);
    const socket = connect(port, '127.0.0.1', () => socket.write(flood, () => setTimeout(letGo, 100)));
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    expect(called).toBe(3);
    expect(answer.match(/^HTTP\/1\.1 \d+|^Connection: close/gim)).toEqual([
      ...Array(3).fill('HTTP/1.1 200'),
      'HTTP/1.1 503',
      'Connection: close',
    ]);
    const after = get(port);
    expect(String(await after.first)).toMatch(/ 200 /);
    after.socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('closes every request of a pipeline whose client leaves, and serves the next client', async () => {
    let aborted = 0;
    const server = await serve(
      async (environ, startResponse) => {
        if (environ.PATH_INFO !== '/now')
          await new Promise<void>((resolve) => {
            environ['wsgi_edge.signal'].addEventListener('abort', () => {
              aborted++;
              resolve();
            });
            if (environ.PATH_INFO === '/leave') socket.destroy();
          });
        startResponse('200 OK', []);
        return [];
      },
      { maxConnections: 4 },
    );
    const { port } = server.address() as AddressInfo;
    const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
    const socket = connect(port, '127.0.0.1', () => socket.write(ask('/').repeat(3) + ask('/leave')));
    socket.on('error', () => {});
    await expect.poll(() => aborted).toBe(4);
    const after = get(port, '/now');
    expect(String(await after.first)).toMatch(/ 200 /);
    after.socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('answers 431 where Node has left headers out', async () => {
    const listener = toNodeHandler((_, startResponse) => {
      startResponse('200 OK', []);
      return [];
    });
    // As older Nodes do: headers beyond the limit are gone, and the request is served.
    const server = createServer((req, res) => {
      server.maxHeadersCount = 40;
      listener(req, res);
      server.maxHeadersCount = 0;
    });
    server.maxHeadersCount = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const status = async (headers: number) => {
      const lines = 'X-A: 1\r\n'.repeat(headers - 1);
      const socket = connect(port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\nHost: h\r\n${lines}\r\n`));
      const [data] = await once(socket, 'data');
      socket.destroy();
      return String(data).slice(9, 12);
    };
    expect([await status(40), await status(41), await status(400)]).toEqual(['200', '431', '431']);
    await new Promise((resolve) => server.close(resolve));
  });

  test.each([0, -1, 1.5, Number.NaN])('%j is no maxConnections', async (maxConnections) => {
    await expect(serve(() => [], { maxConnections })).rejects.toThrow(/serve: maxConnections must be a number above 0/);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '1'])('%j is no time', async (ms) => {
    const rule = 'must be milliseconds from 0 to 2147483647, not';
    const given = JSON.stringify(ms);
    await expect(serve(() => [], { gracefulTimeout: ms as number })).rejects.toThrow(
      `serve: gracefulTimeout ${rule} ${given}`,
    );
    await expect(serve(() => [], { sendTimeout: ms as number })).rejects.toThrow(`serve: sendTimeout ${rule} ${given}`);
    expect(() => toNodeHandler(() => [], { sendTimeout: ms as number })).toThrow(
      `toNodeHandler: sendTimeout ${rule} ${given}`,
    );
  });

  it('answers 431 to more than 16 KiB of headers, 400 to what is no HTTP', async () => {
    const server = await serve(() => []);
    const { port } = server.address() as AddressInfo;
    const send = async (bytes: string) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      let answer = '';
      socket.on('data', (data) => {
        answer += data;
      });
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('close', resolve));
      return answer.split('\r\n', 1)[0];
    };
    expect(await send(`GET / HTTP/1.1\r\nHost: h\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`)).toMatch(/ 431 /);
    expect(await send('nonsense\r\n\r\n')).toMatch(/ 400 /);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('a call of serve', () => {
  const hello: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return [];
  };

  it('takes a port as an environment variable has it, and prints its URL', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const server = await serve(hello, { port: '0', printUrl: true });
    const { port } = server.address() as AddressInfo;
    const ofIpv6 = await serve(hello, { hostname: '::1', printUrl: true });
    const { port: other } = ofIpv6.address() as AddressInfo;
    server.close();
    ofIpv6.close();
    const printed = log.mock.calls.flat();
    log.mockRestore();
    expect(printed).toEqual([`http://127.0.0.1:${port}/`, `http://[::1]:${other}/`]);
  });

  it.each<[unknown, string]>([
    [8000, 'serve: options must be an object such as { port: 8000 }, not 8000'],
    [{ prot: 1 }, 'serve: there is no option prot; known are port, hostname,'],
    [{ toString: 1 }, 'serve: there is no option toString;'],
    [{ port: '80a' }, 'serve: port must be a number from 0 to 65535, not "80a"'],
  ])('refuses %j', async (options, message) => {
    await expect(serve(hello, options as object)).rejects.toThrow(message);
  });

  it('has its options in docs/TARGETS.md', async () => {
    const error: unknown = await serve(hello, { x: 1 } as object).catch((thrown: unknown) => thrown);
    const [, known = ''] = /known are (.*)$/.exec(String(error)) ?? [];
    const [, table = ''] = /\n## Options\n([\s\S]*?)\n## /.exec(readFileSync('docs/TARGETS.md', 'utf8')) ?? [];
    const rows = table.split('\n').filter((row) => /^\| `.*\| (all|.*`serve`.*) \|/.test(row));
    const documented = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`(\w+)/g)].map(([, name]) => name),
    );
    expect(documented.sort()).toEqual(known.split(', ').sort());
  });

  it('is refused in a Worker', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    try {
      await expect(serve(hello)).rejects.toThrow(
        'serve: it is for Node; in a Worker, export default toCloudflareHandler(app)',
      );
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
