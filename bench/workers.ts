// Workers in workerd, asked through sockets: the process's CPU time for each request, from /proc.
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
import { APART, needs, type Wanted } from './aims.ts';
import { type Race, race } from './rounds.ts';

const HELLO = `const BODY = new TextEncoder().encode('Hello, world!\\n');`;
const MIB = 2 ** 20;
// 128 MiB in blocks of 64 KiB.
const STREAM = `const BLOCK = new Uint8Array(65536); const stream = () => { let left = 2048; return new ReadableStream({ type: 'bytes', pull(c) { if (left-- > 0) c.enqueue(BLOCK.slice()); else { c.close(); c.byobRequest?.respond(0); } } }); };`;
const ours = (app: string) => `import { toCloudflareHandler } from 'wsgi-edge/cloudflare'; ${HELLO} ${STREAM}
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
const ITEMS = Array.from({ length: 60 }, (_, i) => `item number ${i}`);
const JSON_BODY = JSON.stringify({ items: ITEMS });

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

/** Starts one Worker in a new workerd.
 *  @param assets  further modules, which it imports from './' by their paths */
export async function startWorkerd(contents: string, assets: Module[] = []): Promise<Worker> {
  const { ports, ...worker } = await startWorkers({ main: contents }, assets);
  return { ...worker, port: ports.main ?? 0 };
}

/** Starts Workers in one workerd, without miniflare. With each new isolate workerd drops the code that V8 has compiled from
 *  WebAssembly, and miniflare adds its own isolates after the Workers. */
async function startWorkers(
  sources: Record<string, string>,
  assets: Module[] = [],
): Promise<Omit<Worker, 'port'> & { ports: Record<string, number> }> {
  const names = Object.keys(sources);
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-bench-'));
  for (const [i, contents] of Object.values(sources).entries())
    writeFileSync(join(folder, `worker${i}.js`), await bundle(contents, assets));
  for (const { path, contents } of assets) writeFileSync(join(folder, path), contents);
  writeFileSync(join(folder, 'config.capnp'), configOf(names, assets));
  const child = spawn(workerd, ['serve', '--control-fd=3', '--inspector-addr=127.0.0.1:0', 'config.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const exited = once(child, 'exit');
  const ports: Record<string, number> = {};
  let inspector: number | undefined;
  for await (const line of createInterface(child.stdio[3] as NodeJS.ReadableStream)) {
    const { event, socket, port } = JSON.parse(line) as { event: string; socket?: string; port: number };
    if (event === 'listen' && socket !== undefined) ports[socket] = port;
    if (event === 'listen-inspector') inspector = port;
    if (inspector !== undefined && names.every((name) => name in ports)) break;
  }
  rmSync(folder, { recursive: true });
  if (inspector === undefined || child.pid === undefined) throw new Error('workerd has not started');
  const dispose = async () => {
    child.kill('SIGKILL'); // it would wait for connections that are kept alive
    await exited;
  };
  return { ports, pid: child.pid, heapUsage: () => heapUsageOf(`ws://127.0.0.1:${inspector}/${names[0]}`), dispose };
}

async function bundle(contents: string, assets: Module[]): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    format: 'esm',
    minify: true,
    write: false,
    external: assets.map(({ path }) => `./${path}`),
  });
  return outputFiles[0]?.text ?? '';
}

function configOf(names: readonly string[], assets: readonly Module[]): string {
  const services = names.map((name, i) => {
    const modules = [
      `(name = "worker.js", esModule = embed "worker${i}.js")`,
      ...assets.map(({ type, path }) => `(name = "${path}", ${KINDS[type]} = embed "${path}")`),
    ];
    return `(name = "${name}", worker = (modules = [${modules.join(', ')}], compatibilityDate = "2026-10-20")),`;
  });
  const sockets = names.map((name) => `(name = "${name}", address = "127.0.0.1:0", http = (), service = "${name}"),`);
  return `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [${services.join('\n')} (name = "internet", network = (allow = ["private"]))],
      sockets = [${sockets.join('\n')}],
    );`;
}

async function heapUsageOf(url: string): ReturnType<Worker['heapUsage']> {
  const socket = new WebSocket(url);
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

type Ask = (port: number) => Promise<number>;

/** Measures each Worker in its own workerd. */
async function apart(
  title: string,
  unit: string,
  sources: Record<string, string>,
  rounds: number,
  ask: Ask,
): Promise<Race> {
  const workers: Worker[] = [];
  const runners: Record<string, () => Promise<number>> = {};
  try {
    for (const [name, source] of Object.entries(sources)) {
      const worker = await startWorkerd(source);
      workers.push(worker);
      runners[name] = costOf(worker.pid, () => ask(worker.port));
    }
    return await warmed(title, unit, runners, rounds);
  } finally {
    for (const worker of workers) await worker.dispose();
  }
}

/** Measures Workers in one workerd, where those that are not measured run too. */
async function together(
  title: string,
  sources: Record<string, string>,
  measured: readonly string[],
  rounds: number,
  ask: Ask,
): Promise<Race> {
  const names = Object.keys(sources);
  const { ports, pid, dispose } = await startWorkers(
    Object.fromEntries(Object.values(sources).map((source, i) => [`worker${i}`, source])),
  );
  try {
    const runners = measured.map((name) => {
      const port = ports[`worker${names.indexOf(name)}`] ?? 0;
      return [name, costOf(pid, () => ask(port))] as const;
    });
    return await warmed(title, 'µs of CPU', Object.fromEntries(runners), rounds);
  } finally {
    await dispose();
  }
}

/** µs of a process's CPU for each of the units that `work` gives. */
const costOf = (pid: number, work: () => Promise<number>) => async (): Promise<number> => {
  const before = cpuOf(pid);
  const units = await work();
  return (cpuOf(pid) - before) / units;
};

async function warmed(
  title: string,
  unit: string,
  runners: Record<string, () => Promise<number>>,
  rounds: number,
): Promise<Race> {
  for (const run of Object.values(runners)) await run();
  return race(title, unit, runners, rounds);
}

/** Races small requests: all Workers in one workerd, then a workerd for each that an aim compares. */
async function small(
  title: string,
  sources: Record<string, string>,
  rounds: number,
  wanted: Wanted,
  asked: { amount: number; options: object; expected: string },
): Promise<Race[]> {
  const measured = Object.keys(sources).filter((name) => wanted(title, name));
  if (measured.length === 0) return [];
  const ask: Ask = async (port) => {
    const url = `http://127.0.0.1:${port}/hello?a=1`;
    const text = await (await fetch(url, asked.options)).text();
    if (text !== asked.expected) throw new Error(`${title}: a Worker answers ${text}`);
    const { requests, non2xx } = await autocannon({ url, connections: 16, amount: asked.amount, ...asked.options });
    if (non2xx > 0 || requests.total === 0) throw new Error(`${non2xx} wrong answers`);
    return requests.total + 1;
  };
  const compared = Object.entries(sources).filter(([name]) => needs(title, name) && measured.includes(name));
  return [
    await together(title, sources, measured, rounds, ask),
    await apart(title + APART, 'µs of CPU', Object.fromEntries(compared), rounds, ask),
  ];
}

// Gives thousands, so that µs for each of them are ms for the whole.
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

export async function workers(rounds: number, amount: number, mib: number, wanted: Wanted): Promise<Race[]> {
  const raced = [
    ...(await small('workerd: GET with 20 headers', GET, rounds, wanted, {
      amount,
      options: { headers: HEADERS },
      expected: 'Hello, world!\n',
    })),
    ...(await small('workerd: POST of 1 kB JSON', POST, rounds, wanted, {
      amount,
      options: { method: 'POST', body: JSON_BODY, headers: { 'content-type': 'application/json' } },
      expected: JSON.stringify({ count: ITEMS.length }),
    })),
  ];
  return [...raced, ...(await transfers(Math.min(rounds, 7), mib, wanted))];
}

async function transfers(rounds: number, mib: number, wanted: Wanted): Promise<Race[]> {
  const upload = new Uint8Array(mib * MIB);
  const source = await startSource();
  const races: [string, Record<string, string>, Ask][] = [
    ['workerd: 128 MiB of a stream', DOWNLOAD, (port) => download(port)],
    ['workerd: 128 MiB from another server', NETWORK, (port) => download(port, `?port=${source.port}`)],
    [
      `workerd: ${mib} MiB upload`,
      UPLOAD,
      async (port) => {
        const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: upload });
        if ((await response.text()) !== String(upload.length)) throw new Error('not all arrived');
        return 1000;
      },
    ],
  ];
  const done: Race[] = [];
  for (const [title, sources, ask] of races)
    if (Object.keys(sources).some((name) => wanted(title, name)))
      done.push(await apart(title, 'ms of CPU', sources, rounds, ask));
  source.close();
  return done;
}
