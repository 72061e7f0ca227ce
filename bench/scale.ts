// How the cost grows: with headers, with middleware, with the length of bodies (time and peak memory), with streams at once.
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { toLambdaHandler } from '../dist/targets/aws-lambda/index.js';
import { lambdaEvent } from '../dist/testing/index.js';
import { type Race, race } from './rounds.ts';
import { startWorkerd } from './workers.ts';

const MIB = 2 ** 20;
const BLOCK = new Uint8Array(65_536);

const app = (environ: object, startResponse: (status: string, headers: [string, string][]) => unknown) => {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [BLOCK.subarray(0, 'PATH_INFO' in environ ? 14 : 0)];
};

function calls(handler: ReturnType<typeof toLambdaHandler>, headers: number, ms: number): () => Promise<number> {
  const event = lambdaEvent('apigw-http-v2', {
    headers: Array.from({ length: headers }, (_, i) => [`x-header-${i}`, `the value of header ${i}`]),
  });
  const context = { getRemainingTimeInMillis: () => 30_000 };
  return async () => {
    const until = performance.now() + ms;
    const start = process.cpuUsage();
    let made = 0;
    do {
      for (let i = 0; i < 10; i++) await handler(event as never, context as never);
      made += 10;
    } while (performance.now() < until);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / made;
  };
}

function inside(depth: number): typeof app {
  let stacked = app;
  for (let i = 0; i < depth; i++) {
    const inner = stacked;
    stacked = (environ, startResponse) =>
      inner(environ, (status, headers) => startResponse(status, [...headers, [`X-Layer-${i}`, 'here']]));
  }
  return stacked;
}

async function warmed(title: string, runners: Record<string, () => Promise<number>>, rounds: number): Promise<Race> {
  for (const run of Object.values(runners)) await run();
  return { ...(await race(title, 'µs of CPU', runners, rounds)), base: undefined };
}

interface Server {
  name: string;
  port: number;
  pid: number;
  stop(): unknown;
}

async function nodeServer(): Promise<Server> {
  const child: ChildProcess = fork(new URL('./servers.ts', import.meta.url), ['scale']);
  const { port } = await new Promise<{ port: number }>((resolve) => child.once('message', resolve));
  return { name: 'Node', port, pid: child.pid ?? 0, stop: () => child.kill() };
}

async function workerdServer(): Promise<Server> {
  const worker = await startWorkerd(
    `import { toCloudflareHandler } from '../dist/targets/cloudflare/index.js'; import { served } from './scale-app.ts'; export default toCloudflareHandler(served);`,
  );
  return { name: 'workerd', port: worker.port, pid: worker.pid, stop: worker.dispose };
}

const memoryOf = (pid: number, field: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** The peak of a process's resident memory while `task` runs, in MiB above what it was before. */
async function peakOf(pid: number, task: () => Promise<unknown>): Promise<number> {
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // the peak is what is resident now
  const before = memoryOf(pid, 'VmRSS');
  await task();
  return Math.max(0, memoryOf(pid, 'VmHWM') - before);
}

async function download(port: number, mib: number): Promise<void> {
  let length = 0;
  const response = await fetch(`http://127.0.0.1:${port}/?mib=${mib}`);
  for await (const chunk of response.body ?? []) length += chunk.length;
  if (length !== mib * MIB) throw new Error(`${length} bytes came`);
}

async function upload(port: number, mib: number): Promise<void> {
  const blocks = function* () {
    for (let i = mib * 16; i > 0; i--) yield BLOCK;
  };
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    body: Readable.toWeb(Readable.from(blocks())),
    duplex: 'half',
  } as RequestInit);
  if ((await response.text()) !== String(mib * MIB)) throw new Error('not all arrived');
}

// Not fetch, whose pool is not made for thousands of connections.
function stream(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/', agent: false }, (res) => {
      let length = 0;
      res.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      res.on('end', () => (length === 10_240 ? resolve() : reject(new Error(`${length} bytes came`))));
      res.on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}

interface Scale {
  /** How long one measurement of a call in this process takes. */
  ms: number;
  rounds: number;
  mib: readonly number[];
  streams: readonly number[];
}

export async function scale({ ms, rounds, mib, streams }: Scale): Promise<Race[]> {
  const plain = toLambdaHandler(app as never);
  const races = [
    await warmed(
      'Lambda: cost by number of headers',
      Object.fromEntries([1, 10, 20, 50, 100, 200].map((n) => [`${n} headers`, calls(plain, n, ms)])),
      rounds,
    ),
    await warmed(
      'Lambda: cost by depth of middleware',
      Object.fromEntries(
        [0, 5, 10, 25, 50].map((n) => [`${n} layers`, calls(toLambdaHandler(inside(n) as never), 12, ms)]),
      ),
      rounds,
    ),
  ];
  for (const start of [nodeServer, workerdServer]) {
    const { name, port, pid, stop } = await start();
    try {
      for (const [way, transfer] of Object.entries({ response: download, upload })) {
        const peaks: Record<string, number[]> = {};
        await transfer(port, 16); // warm
        for (const size of mib) {
          peaks[`${size} MiB`] = [];
          for (let i = 0; i < 3; i++) peaks[`${size} MiB`]?.push(await peakOf(pid, () => transfer(port, size)));
        }
        races.push(grows(`${name}: peak memory by length of the ${way}`, 'MiB above what it was', peaks));
      }
      const peaks: Record<string, number[]> = {};
      await Promise.all(Array.from({ length: 10 }, () => stream(port))); // warm
      for (const count of streams)
        peaks[`${count} streams`] = [
          ((await peakOf(pid, () => Promise.all(Array.from({ length: count }, () => stream(port))))) / count) * 1024,
        ];
      races.push(grows(`${name}: peak memory of a stream, by streams at once`, 'KiB each', peaks));
    } finally {
      await stop();
    }
  }
  return races;
}

const grows = (title: string, unit: string, costs: Record<string, number[]>): Race => ({
  title,
  unit,
  base: undefined,
  costs,
});
