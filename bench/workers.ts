// Workers in workerd, on its own socket: CPU time of the process for each request, by /proc.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';
import { build } from 'esbuild';
import { type Race, race } from './rounds.ts';

const HELLO = `const BODY = new TextEncoder().encode('Hello, world!\\n');`;
const MIB = 2 ** 20;
// 128 MiB in blocks of 64 KiB.
const STREAM = `const BLOCK = new Uint8Array(65536); const stream = () => { let left = 2048; return new ReadableStream({ type: 'bytes', pull(c) { if (left-- > 0) c.enqueue(BLOCK.slice()); else { c.close(); c.byobRequest?.respond(0); } } }); };`;
const ours = (
  app: string,
) => `import { toCloudflareHandler } from '../dist/targets/cloudflare/index.js'; ${HELLO} ${STREAM}
  export default toCloudflareHandler(${app});`;

const GET: Record<string, string> = {
  'by hand': `${HELLO} export default { fetch: () => new Response(BODY, { headers: { 'content-type': 'text/plain; charset=utf-8' } }) };`,
  hono: `import { Hono } from 'hono'; const app = new Hono(); app.get('*', (c) => c.text('Hello, world!\\n')); export default app;`,
  'hono, all headers read': `import { Hono } from 'hono'; const app = new Hono(); app.get('*', (c) => { const all = c.req.header(); return c.text('Hello, world!\\n', 200, { 'x-n': String(Object.keys(all).length) }); }); export default app;`,
  'itty-router': `import { AutoRouter } from 'itty-router'; const router = AutoRouter(); router.get('*', () => new Response('Hello, world!\\n', { headers: { 'content-type': 'text/plain; charset=utf-8' } })); export default { fetch: router.fetch };`,
  'wsgi-edge': ours(
    `(environ, startResponse) => { startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]); return [BODY]; }`,
  ),
};
const POST: Record<string, string> = {
  'by hand': `export default { async fetch(request) { const { items } = await request.json(); return Response.json({ count: items.length }); } };`,
  hono: `import { Hono } from 'hono'; const app = new Hono(); app.post('*', async (c) => c.json({ count: (await c.req.json()).items.length })); export default app;`,
  'wsgi-edge': ours(
    `async (environ, startResponse) => { const { items } = JSON.parse(new TextDecoder().decode(await environ['wsgi.input'].read())); startResponse('200 OK', [['Content-Type', 'application/json']]); return [new TextEncoder().encode(JSON.stringify({ count: items.length }))]; }`,
  ),
};
const DOWNLOAD: Record<string, string> = {
  'by hand, the stream passed on': `${STREAM} export default { fetch: () => new Response(stream()) };`,
  'wsgi-edge, wsgi.file_wrapper': ours(
    `(environ, startResponse) => { startResponse('200 OK', []); return environ['wsgi.file_wrapper'](stream()); }`,
  ),
  'wsgi-edge, an iterable': ours(
    `(environ, startResponse) => { startResponse('200 OK', []); return { *[Symbol.iterator]() { for (let i = 0; i < 2048; i++) yield BLOCK; } }; }`,
  ),
};
// The same 128 MiB as another server sends them, at `/?port`.
const NETWORK: Record<string, string> = {
  'by hand, the body of fetch() passed on': `export default { fetch: async (request) => new Response((await fetch('http://127.0.0.1:' + new URL(request.url).searchParams.get('port'))).body) };`,
  'wsgi-edge, wsgi.file_wrapper': ours(
    `async (environ, startResponse) => { const { body } = await fetch('http://127.0.0.1:' + new URLSearchParams(environ.QUERY_STRING).get('port')); startResponse('200 OK', []); return environ['wsgi.file_wrapper'](body); }`,
  ),
};
const UPLOAD: Record<string, string> = {
  'by hand, reader.read()': `export default { async fetch(request) { let n = 0; for (const reader = request.body.getReader(); ; ) { const { done, value } = await reader.read(); if (done) break; n += value.length; } return new Response(String(n)); } };`,
  'wsgi-edge, wsgi.input': ours(
    `async (environ, startResponse) => { let n = 0; for (let block; (block = await environ['wsgi.input'].read(65536)).length > 0; ) n += block.length; startResponse('200 OK', []); return [new TextEncoder().encode(String(n))]; }`,
  ),
};

const HEADERS = Object.fromEntries(
  [
    'accept',
    'accept-language',
    'cache-control',
    'cookie',
    'referer',
    'user-agent',
    'x-request-id',
    'sec-fetch-dest',
    'sec-fetch-mode',
    'sec-fetch-site',
    'sec-ch-ua',
    'sec-ch-ua-mobile',
    'sec-ch-ua-platform',
    'dnt',
    'priority',
    'pragma',
    'upgrade-insecure-requests',
    'x-a',
    'x-b',
  ].map((name) => [name, `value of ${name}`]),
);
const JSON_BODY = JSON.stringify({ items: Array.from({ length: 45 }, (_, i) => `item number ${i}`) });

interface Module {
  type: 'ESModule' | 'CompiledWasm' | 'Data';
  path: string;
  contents: string | Buffer;
}

export interface Worker {
  port: number;
  pid: number;
  /** Bytes of V8's heap, and of the buffers outside of it. */
  heapUsage(): Promise<{ totalSize: number; backingStorageSize: number }>;
  dispose(): Promise<void>;
}

const { default: workerd } = createRequire(import.meta.url)('workerd') as { default: string };
const KINDS = { ESModule: 'esModule', CompiledWasm: 'wasm', Data: 'data' };

/** Starts a Worker in a workerd of its own, alone: miniflare starts its own Workers after it, and with each isolate that it
 *  starts workerd drops the code that V8 has compiled of WebAssembly.
 *  @param assets  further modules, which it imports from './' by their paths */
export async function startWorkerd(contents: string, assets: Module[] = []): Promise<Worker> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    format: 'esm',
    minify: true,
    write: false,
    external: assets.map(({ path }) => `./${path}`),
  });
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-bench-'));
  const modules = [{ type: 'ESModule' as const, path: 'worker.js', contents: outputFiles[0]?.text ?? '' }, ...assets];
  for (const module of modules) writeFileSync(join(folder, module.path), module.contents);
  const config = `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [
        (name = "main", worker = (
          modules = [${modules.map(({ type, path }) => `(name = "${path}", ${KINDS[type]} = embed "${path}")`).join(', ')}],
          compatibilityDate = "2026-10-20",
        )),
        (name = "internet", network = (allow = ["private"])),
      ],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
    );`;
  writeFileSync(join(folder, 'config.capnp'), config);
  const child = spawn(workerd, ['serve', '--control-fd=3', '--inspector-addr=127.0.0.1:0', 'config.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const exited = once(child, 'exit');
  const ports: Record<string, number> = {};
  for await (const line of createInterface(child.stdio[3] as NodeJS.ReadableStream)) {
    const { event, port } = JSON.parse(line) as { event: string; port: number };
    ports[event] = port;
    if ('listen' in ports && 'listen-inspector' in ports) break;
  }
  rmSync(folder, { recursive: true });
  const { listen: port, 'listen-inspector': inspector } = ports;
  if (port === undefined || child.pid === undefined) throw new Error('workerd has not started');
  const heapUsage = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${inspector}/main`);
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    const answer = new Promise<MessageEvent>((resolve) => {
      socket.onmessage = resolve;
    });
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.getHeapUsage' }));
    const { result } = JSON.parse(String((await answer).data));
    socket.close();
    return result;
  };
  const dispose = async () => {
    child.kill('SIGKILL'); // it would wait for connections that are kept alive
    await exited;
  };
  return { port, pid: child.pid, heapUsage, dispose };
}

/** CPU time of a process in µs, all threads. */
export function cpuOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((total, thread) => {
    try {
      return total + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]) / 1000;
    } catch {
      return total; // ended meanwhile
    }
  }, 0);
}

async function compare(
  title: string,
  unit: string,
  sources: Record<string, string>,
  rounds: number,
  ask: (port: number) => Promise<number>,
): Promise<Race> {
  const workers = new Map<string, Worker>();
  for (const [name, source] of Object.entries(sources)) workers.set(name, await startWorkerd(source));
  const runners: Record<string, () => Promise<number>> = {};
  for (const [name, { port, pid }] of workers)
    runners[name] = async () => {
      const before = cpuOf(pid);
      const units = await ask(port);
      return (cpuOf(pid) - before) / units;
    };
  for (const run of Object.values(runners)) await run(); // warm
  const result = await race(title, unit, runners, rounds);
  for (const worker of workers.values()) await worker.dispose();
  return result;
}

const cannon = (options: object, amount: number) => async (port: number) => {
  const { requests, non2xx } = await autocannon({
    url: `http://127.0.0.1:${port}/hello?a=1`,
    connections: 16,
    amount,
    ...options,
  });
  if (non2xx > 0 || requests.total === 0) throw new Error(`${non2xx} wrong answers`);
  return requests.total;
};

// Gives thousands, so that what is µs for a request is ms for the whole.
async function download(port: number, query = ''): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/${query}`);
  let length = 0;
  for await (const chunk of response.body ?? []) length += chunk.length;
  if (length !== 128 * MIB) throw new Error(`${length} bytes`);
  return 1000;
}

async function startSource(): Promise<{ port: number; close(): void }> {
  const block = new Uint8Array(65_536);
  const server = createServer(async (_, res) => {
    for (let i = 0; i < 2048; i++) if (!res.write(block)) await once(res, 'drain');
    res.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

export async function workers(rounds: number, requests: number, mib: number): Promise<Race[]> {
  const upload = new Uint8Array(mib * MIB);
  const source = await startSource();
  const races = [
    await compare('workerd: GET with 20 headers', 'µs of CPU', GET, rounds, cannon({ headers: HEADERS }, requests)),
    await compare(
      'workerd: POST of 1 kB JSON',
      'µs of CPU',
      POST,
      rounds,
      cannon({ method: 'POST', body: JSON_BODY, headers: { 'content-type': 'application/json' } }, requests),
    ),
    await compare('workerd: 128 MiB of a stream', 'ms of CPU', DOWNLOAD, Math.min(rounds, 7), (port) => download(port)),
    await compare('workerd: 128 MiB from another server', 'ms of CPU', NETWORK, Math.min(rounds, 7), (port) =>
      download(port, `?port=${source.port}`),
    ),
    await compare(`workerd: ${mib} MiB upload`, 'ms of CPU', UPLOAD, Math.min(rounds, 7), async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: upload });
      if ((await response.text()) !== String(upload.length)) throw new Error('not all arrived');
      return 1000;
    }),
  ];
  source.close();
  return races;
}
