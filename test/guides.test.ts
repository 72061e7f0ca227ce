// The pages of docs/deploy, docs/migrate and docs/learn as a reader follows them: their files in a folder, with the package
// installed. test/python/guides.test.ts has the applications in Python.
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from './free-port.ts';
import { blocksIn, fileIn } from './pages.ts';

const run = promisify(execFile);
const root = process.cwd();
const COMMAND = join(root, 'dist/command/index.js');
const LEARN = 'docs/learn/wsgi-in-ten-minutes.md';
const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-guides-'));
const started: Array<{ child: ChildProcess; ended: Promise<void> }> = [];

/** Makes a folder in which the package is installed, with files of a page. */
function project(name: string, page: string, files: Record<string, string>): string {
  const made = join(folder, name);
  mkdirSync(join(made, 'node_modules'), { recursive: true });
  for (const installed of ['hono', 'wrangler', 'serverless', 'osls'])
    if (existsSync(join(root, 'node_modules', installed)))
      symlinkSync(join(root, 'node_modules', installed), join(made, 'node_modules', installed));
  symlinkSync(root, join(made, 'node_modules/wsgi-edge'));
  writeFileSync(join(made, 'package.json'), '{"type":"module"}');
  for (const [file, named] of Object.entries(files)) writeFileSync(join(made, file), fileIn(page, named));
  return made;
}

/** Runs a module of a project. */
async function runModule(cwd: string, code: string): Promise<string> {
  writeFileSync(join(cwd, 'run.ts'), code);
  return (await run(process.execPath, ['run.ts'], { cwd })).stdout;
}

/** Starts a program that goes on to the end of the tests. */
function start(program: string, args: string[], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(program, args, { stdio: 'ignore', ...options });
  started.push({ child, ended: new Promise((ended) => child.once('close', () => ended())) });
  return child;
}

/** Starts a server that prints its URL. */
function serve(program: string, args: string[], options: SpawnOptions): Promise<string> {
  const child = start(program, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (url: Buffer) => resolve(url.toString().trim()));
    child.once('close', () => reject(new Error(`${program} ended before it served`)));
  });
}

afterAll(async () => {
  for (const { child } of started) child.kill('SIGTERM');
  await Promise.all(started.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

/** Tells whether a program is missing. A missing program is an error under CI, and elsewhere a warning. */
function missing(program: string, packaged: string, tests: string): boolean {
  if (existsSync(program)) return false;
  const message = `${program} is missing: apt-get install ${packaged}`;
  if (process.env.CI) throw new Error(message);
  console.warn(`skipped, ${tests}: ${message}`);
  return true;
}

describe('troubleshooting', () => {
  // Interpolations of both languages become the sign of the page, and a quote in a string loses its backslash.
  const sources = globSync('{src,http,middleware,targets,python,command}/**/*.{ts,py}', {
    exclude: (name) => name.includes('node_modules') || name.includes('templates'),
  }).map((file) => readFileSync(file, 'utf8').replace(/\\(['"])/g, '$1'));
  const page = readFileSync('docs/troubleshooting.md', 'utf8');
  const own = page.slice(0, page.indexOf('\n## Cloudflare\n'));
  const FOREIGN = ["can't start new thread"];
  const texts = [...own.matchAll(/^\| `([^`]+)` \|/gm)].map(([, text = '']) => text);

  it('quotes at least 30 texts', () => {
    expect(texts.length).toBeGreaterThan(30);
  });

  it.each(texts.filter((text) => !FOREIGN.includes(text)))('%s', (text) => {
    const parts = text.split('…').map((part) => part.trim());
    const wanted = parts.filter((part) => part.length > 2);
    expect(wanted.length).toBeGreaterThan(0);
    expect(sources.filter((source) => wanted.every((part) => source.includes(part))).length).toBeGreaterThan(0);
  });
});

describe('WSGI in ten minutes, in TypeScript', () => {
  let cwd: string;
  const names = ['hello.ts', 'environ.ts', 'query.ts', 'form.ts', 'count.ts', 'powered.ts', 'server.ts'];
  beforeAll(() => {
    cwd = project('learn', LEARN, Object.fromEntries(names.map((name) => [name, name])));
  });
  const request = async (...args: string[]) =>
    (await run(process.execPath, [COMMAND, 'request', ...args, '--validate'], { cwd })).stdout;

  it.each<[args: string[], expected: RegExp]>([
    [['hello.ts', '/'], /^HTTP\/1\.1 200 OK\n[\s\S]*\n\nHello, wörld!\n$/],
    [
      ['environ.ts', '/users?page=2'],
      /PATH_INFO: \/users\nQUERY_STRING: page=2\n[\s\S]*REQUEST_METHOD: GET\n[\s\S]*wsgi\.input/,
    ],
    [['query.ts', '/?name=%3Cb%3E&hobby=tea&hobby=go'], /<p>&lt;b&gt; likes tea and go\.<\/p>$/],
    [['query.ts', '/'], /<p>Nobody likes nothing\.<\/p>$/],
    [
      ['form.ts', '/', '-d', 'name=Z%C3%B6e&hobby=tea&hobby=go'],
      /^HTTP\/1\.1 200 OK\n[\s\S]*\n\nname: Zöe\nhobby: tea, go\n$/,
    ],
    [['form.ts', '/'], /^HTTP\/1\.1 405 [\s\S]*\nallow: POST\n/i],
    [['count.ts', '/'], /\n\n0\n1\n2\n$/],
    [['powered.ts', '/'], /\nx-powered-by: WSGI\n[\s\S]*Hello, wörld!\n$/i],
  ])('%j', async (args, expected) => {
    expect(await request(...args)).toMatch(expected);
  });

  it('refuses a form that is too large', async () => {
    expect(await request('form.ts', '/', '-d', 'x'.repeat(10_001))).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('closes the body of the generator', async () => {
    const { stderr } = await run(process.execPath, [COMMAND, 'request', 'count.ts', '/'], { cwd });
    expect(stderr).toContain('the body is closed');
  });

  it('has a server', async () => {
    const env = { ...process.env, PORT: String(await freePort()) };
    const url = await serve(process.execPath, ['server.ts'], { cwd, env });
    expect(await (await fetch(url)).text()).toBe('Hello, wörld!\n');
  });
});

describe('the files in TypeScript', () => {
  const pages: Array<[page: string, files: Record<string, string>]> = [
    [LEARN, { 'hello.ts': 'hello.ts' }],
    ['docs/deploy/cloudflare.md', { 'worker.ts': 'worker.ts', 'app.ts': 'app.ts' }],
    ['docs/deploy/lambda.md', { 'lambda.ts': 'lambda.ts' }],
    ['docs/deploy/node-nginx.md', { 'server.ts': 'server.ts' }],
    ['docs/deploy/docker.md', { 'server.ts': 'server.ts' }],
    ['docs/migrate/serverless-wsgi.md', { 'lambda.ts': 'lambda.ts', 'root.ts': 'root.ts' }],
    ['docs/migrate/apig-wsgi.md', { 'lambda.ts': 'lambda.ts' }],
    ['docs/migrate/zappa.md', { 'lambda.ts': 'lambda.ts' }],
    ['docs/migrate/mangum.md', { 'lambda.ts': 'lambda.ts', 'without.ts': 'without.ts' }],
    ['docs/migrate/python-workers.md', { 'worker.ts': 'worker.ts' }],
    ['docs/migrate/hono.md', { 'lambda.ts': 'lambda.ts', 'event.ts': 'event.ts', 'server.ts': 'server.ts' }],
    ['docs/migrate/serverless-http.md', { 'app.ts': 'app.ts', 'lambda.ts': 'lambda.ts' }],
  ];

  it('compile', { timeout: 120_000 }, async () => {
    const include = pages.map(([page, files], at) => {
      const made = project(`types-${at}`, page, files);
      if (!('app.ts' in files)) writeFileSync(join(made, 'app.ts'), page.endsWith('hono.md') ? HONO : APP);
      cpSync('examples/python-assets.d.ts', join(made, 'python-assets.d.ts'));
      for (const [block, code] of blocksIn(page, 'ts').entries()) writeFileSync(join(made, `block-${block}.ts`), code);
      rmSync(join(made, 'block-0.ts')); // named files have been written; others are whole modules
      return join(made, '*.ts');
    });
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'esnext',
      lib: ['esnext', 'dom', 'dom.iterable', 'dom.asynciterable'],
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      types: [join(root, 'node_modules/@types/node')],
    };
    // The page on Lambda also has a program for aws-cdk-lib, which is not a dependency of this package.
    const exclude = globSync(join(folder, 'types-*/block-*.ts')).filter((file) =>
      readFileSync(file, 'utf8').includes('aws-cdk-lib'),
    );
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include, exclude }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', folder]).catch(({ stdout }) => expect.fail(stdout));
  });
});

const APP = `import { router, text } from 'wsgi-edge/http';
export default router().get('/', (environ) => text(\`\${environ.REMOTE_ADDR} \${environ['wsgi.url_scheme']} \${environ.HTTP_HOST}\`));
`;
const HONO = `import { Hono } from 'hono';
export default new Hono()
  .get('/users/:id', (c) => {
    c.header('Set-Cookie', 'a=1');
    c.header('Set-Cookie', 'b=2', { append: true });
    return c.json({ id: c.req.param('id'), page: c.req.query('page'), event: typeof (c.env as { event?: object }).event });
  })
  .post('/echo', async (c) => c.text(await c.req.text()));
`;

describe('migration', () => {
  const KINDS = ['apigw-rest-v1', 'apigw-http-v2', 'function-url', 'alb-single', 'alb-multi'];

  it("gives Hono's application the same requests as hono/aws-lambda", async () => {
    const cwd = project('hono', 'docs/migrate/hono.md', { 'lambda.ts': 'lambda.ts', 'event.ts': 'event.ts' });
    writeFileSync(join(cwd, 'app.ts'), HONO);
    const printed = await runModule(
      cwd,
      `import { handle } from 'hono/aws-lambda';
import { toLambdaHandler } from 'wsgi-edge/aws-lambda';
import { lambdaEvent, readLambdaResult } from 'wsgi-edge/testing';
import app from './app.ts';
import { handler } from './lambda.ts';
import { site } from './event.ts';
const before = handle(app);
const after = toLambdaHandler(site);
const context = { getRemainingTimeInMillis: () => 60_000 };
for (const kind of ${JSON.stringify(KINDS)} as any[])
  for (const request of [{ target: '/users/caf%C3%A9?page=2' }, { method: 'POST', target: '/echo', body: 'ä', headers: [['Content-Type', 'text/plain']] }] as any[]) {
    const answers = [];
    for (const each of [before, handler, after] as any[]) {
      const { status, text } = readLambdaResult(kind, await each(lambdaEvent(kind, request), context));
      answers.push([status, text()].join(' '));
    }
    console.log(JSON.stringify([kind, ...answers]));
  }
`,
    );
    const lines = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as string[]);
    expect(lines.length).toBe(2 * KINDS.length);
    for (const [kind, before, handler, after] of lines) {
      expect(after, kind).toBe(before);
      // Without the file event.ts, Hono's c.env is empty.
      expect(handler, kind).toBe(before?.replace('"event":"object"', '"event":"undefined"'));
    }
  });

  it('differs from hono/aws-lambda as the page says', async () => {
    const cwd = project('hono-differences', 'docs/migrate/hono.md', { 'lambda.ts': 'lambda.ts' });
    writeFileSync(join(cwd, 'app.ts'), HONO);
    const printed = await runModule(
      cwd,
      `import { handle } from 'hono/aws-lambda';
import { lambdaEvent } from 'wsgi-edge/testing';
import app from './app.ts';
import { handler } from './lambda.ts';
const context = { getRemainingTimeInMillis: () => 60_000 };
const cookies = (result: any) => Object.keys(result.headers).filter((name) => name.toLowerCase() === 'set-cookie').length;
const stage = lambdaEvent('apigw-http-v2', { target: '/users/7' }) as any;
stage.rawPath = '/prod/users/7';
stage.requestContext = { ...stage.requestContext, stage: 'prod' };
const found = {};
for (const [name, handle_] of [['before', handle(app)], ['after', handler]] as any[]) {
  const ask = async (kind: any, event: any = lambdaEvent(kind, { target: '/users/7?page=2' })) => {
    const result = await handle_(event, context);
    return { status: result.statusCode, text: Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8').toString(), result };
  };
  Object.assign(found, {
    [name]: {
      query: JSON.parse((await ask('lattice-v2')).text).page ?? null,
      cookies: cookies((await ask('alb-single')).result),
      stage: (await ask('apigw-http-v2', stage)).status,
      other: await handle_({ Records: [{ eventSource: 'aws:sqs' }] }, context).then((result: any) => result.statusCode, (error: Error) => error.message),
    },
  });
}
console.log(JSON.stringify(found));
`,
    );
    expect(JSON.parse(printed.split('\n').at(-2) ?? '')).toEqual({
      before: { query: null, cookies: 1, stage: 404, other: expect.any(Number) },
      after: { query: '2', cookies: 2, stage: 200, other: expect.stringContaining('this is an SQS event') },
    });
  });

  it('serves the routes that were in Express', async () => {
    const cwd = project('express', 'docs/migrate/serverless-http.md', { 'app.ts': 'app.ts', 'lambda.ts': 'lambda.ts' });
    const printed = await runModule(
      cwd,
      `import { lambdaEvent, readLambdaResult } from 'wsgi-edge/testing';
import { handler } from './lambda.ts';
const context = { getRemainingTimeInMillis: () => 60_000 } as any;
for (const request of [{ target: '/v1/users/7?page=2' }, { method: 'POST', target: '/v1/users', body: '{"name":"Zoë"}', headers: [['Content-Type', 'application/json']] }] as any[])
  for (const kind of ${JSON.stringify(KINDS)} as any[]) {
    const { status, text } = readLambdaResult(kind, await handler(lambdaEvent(kind, request) as any, context) as any);
    console.log(status, text());
  }
`,
    );
    const lines = printed.trim().split('\n');
    expect(lines.slice(0, 5)).toEqual(Array(5).fill('200 {"id":"7","page":"2"}'));
    for (const line of lines.slice(5)) expect(line).toMatch(/^201 \{"name":"Zoë","ip":"[\d.]+"\}$/);
  });

  it('has middleware that takes the stage and a header away', async () => {
    const cwd = project('middleware', 'docs/migrate/serverless-wsgi.md', { 'root.ts': 'root.ts' });
    writeFileSync(join(cwd, 'without.ts'), fileIn('docs/migrate/mangum.md', 'without.ts'));
    const printed = await runModule(
      cwd,
      `import { client } from 'wsgi-edge/testing';
import { text } from 'wsgi-edge/http';
import { atRoot } from './root.ts';
import { withoutPoweredBy } from './without.ts';
const app = (environ: any, startResponse: any) => text(\`[\${environ.SCRIPT_NAME}]\`, { headers: [['X-Powered-By', 'x'], ['X-Kept', 'y']] })(environ, startResponse);
const response = await client(withoutPoweredBy(atRoot(app)), { scriptName: '/prod' }).get('/prod/a');
console.log(await response.text(), response.headers.get('x-powered-by'), response.headers.get('x-kept'));
`,
    );
    expect(printed).toBe('[] null y\n');
  });
});

describe('deployment', () => {
  it('shows the files that init writes', async () => {
    await run(process.execPath, [COMMAND, 'init', 'my-site', '--ts'], { cwd: folder });
    const written = (name: string) => readFileSync(join(folder, 'my-site', name), 'utf8');
    for (const name of ['worker.ts', 'wrangler.toml'])
      expect(fileIn('docs/deploy/cloudflare.md', name), name).toBe(written(name));
    for (const name of ['lambda.ts', 'serverless.yml', 'template.yaml'])
      expect(fileIn('docs/deploy/lambda.md', name), name).toBe(written(name));
  });

  it('has a server for Docker, a check of its health, and an end', async () => {
    const page = 'docs/deploy/docker.md';
    const cwd = project('docker', page, { 'server.ts': 'server.ts' });
    writeFileSync(join(cwd, 'app.ts'), APP);
    const port = String(await freePort());
    const child = start(process.execPath, ['server.ts'], { cwd, env: { ...process.env, PORT: port } });
    await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/`), { timeout: 20_000 });
    for (const name of ['Dockerfile', 'Dockerfile.python']) {
      const [, command = '[]'] = /^HEALTHCHECK .*\\\n *CMD (\[.*\])$/m.exec(fileIn(page, name)) ?? [];
      const [program, ...args] = JSON.parse(command) as string[];
      expect(program).toBe('node');
      const check = () =>
        run(
          process.execPath,
          args.map((arg) => arg.replace('8000', port)),
        );
      await check();
      if (name !== 'Dockerfile.python') continue;
      child.kill('SIGTERM');
      // The signal is raised again when all requests are finished.
      expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
      await expect(check()).rejects.toMatchObject({ code: 1 });
    }
  });

  it('has a configuration that wrangler bundles', { timeout: 120_000 }, async () => {
    const page = 'docs/deploy/cloudflare.md';
    const cwd = project('worker', page, {
      'worker.ts': 'worker.ts',
      'wrangler.toml': 'wrangler.toml',
      'app.ts': 'app.ts',
    });
    // All parts of the page, except the rules for Python.
    const [, ...more] = blocksIn(page, 'toml').filter((block) => !block.includes('[[rules]]'));
    writeFileSync(join(cwd, 'wrangler.toml'), [fileIn(page, 'wrangler.toml'), ...more].join('\n'));
    mkdirSync(join(cwd, 'public'));
    writeFileSync(join(cwd, 'public/a.txt'), 'a');
    const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js');
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' };
    const { stdout } = await run(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', 'build'], {
      cwd,
      env,
    });
    for (const binding of ['env.NOTES', 'env.GREETING', 'env.ASSETS', 'Total Upload'])
      expect(stdout).toContain(binding);
  });

  it('has a REST API that streams, for osls', { timeout: 120_000 }, async () => {
    const cwd = project('osls', 'docs/deploy/lambda.md', { 'serverless.yml': 'serverless.rest.yml' });
    mkdirSync(join(cwd, 'build'));
    writeFileSync(join(cwd, 'build/lambda.mjs'), 'export const streamHandler = async () => {};');
    const osls = join(root, 'node_modules/serverless/bin/serverless.js');
    await run(process.execPath, [osls, 'package'], { cwd, env: { ...process.env, SLS_TELEMETRY_DISABLED: '1' } });
    const template = readFileSync(join(cwd, '.serverless/cloudformation-template-update-stack.json'), 'utf8');
    const { Resources } = JSON.parse(template) as {
      Resources: Record<string, { Properties: { Integration?: object; BinaryMediaTypes?: string[] } }>;
    };
    expect(Resources.ApiGatewayRestApi?.Properties.BinaryMediaTypes).toEqual(['*/*']);
    for (const method of ['ApiGatewayMethodAny', 'ApiGatewayMethodProxyVarAny'])
      expect(Resources[method]?.Properties.Integration).toMatchObject({ ResponseTransferMode: 'STREAM' });
  });

  it.skipIf(missing('/usr/bin/systemd-analyze', 'systemd', 'the unit for systemd'))(
    'has a unit that systemd accepts',
    async () => {
      const unit = join(folder, 'my-site.service');
      const text = fileIn('docs/deploy/systemd.md', '/etc/systemd/system/my-site.service');
      expect(text).toContain('ExecStart=/usr/bin/node ');
      writeFileSync(unit, text.replace('/usr/bin/node', process.execPath));
      const { stderr } = await run('systemd-analyze', ['verify', unit]);
      expect(stderr).not.toContain('my-site.service');
    },
  );

  describe.skipIf(missing('/usr/sbin/nginx', 'nginx-light', 'the server behind nginx'))('behind nginx', () => {
    let origin: string;
    let plain: string;
    beforeAll(async () => {
      const page = 'docs/deploy/node-nginx.md';
      const cwd = project('nginx', page, { 'server.ts': 'server.ts', 'events.ts': 'events.ts' });
      writeFileSync(join(cwd, 'app.ts'), STREAMS);
      const [upstream, http, https] = [await freePort(), await freePort(), await freePort()];
      const env = { ...process.env, PORT: String(upstream) };
      start(process.execPath, ['server.ts'], { cwd, env });
      const site = fileIn(page, '/etc/nginx/conf.d/my-site.conf')
        .replace('127.0.0.1:8000', `127.0.0.1:${upstream}`)
        .replace(/^ *listen \[::\]:.*\n/gm, '')
        .replace('listen 80;', `listen 127.0.0.1:${http};`)
        .replace('listen 443 ', `listen 127.0.0.1:${https} `)
        .replace(/ssl_certificate .*;/, `ssl_certificate ${root}/test/python/tls/self-signed.pem;`)
        .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${root}/test/python/tls/key.pem;`);
      const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (kind) => `${kind}_temp_path ${cwd}/${kind};`,
      );
      writeFileSync(
        join(cwd, 'nginx.conf'),
        `daemon off; pid ${cwd}/nginx.pid; error_log stderr; events {}\nhttp { access_log off; ${temp.join(' ')}\n${site}}\n`,
      );
      const args = ['-c', join(cwd, 'nginx.conf'), '-p', cwd];
      await run('/usr/sbin/nginx', ['-t', ...args]);
      start('/usr/sbin/nginx', args);
      origin = `https://127.0.0.1:${https}`;
      plain = `http://127.0.0.1:${http}`;
      await vi.waitFor(async () => expect((await ask('/healthz')).status).toBe(200), { timeout: 20_000 });
    });

    const agent = new Agent({ rejectUnauthorized: false });
    const open = (path: string, headers = {}) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        get(`${origin}${path}`, { agent, headers }, resolve).on('error', reject);
      });
    async function ask(path: string, headers = {}) {
      const response = await open(path, headers);
      let body = '';
      for await (const chunk of response.setEncoding('utf8')) body += chunk;
      return { status: response.statusCode, headers: response.headers, body };
    }

    it('redirects to https', async () => {
      const { status, headers } = await fetch(`${plain}/a?b`, { redirect: 'manual', headers: { Host: 'x' } });
      expect([status, headers.get('location')]).toEqual([301, expect.stringMatching(/^https:\/\/127\.0\.0\.1\/a\?b$/)]);
    });

    it('takes address, scheme and request id from nginx, and not from a client', async () => {
      const forged = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'http', 'X-Request-Id': 'forged' };
      const { body } = await ask('/', forged);
      expect(JSON.parse(body)).toEqual({
        address: '127.0.0.1',
        scheme: 'https',
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
      });
    });

    // The application sends its second piece only after the test has got the first.
    it.each(['/events', '/header'])('passes each piece of a stream on: %s', async (path) => {
      const response = await open(path);
      const pieces: string[] = [];
      for await (const chunk of response.setEncoding('utf8')) {
        pieces.push(chunk as string);
        if (pieces.length === 1) await ask('/go');
      }
      expect(pieces.join('')).toBe('firstsecond');
      expect(response.headers['x-accel-buffering']).toBeUndefined();
    });
  });
});

const STREAMS = `import { json, router, stream, text } from 'wsgi-edge/http';
let go = Promise.withResolvers<void>();
async function* pieces() {
  yield 'first';
  await go.promise;
  go = Promise.withResolvers();
  yield 'second';
}
export default router()
  .get('/', (environ) => json({ address: environ.REMOTE_ADDR, scheme: environ['wsgi.url_scheme'], id: environ['wsgi_edge.request_id'] }))
  .get('/events', () => stream(pieces()))
  .get('/header', () => stream(pieces(), { headers: [['X-Accel-Buffering', 'no']] }))
  .get('/go', () => {
    go.resolve();
    return text('');
  });
`;
