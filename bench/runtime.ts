// Functions in AWS's own runtime client, each bundled as it is deployed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Outcome, type RuntimeApi, startRuntime, startRuntimeApi } from 'wsgi-edge/emulation';
import { eventOf } from './calls.ts';
import { type Contender, fileOf } from './contenders/index.ts';
import { type Race, race } from './rounds.ts';

const TEXT = `const TEXT = 'text/plain; charset=utf-8';`;
const BUFFERED: Contender[] = ['by hand', 'hono', 'srvx', 'wsgi-edge, synchronous'];
const STREAMED: Record<string, string> = {
  'by hand': `${TEXT} export const handler = awslambda.streamifyResponse(async (event, stream) => { const out = awslambda.HttpResponseStream.from(stream, { statusCode: 200, headers: { 'content-type': TEXT } }); out.write('first'); await new Promise((resolve) => setTimeout(resolve, 20)); out.end('last'); });`,
  'wsgi-edge': `import { toLambdaStreamHandler } from 'wsgi-edge/aws-lambda'; ${TEXT} const encoder = new TextEncoder(); export const handler = toLambdaStreamHandler((environ, startResponse) => { startResponse('200 OK', [['Content-Type', TEXT]]); return (async function* () { yield encoder.encode('first'); await new Promise((resolve) => setTimeout(resolve, 20)); yield encoder.encode('last'); })(); });`,
  hono: `import { Hono } from 'hono'; import { streamHandle } from 'hono/aws-lambda'; import { streamText } from 'hono/streaming'; const app = new Hono(); app.get('*', (c) => streamText(c, async (stream) => { await stream.write('first'); await stream.sleep(20); await stream.write('last'); })); export const handler = streamHandle(app);`,
};

const event = eventOf('function-url', 'GET with 12 headers');

interface Function {
  invoke: RuntimeApi['invoke'];
  stop(): Promise<void>;
}

async function start(taskRoot: string, handler: string): Promise<Function> {
  const api = await startRuntimeApi(({ errorMessage }) => {
    throw new Error(`${handler} can't be loaded: ${errorMessage}`);
  });
  const runtime = await startRuntime({
    taskRoot,
    handler,
    runtimeApi: api.address,
    onOutput: (text) => process.stderr.write(text),
    onExit: (error) => api.fail(error),
  });
  return {
    invoke: api.invoke,
    async stop() {
      await runtime.stop();
      await api.close();
    },
  };
}

function check(outcome: Outcome): void {
  if (outcome.kind !== 'result' || JSON.parse(outcome.json).body !== 'Hello, bench\n')
    throw new Error(`wrong result: ${JSON.stringify(outcome)}`);
}

/** The time from the invocation to the first byte of the body, in ms; the stream is read to its end. */
async function firstByte(invoke: RuntimeApi['invoke']): Promise<number> {
  const from = performance.now();
  const outcome = await invoke(event, 30_000);
  if (outcome.kind !== 'stream') throw new Error(`no stream: ${JSON.stringify(outcome)}`);
  let first: number | undefined;
  let text = '';
  for await (const chunk of outcome.body) {
    text += String(chunk);
    if (first === undefined && text.includes('first')) first = performance.now() - from;
  }
  await outcome.failed;
  if (first === undefined || !text.endsWith('last')) throw new Error(`wrong stream: ${text}`);
  return first;
}

export async function runtime(rounds: number, invocations: number): Promise<Race[]> {
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-bench-'));
  const options = (prefix: string, name: string) =>
    ({
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      outfile: join(folder, `${prefix}${idOf(name)}.mjs`),
    }) as const;
  for (const name of BUFFERED) await build({ ...options('buffered-', name), entryPoints: [fileOf(name)] });
  for (const [name, contents] of Object.entries(STREAMED))
    await build({
      ...options('streamed-', name),
      stdin: { contents, resolveDir: import.meta.dirname, loader: 'js' },
    });

  const running: Function[] = [];
  const keep = async (file: string): Promise<Function> => {
    const started = await start(folder, `${file}.handler`);
    running.push(started);
    return started;
  };
  try {
    const warm: Record<string, () => Promise<number>> = {};
    const cold: Record<string, () => Promise<number>> = {};
    for (const name of BUFFERED) {
      const file = `buffered-${idOf(name)}`;
      const { invoke } = await keep(file);
      warm[name] = async () => {
        const from = performance.now();
        for (let i = 0; i < invocations; i++) check(await invoke(event, 30_000));
        return ((performance.now() - from) * 1000) / invocations;
      };
      cold[name] = async () => {
        const from = performance.now();
        const fresh = await start(folder, `${file}.handler`);
        check(await fresh.invoke(event, 30_000));
        const ms = performance.now() - from;
        await fresh.stop();
        return ms;
      };
    }
    const streamed: Record<string, () => Promise<number>> = {};
    for (const name of Object.keys(STREAMED)) {
      const { invoke } = await keep(`streamed-${idOf(name)}`);
      streamed[name] = () => firstByte(invoke);
    }
    for (const run of [...Object.values(warm), ...Object.values(streamed)]) await run();
    return [
      await race("Lambda's runtime client: an invocation", 'µs', warm, rounds),
      await race("Lambda's runtime client: process start to first result", 'ms', cold, rounds),
      await race("Lambda's runtime client: first byte of a stream", 'ms', streamed, rounds),
    ];
  } finally {
    for (const { stop } of running) await stop();
    rmSync(folder, { recursive: true });
  }
}

const idOf = (name: string): string => name.replaceAll(/[^a-z]/g, '');
