// The examples in Python as their users run them: `node scripts/start-python.ts` for each platform, asked by a client that
// logs in, posts forms, uploads and follows redirects.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExample, EXAMPLE_PACKAGES, EXAMPLES, type ExampleName } from '../../scripts/python-examples.ts';
import { notFetched } from './assets.ts';
import { type Client, clientOf } from './client.ts';
import { runtimeMissing } from './lambda.ts';
import { type RunningExample, startExample } from './running-example.ts';

const missing = notFetched(EXAMPLE_PACKAGES, 'the examples in Python');
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
const targets = ['node', 'lambda', 'cloudflare'].filter(
  (target) => target !== 'lambda' || runtimeMissing === undefined || process.env.CI,
);
const running: RunningExample[] = [];
const stopAll = () => Promise.all(running.splice(0).map(({ stop }) => stop()));
afterAll(async () => {
  await stopAll();
  rmSync(scratch, { recursive: true, force: true });
});

/** Follows a redirect, as a browser does. */
async function follow(
  client: Pick<Client, 'get'>,
  answer: { status: number; headers: Headers },
  from: string,
): Promise<string> {
  expect([302, 303]).toContain(answer.status);
  const { pathname } = new URL(answer.headers.get('location') ?? '', `http://localhost${from}`);
  return (await client.get(pathname)).text;
}

async function boardOfFlask(origin: string, at: string): Promise<void> {
  const client = clientOf(origin);
  expect((await client.get(`${at}/`)).text).toContain('Nothing yet.');
  expect((await client.get(`${at}/static/style.css`)).headers.get('content-type')).toMatch(/^text\/css/);
  expect((await client.post(`${at}/notes`, { text: 'x' })).status).toBe(401);

  const account = { name: 'Zoë', password: 'correct horse' };
  expect(await follow(client, await client.post(`${at}/register`, account), `${at}/register`)).toContain('Now log in.');
  expect((await client.post(`${at}/login`, { ...account, password: 'wrong' })).text).toContain('is wrong');
  expect(await follow(client, await client.post(`${at}/login`, account), `${at}/login`)).toContain('<span>Zoë</span>');

  const noted = await client.post(`${at}/notes`, { text: '<b>größer</b> & ☃' });
  expect(await follow(client, noted, `${at}/notes`)).toContain('&lt;b&gt;größer&lt;/b&gt; &amp; ☃');
  expect((await client.get(`${at}/notes.csv`)).text).toMatch(
    /^created,author,text\r\n20[-\d]+ [^,]+,Zoë,<b>größer<\/b> & ☃\r\n$/,
  );

  const form = new FormData();
  const data = new Uint8Array(200_000).map((_, i) => i);
  form.append('file', new Blob([data]), '../photo.bin');
  expect(await follow(client, await client.post(`${at}/files`, form), `${at}/files`)).toContain('photo.bin is stored.');
  const file = await client.open(`${at}/files/photo.bin`);
  expect(file.headers.get('content-disposition')).toBe('attachment; filename=photo.bin');
  expect(Buffer.from(await file.arrayBuffer()).equals(Buffer.from(data))).toBe(true);
  form.append('file', new Blob([new Uint8Array(2 ** 20)]), 'large.bin');
  expect((await client.post(`${at}/files`, form)).status).toBe(413);

  const pieces: string[] = [];
  const stream = await client.open(`${at}/countdown?from=3`);
  for await (const piece of stream.body as ReadableStream<Uint8Array>) pieces.push(Buffer.from(piece).toString());
  expect(pieces.join('')).toBe('3\n2\n1\nlift-off\n');
  expect(pieces.length).toBeGreaterThan(1);

  expect(await follow(client, await client.post(`${at}/logout`, {}), `${at}/logout`)).toContain('Log in');
  expect((await client.get(`${at}/missing`)).status).toBe(404);
}

async function boardOfDjango(origin: string): Promise<void> {
  const { get, post: send } = clientOf(origin);
  // If the scheme is https, as behind a Function URL, Django checks the page that a form was on.
  const headers = { Referer: `${origin.replace('http:', 'https:')}/` };
  const client: Pick<Client, 'get' | 'post'> = { get, post: (path, fields) => send(path, fields, { headers }) };
  expect((await client.get('/')).text).toContain('Nothing yet.');
  expect((await client.get('/static/board/style.css')).headers.get('content-type')).toMatch(/^text\/css/);
  const token = async (path: string) => {
    const [, value = ''] = /name="csrfmiddlewaretoken" value="(\w+)"/.exec((await client.get(path)).text) ?? [];
    return { csrfmiddlewaretoken: value };
  };
  expect((await client.post('/login', { username: 'x' })).status).toBe(403);
  const password = 'correct horse';
  const account = { ...(await token('/register')), username: 'Zoë', password1: password, password2: password };
  expect(await follow(client, await client.post('/register', account), '/register')).toContain('<span>Zoë</span>');
  const out = await client.post('/logout', await token('/'));
  expect(await follow(client, out, '/logout')).toContain('Log in');
  const wrong = { ...(await token('/login')), username: 'Zoë', password: 'wrong' };
  expect((await client.post('/login', wrong)).text).toContain('Please enter a correct username and password');
  const right = { ...(await token('/login')), username: 'Zoë', password };
  expect(await follow(client, await client.post('/login', right), '/login')).toContain('<span>Zoë</span>');
  const noted = await client.post('/notes', { ...(await token('/')), text: '<b>größer</b> & ☃' });
  const page = await follow(client, noted, '/notes');
  expect(page).toContain('Your note is on the board.');
  expect(page).toContain('&lt;b&gt;größer&lt;/b&gt; &amp; ☃');
  expect((await client.get('/notes.csv')).text).toMatch(/^20[-\d]+ [^,]+,Zoë,<b>größer<\/b> & ☃\r\n$/);
  expect(await client.get('/missing')).toMatchObject({ status: 404, text: expect.stringContaining('Not found') });
}

async function pollOfBottle(origin: string): Promise<void> {
  const client = clientOf(origin);
  expect((await client.get('/')).text).toContain('<td>0</td>');
  const voted = await client.post('/vote', { choice: 'tea' });
  expect(await follow(client, voted, '/vote')).toMatch(/<th scope="row">tea<\/th><td>1<\/td>[\s\S]*Thank you/);
  expect((await client.post('/vote', { choice: 'tea' })).status).toBe(409);
  expect(JSON.parse((await clientOf(origin).get('/votes.json')).text)).toMatchObject({ tea: 1 });
  expect((await client.post('/vote', { choice: '<x>' })).status).toBe(400);
  expect((await client.get('/missing')).status).toBe(404);
}

async function frontAndFlask(origin: string): Promise<void> {
  const front = await clientOf(origin).get('/');
  expect(front.text).toContain('href="/legacy/"');
  expect(front.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  const legacy = await clientOf(origin).get('/legacy/');
  expect(legacy.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(legacy.text).toContain('href="/legacy/login"');
  await boardOfFlask(origin, '/legacy');
}

const visits: Record<ExampleName, (origin: string) => Promise<void>> = {
  flask: (origin) => boardOfFlask(origin, ''),
  django: boardOfDjango,
  bottle: pollOfBottle,
  mixed: frontAndFlask,
};

describe.skipIf(missing)('the examples in Python', () => {
  beforeAll(async () => {
    for (const name of ['flask', 'django', 'bottle'] as const) await buildExample(name, () => {});
  }, 400_000);

  for (const name of Object.keys(EXAMPLES) as ExampleName[])
    for (const target of targets) {
      // wrangler dev takes up to a minute of one core to copy the assets into its configuration: two are enough there.
      // frameworks.test.ts has Bottle, and Flask below a mount, on workerd.
      if (target === 'cloudflare' && name !== 'flask' && name !== 'django') continue;
      it(`${name} on ${target}`, async () => {
        const started = await startExample(name, target, join(scratch, `${name}-${target}`));
        running.push(started);
        await visits[name](started.origin);
        await stopAll();
      }, 300_000);
    }

  it('wrangler deploy --dry-run takes the Flask example', async () => {
    const wrangler = join('node_modules', 'wrangler', 'bin', 'wrangler.js');
    const args = [
      'deploy',
      '--dry-run',
      '--config',
      'examples/flask/wrangler.toml',
      '--outdir',
      join(scratch, 'worker'),
    ];
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' };
    const { stdout } = await promisify(execFile)(process.execPath, [wrangler, ...args], { env });
    expect(stdout).toMatch(/Total Upload: [\d.]+ KiB/);
    const files = readdirSync(join(scratch, 'worker'));
    for (const part of ['snapshot.bin', 'site.zip', 'pyodide.asm.wasm'])
      expect(files.filter((file) => file.endsWith(part))).toHaveLength(1);
  }, 120_000);
});
