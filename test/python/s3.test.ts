// Django's storage API on S3 by django-storages and boto3, unmodified, over TLS, on three platforms. The server is moto's, which
// speaks S3 over real HTTP, keeps the files in memory, and does not check signatures.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromPython } from '../../python/index.js';
import { ensureBuilt } from '../../scripts/build-python.ts';
import { modulesOf } from '../../scripts/python-packages.ts';
import { serve } from '../../targets/node/index.js';
import { freePort } from '../free-port.ts';
import { loadAssets, notFetched } from './assets.ts';
import { runtimeMissing, startFunction } from './lambda.ts';
import { startPlainWorker } from './workerd.ts';

const FOLDER = 'build/python/s3/python_assets';
const missing = notFetched(['s3', 'moto'], 'S3');
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
const tls = (name: string): string => join(import.meta.dirname, 'tls', `${name}.pem`);
const CA = readFileSync(tls('ca'), 'utf8');

interface Platform {
  origin: string;
  stop(): unknown;
}

const platforms: Record<string, (env: Record<string, string>) => Promise<Platform>> = {
  async Node(env) {
    const server = await serve(fromPython(await loadAssets(FOLDER), { env }), { errors: () => {} });
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
  },
  async workerd(env) {
    const code = `import assets from './assets.mjs';
      import { connect } from 'cloudflare:sockets';
      import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
      import { fromPython } from '../../python/index.js';
      const env = ${JSON.stringify(env)};
      export default toCloudflareHandler(fromPython(assets, { env, sockets: connect }));`;
    const { port, stop } = await startPlainWorker(code, FOLDER, { certificates: [CA] });
    return { origin: `http://127.0.0.1:${port}`, stop };
  },
  async Lambda(env) {
    const code = `import assets from './python_assets/node.mjs';
      import { getCACertificates, setDefaultCACertificates } from 'node:tls';
      import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
      import { fromPython } from '../../python/index.js';
      setDefaultCACertificates([...getCACertificates('default'), ${JSON.stringify(CA)}]);
      export const handler = toLambdaHandler(fromPython(assets, { env: ${JSON.stringify(env)} }));`;
    const front = await startFunction(code, scratch, 'handler', 'BUFFERED', FOLDER);
    return { origin: front.url, stop: () => front.close() };
  },
};

let s3: ChildProcess | undefined;
let url: string;

async function startS3(): Promise<void> {
  const port = await freePort();
  const main = 'from moto.server import main; main()';
  const args = ['-c', main, '-H', '127.0.0.1', '-p', String(port), '-c', tls('trusted'), '-k', tls('key')];
  const env = { ...process.env, PYTHONPATH: resolve(modulesOf('moto')) };
  s3 = spawn('python3', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  url = `https://localhost:${port}`;
  let output = '';
  await new Promise<void>((done, fail) => {
    s3?.once('exit', () => fail(new Error(`moto ended:\n${output}`)));
    s3?.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (text.includes('Running on ')) done();
    });
  });
}

beforeAll(async () => {
  if (missing) return;
  setDefaultCACertificates([...getCACertificates('default'), CA]);
  await startS3();
  await ensureBuilt({
    application: 'test/python/s3/app.py:app',
    packages: [modulesOf('s3')],
    out: FOLDER,
    snapshot: 'framework',
    // docs/PYTHON.md has these patterns: of botocore's 16 MiB, S3 needs one.
    exclude: ['packages/botocore/data/*', 'packages/botocore/cacert.pem', 'packages/boto3/data/*'],
    include: ['packages/botocore/data/s3', 'packages/botocore/data/*.json*', 'packages/boto3/data/s3'],
  });
}, 400_000);
afterAll(async () => {
  if (s3?.kill()) await once(s3, 'exit');
  rmSync(scratch, { recursive: true, force: true });
});

describe.skipIf(missing).each(Object.keys(platforms))('on %s', (platform) => {
  const skipped = platform === 'Lambda' && runtimeMissing !== undefined && !process.env.CI;
  let running: Platform | undefined;
  const ask = async (path: string): Promise<unknown> => {
    const response = await fetch(`${running?.origin}/${path}`);
    const text = await response.text();
    return response.status === 200 ? JSON.parse(text) : text;
  };
  beforeAll(async () => {
    if (skipped) return;
    running = await platforms[platform]?.({ S3_URL: url, BUCKET: `bucket-${platform.toLowerCase()}` });
    expect(await ask('create')).toBe(null);
  }, 180_000);
  afterAll(() => running?.stop());

  it.skipIf(skipped)('keeps files whose names are Unicode', async () => {
    expect(await ask('small')).toEqual(['docs/größe ☃.txt', 'Größe\n', 8, true, [], true, false, false]);
  });

  it.skipIf(skipped)('keeps a file of 5 MB', { timeout: 120_000 }, async () => {
    expect(await ask('large')).toEqual([5_242_880, true]);
  });

  it.skipIf(skipped)('writes text, and names a missing file', async () => {
    expect([await ask('written'), await ask('missing')]).toEqual(['one two', 'File does not exist: none.txt']);
  });

  it.skipIf(skipped)('signs URLs that a browser can open', async () => {
    await ask('written');
    const [signed, aware] = (await ask('url')) as [string, boolean];
    expect(signed).toMatch(/\.txt\?X-Amz-Algorithm=AWS4-HMAC-SHA256&.*&X-Amz-Signature=[0-9a-f]{64}$/);
    expect(await (await fetch(signed)).text()).toBe('one two');
    expect(aware).toBe(true);
  });
});
