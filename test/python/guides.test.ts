// The applications in Python of docs/learn, docs/migrate and docs/deploy, built once, and CPython's own wsgiref beside them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPython } from 'wsgi-edge/python/build';
import { fromPython, type PythonAssets } from '../../python/index.js';
import { modulesOf } from '../../scripts/python-packages.ts';
import { inputOf } from '../../src/index.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import type { LambdaOptions } from '../../targets/aws-lambda/types.js';
import { callApp, client, type LambdaKind, readLambdaResult, testEnviron } from '../../testing/index.js';
import { freePort } from '../free-port.ts';
import { blocksIn, fileIn } from '../pages.ts';
import { CACHE, loadAssets, notFetched } from './assets.ts';

const root = process.cwd();
const LEARN = 'docs/learn/wsgi-in-ten-minutes.md';
const FILES: Array<[module: string, page: string, name: string]> = [
  ...['hello', 'environ', 'query', 'form', 'count', 'powered'].map((name): [string, string, string] => [
    name,
    LEARN,
    `${name}.py`,
  ]),
  ['api', 'docs/migrate/serverless-wsgi.md', 'api.py'],
  ['myapp', 'docs/migrate/apig-wsgi.md', 'myapp.py'],
  ['zappa_app', 'docs/migrate/zappa.md', 'app.py'],
  ['workers_app', 'docs/migrate/python-workers.md', 'app.py'],
];

let folder: string;
let assets: PythonAssets;
const missing = notFetched(['flask'], 'the applications of the guides');

beforeAll(async () => {
  if (missing) return;
  folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-guides-'));
  for (const [module, page, name] of FILES) writeFileSync(join(folder, `${module}.py`), fileIn(page, name));
  const imports = FILES.map(([module]) => `import ${module}`);
  writeFileSync(join(folder, 'main.py'), `${imports.join('\n')}\n\napp = hello.app\n`);
  await buildPython({
    application: 'main.py:app',
    cwd: folder,
    packages: [join(root, modulesOf('flask'))],
    out: 'python_assets',
    cache: join(root, CACHE),
    progress: () => {},
  });
  assets = await loadAssets(join(folder, 'python_assets'));
});
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const appOf = (module: string) => fromPython(assets, { application: `${module}:app` });

describe.skipIf(missing)('WSGI in ten minutes, in Python', () => {
  it('greets', async () => {
    const response = await client(appOf('hello')).get('/');
    expect([response.status, await response.text()]).toEqual([200, 'Hello, wörld!\n']);
    expect(await (await client(appOf('powered')).get('/')).text()).toBe('Hello, wörld!\n');
  });

  it('prints environ', async () => {
    expect(await (await client(appOf('environ')).get('/users?page=2')).text()).toMatch(
      /PATH_INFO: '\/users'\nQUERY_STRING: 'page=2'\n[\s\S]*REQUEST_METHOD: 'GET'\n[\s\S]*wsgi\.input/,
    );
  });

  it('reads a query, and escapes it', async () => {
    const browser = client(appOf('query'));
    expect(await (await browser.get('/?name=%3Cb%3E&hobby=tea&hobby=go')).text()).toMatch(
      /<p>&lt;b&gt; likes tea and go\.<\/p>$/,
    );
    expect(await (await browser.get('/')).text()).toMatch(/<p>Nobody likes nothing\.<\/p>$/);
  });

  it('reads a form', async () => {
    const post = (body: string) =>
      callApp(
        appOf('form'),
        testEnviron({ REQUEST_METHOD: 'POST', CONTENT_LENGTH: String(body.length), 'wsgi.input': inputOf(body) }),
      );
    expect((await post('name=Z%C3%B6e&hobby=tea&hobby=go')).text()).toBe('name: Zöe\nhobby: tea, go\n');
    expect((await post('x'.repeat(10_001))).status).toMatch(/^413 /);
    expect((await callApp(appOf('form'), testEnviron())).status).toMatch(/^405 /);
  });

  it('streams, and closes the body', async () => {
    const lines: string[] = [];
    const response = await client(appOf('count'), { errors: (line) => void lines.push(line) }).get('/');
    expect(await response.text()).toBe('0\n1\n2\n');
    await expect.poll(() => lines.join('')).toContain('the body is closed');
  });

  it('adds a header in middleware', async () => {
    expect((await client(appOf('powered')).get('/')).headers.get('x-powered-by')).toBe('WSGI');
  });

  it("has a server of CPython's own, inside its validator", async () => {
    writeFileSync(join(folder, 'server.py'), fileIn(LEARN, 'server.py'));
    const env = { ...process.env, PORT: String(await freePort()) };
    const server = spawn('python3', ['server.py'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [url] = (await once(server.stdout, 'data')) as [Buffer];
      const response = await fetch(url.toString().trim());
      expect(await response.text()).toBe('Hello, wörld!\n');
    } finally {
      server.kill('SIGKILL');
      await once(server, 'close');
    }
  });
});

describe.skipIf(missing)('migration', () => {
  const context = { getRemainingTimeInMillis: () => 60_000 };

  async function invoke(module: string, kind: LambdaKind, event: object, options: LambdaOptions = {}) {
    const handler = toLambdaHandler(appOf(module), options);
    const { status, headers, text } = readLambdaResult(kind, await handler(event as never, context as never));
    return { status, headers, text: text() };
  }

  const recorded = (name: string) => JSON.parse(readFileSync(`test/events/${name}.json`, 'utf8')) as object;

  /** The recorded event of a custom domain, with another path. */
  const onCustomDomain = (path: string): object => {
    const event = recorded('rest-v1-custom-domain-basepath') as { requestContext: object };
    return { ...event, path, requestContext: { ...event.requestContext, path } };
  };

  it('from serverless-wsgi: a base path', async () => {
    const invokeAt = (path: string) =>
      invoke('api', 'apigw-rest-v1', onCustomDomain(path), { basePath: '/api/myservice' });
    expect(JSON.parse((await invokeAt('/api/myservice/cats')).text)).toMatchObject({
      path: '/cats',
      root: '/api/myservice',
    });
    // serverless-wsgi takes the prefix from this path, too.
    expect((await invokeAt('/api/myservice2/cats')).status).toBe(404);
  });

  it.each<[string, LambdaKind]>([
    ['rest-v1-docs', 'apigw-rest-v1'],
    ['http-v2-voker-live', 'apigw-http-v2'],
    ['furl-voker-live', 'function-url'],
    ['alb-single-from-live', 'alb-single'],
    ['alb-multi-query', 'alb-multi'],
  ])('from apig-wsgi: the event %s', async (name, kind) => {
    const { status, headers, text } = await invoke('myapp', kind, recorded(name));
    expect(status).toBe(200);
    expect(text).toMatch(/^\S* \/.* ([\d.]+|None)$/);
    // apig-wsgi sends a load balancer in its default mode only one of them.
    const cookies = headers.filter(([header]) => header.toLowerCase() === 'set-cookie').map(([, value]) => value);
    expect(cookies).toEqual(['a=1', 'b=2']);
  });

  it("from Zappa: the event, in Python's spelling", async () => {
    const { text } = await invoke('zappa_app', 'apigw-rest-v1', onCustomDomain('/v1/'), { basePath: '/v1' });
    expect(JSON.parse(text)).toMatchObject({ stage: expect.any(String), root: '/v1' });
  });

  it("from Cloudflare's Python Workers", async () => {
    expect(await (await client(appOf('workers_app')).get('/')).json()).toEqual({ message: 'Hello from Flask' });
  });
});

describe.skipIf(missing)('Cloudflare', () => {
  it("has the rules of the build, and gives a secret to Python's environment", { timeout: 180_000 }, async () => {
    const page = 'docs/deploy/cloudflare.md';
    const rules = blocksIn(page, 'toml').find((block) => block.includes('[[rules]]')) ?? '';
    const made = mkdtempSync(join(tmpdir(), 'wsgi-edge-guides-'));
    try {
      mkdirSync(join(made, 'node_modules'));
      symlinkSync(root, join(made, 'node_modules/wsgi-edge'));
      const app = `import os

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [os.environ["API_KEY"].encode()]
`;
      const files = { 'app.py': app, 'package.json': '{"type":"module"}', 'worker.js': fileIn(page, 'worker.js') };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
      await buildPython({ application: 'app.py:app', cwd: made, cache: join(root, CACHE), progress: () => {} });
      expect(readFileSync(join(made, 'python_assets/wrangler-rules.toml'), 'utf8')).toContain(rules.trim());
      const secrets = blocksIn(page, 'toml').find((block) => block.includes('[secrets]')) ?? '';
      const config = fileIn(page, 'wrangler.toml').replace('worker.ts', 'worker.js');
      writeFileSync(join(made, 'wrangler.toml'), `${config}\n${secrets}\n${rules}`);
      writeFileSync(join(made, '.dev.vars'), 'API_KEY="for-development"\n');
      expect(await served(made)).toBe('for-development');
    } finally {
      rmSync(made, { recursive: true, force: true });
    }
  });

  /** Serves a folder with `wrangler dev`, and asks it once. */
  async function served(cwd: string): Promise<string> {
    const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js');
    const ports = ['--port', String(await freePort()), '--inspector-port', String(await freePort())];
    const args = [wrangler, 'dev', ...ports, '--show-interactive-dev-session=false'];
    const env = { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' };
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    try {
      let output = '';
      const url = await new Promise<string>((resolve, reject) => {
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding('utf8').on('data', (text: string) => {
            output += text;
            const [ready] = /(?<=Ready on )http:\S+/.exec(output) ?? [];
            if (ready !== undefined) resolve(ready);
          });
        child.once('exit', () => reject(new Error(output)));
      });
      return await (await fetch(url)).text();
    } finally {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }
});
