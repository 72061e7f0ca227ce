// The costs of Shorty (examples/shorty) with wsgi-edge and with Hono: bytes of the bundles, and CPU time for each request of its
// JSON route, on Lambda (the handler, called in this process) and on workerd (its process, asked through a socket).
//   node scripts/shorty.ts [ROUNDS]
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { lambdaEvent } from 'wsgi-edge/testing';

// The sites log requests to console.log, which both take when they are imported. Their lines are made, but not shown.
const print = console.log;
console.log = () => {};

const rounds = Number(process.argv[2] ?? 9);
const CALLS = 4000;
const shorty = resolve(import.meta.dirname, '../examples/shorty');
const SITES = ['wsgi-edge', 'hono'] as const;
type Site = (typeof SITES)[number];

// Its hello has a router, too.
const HONO = `import { Hono } from 'hono'; export default new Hono().get('/', (c) => c.text('Hello'));`;
const WORKERS: Record<string, Record<Site, string>> = {
  hello: {
    'wsgi-edge': `import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
      export default toCloudflareHandler((environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return [new TextEncoder().encode('Hello')];
      });`,
    hono: HONO,
  },
  'hello with a router': {
    'wsgi-edge': `import { toCloudflareHandler } from 'wsgi-edge/cloudflare'; import { router, text } from 'wsgi-edge/http';
      export default toCloudflareHandler(router().get('/', () => text('Hello')));`,
    hono: HONO,
  },
  Shorty: {
    'wsgi-edge': `export { default } from './cloudflare.ts';`,
    hono: `export { app as default } from './hono.ts';`,
  },
};
const LAMBDA: Record<Site, string> = {
  'wsgi-edge': `export { handler } from './lambda.ts';`,
  hono: `import { handle } from 'hono/aws-lambda'; import { app } from './hono.ts'; export const handler = handle(app);`,
};

async function bundle(contents: string, platform: 'browser' | 'node'): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: shorty, loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform,
    external: ['node:*'],
    write: false,
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

async function race(title: string, measure: Record<Site, () => Promise<number>>): Promise<void> {
  const taken: Record<Site, number[]> = { 'wsgi-edge': [], hono: [] };
  // In turns, because the load of the machine changes. The first round warms up.
  for (let round = 0; round <= rounds; round++)
    for (const site of SITES) {
      const spent = await measure[site]();
      if (round > 0) taken[site].push(spent);
    }
  const ratio = median(taken['wsgi-edge'].map((own, i) => own / (taken.hono[i] ?? Number.NaN)));
  const [own, theirs] = SITES.map((site) => median(taken[site]).toFixed(1));
  print(`| ${title} | ${own} | ${theirs} | ${ratio.toFixed(2)} |`);
}

interface LambdaModule {
  handler(event: unknown, context: unknown): Promise<{ statusCode: number }>;
}

async function onLambda(): Promise<void> {
  const measure = {} as Record<Site, () => Promise<number>>;
  for (const site of SITES) {
    const code = Buffer.from(await bundle(LAMBDA[site], 'node')).toString('base64');
    const { handler }: LambdaModule = await import(`data:text/javascript;base64,${code}`);
    const body = '{"url":"https://example.org/","code":"a"}';
    const headers: [string, string][] = [['Content-Type', 'application/json']];
    const made = lambdaEvent('function-url', { method: 'POST', target: '/api/links', headers, body });
    const event = lambdaEvent('function-url', { target: '/api/links/a' });
    const { statusCode } = await handler(made, {});
    if (statusCode !== 201) throw new Error(`${site} answered ${statusCode}`);
    measure[site] = async () => {
      const before = process.cpuUsage();
      for (let i = 0; i < CALLS; i++) await handler(event, {});
      const { user, system } = process.cpuUsage(before);
      return (user + system) / CALLS;
    };
  }
  await race('Lambda', measure);
}

// The CPU time of a process in µs. Linux counts in hundredths of a second.
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

const children = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/stat`, 'utf8')
            .replace(/^.*\) /, '')
            .split(' ')[1] === String(process.pid)
        );
      } catch {
        return false; // it has just ended
      }
    });

function ask(port: string, agent: Agent, path: string, body?: string): Promise<number> {
  return new Promise((done, failed) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const method = body === undefined ? 'GET' : 'POST';
    request({ host: '127.0.0.1', port, path, method, headers, agent }, (res) =>
      res.resume().once('end', () => done(res.statusCode ?? 0)),
    )
      .once('error', failed)
      .end(body);
  });
}

async function onWorkerd(): Promise<void> {
  const measure = {} as Record<Site, () => Promise<number>>;
  const stops: Array<() => unknown> = [];
  for (const site of SITES) {
    const known = children();
    const contents = Buffer.from(await bundle(WORKERS.Shorty?.[site] ?? '', 'browser')).toString();
    const workerd = new Miniflare(
      convertV4MiniflareOptions({
        modules: [{ type: 'ESModule', path: 'worker.js', contents }],
        compatibilityDate: '2026-10-20',
        compatibilityFlags: ['nodejs_compat'],
        cf: false,
        unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        handleRuntimeStdio() {},
        handleStructuredLogs() {},
        serviceBindings: { ASSETS: () => new Response(null, { status: 404 }) as never },
      }),
    );
    await workerd.ready;
    const { port } = await workerd.unsafeGetDirectURL();
    const pid = children().find((each) => !known.includes(each) && cpuOf(each) >= 0) ?? 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    stops.push(
      () => agent.destroy(),
      () => workerd.dispose(),
    );
    const status = await ask(port, agent, '/api/links', '{"url":"https://example.org/","code":"a"}');
    if (status !== 201) throw new Error(`${site} answered ${status}`);
    measure[site] = async () => {
      const before = cpuOf(pid);
      for (let i = 0; i < CALLS; i += 50)
        await Promise.all(Array.from({ length: 50 }, () => ask(port, agent, '/api/links/a')));
      return (cpuOf(pid) - before) / CALLS;
    };
  }
  await race('workerd', measure).finally(() => Promise.all(stops.map((stop) => stop())));
}

const { version } = JSON.parse(readFileSync('node_modules/hono/package.json', 'utf8')) as { version: string };
print(`| bundle for Workers, bytes of gzip | wsgi-edge | hono ${version} |\n|---|---|---|`);
for (const [name, sources] of Object.entries(WORKERS)) {
  const sizes = await Promise.all(
    SITES.map(async (site) => gzipSync(await bundle(sources[site], 'browser'), { level: 9 }).length),
  );
  print(`| ${name} | ${sizes.join(' | ')} |`);
}
print('\n| GET /api/links/:code, µs of CPU | wsgi-edge | hono | ratio |\n|---|---|---|---|');
await onLambda();
await onWorkerd();
