// A long run against Node, workerd and the Lambda handler: mixed requests, and one client in a hundred leaves before the
// end of its response. Prints the requests served and the memory used. Fails when an answer is wrong, a body is not
// closed exactly once, a handle stays open, or the heap in use (after garbage collection) grows after the first tenth.
// `npm run soak -- --requests 10000 --target workerd`
// The target python has the same paths in Python, on Node and on workerd, beside clients that never finish.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '1000000' }, target: { type: 'string' } },
});
const REQUESTS = Number(values.requests);
const CLIENTS = 32;
const LEAVES = 100; // one client in this many
const GROWTH = 1.25; // limit, relative to the heap in use after the first tenth

interface Expected {
  path: string;
  status: number;
  length: number;
  body?: string;
}

/** Returns the fault of an answer, or null. */
function faultOf({ path, status, length }: Expected, got: { status: number; length: number }): string | null {
  // The page of a 500 ends with the id of its request.
  const fits = status === 500 ? got.length > length : got.length === length;
  return got.status === status && fits ? null : `${path}: ${got.status} with ${got.length} bytes`;
}

interface Target {
  name: string;
  pid: number;
  /** Sends one request and returns the fault of its answer, or null. */
  ask(expected: Expected, leave: boolean): Promise<string | null>;
  counts(): Promise<{ handed: number; closed: number }>;
  /** Bytes in use of the JavaScript heap, once garbage is collected. */
  heap(): Promise<number>;
  /** Handles that are open, once the clients have closed their connections. */
  handles(): Promise<number>;
  /** Starts clients that never finish, and returns the function that ends them. */
  slow?(): () => void;
  stop(): Promise<unknown>;
}

const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-soak-'));

async function bundle(name: string, contents: string, platform: 'node' | 'neutral'): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    stdin: { contents, resolveDir: join(import.meta.dirname, '..'), loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform,
    outfile,
  });
  return outfile;
}

/** Resident memory of a process in MiB. */
function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}

function overHttp(port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  let early = 0;
  const send = (path: string, body: string | undefined, leave: boolean) =>
    new Promise<{ status: number; bytes: Buffer } | null>((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const req = request({ host: '127.0.0.1', port, path, method, agent }, (res) => {
        const chunks: Buffer[] = [];
        if (leave) req.destroy();
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', () => {});
        res.on('close', () => resolve(leave ? null : { status: res.statusCode ?? 0, bytes: Buffer.concat(chunks) }));
      });
      req.on('error', (error) => (leave ? resolve(null) : reject(error)));
      req.end(body);
      // Half of the clients that leave do so before the answer begins.
      if (leave && early++ % 2 === 0) req.once('finish', () => setImmediate(() => req.destroy()));
    });
  return {
    async ask(expected: Expected, leave: boolean) {
      const { path, body } = expected;
      const answer = await send(path, body, leave).catch((error: Error) => error);
      if (answer === null) return null;
      if (answer instanceof Error) return `${path}: ${answer.message}`;
      return faultOf(expected, { status: answer.status, length: answer.bytes.length });
    },
    counts: async () => JSON.parse((await send('/counts', undefined, false))?.bytes.toString() ?? '{}'),
    hangUp: () => agent.destroy(),
  };
}

async function start(file: string): Promise<{ child: ChildProcess; first: unknown }> {
  const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: ['--expose-gc'] });
  const first = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`${file} ended with code ${code}`)));
  });
  return { child, first };
}

/** For a bundled program: answers the messages "heap" and "handles". Node opens stderr when it destroys a socket. */
const INSIDE = `process.stderr;
process.on('message', (message) => {
  if (message === 'handles') process.send({ measured: process.getActiveResourcesInfo().length });
  if (message !== 'heap') return;
  globalThis.gc();
  process.send({ measured: process.memoryUsage().heapUsed });
});`;

const measured = (child: ChildProcess, what: 'heap' | 'handles') =>
  new Promise<number>((resolve) => {
    const take = (message: { measured?: number }) => {
      if (message.measured === undefined) return;
      child.off('message', take);
      resolve(message.measured);
    };
    child.on('message', take);
    child.send(what);
  });

const stopped = (child: ChildProcess) =>
  new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill();
  });

const node = () => onNode('Node', `import { application } from './test/soak/application.ts';`);

/** @param imports  the lines that define `application` */
async function onNode(name: string, imports: string): Promise<Target & { port: number }> {
  const file = await bundle(
    'node',
    `import { serve } from './targets/node/index.ts';
     ${imports}
     const server = await serve(application, { errors() {} });
     ${INSIDE}
     process.send(server.address().port);`,
    'node',
  );
  const { child, first } = await start(file);
  const port = first as number;
  const { hangUp, ...http } = overHttp(port);
  return {
    name,
    pid: child.pid ?? 0,
    port,
    ...http,
    heap: () => measured(child, 'heap'),
    handles() {
      hangUp();
      return measured(child, 'handles');
    },
    stop: () => stopped(child),
  };
}

/** The rest of a Worker's module that has `application` and `toCloudflareHandler`. */
const WORKER = `const handler = toCloudflareHandler(application, { errors() {} });
     export default {
       fetch(request, env, ctx) {
         if (!request.url.endsWith('/gc')) return handler.fetch(request, env, ctx);
         globalThis.gc();
         return new Response(null);
       },
     };`;

async function workerd(): Promise<Target> {
  const file = await bundle(
    'worker',
    `import { toCloudflareHandler } from './targets/cloudflare/index.ts';
     import { application } from './test/soak/application.ts';
     ${WORKER}`,
    'neutral',
  );
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: 'soak',
      modules: [{ type: 'ESModule', path: 'worker.js', contents: readFileSync(file, 'utf8') }],
      compatibilityDate: '2026-10-20',
      host: '127.0.0.1',
      cf: false,
      inspectorPort: 0,
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    }),
  );
  await miniflare.ready;
  return onWorkerd('workerd', miniflare, 'soak');
}

async function onWorkerd(name: string, miniflare: Miniflare, service: string): Promise<Target & { port: number }> {
  const port = Number((await miniflare.unsafeGetDirectURL(service)).port);
  const inspector = await inspect(new URL(`/core:user:${service}`, await miniflare.getInspectorURL()));
  const { hangUp, ...http } = overHttp(port);
  const pid = childNamed('workerd');
  return {
    name,
    pid,
    port,
    ...http,
    async handles() {
      hangUp();
      return readdirSync(`/proc/${pid}/fd`).length;
    },
    async heap() {
      await fetch(`http://127.0.0.1:${port}/gc`);
      const { usedSize, backingStorageSize } = await inspector.ask('Runtime.getHeapUsage');
      return Number(usedSize) + Number(backingStorageSize);
    },
    async stop() {
      inspector.close();
      await miniflare.dispose();
    },
  };
}

const PYTHON = 'build/python-soak-assets';

async function pythonOnNode(): Promise<Target> {
  // Loaded here, because it needs dist/.
  const { ensureBuilt } = await import('./build-python.ts');
  await ensureBuilt({ application: 'test/soak/app.py:app', out: PYTHON });
  const target = await onNode(
    'Python on Node',
    `import { fromPython } from './python/index.ts';
     const { default: assets } = await import(process.env.PYTHON_ASSETS);
     const application = fromPython(assets);
     await application.boot();`,
  );
  return { ...target, slow: () => slowClients(target.port) };
}

async function pythonOnWorkerd(): Promise<Target> {
  const { startWorker } = await import('../test/python/workerd.ts');
  const { miniflare } = await startWorker(
    `import assets from './assets.mjs';
     import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
     import { fromPython } from '../../python/index.js';
     const application = fromPython(assets);
     ${WORKER}`,
    { inspectorPort: 0 },
    PYTHON,
  );
  const target = await onWorkerd('Python on workerd', miniflare, 'python');
  return { ...target, slow: () => slowClients(target.port) };
}

/** The bytes of clients that never finish. */
const SLOW = [
  'GET /slow HTTP/1.1\nHost: h\n\n', // and reads nothing of 8 MB
  'POST /echo HTTP/1.1\nHost: h\nContent-Length: 65537\n\n',
  'POST /echo HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n1\na\n',
  'POST /echo HTTP/1.1\nHost: h\nExpect: 100-continue\nContent-Length: 10\n\n',
];
const SLOW_EACH = 5;
const SLOW_STAY = 3000; // ms

/** Keeps slow clients of each kind connected, each for a while. Returns the function that ends them. */
function slowClients(port: number): () => void {
  const open = (text: string) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text.replaceAll('\n', '\r\n')));
    socket.on('error', () => {});
    return socket.pause();
  };
  const openAll = () => Array.from({ length: SLOW_EACH }, () => SLOW.map(open)).flat();
  let sockets = openAll();
  const leave = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const timer = setInterval(() => {
    leave();
    sockets = openAll();
  }, SLOW_STAY);
  return () => {
    clearInterval(timer);
    leave();
  };
}

/** Speaks the DevTools protocol with a Worker. */
async function inspect(url: URL) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  let id = 0;
  const waiting = new Map<number, (result: Record<string, unknown>) => void>();
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(String(data)) as { id: number; result: Record<string, unknown> };
    waiting.get(message.id)?.(message.result);
  };
  return {
    ask: (method: string) =>
      new Promise<Record<string, unknown>>((resolve) => {
        waiting.set(++id, resolve);
        socket.send(JSON.stringify({ id, method }));
      }),
    close: () => socket.close(),
  };
}

/** The process that miniflare has started. */
function childNamed(name: string): number {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const [, command, parent] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      if (command === name && Number(parent) === process.pid) return Number(pid);
    } catch {
      // The process has ended meanwhile.
    }
  }
  throw new Error(`no process ${name} of ours`);
}

async function lambda(): Promise<Target> {
  const file = await bundle(
    'lambda',
    `import { PassThrough } from 'node:stream';
     import { toLambdaHandler, toLambdaStreamHandler } from './targets/aws-lambda/index.ts';
     import { lambdaEvent, readLambdaResult } from './testing/index.ts';
     import { application } from './test/soak/application.ts';
     const handler = toLambdaHandler(application, { errors() {} });
     // Like the stream of Lambda's runtime, which is destroyed if the client goes away.
     globalThis.awslambda = { streamifyResponse: (f) => f, HttpResponseStream: { from: (stream) => stream } };
     const streaming = toLambdaStreamHandler(application, { errors() {} });
     const leave = (event) => {
       const stream = new PassThrough({ highWaterMark: 16 });
       stream.on('error', () => {});
       stream.once('data', () => stream.destroy());
       return streaming(event, stream, { getRemainingTimeInMillis: () => 30_000 }).catch(() => {});
     };
     const KINDS = ['apigw-rest-v1', 'apigw-http-v2', 'function-url', 'alb-single', 'alb-multi', 'lattice-v2'];
     let turn = 0;
     ${INSIDE}
     process.on('message', async ({ id, path, body, gone }) => {
       if (id === undefined) return;
       const kind = gone ? 'function-url' : KINDS[turn++ % KINDS.length];
       const event = lambdaEvent(kind, { target: path, method: body ? 'POST' : 'GET', ...(body ? { body } : {}) });
       if (gone) return process.send({ id, left: await leave(event) });
       const result = await handler(event, { getRemainingTimeInMillis: () => 30_000 });
       const { status, body: bytes } = readLambdaResult(kind, result);
       process.send({ id, status, length: bytes.length, text: path === '/counts' ? Buffer.from(bytes).toString() : '' });
     });
     process.send('ready');`,
    'node',
  );
  const { child } = await start(file);
  interface Reply {
    id: number;
    status: number;
    length: number;
    text: string;
  }
  const waiting = new Map<number, (reply: Reply) => void>();
  child.on('message', (reply: Reply) => {
    if (reply.id === undefined) return;
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  let id = 0;
  const send = (message: { path: string; body?: string | undefined; gone?: boolean }) =>
    new Promise<Reply>((resolve) => {
      waiting.set(++id, resolve);
      child.send({ id, ...message });
    });
  return {
    name: 'Lambda handler',
    pid: child.pid ?? 0,
    async ask(expected, leave) {
      const { path, body } = expected;
      const reply = await send({ path, body, gone: leave });
      return leave ? null : faultOf(expected, reply);
    },
    counts: async () => JSON.parse((await send({ path: '/counts' })).text),
    heap: () => measured(child, 'heap'),
    handles: () => measured(child, 'handles'),
    stop: () => stopped(child),
  };
}

async function soak(target: Target, mix: readonly Expected[]): Promise<{ row: string; failed: boolean }> {
  const memory: string[] = [];
  const heaps: number[] = [];
  const measure = async (): Promise<void> => {
    // Take the minimum of several readings, so that requests in flight and uncollected garbage do not count as growth.
    let heap = await target.heap();
    for (let i = 0; i < 4; i++) heap = Math.min(heap, await sleep(50).then(() => target.heap()));
    heaps.push(heap);
    memory.push(`${(heap / 2 ** 20).toFixed(1)} / ${memoryOf(target.pid)}`);
  };
  const points = new Set([0, Math.floor(REQUESTS / 10), Math.floor(REQUESTS / 2)]);
  const wrong = new Map<string, number>();
  let asked = 0;
  let left = 0;
  const handles = await target.handles();
  const endSlow = target.slow?.();
  const client = async (): Promise<void> => {
    while (asked < REQUESTS) {
      const turn = asked++;
      if (points.has(turn)) await measure();
      const leave = turn % LEAVES === 0;
      if (leave) left++;
      // The clients that leave take each kind of request in turn.
      const expected = mix[(turn + Math.floor(turn / LEAVES)) % mix.length];
      const fault = expected === undefined ? 'no such kind' : await target.ask(expected, leave);
      if (fault !== null) wrong.set(fault, (wrong.get(fault) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await measure();
  endSlow?.();
  // close() may come after the last byte.
  let counts = await target.counts();
  for (let i = 0; i < 100 && counts.closed < counts.handed; i++) {
    await sleep(20);
    counts = await target.counts();
  }
  let open = await target.handles();
  for (let i = 0; i < 100 && open > handles; i++) {
    await sleep(100);
    open = await target.handles();
  }
  await target.stop();
  for (const [fault, times] of wrong) console.log(`${target.name}: ${fault} (${times} times)`);
  const errors = [...wrong.values()].reduce((total, times) => total + times, 0);
  const failed =
    errors > 0 || counts.closed !== counts.handed || open > handles || (heaps[3] ?? 0) > (heaps[1] ?? 0) * GROWTH;
  const { handed, closed } = counts;
  return {
    failed,
    row: `| ${[target.name, asked, left, errors, handed, closed, `${handles} / ${open}`, ...memory].join(' | ')} |`,
  };
}

process.env.MINIFLARE_WORKERD_V8_FLAGS = '--expose-gc';
process.env.PYTHON_ASSETS = pathToFileURL(join(import.meta.dirname, '..', PYTHON, 'node.mjs')).href;
try {
  const { MIX } = (await import(await bundle('mix', `export { MIX } from './test/soak/application.ts';`, 'node'))) as {
    MIX: readonly Expected[];
  };
  const rows: string[] = [];
  const targets = { node, workerd, lambda };
  const chosen =
    values.target === 'python'
      ? [pythonOnNode, pythonOnWorkerd]
      : Object.entries(targets).flatMap(([name, open]) => (name === (values.target ?? name) ? open : []));
  for (const open of chosen) {
    const { row, failed } = await soak(await open(), MIX);
    rows.push(row);
    if (failed) process.exitCode = 1;
  }
  console.log(
    '| target | requests | clients gone | wrong answers | bodies handed over | close() | open handles before / after | heap in use / RSS at start, MiB | at 10 % | at 50 % | at the end |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|---|');
  for (const row of rows) console.log(row);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
