// What a hello-world is in bytes, bundled for each platform, and how long its import takes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { type Race, race } from './rounds.ts';

const APP = `(environ, startResponse) => { startResponse('200 OK', [['Content-Type', 'text/plain']]); return [new TextEncoder().encode('Hello, world!\\n')]; }`;
const HONO = `const app = new Hono(); app.get('*', (c) => c.text('Hello, world!\\n'));`;
const EXPRESS = `const app = express(); app.use((_, res) => res.type('text').send('Hello, world!\\n'));`;

const PLATFORMS: Record<string, Record<string, string>> = {
  Workers: {
    hono: `import { Hono } from 'hono'; ${HONO} export default app;`,
    'wsgi-edge': `import { toCloudflareHandler } from '../dist/targets/cloudflare/index.js'; export default toCloudflareHandler(${APP});`,
    'itty-router': `import { AutoRouter } from 'itty-router'; const router = AutoRouter(); router.get('*', () => 'Hello, world!\\n'); export default { fetch: router.fetch };`,
  },
  Lambda: {
    hono: `import { Hono } from 'hono'; import { handle } from 'hono/aws-lambda'; ${HONO} export const handler = handle(app);`,
    'wsgi-edge': `import { toLambdaHandler } from '../dist/targets/aws-lambda/index.js'; export const handler = toLambdaHandler(${APP});`,
    srvx: `import { toLambdaHandler } from 'srvx/aws-lambda'; export const handler = toLambdaHandler({ fetch: () => new Response('Hello, world!\\n') });`,
    'serverless-http and express': `import serverlessHttp from 'serverless-http'; import express from 'express'; ${EXPRESS} export const handler = serverlessHttp(app);`,
    '@codegenie/serverless-express and express': `import serverlessExpress from '@codegenie/serverless-express'; import express from 'express'; ${EXPRESS} export const handler = serverlessExpress({ app });`,
    '@fastify/aws-lambda and fastify': `import awsLambdaFastify from '@fastify/aws-lambda'; import Fastify from 'fastify'; const app = Fastify(); app.get('/', async () => 'Hello, world!\\n'); export const handler = awsLambdaFastify(app);`,
  },
  Node: {
    '@hono/node-server and hono': `import { createServer } from 'node:http'; import { getRequestListener } from '@hono/node-server'; import { Hono } from 'hono'; ${HONO} export default createServer(getRequestListener(app.fetch));`,
    'wsgi-edge': `import { createServer } from 'node:http'; import { toNodeHandler } from '../dist/targets/node/index.js'; export default createServer(toNodeHandler(${APP}));`,
    srvx: `import { serve } from 'srvx/node'; export default () => serve({ fetch: () => new Response('Hello, world!\\n') });`,
    'express 5': `import { createServer } from 'node:http'; import express from 'express'; ${EXPRESS} export default createServer(app);`,
  },
};

export async function size(rounds: number): Promise<Race[]> {
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-bench-'));
  const races: Race[] = [];
  for (const [platform, sources] of Object.entries(PLATFORMS)) {
    const sizes: Record<string, () => number> = {};
    const imports: Record<string, () => number> = {};
    for (const [name, contents] of Object.entries(sources)) {
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: import.meta.dirname, loader: 'js' },
        bundle: true,
        minify: true,
        format: 'esm',
        platform: platform === 'Workers' ? 'browser' : 'node',
        // Packages of CommonJS ask for Node's modules by `require`.
        ...(platform === 'Workers'
          ? {}
          : {
              banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('file:///');` },
            }),
        write: false,
      });
      const bytes = outputFiles[0]?.contents ?? new Uint8Array();
      const file = join(folder, `${platform}-${name.replaceAll(/[^a-z]/g, '')}.mjs`);
      writeFileSync(file, bytes);
      sizes[name] = () => gzipSync(bytes, { level: 9 }).length;
      imports[name] = () => importTime(file);
    }
    races.push(await race(`${platform}: a hello-world bundled`, 'bytes, gzip', sizes, 1));
    // A Worker's import is the runtime's own affair.
    if (platform !== 'Workers')
      races.push(await race(`${platform}: its import in a fresh process`, 'ms', imports, rounds));
  }
  rmSync(folder, { recursive: true });
  return races;
}

function importTime(file: string): number {
  const code = `const from = performance.now(); await import(${JSON.stringify(file)}); console.log(performance.now() - from); process.exit()`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the import of ${file} failed: ${stderr}`);
  return Number(stdout);
}
