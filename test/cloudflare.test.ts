// A real workerd, through miniflare, seen by raw sockets and real clients.
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULTS, withoutProvoked } from './workerd-log.ts';

let workerd: Miniflare;
let other: Miniflare;
let port: number;
let signalling: number;

const WORKER = `
import { fromFetchHandler, mount } from './src/index.ts';
import { toCloudflareHandler } from './targets/cloudflare/index.ts';
const bytes = (text) => new TextEncoder().encode(text);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let closed = 0;
let signalled = 0;
let cancelled = 0;
const lines = [];
const zipped = Uint8Array.from(ZIPPED);
const app = mount({
  '/stream': (environ, startResponse) => {
    environ['wsgi_edge.signal'].addEventListener('abort', () => signalled++);
    startResponse('200 OK', []);
    return {
      async *[Symbol.asyncIterator]() { for (let i = 0; i < 200; i++) { yield bytes('piece ' + i + '\\n'); await sleep(20); } },
      close: () => { closed++; },
    };
  },
  '/closed': (environ, startResponse) => { startResponse('200 OK', []); return [bytes(closed + ' ' + signalled)]; },
  '/zipped': (environ, startResponse) => { startResponse('200 OK', [['Content-Encoding', 'gzip']]); return [zipped]; },
  '/zipped-stream': (environ, startResponse) => { startResponse('200 OK', [['Content-Encoding', 'gzip']]); return (async function* () { yield zipped.subarray(0, 5); yield zipped.subarray(5); })(); },
  '/zipped-file': (environ, startResponse) => { startResponse('200 OK', [['Content-Encoding', 'gzip']]); return environ['wsgi.file_wrapper'](new Blob([zipped])); },
  '/bridged-zip': fromFetchHandler(() => new Response('compressed by workerd', { headers: { 'Content-Encoding': 'gzip' } })),
  '/file': (environ, startResponse) => {
    const headers = environ.QUERY_STRING ? [['Content-Length', environ.QUERY_STRING]] : [];
    startResponse('200 OK', headers);
    return environ['wsgi.file_wrapper'](new Response('0123456789').body);
  },
  '/file-slow': (environ, startResponse) => {
    startResponse('200 OK', []);
    let i = 0;
    const source = new ReadableStream({
      async pull(controller) { await sleep(5); controller.enqueue(new Uint8Array(50_000).fill(i++)); if (i === 400) controller.close(); },
      cancel() { cancelled++; },
    });
    const body = environ['wsgi.file_wrapper'](source);
    const close = body.close.bind(body);
    body.close = async () => { closed++; await close(); };
    return body;
  },
  '/cancelled': (environ, startResponse) => { startResponse('200 OK', []); return [bytes(closed + ' ' + cancelled)]; },
  '/file-broken': (environ, startResponse) => {
    startResponse('200 OK', []);
    let i = 0;
    return environ['wsgi.file_wrapper'](new ReadableStream({ pull(controller) { if (i++ === 3) throw new Error('disk on fire'); controller.enqueue(bytes('part ')); } }));
  },
  '/file-broken-late': (environ, startResponse) => {
    environ['wsgi_edge.wait_until'](sleep(60_000));
    startResponse('200 OK', []);
    return environ['wsgi.file_wrapper'](new ReadableStream({ type: 'bytes', async pull() { await sleep(10); throw new Error('disk on fire'); } }));
  },
  '/file-stalled': (environ, startResponse) => {
    startResponse('200 OK', []);
    return environ['wsgi.file_wrapper'](new ReadableStream({ type: 'bytes', pull: () => sleep(60_000), cancel() { cancelled++; } }));
  },
  '/short': (environ, startResponse) => {
    startResponse('200 OK', [['Content-Length', '50']]);
    return environ.QUERY_STRING ? (function* () { yield bytes('short'); })() : [bytes('short')];
  },
  '/proxied-bridge': fromFetchHandler((request) => fetch(new URL(request.url).searchParams.get('upstream'))),
  '/proxied-file': async (environ, startResponse) => {
    const { body } = await fetch(decodeURIComponent(environ.QUERY_STRING.slice(9)));
    startResponse('200 OK', []);
    return environ['wsgi.file_wrapper'](body);
  },
  '/proxied-bare': async (environ, startResponse) => {
    const { body } = await fetch(decodeURIComponent(environ.QUERY_STRING.slice(9)));
    startResponse('200 OK', []);
    return body;
  },
  '/upload': async (environ, startResponse) => {
    const body = await environ['wsgi.input'].read(environ.QUERY_STRING ? 1000 : undefined);
    startResponse('200 OK', []);
    return [bytes(String(body.length))];
  },
  '/log': (environ, startResponse) => { startResponse('200 OK', []); return [bytes(JSON.stringify(lines.splice(0)))]; },
  '/ws': fromFetchHandler(() => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener('message', ({ data }) => server.send('echo ' + data));
    return new Response(null, { status: 101, webSocket: client });
  }),
  '/object': async (environ, startResponse) => {
    const { OBJECT } = environ['workers.env'];
    const response = await OBJECT.get(OBJECT.idFromName('one')).fetch('https://object.example/inner?q', { method: 'POST', body: 'data' });
    startResponse('200 OK', []);
    return [new Uint8Array(await response.arrayBuffer())];
  },
});
const inner = toCloudflareHandler(async (environ, startResponse) => {
  startResponse('200 OK', []);
  const { REQUEST_METHOD, PATH_INFO, QUERY_STRING, SERVER_NAME, SERVER_PORT, REMOTE_ADDR, HTTP_HOST } = environ;
  const body = new TextDecoder().decode(await environ['wsgi.input'].read());
  return [bytes(JSON.stringify({ REQUEST_METHOD, PATH_INFO, QUERY_STRING, SERVER_NAME, SERVER_PORT, REMOTE_ADDR, HTTP_HOST, body }))];
});
export class Inner {
  constructor(ctx, env) { this.ctx = ctx; this.env = env; }
  fetch(request) { return inner.fetch(request, this.env, this.ctx); }
}
export default { ...toCloudflareHandler(app, { errors: { record: ({ message }) => lines.push(message) } }), scheduled() {} };
`.replace('ZIPPED', JSON.stringify([...gzipSync('compressed by the application')]));

beforeAll(async () => {
  const bundle = await build({
    stdin: { contents: WORKER, resolveDir: '.', loader: 'js' },
    bundle: true,
    format: 'esm',
    write: false,
  });
  const contents = bundle.outputFiles[0]?.text ?? '';
  workerd = await start(contents, false);
  other = await start(contents, true);
  port = Number((await workerd.unsafeGetDirectURL()).port);
  signalling = Number((await other.unsafeGetDirectURL()).port);
});

async function start(contents: string, signal: boolean): Promise<Miniflare> {
  const started = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'worker.js', contents }],
      compatibilityDate: '2026-10-20',
      ...(signal && { compatibilityFlags: ['enable_request_signal'] }),
      durableObjects: { OBJECT: 'Inner' },
      host: '127.0.0.1',
      port: 0,
      cf: false,
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      handleStructuredLogs: withoutProvoked(...FAULTS, 'disk on fire'),
    }),
  );
  await started.ready;
  return started;
}

afterAll(async () => {
  await workerd?.dispose();
  await other?.dispose();
});

const open = (path: string): Socket => {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n\r\n`);
  return socket;
};
const raw = (path: string) =>
  new Promise<Buffer>((resolve) => {
    const chunks: Buffer[] = [];
    const socket = open(path);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);

describe('on workerd', () => {
  it('20 clients that go away mid-stream: close() has run 20 times, and the signal fired', async () => {
    const sockets = Array.from({ length: 20 }, () => open('/stream'));
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
    expect(await (await get('/closed')).text()).toBe('0 0');
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await get('/closed')).text(), { timeout: 10_000 }).toBe('20 20');
  });

  it.each(['/zipped', '/zipped-stream', '/zipped-file'])('%s is not compressed once more', async (path) => {
    expect(await (await get(path)).text()).toBe('compressed by the application');
  });

  it('what a Fetch handler tells the runtime to compress is compressed', async () => {
    const bytes = await raw('/bridged-zip');
    expect(bytes.toString('latin1')).toMatch(/content-encoding: gzip/i);
    expect(bytes.includes(gzipSync('').subarray(0, 3))).toBe(true);
    expect(await (await get('/bridged-zip')).text()).toBe('compressed by workerd');
  });

  it('a file goes out with the length that the application gave', async () => {
    expect((await raw('/file')).toString()).toMatch(/chunked[\s\S]*0123456789/i);
    expect((await raw('/file?10')).toString()).toMatch(/Content-Length: 10\r\n[\s\S]*\r\n\r\n0123456789$/i);
    // A wrong one is workerd's to find, the bytes being its own: the response is aborted, never ended as if whole.
    expect((await raw('/file?6')).toString()).not.toMatch(/0123456789/);
    expect((await raw('/file?16')).toString()).not.toMatch(/chunked/i);
  });

  it('a file that nobody reads any more is cancelled and closed', async () => {
    const [before] = (await (await get('/cancelled')).text()).split(' ');
    const socket = open('/file-slow');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await expect
      .poll(async () => (await get('/cancelled')).text(), { timeout: 10_000 })
      .toBe(`${Number(before) + 1} 1`);
  });

  it('a file that breaks ends without the last chunk', async () => {
    expect((await raw('/file-broken')).toString()).toMatch(/part \r\n$/);
  });

  it('a list shorter than its Content-Length is a 500, and another body is cut off', async () => {
    expect((await raw('/short')).toString()).toMatch(/^HTTP\/1\.1 500/);
    const text = (await raw('/short?stream')).toString();
    expect(text).not.toMatch(/^HTTP\/1\.1 500/);
    expect(text).not.toMatch(/chunked/);
  });

  it('a WebSocket reaches a real client', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    const answer = await new Promise((resolve, reject) => {
      socket.onopen = () => socket.send('hi');
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = reject;
    });
    socket.close();
    expect(answer).toBe('echo hi');
  });

  it('serves in a Durable Object', async () => {
    expect(await (await get('/object')).json()).toEqual({
      REQUEST_METHOD: 'POST',
      PATH_INFO: '/inner',
      QUERY_STRING: 'q',
      SERVER_NAME: 'object.example',
      SERVER_PORT: '443',
      body: 'data',
    });
  });
});

describe('a file of bytes that come late', () => {
  it('ends the connection if it fails before its first byte, whatever else the request waits for', async () => {
    const socket = open('/file-broken-late').resume();
    await new Promise((resolve) => socket.once('close', resolve));
  });

  it('is cancelled when the client leaves before its first byte', async () => {
    const url = `http://127.0.0.1:${signalling}/cancelled`;
    const cancelled = async () => (await (await fetch(url)).text()).split(' ')[1];
    expect(await cancelled()).toBe('0');
    const socket = connect(signalling, '127.0.0.1');
    socket.write('GET /file-stalled HTTP/1.1\r\nHost: h\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    await expect.poll(cancelled, { timeout: 10_000 }).toBe('1');
  });
});

describe('an upload that breaks off', () => {
  const log = async (): Promise<string[]> => (await fetch(`http://127.0.0.1:${port}/log`)).json() as Promise<string[]>;
  const upload = async (target: string, headers: string, answered: boolean): Promise<string[]> => {
    await log();
    const socket = connect(port, '127.0.0.1');
    socket.write(`POST ${target} HTTP/1.1\r\nHost: h\r\n${headers}`);
    if (answered) await new Promise((resolve) => socket.once('data', resolve));
    else await new Promise((resolve) => setTimeout(resolve, 100));
    socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    return log();
  };

  it.each(['/upload', '/upload?pieces'])('is not logged, because its client has left: %s', async (target) => {
    expect(await upload(target, 'Content-Length: 900\r\n\r\npart', false)).toEqual([]);
    expect(await upload(target, 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', false)).toEqual([]);
  });

  it('is one line of the log when its client waits for an answer', async () => {
    expect(await upload('/upload', 'Transfer-Encoding: chunked\r\n\r\nzz\r\n', true)).toEqual([
      'ClientDisconnected: client: the request body broke off',
    ]);
  });
});

describe('a client that leaves while a proxied body stalls', () => {
  // Without the signal, the runtime tells nobody as long as nothing is written; docs/TARGETS.md says so.
  it.each(['bridge', 'file', 'bare'])(
    'releases the upstream of a body that is %s, by the signal of the request',
    async (kind) => {
      // It sends one byte, and then nothing.
      const upstream = createServer((_, res) => void res.write('x'));
      await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`;
      const open = () => new Promise<number>((resolve) => upstream.getConnections((_, count) => resolve(count)));
      try {
        const sockets = Array.from({ length: 10 }, () => connect(signalling, '127.0.0.1'));
        for (const socket of sockets)
          socket.write(`GET /proxied-${kind}?upstream=${encodeURIComponent(url)} HTTP/1.1\r\nHost: h\r\n\r\n`);
        await expect.poll(open).toBe(10);
        await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
        for (const socket of sockets) socket.resetAndDestroy();
        await expect.poll(open, { timeout: 10_000 }).toBe(0);
      } finally {
        upstream.closeAllConnections();
        upstream.close();
      }
    },
  );
});
