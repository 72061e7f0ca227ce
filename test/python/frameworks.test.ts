// Real frameworks, each under CPython's own wsgiref.validate, on the three platforms, asked by a real client.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build-python.ts';
import { modulesOf } from '../../scripts/python-packages.ts';
import { serve } from '../../targets/node/index.js';
import { loadAssets, notFetched } from './assets.ts';
import { clientOf, readUntil } from './client.ts';
import { FRAMEWORKS, mounted } from './frameworks/mounted.ts';
import { runtimeMissing, startFunction } from './lambda.ts';
import { startPlainWorker } from './workerd.ts';

const FOLDER = 'build/python/frameworks/python_assets';
const missing = notFetched([...FRAMEWORKS], 'the frameworks');
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Platform {
  origin: string;
  stop(): unknown;
}

async function startNode(): Promise<Platform> {
  const server = await serve(mounted(await loadAssets(FOLDER)), { errors: (line) => logs.node.push(line) });
  const address = server.address() as { port: number };
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://127.0.0.1:${address.port}`, stop };
}

async function startWorkerd(): Promise<Platform> {
  const code = `import assets from './assets.mjs';
    import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
    import { mounted } from './frameworks/mounted.js';
    export default toCloudflareHandler(mounted(assets));`;
  const { port, stop } = await startPlainWorker(code, FOLDER);
  return { origin: `http://127.0.0.1:${port}`, stop };
}

async function startLambda(): Promise<Platform> {
  const code = `import assets from './python_assets/node.mjs';
    import { toLambdaStreamHandler } from '../../targets/aws-lambda/index.js';
    import { mounted } from './frameworks/mounted.js';
    export const handler = toLambdaStreamHandler(mounted(assets));`;
  const front = await startFunction(code, scratch, 'handler', 'RESPONSE_STREAM', FOLDER);
  return { origin: front.url, stop: () => front.close() };
}

const logs = { node: [] as string[] };
const starts = { node: startNode, workerd: startWorkerd, lambda: startLambda };
const platforms: Partial<Record<string, Platform>> = {};

beforeAll(async () => {
  if (missing) return;
  await ensureBuilt({
    application: 'test/python/frameworks/apps/everything.py:flask',
    packages: FRAMEWORKS.map(modulesOf),
    out: FOLDER,
  });
}, 300_000);
afterAll(async () => {
  for (const platform of Object.values(platforms)) await platform?.stop();
});

describe.skipIf(missing).each(['node', 'workerd', 'lambda'] as const)('on %s', (name) => {
  const skipped = name === 'lambda' && runtimeMissing !== undefined && !process.env.CI;
  beforeAll(async () => {
    if (!skipped) platforms[name] = await starts[name]();
  }, 120_000);

  describe.skipIf(skipped).each(FRAMEWORKS)('%s', (framework) => {
    const client = () => clientOf(platforms[name]?.origin ?? '');
    const at = (path: string) => `/${framework}${path}`;

    it('renders a template, for GET and HEAD', async () => {
      const path = at(`/hello?name=${encodeURIComponent('Zoë & <☃>')}`);
      const got = await client().get(path);
      expect([got.status, got.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
      expect(got.text).toBe('<p>Hello, Zoë &amp; &lt;☃&gt;!</p>');
      const head = await client().get(path, { method: 'HEAD' });
      expect([head.status, head.headers.get('content-type'), head.text]).toEqual([
        200,
        got.headers.get('content-type'),
        '',
      ]);
    });

    it('reads a form', async () => {
      expect(await client().post(at('/form'), { name: 'Zoë=☃&+' })).toMatchObject({
        status: 200,
        text: 'name=Zoë=☃&+',
      });
    });

    it.each([10, 300_000])('takes an upload of %i bytes', async (size) => {
      const data = randomBytes(size);
      const form = new FormData();
      form.append('note', 'größer');
      form.append('file', new Blob([data]), 'photo.bin');
      const answer = await client().post(at('/upload'), form);
      expect(answer.status, answer.text).toBe(200);
      expect(JSON.parse(answer.text)).toEqual({
        note: 'größer',
        filename: 'photo.bin',
        bytes: size,
        sha256: createHash('sha256').update(data).digest('hex'),
      });
    });

    it('reads and writes JSON', async () => {
      const init = { headers: { 'Content-Type': 'application/json' }, method: 'POST', body: '{"numbers": [1, 2, 3]}' };
      const answer = await client().get(at('/json'), init);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(JSON.parse(answer.text)).toEqual({ sum: 6 });
    });

    it('decodes a path', async () => {
      expect((await client().get(at(`/path/${encodeURIComponent('Zoë ☃')}`))).text).toBe('Zoë ☃');
    });

    it('remembers who logged in, and redirects to where it is mounted', async () => {
      const user = client();
      expect((await user.get(at('/me'))).text).toBe('nobody');
      const answer = await user.post(at('/login'), { user: 'Zoë' });
      expect(answer.status).toBe(framework === 'bottle' ? 303 : 302);
      const { pathname } = new URL(answer.headers.get('location') ?? '', platforms[name]?.origin + at('/login'));
      expect(pathname).toBe(at('/me'));
      expect((await user.get(pathname)).text).toBe('Zoë');
      expect((await client().get(at('/me'))).text).toBe('nobody');
    });

    it('streams', async () => {
      expect((await client().get(at('/stream?count=3'))).text).toBe('tick 0\ntick 1\ntick 2\n');
    });

    // Lambda does not tell a function that its client has gone away.
    if (name !== 'lambda')
      it('streams without an end, until the client goes away', async () => {
        expect(await readUntil(await client().open(at('/stream')), 'tick 2\n')).toMatch(/^tick 0\ntick 1\ntick 2\n/);
        expect((await client().get(at('/stream?count=1'))).text).toBe('tick 0\n');
      });

    it('answers 404 and 500 with its own pages', async () => {
      expect((await client().get(at('/missing'))).status).toBe(404);
      const { status, text } = await client().get(at('/boom'));
      expect(status).toBe(500);
      expect(text).not.toMatch(/ValueError|Traceback/);
      expect(await client().post(at('/form'), { name: 'alive' })).toMatchObject({ text: 'name=alive' });
    });
  });
});
