// Shorty, one site in two: with wsgi-edge on workerd, on Lambda's runtime client and on Node, and with Hono on workerd and on
// Lambda. Each platform is sent the same requests, and has to give the same answers.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFunctionUrl } from '../emulation/lambda/function-url.ts';

const shorty = resolve(import.meta.dirname, '../examples/shorty');
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-shorty-'));
const ENTRIES = {
  'wsgi-edge': {
    workerd: `export { default } from './cloudflare.ts';`,
    lambda: `export { handler } from './lambda.ts';`,
    node: `import { serve } from 'wsgi-edge/node'; import { app } from './app.ts'; export const start = () => serve(app);`,
  },
  hono: {
    workerd: `export { app as default } from './hono.ts';`,
    lambda: `import { handle } from 'hono/aws-lambda'; import { app } from './hono.ts'; export const handler = handle(app);`,
  },
};

/** The origins by site and platform. */
const origins = new Map<string, string>();
const stops: Array<() => unknown> = [];
let lambdaMissing: string | undefined;

async function bundle(contents: string, name: string, external: string[] = []): Promise<string> {
  const outfile = join(scratch, name);
  await build({
    stdin: { contents, resolveDir: shorty, loader: 'ts' },
    outfile,
    bundle: true,
    format: 'esm',
    platform: name.includes('workerd') ? 'browser' : 'node',
    external,
    logLevel: 'error',
  });
  return outfile;
}

async function startWorkerd(site: keyof typeof ENTRIES): Promise<void> {
  const script = await bundle(ENTRIES[site].workerd, `${site}-workerd.mjs`, ['node:*']);
  const workerd = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'worker.js', contents: readFileSync(script, 'utf8') }],
      compatibilityDate: '2026-10-20',
      compatibilityFlags: site === 'hono' ? ['nodejs_compat'] : ['enable_request_signal'],
      assets: { directory: join(shorty, 'public'), binding: 'ASSETS', routerConfig: { has_user_worker: true } },
      host: '127.0.0.1',
      port: 0,
      cf: false,
      handleRuntimeStdio() {},
    }),
  );
  stops.push(() => workerd.dispose());
  origins.set(`${site} on workerd`, (await workerd.ready).origin);
}

async function startLambda(site: keyof typeof ENTRIES): Promise<void> {
  await bundle(ENTRIES[site].lambda, `${site}.mjs`);
  try {
    const options = { port: 0, taskRoot: scratch, handler: `${site}.handler`, onOutput: () => {} };
    const { port, close } = await startFunctionUrl({ ...options, invokeMode: 'BUFFERED' });
    stops.push(close);
    origins.set(`${site} on lambda`, `http://127.0.0.1:${port}`);
  } catch (error) {
    if (process.env.CI) throw error;
    lambdaMissing = error instanceof Error ? error.message : String(error);
    console.warn(`Shorty is not tested on Lambda's runtime: ${lambdaMissing}`);
  }
}

beforeAll(async () => {
  cpSync(join(shorty, 'public'), join(scratch, 'public'), { recursive: true });
  const node = await import(await bundle(ENTRIES['wsgi-edge'].node, 'node.mjs'));
  const cwd = process.cwd();
  process.chdir(scratch);
  stops.push(() => process.chdir(cwd));
  const server = await node.start();
  stops.push(() => server.close());
  origins.set('wsgi-edge on node', `http://127.0.0.1:${server.address().port}`);
  for (const site of ['wsgi-edge', 'hono'] as const) {
    await startWorkerd(site);
    await startLambda(site);
  }
}, 240_000);

afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  rmSync(scratch, { recursive: true, force: true });
});

const upload = new FormData();
upload.append('file', new File(['one,https://example.org/1\r\ntwo,https://example.org/2?a=b&c\r\n'], 'links.csv'));
const many = Array.from({ length: 60 }, (_, i) => `many${i},https://example.org/many/${i}`).join('\n');
const large = new FormData();
large.append('file', new File([many], 'many.csv'));
const jsonOf = (value: unknown) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: typeof value === 'string' ? value : JSON.stringify(value),
});

const REQUESTS: Array<[status: number, path: string, init?: RequestInit]> = [
  [200, '/'],
  [303, '/links', { method: 'POST', body: new URLSearchParams({ url: 'https://example.org/?a=b&c', code: 'a' }) }],
  [400, '/links', { method: 'POST', body: new URLSearchParams({ url: 'javascript:alert(1)' }) }],
  [303, '/import', { method: 'POST', body: upload }],
  [302, '/a'],
  [302, '/two'],
  [404, '/nothing'],
  [200, '/', { headers: { Cookie: 'last=caf%C3%A9' } }],
  [200, '/links.csv'],
  [200, '/log'],
  [201, '/api/links', jsonOf({ url: 'https://example.org/é', code: 'json' })],
  [400, '/api/links', jsonOf({ url: 7 })],
  [400, '/api/links', jsonOf('null')],
  [400, '/api/links', jsonOf('{')],
  [415, '/api/links', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: '{}' }],
  [200, '/api/links/json', { headers: { Origin: 'https://other.example' } }],
  [404, '/api/links/nothing'],
  [
    204,
    '/api/links',
    { method: 'OPTIONS', headers: { Origin: 'https://o.example', 'Access-Control-Request-Method': 'POST' } },
  ],
  [200, '/static/style.css'],
  [303, '/import', { method: 'POST', body: large }],
  [200, '/', { headers: { 'Accept-Encoding': 'gzip' } }],
  [200, '/api/links', { headers: { 'Accept-Encoding': 'gzip' } }],
];
const COMPARED = /^(content-(type|disposition)|location|set-cookie|access-control-allow-(origin|methods))$/;

interface Answer {
  status: number;
  headers: Array<[string, string]>;
  body: string;
}

async function ask(origin: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const headers = { 'Accept-Encoding': 'identity', ...(init.headers as Record<string, string> | undefined) };
  const response = await fetch(origin + path, { ...init, headers, redirect: 'manual' });
  return { status: response.status, headers: [...response.headers], body: await response.text() };
}

/** An answer without the headers that the platform adds. */
function exact({ status, headers, body }: Answer) {
  const own = /^(date|connection|keep-alive|content-length|transfer-encoding|cf-.*|x-amzn.*)$/;
  return { status, headers: headers.filter(([name]) => !own.test(name)).sort(), body };
}

/** An answer without the spelling of its headers, in which the two sites differ, and without texts of errors. */
function alike({ status, headers, body }: Answer) {
  const spelled = headers
    .filter(([name]) => COMPARED.test(name))
    .map(
      ([name, value]) =>
        `${name}: ${value
          .toLowerCase()
          .split(/[;,] ?/)
          .sort()
          .join('; ')}`,
    );
  return { status, headers: status < 400 ? spelled.sort() : [], body: status < 400 ? body : '' };
}

describe('Shorty', () => {
  it("runs on Lambda's runtime client", ({ skip }) => {
    skip(lambdaMissing !== undefined, lambdaMissing);
    expect([...origins.keys()].sort()).toEqual([
      'hono on lambda',
      'hono on workerd',
      'wsgi-edge on lambda',
      'wsgi-edge on node',
      'wsgi-edge on workerd',
    ]);
  });

  it.each(REQUESTS)('%i %s', async (status, path, init) => {
    const answers = new Map<string, Answer>();
    for (const [name, origin] of origins) answers.set(name, await ask(origin, path, init));
    const expected = answers.get('wsgi-edge on node') as Answer;
    expect(expected.status).toBe(status);
    for (const [name, answer] of answers) {
      // On Workers, the assets binding adds headers of its own to a static file.
      if (name.startsWith('wsgi-edge') && !path.startsWith('/static/'))
        expect([name, exact(answer)]).toEqual([name, exact(expected)]);
      expect([name, alike(answer)]).toEqual([name, alike(expected)]);
    }
  });

  it('has validators', async () => {
    for (const [name, origin] of origins)
      for (const path of ['/api/links/a', '/links.csv', '/static/style.css']) {
        const { headers } = await ask(origin, path);
        const etag = new Map(headers).get('etag') ?? '';
        const { status, body } = await ask(origin, path, { headers: { 'If-None-Match': etag } });
        expect([name, path, status, body]).toEqual([name, path, 304, '']);
      }
  });

  it('has at most 110 lines, and no cast', () => {
    const lines = readFileSync(join(shorty, 'app.ts'), 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(110);
    expect(lines.filter((line) => /\bas (?!const\b)|\bany\b|@ts-|<[A-Z]\w*>\w/.test(line))).toEqual([]);
  });
});
