// The showcase as its users run it: `wrangler dev`, AWS's runtime client behind a Function URL front, and Node, each on
// a free port of this machine; asked by a client that shows header lines as they come, and by a browser.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { html } from 'wsgi-edge/http';
import { callApp, testEnviron } from 'wsgi-edge/testing';
import { validator } from 'wsgi-edge/validator';
import { startFunctionUrl } from '../emulation/lambda/function-url.ts';
import { app } from '../examples/showcase/app.ts';
import { MISSING } from '../examples/showcase/code.ts';
import { PARTS } from '../examples/showcase/page.ts';
import { stylesheet } from '../examples/showcase/pages/stylesheet.ts';
import { errorsOf, noBrowser, overflow, startBrowser, violations } from './browser.ts';
import { freePort } from './free-port.ts';

const root = resolve(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-showcase-'));

interface Platform {
  name: string;
  port: number;
  child?: ChildProcess;
  close(): Promise<unknown>;
}

const ON_NODE = ['--experimental-import-text', '--disable-warning=ExperimentalWarning', 'examples/showcase/node.ts'];
const TITLES = { workerd: 'Cloudflare Workers', lambda: 'AWS Lambda', node: 'Node' };

const platforms: Platform[] = [];
let lambdaMissing: string | undefined;
let lambdaOutput = '';

const named = (name: string): Platform => {
  const platform = platforms.find((each) => each.name === name);
  if (platform === undefined) throw new Error(`${name} did not start`);
  return platform;
};

beforeAll(async () => {
  const starts = [startWorkerd(), startNode(), startLambda()];
  const settled = await Promise.allSettled(starts);
  for (const start of settled) if (start.status === 'rejected') throw start.reason;
}, 240_000);

afterAll(async () => {
  await Promise.all(platforms.map((platform) => platform.close()));
  rmSync(scratch, { recursive: true, force: true });
});

async function startWorkerd(): Promise<void> {
  const port = await freePort();
  const args = ['--port', String(port), '--inspector-port', String(await freePort()), '--persist-to', scratch];
  platforms.push(await startScript('workerd', port, ['scripts/start-cloudflare.ts', ...args]));
}

async function startNode(): Promise<void> {
  const port = await freePort();
  platforms.push(await startScript('node', port, ON_NODE, { PORT: String(port) }));
}

async function startLambda(): Promise<void> {
  await build({
    entryPoints: [join(root, 'examples/showcase/lambda.ts')],
    outfile: join(scratch, 'showcase.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  try {
    const { port, close } = await startFunctionUrl({
      port: 0,
      taskRoot: scratch,
      handler: 'showcase.streamHandler',
      invokeMode: 'RESPONSE_STREAM',
      onOutput: (text) => {
        lambdaOutput += text;
      },
    });
    platforms.push({ name: 'lambda', port, close });
  } catch (error) {
    if (process.env.CI) throw error;
    lambdaMissing = error instanceof Error ? error.message : String(error);
    console.warn(`The showcase is not tested on Lambda's runtime: ${lambdaMissing}`);
  }
}

/** Runs a script until it prints the URL that it serves. */
async function startScript(
  name: string,
  port: number,
  args: string[],
  env: Record<string, string> = {},
): Promise<Platform> {
  const { child, output } = runScript(args, env);
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  const deadline = Date.now() + 120_000;
  while (!output().includes(`The showcase on`)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await close();
      throw new Error(`${name} did not start:\n${output()}`);
    }
    await sleep(50);
  }
  return { name, port, child, close };
}

function runScript(args: string[], env: Record<string, string>): { child: ChildProcess; output: () => string } {
  let text = '';
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  return { child, output: () => text };
}

interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

interface Answer {
  status: number;
  /** As they came, names in lower case, without what frames a body or names the connection; by name. */
  headers: Array<[name: string, value: string]>;
  body: string;
  /** When data arrived, ms after the request. */
  arrivals: number[];
}

function open({ port }: Platform, path: string, { method = 'GET', headers = {}, body }: Ask): Promise<IncomingMessage> {
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const req = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      agent: false,
      headers: { ...length, ...headers },
    });
    req.once('response', resolve).once('error', reject).end(body);
  });
}

const FRAMING = /^(content-length|transfer-encoding|connection|keep-alive|date|x-amzn-remapped-content-length)$/;

async function ask(platform: Platform, path: string, options: Ask = {}): Promise<Answer> {
  const started = performance.now();
  const res = await open(platform, path, options);
  const chunks: Buffer[] = [];
  const arrivals: number[] = [];
  for await (const chunk of res as AsyncIterable<Buffer>) {
    arrivals.push(performance.now() - started);
    chunks.push(chunk);
  }
  const headers: Answer['headers'] = [];
  for (let i = 0; i + 1 < res.rawHeaders.length; i += 2)
    headers.push([res.rawHeaders[i]?.toLowerCase() ?? '', res.rawHeaders[i + 1] ?? '']);
  return {
    status: res.statusCode ?? 0,
    headers: headers.filter(([name]) => !FRAMING.test(name)).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    body: Buffer.concat(chunks).toString(),
    arrivals,
  };
}

const valuesOf = ({ headers }: Answer, name: string) => headers.filter(([key]) => key === name).map(([, v]) => v);

const URLENCODED = { 'Content-Type': 'application/x-www-form-urlencoded' };
const CASES: Array<[status: number, path: string, ask?: Ask]> = [
  [200, '/'],
  [200, '/', { method: 'HEAD' }],
  [405, '/', { method: 'DELETE' }],
  [200, '/style.css'],
  [200, '/form?name=Zo%C3%AB&drink=tea&drink=coffee&x=%3Cscript%3E'],
  [200, '/form/caf%C3%A9'],
  [200, '/form/%FF%zz//a'],
  [200, '/form', { method: 'POST', headers: URLENCODED, body: 'name=Zo%C3%AB+%26+co&drink=tea&drink=water' }],
  [415, '/form', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'name=a' }],
  [413, '/form', { method: 'POST', headers: URLENCODED, body: `name=${'a'.repeat(70_000)}` }],
  [200, '/upload'],
  [400, '/upload', { method: 'POST', headers: { 'Content-Type': 'multipart/form-data; boundary=x' }, body: '--x\r\n' }],
  [200, '/stream'],
  [200, '/stream', { method: 'HEAD' }],
  [404, '/stream/nothing'],
  [200, '/write'],
  [200, '/download'],
  [200, '/download/squares.csv'],
  [200, '/download/squares.csv', { method: 'HEAD' }],
  [206, '/download/squares.csv', { headers: { Range: 'bytes=3-8' } }],
  [304, '/download/squares.csv', { headers: { 'If-None-Match': '"squares"' } }],
  [200, '/cookies', { headers: { Cookie: 'flavour=chocolate; size="large"' } }],
  [303, '/cookies', { method: 'POST', headers: URLENCODED, body: 'do=set' }],
  [303, '/cookies', { method: 'POST', headers: URLENCODED, body: 'do=clear' }],
  [200, '/counter'],
  [200, '/api/parts'],
  [200, '/api/parts', { headers: { Accept: 'application/json' } }],
  [200, '/api/echo', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"a":"é"}' }],
  [400, '/api/echo', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{' }],
  [200, '/api/events'],
  [200, '/hono'],
  [200, '/hono/hello/world'],
  [200, '/hono/json?a=1&b=2'],
  [404, '/hono/nothing'],
  [500, '/error'],
  [404, '/no/such/page'],
];

// Without the words that each platform says about itself.
const alike = ({ status, headers, body }: Answer) => ({
  status,
  // Only the Function URL says that its client came by https.
  headers: headers
    .filter(([name]) => name !== 'strict-transport-security')
    .map(([name, value]) => [name, /^(x-request-id|server-timing)$/.test(name) ? '…' : value]),
  body: body.replace(/(Served to you by <strong>|Kept in |Request id: )[^.<\n]+/, '$1…'),
});

describe('the showcase', () => {
  it("runs on Lambda's runtime client", ({ skip }) => {
    skip(lambdaMissing !== undefined, lambdaMissing);
    expect(platforms.map(({ name }) => name).sort()).toEqual(['lambda', 'node', 'workerd']);
  });

  for (const [status, path, options = {}] of CASES)
    it(`answers ${options.method ?? 'GET'} ${path} alike everywhere with ${status}`, async () => {
      const answers = await Promise.all(
        platforms.map(async ({ name, ...rest }) => [name, alike(await ask({ name, ...rest }, path, options))] as const),
      );
      const [, expected] = answers.find(([name]) => name === 'node') ?? [];
      expect(expected?.status).toBe(status);
      for (const answer of answers) expect(answer).toEqual([answer[0], expected]);
    });

  it('logs through Powertools on Lambda, with the id that the client sees, and counts', async ({ skip }) => {
    skip(lambdaMissing !== undefined, lambdaMissing);
    const { body } = await ask(named('lambda'), '/error');
    const [, id] = /Request id: (\S+)/.exec(body) ?? [];
    await expect.poll(() => lambdaOutput).toContain(`"request_id":"${id}"`);
    const entries = lambdaOutput.split('\n').flatMap((line) => (line.includes(`"request_id":"${id}"`) ? [line] : []));
    expect(entries.map((line) => JSON.parse(line.slice(line.indexOf('{'))))).toMatchObject([
      { level: 'ERROR', message: 'showcase: /error was asked for, so here it comes', function_request_id: id },
      { level: 'ERROR', error: { message: 'this text is for the log, not for the client' }, path: '/error' },
    ]);
    expect(lambdaOutput).toContain('"requests":1');
  });

  it('says which platform served it', async () => {
    for (const platform of platforms)
      expect((await ask(platform, '/')).body).toContain(
        `<strong>${TITLES[platform.name as keyof typeof TITLES]}</strong>`,
      );
  });

  it('links only to pages that exist', async () => {
    const { body } = await ask(named('node'), '/');
    const links = [...body.matchAll(/href="(\/[^"]*)"/g)].map(([, href]) => href ?? '');
    expect(links.length).toBeGreaterThan(10);
    for (const link of new Set(links))
      expect([link, (await ask(named('node'), link)).status]).toEqual([link, link === '/error' ? 500 : 200]);
  });

  it('shows the source of each page, and no other text in its place', async () => {
    for (const [path, file] of [
      ['/', 'home.ts'],
      [MISSING, 'not-found.ts'],
      ...PARTS.map((part) => [part[0], part[2]]),
    ]) {
      const { body } = await ask(named('node'), path ?? '');
      const [, shown = ''] =
        new RegExp(`pages/${file}</h3>\n<pre tabindex="0"><code>(.*?)</code></pre>`, 's').exec(body) ?? [];
      const text = shown.replaceAll(/<\/?i>/g, '');
      expect(text, path).toBe(html`${readFileSync(`examples/showcase/pages/${file}`, 'utf8')}`.markup);
    }
  });

  // After a change: npx vitest run --project lambda test/showcase.test.ts --update
  it('shows the answers that the targets give', async ({ skip }) => {
    skip(lambdaMissing !== undefined, lambdaMissing);
    const recorded: Record<string, Record<string, string>> = {};
    for (const path of ['/', ...PARTS.map(([part]) => part), MISSING]) {
      const asked = Object.entries(TITLES).map(
        async ([name, title]) => [title, alike(await ask(named(name), path))] as const,
      );
      const answers = await Promise.all(asked);
      recorded[path] = Object.fromEntries(
        answers.map(([title, { status, headers }]) => [
          title,
          [status, ...headers.map(([key, value]) => `${key}: ${value}`)].join('\n'),
        ]),
      );
      if (path !== '/environ') expect(new Set(answers.map(([, { body }]) => body)).size, path).toBe(1);
    }
    await expect(`${JSON.stringify(recorded, null, 2)}\n`).toMatchFileSnapshot('../examples/showcase/answers.json');
  });

  it.skipIf(noBrowser !== undefined)(
    'is accessible, fits small and large windows, and leads on from every page',
    async () => {
      const browser = await startBrowser();
      try {
        for (const [width, colorScheme] of [
          [390, 'light'],
          [390, 'dark'],
          [1280, 'light'],
          [1280, 'dark'],
        ] as const) {
          const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
          const errors = errorsOf(page);
          for (const path of ['/', ...PARTS.map(([part]) => part), '/hono/nothing', MISSING]) {
            const url = `http://127.0.0.1:${named('node').port}${path}`;
            const response = await page.goto(url);
            const failed = response !== null && response.status() >= 400;
            // The browser itself reports the status of a page that is an error.
            expect(errors.splice(0).length, path).toBe(failed ? 1 : 0);
            if (!(await response?.headerValue('content-type'))?.startsWith('text/html')) continue;
            expect([path, await violations(page), await overflow(page)]).toEqual([path, [], 0]);
            await page.click(`main a[href="/"], .brand a`);
            expect(new URL(page.url()).pathname).toBe('/');
          }
          await page.close();
        }
      } finally {
        await browser.close();
      }
    },
    120_000,
  );

  it('shows environ, and what each middleware did on the way in and out', async () => {
    for (const platform of platforms) {
      const answer = await ask(platform, '/environ/a/b?q=1', { headers: { 'X-Request-Id': 'abc-123' } });
      const names = [...answer.body.matchAll(/<li><code>(\w+)<\/code>/g)].map(([, name]) => name);
      expect(names).toEqual([
        'siteRoot',
        'secureHeaders',
        'showCode',
        'errorPages',
        'requestId',
        'serverTiming',
        'byteCount',
        'environPage',
      ]);
      expect(valuesOf(answer, 'x-request-id')).toEqual(['abc-123']);
      expect(valuesOf(answer, 'server-timing')[0]).toMatch(/^app;dur=\d+$/);
      const note = /<p class="note">.*?has\s(\d+) bytes\.<\/p>/s.exec(answer.body);
      expect(Number(note?.[1])).toBe(Buffer.byteLength(answer.body.slice(0, note?.index)));
      for (const [key, value] of [
        ['SCRIPT_NAME', '/environ'],
        ['PATH_INFO', '/a/b'],
        ['QUERY_STRING', 'q=1'],
        ['HTTP_X_REQUEST_ID', 'abc-123'],
      ])
        expect(answer.body).toContain(`<th scope="row">${key}</th><td><code>${value}</code></td>`);
    }
  });

  it('escapes what the client sent', async () => {
    const { body } = await ask(
      named('node'),
      '/form?name="><script>alert(1)</script>'.replace(/[<>"]/g, encodeURIComponent),
    );
    expect(body).not.toContain('<script');
    expect(body).toContain('&quot;&gt;&lt;script&gt;');
  });

  it('answers 304 to a client that has the stylesheet', async () => {
    for (const platform of platforms) {
      const [etag = ''] = valuesOf(await ask(platform, '/style.css'), 'etag');
      const answer = await ask(platform, '/style.css', { headers: { 'If-None-Match': etag } });
      expect([answer.status, answer.body]).toEqual([304, '']);
    }
  });

  it('follows the rules of the interface, as the validator sees it', async () => {
    const etag =
      /"[0-9a-f]+"/.exec(JSON.stringify((await callApp(stylesheet)).headers).replaceAll('\\', ''))?.[0] ?? '';
    const asked = [...CASES, [304, '/style.css', { headers: { 'If-None-Match': etag } }] as (typeof CASES)[number]];
    for (const [status, path, { method = 'GET', headers = {}, body } = {}] of asked) {
      if (body !== undefined) continue;
      const { pathname, search } = new URL(path, 'http://localhost');
      const fields = Object.entries(headers).map(([name, value]) => [
        `HTTP_${name.toUpperCase().replaceAll('-', '_')}`,
        value,
      ]);
      const environ = testEnviron({
        ...Object.fromEntries(fields),
        REQUEST_METHOD: method,
        PATH_INFO: unescape(pathname),
        QUERY_STRING: search.slice(1),
      });
      const lines: string[] = [];
      environ['wsgi.errors'] = { write: (line) => void lines.push(line), writelines: () => {}, flush: () => {} };
      const response = await callApp(validator(app), environ);
      expect([path, Number(response.status.slice(0, 3))]).toEqual([path, status]);
      if (status !== 500) expect([path, lines]).toEqual([path, []]);
    }
  });

  it('sets two cookies by two header lines', async () => {
    for (const platform of platforms) {
      const answer = await ask(platform, '/cookies', { method: 'POST', headers: URLENCODED, body: 'do=set' });
      expect(valuesOf(answer, 'set-cookie')).toEqual([
        'flavour=chocolate; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax',
        'size=large; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax',
      ]);
      expect(valuesOf(answer, 'location')).toEqual(['cookies']);
    }
  });

  it('counts in KV on Workers and in memory elsewhere', async () => {
    for (const platform of platforms) {
      const count = async () => {
        const { body } = await ask(platform, '/counter');
        expect(body).toContain(platform.name === 'workerd' ? 'Kept in Workers KV.' : 'Kept in the memory');
        return Number(/<output>(\d+)/.exec(body)?.[1]);
      };
      const before = await count();
      const answer = await ask(platform, '/counter', { method: 'POST' });
      expect([answer.status, valuesOf(answer, 'location')]).toEqual([303, ['counter']]);
      expect(await count()).toBe(before + 1);
    }
  });

  it('hashes an upload of 4 MB, as a body and as a form', async () => {
    const file = randomBytes(4_000_000);
    const sum = createHash('sha256').update(file).digest('hex');
    const boundary = '----WebKitFormBoundary7MA4YWxkTrZu0gW';
    const form = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="ä&b.bin"\r\nContent-Type: application/octet-stream\r\n\r\n`,
      ),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    for (const platform of platforms) {
      const raw = await ask(platform, '/upload', {
        method: 'POST',
        headers: { 'Content-Type': 'application/octet-stream' },
        body: file,
      });
      expect(raw.body).toBe(`${sum}  4000000 bytes\n`);
      const posted = await ask(platform, '/upload', {
        method: 'POST',
        headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
        body: form,
      });
      expect(posted.body).toContain(`<code>${sum}</code>`);
      expect(posted.body).toContain('ä&amp;b.bin');
    }
  });

  // A browser asks for gzip: wrangler dev would compress the page, and gather its pieces for that.
  for (const path of ['/stream', '/write'])
    it(`sends ${path} piece by piece`, async () => {
      await Promise.all(
        platforms.map(async (platform) => {
          const { arrivals } = await ask(platform, path, { headers: { 'Accept-Encoding': 'gzip, br' } });
          const pieces = arrivals.filter((at, i) => i === 0 || at - (arrivals[i - 1] ?? 0) > 50).length;
          const spread = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0);
          expect([platform.name, pieces >= (path === '/stream' ? 5 : 3)]).toEqual([platform.name, true]);
          // Nominal: 10 times 200 ms, 3 times 300 ms.
          expect([platform.name, spread > (path === '/stream' ? 1200 : 500)]).toEqual([platform.name, true]);
        }),
      );
    });

  for (const name of ['workerd', 'node'])
    it(`closes the body of each of 20 clients that go away from ${name}`, async () => {
      const platform = named(name);
      const counts = async () => JSON.parse((await ask(platform, '/stream/closed')).body);
      const before = await counts();
      expect(before.closed).toBe(before.opened);
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const res = await open(platform, '/stream', {});
          await once(res, 'data');
          res.destroy();
        }),
      );
      // None came to its end, so each was closed because its client left.
      const expected = { opened: before.opened + 20, finished: before.finished, closed: before.closed + 20 };
      for (const deadline = Date.now() + 15_000; Date.now() < deadline; await sleep(50))
        if ((await counts()).closed >= expected.closed) break;
      expect(await counts()).toEqual(expected);
    });

  it('says that a port is in use', async () => {
    const port = String(named('node').port);
    const runs = [runScript(ON_NODE, { PORT: port }), runScript(['scripts/start-cloudflare.ts', '--port', port], {})];
    for (const { child, output } of runs) {
      if (child.exitCode === null) await once(child, 'exit');
      expect(child.exitCode).toBe(1);
      expect(output()).toContain(`127.0.0.1:${port} is already in use`);
    }
  });

  it('stops on SIGTERM', async () => {
    for (const [name, code, signal] of [
      ['workerd', 0, null],
      ['node', null, 'SIGTERM'],
    ] as const) {
      const { child, close, port } = named(name);
      await close();
      expect([child?.exitCode, child?.signalCode]).toEqual([code, signal]);
      // workerd may outlive wrangler for a moment.
      await expect.poll(() => refuses(port)).toBe(true);
    }
  });
});

function refuses(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.destroy());
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
    socket.once('close', () => resolve(false));
  });
}
