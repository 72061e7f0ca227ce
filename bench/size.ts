// A hello-world bundled for each platform from the package as npm publishes it: its bytes, and the time of its import.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { lambdaEvent, readLambdaResult } from 'wsgi-edge/testing';
import type { Wanted } from './aims.ts';
import { CONTEXT } from './calls.ts';
import { REQUIRE } from './fresh.ts';
import { published } from './published.ts';
import { type Race, race } from './rounds.ts';

const APP = `(environ, startResponse) => { startResponse('200 OK', [['Content-Type', 'text/plain']]); return [new TextEncoder().encode('Hello, world!\\n')]; }`;
const HONO = `const app = new Hono(); app.get('*', (c) => c.text('Hello, world!\\n'));`;
const EXPRESS = `const app = express(); app.use((_, res) => res.type('text').send('Hello, world!\\n'));`;

const PLATFORMS: Record<string, Record<string, string>> = {
  Workers: {
    hono: `import { Hono } from 'hono'; ${HONO} export default app;`,
    'wsgi-edge': `import { toCloudflareHandler } from 'wsgi-edge/cloudflare'; export default toCloudflareHandler(${APP});`,
    'itty-router': `import { AutoRouter } from 'itty-router'; const router = AutoRouter(); router.get('*', () => new Response('Hello, world!\\n')); export default { fetch: router.fetch };`,
  },
  Lambda: {
    hono: `import { Hono } from 'hono'; import { handle } from 'hono/aws-lambda'; ${HONO} export const handler = handle(app);`,
    'wsgi-edge': `import { toLambdaHandler } from 'wsgi-edge/aws-lambda'; export const handler = toLambdaHandler(${APP});`,
    srvx: `import { toLambdaHandler } from 'srvx/aws-lambda'; export const handler = toLambdaHandler({ fetch: () => new Response('Hello, world!\\n') });`,
    'serverless-http and express': `import serverlessHttp from 'serverless-http'; import express from 'express'; ${EXPRESS} export const handler = serverlessHttp(app);`,
    '@codegenie/serverless-express and express': `import serverlessExpress from '@codegenie/serverless-express'; import express from 'express'; ${EXPRESS} export const handler = serverlessExpress({ app });`,
    '@fastify/aws-lambda and fastify': `import awsLambdaFastify from '@fastify/aws-lambda'; import Fastify from 'fastify'; const app = Fastify(); app.get('/', async () => 'Hello, world!\\n'); export const handler = awsLambdaFastify(app);`,
  },
  Node: {
    '@hono/node-server and hono': `import { createServer } from 'node:http'; import { getRequestListener } from '@hono/node-server'; import { Hono } from 'hono'; ${HONO} export default createServer(getRequestListener(app.fetch));`,
    'wsgi-edge': `import { createServer } from 'node:http'; import { toNodeHandler } from 'wsgi-edge/node'; export default createServer(toNodeHandler(${APP}));`,
    srvx: `import { serve } from 'srvx/node'; export default serve({ manual: true, fetch: () => new Response('Hello, world!\\n') }).node.server;`,
    'express 5': `import { createServer } from 'node:http'; import express from 'express'; ${EXPRESS} export default createServer(app);`,
  },
};

// biome-ignore lint/suspicious/noExplicitAny: the exports of each platform's modules differ
const ANSWERS: Record<string, (module: any) => Promise<string>> = {
  async Workers({ default: worker }) {
    const context = { waitUntil() {}, passThroughOnException() {} };
    return (await worker.fetch(new Request('http://localhost/'), {}, context)).text();
  },
  async Lambda({ handler }) {
    const event = lambdaEvent('apigw-http-v2', { target: '/' });
    return readLambdaResult('apigw-http-v2', await handler(event, CONTEXT)).text();
  },
  async Node({ default: server }) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const text = await (await fetch(`http://127.0.0.1:${server.address().port}/`)).text();
    server.close();
    return text;
  },
};

export async function size(rounds: number, wanted: Wanted): Promise<Race[]> {
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-bench-'));
  const races: Race[] = [];
  for (const [platform, sources] of Object.entries(PLATFORMS)) {
    const title = `${platform}: a hello-world bundled`;
    const importTitle = `${platform}: its import in a fresh process`;
    const sizes: Record<string, () => number> = {};
    const imports: Record<string, () => number> = {};
    for (const [name, contents] of Object.entries(sources)) {
      const bytes = await bundle(platform, contents);
      const file = join(folder, `${platform}-${name.replaceAll(/[^a-z]/g, '')}.mjs`);
      writeFileSync(file, bytes);
      const text = await ANSWERS[platform]?.(await import(file));
      if (text !== 'Hello, world!\n') throw new Error(`${platform}, ${name}: the bundle answers ${text}`);
      if (wanted(title, name)) sizes[name] = () => gzipSync(bytes, { level: 9 }).length;
      // The runtime imports a Worker before any request.
      if (platform !== 'Workers' && wanted(importTitle, name)) imports[name] = () => importTime(file);
    }
    if (Object.keys(sizes).length > 0) races.push(await race(title, 'bytes, gzip', sizes, 1));
    if (Object.keys(imports).length > 0) races.push(await race(importTitle, 'ms', imports, rounds));
  }
  rmSync(folder, { recursive: true });
  return races;
}

async function bundle(platform: string, contents: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: published(), loader: 'js' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: platform === 'Workers' ? 'browser' : 'node',
    ...(platform === 'Workers' ? {} : { banner: REQUIRE }),
    write: false,
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

function importTime(file: string): number {
  const code = `const from = performance.now(); await import(${JSON.stringify(file)}); console.log(performance.now() - from); process.exit()`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the import of ${file} failed: ${stderr}`);
  return Number(stdout);
}
