// The showcase behind a local API Gateway, as `npm run start:offline` serves it, asked by a real client: whole requests
// become events, and results responses, by other hands than ours. Where serverless-offline 14.8.2 differs from AWS, the
// comment "emulator:" says how; what AWS itself sends is tested with its events.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { FILE } from './offline/lambda.ts';

const root = resolve(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-offline-'));
const ports = { 'REST API': 0, 'HTTP API': 0 };
let gateway: Awaited<ReturnType<typeof start>> | undefined;

beforeAll(async () => {
  await build({
    entryPoints: [join(root, 'test/offline/lambda.ts')],
    outfile: join(scratch, 'build/showcase.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  copyFileSync(join(root, 'serverless.offline.yml'), join(scratch, 'serverless.offline.yml'));
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
  ports['REST API'] = await freePort();
  ports['HTTP API'] = await freePort();
  gateway = await start();
});

afterAll(async () => {
  await gateway?.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** Runs the script in the scratch folder, without AWS credentials and in a process group of its own. */
function run() {
  const args = ['--rest-port', String(ports['REST API']), '--http-port', String(ports['HTTP API'])];
  const child = spawn(process.execPath, [join(root, 'scripts/start-offline.ts'), ...args], {
    cwd: scratch,
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  const closed = once(child, 'close');
  return {
    child,
    output: () => output,
    /** Resolves when the script has ended, by itself or, after 20 s, by force, and what it started with it. */
    async ended() {
      await Promise.race([closed, sleep(20_000, undefined, { ref: false })]);
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // ESRCH: there is none left.
      }
      return child.exitCode;
    },
  };
}

async function start() {
  const { child, output, ended } = run();
  const close = () => {
    child.kill('SIGTERM');
    return ended();
  };
  const deadline = Date.now() + 120_000;
  while (!output().includes('(Ctrl+C stops it)')) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await close();
      throw new Error(`serverless-offline did not start:\n${output()}`);
    }
    await sleep(50);
  }
  return { started: output(), close };
}

interface Ask {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array;
}

describe.each(['REST API', 'HTTP API'] as const)('the showcase behind a local %s', (front) => {
  const rest = front === 'REST API';

  async function ask(path: string, { method = 'GET', headers = {}, body }: Ask = {}) {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const req = request({
      host: '127.0.0.1',
      port: ports[front],
      path,
      method,
      agent: false,
      headers: { ...length, ...headers },
    }).end(body);
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of res) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    return { status: res.statusCode, headers: res.headers, bytes, text: bytes.toString() };
  }

  it('serves the home page', async () => {
    const { status, headers, bytes, text } = await ask('/');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(text).toContain('Served to you by <strong>AWS Lambda</strong>');
    expect(headers['content-length']).toBe(String(bytes.length));
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('answers HEAD with the headers alone', async () => {
    const get = await ask('/');
    const head = await ask('/', { method: 'HEAD' });
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    expect(head.headers['content-type']).toBe(get.headers['content-type']);
    // emulator: hapi puts the length of the empty body in place of the Content-Length that the result has.
    expect(head.headers['content-length']).toBe('0');
  });

  it("answers 404 with the application's own page", async () => {
    const { status, headers, text } = await ask('/no/such/page');
    expect([status, headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(text).toContain('There is nothing at <code>/no/such/page</code>');
  });

  it('takes a form', async () => {
    const { status, text } = await ask('/form', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'name=Zo%C3%AB+%26+co&drink=tea&drink=water',
    });
    expect(status).toBe(200);
    for (const [name, value] of [
      ['name', 'Zoë &amp; co'],
      ['drink', 'tea'],
      ['drink', 'water'],
    ])
      expect(text).toContain(`<th scope="row">${name}</th><td>${value}</td>`);
  });

  it('takes an upload, as a body and as a form', async () => {
    const file = randomBytes(1_000_000);
    const sum = createHash('sha256').update(file).digest('hex');
    const raw = await ask('/upload', {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: file,
    });
    expect(raw.text).toBe(`${sum}  1000000 bytes\n`);
    const form = new FormData();
    form.append('file', new Blob([file]), 'ä.bin');
    const sent = new Response(form);
    const posted = await ask('/upload', {
      method: 'POST',
      headers: { 'Content-Type': sent.headers.get('content-type') ?? '' },
      body: new Uint8Array(await sent.arrayBuffer()),
    });
    expect(posted.text).toContain(
      `<dd>ä.bin</dd>\n<dt>Bytes</dt><dd>1000000</dd>\n<dt>SHA-256</dt><dd><code>${sum}</code>`,
    );
  });

  it('sends a file that is not text byte by byte', async () => {
    const { status, headers, bytes } = await ask('/file');
    expect([status, headers['content-type']]).toEqual([200, 'application/octet-stream']);
    expect(headers['content-length']).toBe(String(FILE.length));
    expect(bytes.equals(FILE)).toBe(true);
  });

  it('sets two cookies, and hears them again', async () => {
    const answer = await ask('/cookies', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'do=set',
    });
    expect([answer.status, answer.headers.location]).toEqual([303, 'cookies']);
    // emulator: hapi writes the line anew, with the attributes in its own order and an Expires beside Max-Age.
    const attributes = (line: string) => line.split('; ').filter((part) => !part.startsWith('Expires='));
    const cookies = answer.headers['set-cookie'] ?? [];
    expect(cookies.map((line) => attributes(line)[0])).toEqual(['flavour=chocolate', 'size=large']);
    for (const line of cookies)
      expect(attributes(line).slice(1).sort()).toEqual(['HttpOnly', 'Max-Age=3600', 'Path=/', 'SameSite=Lax']);
    const { text } = await ask('/cookies', { headers: { Cookie: 'flavour=chocolate; size=large; note={"a": 1}' } });
    for (const [name, value] of [
      ['flavour', 'chocolate'],
      ['size', 'large'],
      ['note', '{&quot;a&quot;: 1}'],
    ])
      expect(text).toContain(`<th scope="row">${name}</th><td>${value}</td>`);
  });

  it('makes an environ of an encoded path, a query with repeated names and repeated headers', async () => {
    const { text } = await ask('/environ.json/caf%C3%A9%20%2F/?a=2&a=1&plus=1%2B1&space=a%20b&latin=%C3%A9&empty=', {
      headers: { 'X-Two': ['1', '2'], 'X-Empty': '', Cookie: 'a=1; b=2; a=3' },
    });
    const environ = JSON.parse(text);
    const path = rest ? '/caf\u00c3\u00a9 /' : '/caf%C3%A9%20%2F';
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '/environ.json',
      // emulator: takes a slash off the end; AWS keeps it. Its HTTP API sends the path as the client spelled it; that
      // of AWS sends it decoded, so nothing is decoded here, and an application has to put up with the escapes.
      PATH_INFO: path,
      // emulator: its HTTP API writes the query anew, form style; that of AWS sends it as it came. REST APIs send it
      // decoded, in a map.
      QUERY_STRING: 'a=2&a=1&plus=1%2B1&space=a+b&latin=%C3%A9&empty=',
      // emulator: of a repeated header, its HTTP API keeps the last line; that of AWS joins them with a comma.
      HTTP_X_TWO: rest ? '1, 2' : '2',
      HTTP_X_EMPTY: '',
      HTTP_COOKIE: 'a=1; b=2; a=3',
      REMOTE_ADDR: '127.0.0.1',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: String(ports[front]),
      SERVER_PROTOCOL: 'HTTP/1.1',
      // emulator: speaks http; API Gateway speaks https alone, and the event tells nothing of it.
      'wsgi.url_scheme': 'https',
    });
    // emulator: its REST events have a word for the ARN of a user, "offlineContext_userArn", in every request.
    expect(environ).not.toHaveProperty('AUTH_TYPE');
    expect(environ).not.toHaveProperty('REMOTE_USER');
  });
});

describe('npm run start:offline', () => {
  it('says where it serves, and nothing else', () => {
    expect(gateway?.started.trim().split('\n')).toEqual([
      ...Object.entries(ports).map(
        ([front, port]) => `The showcase behind a local ${front}: http://127.0.0.1:${port}/`,
      ),
      '(Ctrl+C stops it)',
    ]);
  });

  it('listens on 127.0.0.1 alone', async () => {
    const others = process.platform === 'linux' ? ['127.0.0.2', '::1'] : ['::1'];
    for (const host of others)
      for (const port of Object.values(ports))
        await expect(once(connect({ host, port }), 'connect')).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL/);
  });

  it('says that a port is in use', async () => {
    const { output, ended } = run();
    expect(await ended()).toBe(1);
    expect(output()).toMatch(/127\.0\.0\.1:\d+ is already in use; choose another port: npm run start:offline -- --/);
  });

  it('stops on SIGTERM', async () => {
    expect(await gateway?.close()).toBe(0);
    for (const port of Object.values(ports))
      await expect(once(connect({ host: '127.0.0.1', port }), 'connect')).rejects.toThrow('ECONNREFUSED');
  });
});
