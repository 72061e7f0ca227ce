// Static files as a user gives them to the platform: `wsgi-edge build-python --static` in a project, and then `wrangler dev` with the
// lines that it writes, Node, and AWS's runtime client.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { lookup } from 'mrmime';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import { staticFiles } from '../../middleware/index.js';
import { fromPython } from '../../python/index.js';
import { modulesOf } from '../../scripts/python-packages.ts';
import { serve } from '../../targets/node/index.js';
import { callApp, testEnviron } from '../../testing/index.js';
import { freePort } from '../free-port.ts';
import { loadAssets, notFetched } from './assets.ts';
import { runtimeMissing, startFunction } from './lambda.ts';

const run = promisify(execFile);
const root = process.cwd();
const COMMAND = join(root, 'dist/command/index.js');
const missing = notFetched(['flask', 'django', 'static'], 'static files');
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Copies an application of test/python/static into a project of its own. */
function project(name: string, of: 'django' | 'flask'): string {
  const folder = join(scratch, name);
  cpSync(join('test/python/static', of), folder, { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  for (const name of ['pyodide', 'wrangler'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  symlinkSync(root, join(folder, 'node_modules/wsgi-edge'));
  return folder;
}

const SETS = { django: ['django', 'static'], flask: ['flask'] } as const;

async function build(folder: string, of: 'django' | 'flask', ...args: string[]): Promise<string> {
  const packages = SETS[of].flatMap((set) => ['--packages', resolve(modulesOf(set))]);
  const { stdout } = await run(process.execPath, [COMMAND, 'build-python', 'app.py:app', ...packages, ...args], {
    cwd: folder,
    maxBuffer: 16 * 1_048_576,
  });
  return stdout;
}

const size = (folder: string): number => statSync(join(folder, 'python_assets/site.zip')).size;

/** The files in the folder for the platform, by the URLs that a browser asks for. */
function publicFiles(folder: string): Array<[url: string, data: Buffer]> {
  const top = join(folder, 'python_assets/public');
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file): [string, Buffer] => [
      file.slice(top.length).split('/').map(encodeURIComponent).join('/'),
      readFileSync(file),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

interface Platform {
  origin: string;
  stop(): unknown;
}

const platforms: Record<string, (folder: string) => Promise<Platform>> = {
  async Node(folder) {
    const assets = join(folder, 'python_assets');
    const app = staticFiles({ folder: join(assets, 'public') })(fromPython(await loadAssets(assets)));
    const server = await serve(app, { errors: () => {} });
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
  },

  async workerd(folder) {
    const worker = `import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
      import { fromPython } from 'wsgi-edge/python';
      import assets from './python_assets/assets.mjs';
      export default toCloudflareHandler(fromPython(assets));`;
    writeFileSync(join(folder, 'worker.mjs'), worker);
    const rules = readFileSync(join(folder, 'python_assets/wrangler-rules.toml'), 'utf8');
    const settings = 'name = "static"\nmain = "worker.mjs"\ncompatibility_date = "2026-10-20"\n';
    writeFileSync(join(folder, 'wrangler.toml'), `${settings}\n${rules}`);
    const port = await freePort();
    const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js');
    const args = ['dev', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(await freePort())];
    const env = { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' };
    const child = spawn(process.execPath, [wrangler, ...args, '--show-interactive-dev-session=false'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await readyToServe(child);
    const stop = async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    };
    return { origin: `http://127.0.0.1:${port}`, stop };
  },

  async Lambda(folder) {
    const code = `import assets from './python_assets/node.mjs';
      import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
      import { staticFiles } from '../../middleware/index.js';
      import { fromPython } from '../../python/index.js';
      const folder = import.meta.dirname + '/python_assets/public';
      export const handler = toLambdaHandler(staticFiles({ folder })(fromPython(assets)));`;
    const task = mkdtempSync(join(scratch, 'task-'));
    const front = await startFunction(code, task, 'handler', 'BUFFERED', join(folder, 'python_assets'));
    return { origin: front.url, stop: () => front.close() };
  },
};

async function readyToServe(child: ChildProcess, line = 'Ready on '): Promise<void> {
  let output = '';
  await new Promise<void>((done, fail) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes(line)) done();
      });
    child.once('exit', () => fail(new Error(`the server ended:\n${output}`)));
  });
}

const SITES = {
  flask: {
    prefixes: ['/shop/assets/', '/api/static/', '/static/'],
    unknown: '/static/none.css',
    page: '/',
  },
  django: {
    prefixes: ['/static/admin/', '/static/shop/', '/static/brand/'],
    unknown: '/static/shop/none.css',
    page: '/admin/login/',
  },
};

describe.skipIf(missing).each(['flask', 'django'] as const)('%s', (name) => {
  const { prefixes, unknown, page } = SITES[name];
  let folder: string;
  let output: string;
  let sizes: { without: number; with: number };
  beforeAll(async () => {
    folder = project(name, name);
    await build(folder, name);
    const before = size(folder);
    output = await build(folder, name, '--static');
    sizes = { without: before, with: size(folder) };
  }, 400_000);

  it('prints the files and the settings of the platform', () => {
    const files = publicFiles(folder);
    const bytes = files.reduce((sum, [, data]) => sum + data.length, 0);
    console.log(
      `${name}: site.zip has ${sizes.without} bytes, with --static ${sizes.with}; ${files.length} files, ${bytes} bytes`,
    );
    expect(output).toContain(`${files.length} static files, `);
    expect(output).toContain('[assets]\n                   directory = "python_assets/public"');
    expect(output).toContain('aws s3 sync python_assets/public s3://BUCKET');
    expect(readFileSync(join(folder, 'python_assets/wrangler-rules.toml'), 'utf8')).toContain('[assets]\n');
    // Flask would not serve it: the rule of the application comes first.
    expect(files.map(([url]) => url)).not.toContain('/static/a%20b.txt');
    for (const prefix of prefixes)
      expect(files.map(([url]) => url).filter((url) => url.startsWith(prefix))).not.toEqual([]);
    expect(sizes.without - sizes.with).toBeGreaterThan(name === 'django' ? 400_000 : 0);
  });

  describe.each(Object.keys(platforms))('on %s', (platform) => {
    const skipped = platform === 'Lambda' && runtimeMissing !== undefined && !process.env.CI;
    let running: Platform;
    beforeAll(async () => {
      if (!skipped) running = (await platforms[platform]?.(folder)) as Platform;
    }, 300_000);
    afterAll(() => running?.stop());

    it.skipIf(skipped)('serves each file, and asks again with its ETag', { timeout: 120_000 }, async () => {
      for (const [url, data] of publicFiles(folder)) {
        const response = await fetch(running.origin + url);
        const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
        expect([url, response.status, KNOWN[type] ?? type]).toEqual([url, 200, lookup(url) ?? KNOWN[type] ?? type]);
        expect(Buffer.from(await response.arrayBuffer()).equals(data), url).toBe(true);
        const etag = response.headers.get('etag') ?? '';
        expect(etag, url).toMatch(/^(W\/)?".+"$/);
        const again = await fetch(running.origin + url, { headers: { 'If-None-Match': etag } });
        expect([url, again.status]).toEqual([url, 304]);
      }
    });

    it.skipIf(skipped)('serves nothing else', async () => {
      expect((await fetch(running.origin + unknown)).status).toBe(404);
      const { port } = new URL(running.origin);
      for (const target of [
        '/static/../manifest.mjs',
        '/static/%2e%2e/manifest.mjs',
        '/static/..%2f..%2fmanifest.mjs',
        '/../manifest.mjs',
        '/%2e%2e%2fmanifest.mjs',
        '/static/..\\..\\manifest.mjs',
        '/wsgi-edge-build.json',
      ]) {
        const { status, body } = await sendRaw(Number(port), { target });
        expect([target, status]).not.toEqual([target, 200]);
        expect(Buffer.from(body).toString()).not.toContain('build-python');
      }
    });

    it.skipIf(skipped)(
      'serves the pages of the application, and all files that they name',
      { timeout: 60_000 },
      async () => {
        const response = await fetch(running.origin + page);
        expect(response.status).toBe(200);
        const text = await response.text();
        const names =
          name === 'flask'
            ? (JSON.parse(text) as string[]).slice(0, 2)
            : Array.from(text.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g), ([, url = '']) => url);
        expect(names.length).toBeGreaterThan(1);
        for (const url of names) expect([url, (await fetch(running.origin + url)).status]).toEqual([url, 200]);
      },
    );
  });
});

// The tables of mrmime and of wrangler name some types differently, and neither has all.
const KNOWN: Record<string, string> = { 'application/javascript': 'text/javascript' };

describe.skipIf(missing)('an application that reads its own files', () => {
  it('sees them, and is told why it can not open them, unless they are shipped', { timeout: 300_000 }, async () => {
    const folder = project('reading', 'flask');
    await build(folder, 'flask', '--static', '--target', 'node', '--include', 'static/favicon.ico');
    const app = fromPython(await loadAssets(join(folder, 'python_assets')));
    const ask = async (path: string) => callApp(app, testEnviron({ PATH_INFO: path }));
    expect(JSON.parse((await ask('/')).text()).at(-1)).toBe(
      String(statSync(join(folder, 'static/css/style.css')).size),
    );
    expect((await ask('/favicon.ico')).status).toBe('200 OK');
    const told = vi.spyOn(console, 'error').mockImplementation(() => {});
    const refused = await ask('/static/css/style.css').then(
      ({ status }) => status,
      (error: Error) => String(error.message),
    );
    const lines = told.mock.calls.map(([line]) => String(line));
    told.mockRestore();
    expect(refused).not.toBe('200 OK');
    expect(lines.join('\n')).toContain(
      'python: /app/static/css/style.css is not in the assets, because build-python --static left it to the platform: let the platform serve the folder public, or ship the file with --include static/css/style.css',
    );
  });
});

describe.skipIf(missing)('hashed names', () => {
  it.each([
    ['django.contrib.staticfiles.storage.ManifestStaticFilesStorage', []],
    ['whitenoise.storage.CompressedManifestStaticFilesStorage', ['--env', 'WITH_WHITENOISE=1']],
  ])('of %s reach the application', { timeout: 300_000 }, async (storage, args) => {
    const folder = project(storage, 'django');
    const output = await build(
      folder,
      'django',
      '--static',
      '--target',
      'node',
      '--env',
      `STATICFILES=${storage}`,
      ...args,
    );
    const assets = join(folder, 'python_assets');
    const app = staticFiles({ folder: join(assets, 'public') })(fromPython(await loadAssets(assets)));
    const ask = async (path: string) => callApp(app, testEnviron({ PATH_INFO: path }));
    const urls = JSON.parse((await ask('/urls')).text()) as string[];
    for (const url of urls) expect(url).toMatch(/\.[0-9a-f]{12}\.(css|txt)$/);
    const [style = ''] = urls;
    const { text } = await ask(style);
    expect(text()).toMatch(/url\("dot\.[0-9a-f]{12}\.svg"\)/);
    const names = publicFiles(folder).map(([url]) => url);
    expect(
      names.filter((url) => /^\/static\/shop\/shop\.js\.[0-9a-f]{12}\.map$|^\/static\/shop\/shop\.js\.map$/.test(url)),
    ).toHaveLength(2);
    expect(names).not.toContain('/static/staticfiles.json');
    expect(output).toContain('STATICFILES_DIRS has ');
    expect(names.some((url) => url.endsWith('.css.gz'))).toBe(args.length > 0);
  });
});

describe.skipIf(missing)('wsgi-edge serve', () => {
  it.each(['node', 'cloudflare'])("serves Django's static files on %s", { timeout: 400_000 }, async (target) => {
    const folder = project(`serve-${target}`, 'django');
    symlinkSync(resolve(modulesOf('django')), join(folder, 'python_modules'));
    // Settings that need the environment of the command at import. A Worker has none of it.
    const settings = join(folder, 'site_settings.py');
    const text = readFileSync(settings, 'utf8').replace(/^SECRET_KEY = .*$/m, 'SECRET_KEY = os.environ["SITE_SECRET"]');
    expect(text).toContain('SITE_SECRET');
    if (target === 'node') writeFileSync(settings, text);
    const port = await freePort();
    const args = ['serve', 'app.py', '--target', target, '--port', String(port)];
    const child = spawn(process.execPath, [COMMAND, ...args], {
      cwd: folder,
      env: { ...process.env, SITE_SECRET: 'not a secret, only for tests' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await readyToServe(child, '(Ctrl+C stops it)');
    try {
      for (const file of ['admin/css/base.css', 'shop/style.css', 'brand/gr%C3%B6%C3%9Fe.txt'])
        expect([file, (await fetch(`http://127.0.0.1:${port}/static/${file}`)).status]).toEqual([file, 200]);
      expect((await fetch(`http://127.0.0.1:${port}/static/none.css`)).status).toBe(404);
    } finally {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  });
});

describe.skipIf(missing)('a project without static files', () => {
  it('is told so', { timeout: 300_000 }, async () => {
    const folder = project('none', 'flask');
    rmSync(join(folder, 'static'), { recursive: true });
    writeFileSync(
      join(folder, 'app.py'),
      'def app(environ, start_response):\n    start_response("200 OK", [])\n    return []\n',
    );
    const output = await build(folder, 'flask', '--static', '--target', 'node');
    expect(output).toContain(
      'No static files were found\n  it is neither an application of Flask with a static folder, nor one of Django',
    );
    expect(existsSync(join(folder, 'python_assets/public'))).toBe(false);
    expect(output).not.toContain('[assets]');
  });
});
