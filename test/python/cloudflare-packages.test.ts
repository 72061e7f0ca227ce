// Packages for Cloudflare's own Python Workers, unmodified, with their own tests.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build-python.ts';
import { D1_SOURCES, modulesOf } from '../../scripts/python-packages.ts';
import { CACHE, notFetched } from './assets.ts';
import { startWorker } from './workerd.ts';

const run = promisify(execFile);
const missing = notFetched(['cloudflare', 'pytest'], 'the tests of packages for Cloudflare');
const DJANGO_CF = 'test/python/storage/django-cf';

const WORKER = `
  import assets from './assets.mjs';
  import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
  import { fromPython } from '../../python/index.js';
  export default toCloudflareHandler(fromPython(assets));`;

/** Starts an application, and runs tests of pytest against it. Returns their last line.
 *  @param cwd  the folder that the tests are in */
async function pytest(application: string, name: string, cwd: string, ...args: string[]): Promise<string> {
  const out = `build/python-${name}-assets`;
  await ensureBuilt({ application, packages: [modulesOf('cloudflare')], out, target: 'worker' });
  const bindings = { d1Databases: ['DB'], r2Buckets: ['BUCKET'], compatibilityFlags: ['nodejs_compat'] };
  const worker = await startWorker(WORKER, bindings, out);
  try {
    const PYTHONPATH = [modulesOf('pytest'), 'test/python/storage', cwd].map((path) => resolve(path)).join(':');
    const env = {
      ...process.env,
      PYTHONPATH,
      PYTHONDONTWRITEBYTECODE: '1',
      BASE_URL: `http://127.0.0.1:${worker.port}`,
    };
    const ran = await run('python3', ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', ...args], { cwd, env }).catch(
      (error) => error,
    );
    return ran.stdout;
  } finally {
    await worker.stop();
  }
}

describe.skipIf(missing)('django-cf', () => {
  it('serves the admin on D1, and passes its own tests', { timeout: 300_000 }, async () => {
    const printed = await pytest(`${DJANGO_CF}/d1/app/wsgi.py:application`, 'django-cf-d1', DJANGO_CF, 'tests/d1');
    expect(printed).toMatch(/^8 passed/m);
  });

  it('keeps files in R2, and passes its own tests', { timeout: 300_000 }, async () => {
    const printed = await pytest(`${DJANGO_CF}/r2/app/wsgi.py:application`, 'django-cf-r2', DJANGO_CF, 'tests/r2');
    expect(printed).toMatch(/^\d+ passed/m);
  });
});

describe.skipIf(missing || !existsSync(D1_SOURCES))('sqlalchemy-cloudflare-d1', () => {
  it('passes its own tests of a Worker', { timeout: 300_000 }, async () => {
    const app = join(CACHE, 'sqlalchemy-cloudflare-d1');
    mkdirSync(app, { recursive: true });
    cpSync(join(D1_SOURCES, 'examples/workers/src/entry.py'), join(app, 'entry.py'));
    cpSync('test/python/storage/entrypoint.py', join(app, 'entrypoint.py'));
    // Others need pandas, which is native, Hyperdrive or an account, or compare times.
    const wanted = 'not Pandas and not Hyperdrive and not Remote and not concurrent';
    const args = ['--noconftest', '-p', 'dev_server', '-k', wanted, 'tests/integration/test_worker_integration.py'];
    const printed = await pytest(`${app}/entrypoint.py:app`, 'sqlalchemy-cloudflare-d1', D1_SOURCES, ...args);
    expect(printed).toMatch(/^61 passed/m);
  });
});
