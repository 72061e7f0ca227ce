// The package as its users get it: packed, installed into an empty folder, imported and compiled against.
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build, transform } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { verdict } from '../scripts/audit.ts';
import { VERSION } from '../src/environ.js';

const run = promisify(execFile);
const root = process.cwd();
const CACHE = join(root, 'node_modules/.cache/wsgi-edge');
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  homepage: string;
  bugs: string;
  repository: { type: string; url: string };
  dependencies: Record<string, string>;
  exports: Record<string, { types: string; default: string } | string>;
  bin: Record<string, string>;
};

const PEERS = ['@aws-lambda-powertools/commons', '@opentelemetry/api'];

// The names that README and docs promise for each import.
const names: Record<string, string[]> = {
  'wsgi-edge': [
    'ClientDisconnected',
    'FileWrapper',
    'WsgiError',
    'applicationUri',
    'compose',
    'decodeNative',
    'demoApp',
    'encodeNative',
    'fromFetchHandler',
    'guessScheme',
    'headerView',
    'inputOf',
    'inputStream',
    'isHopByHop',
    'logRecord',
    'mount',
    'proxyFix',
    'requestUri',
    'shiftPathInfo',
    'toFetchHandler',
  ],
  'wsgi-edge/http': [
    'HttpError',
    'accepts',
    'attachment',
    'badRequest',
    'body',
    'cookies',
    'eventStream',
    'file',
    'forbidden',
    'form',
    'html',
    'json',
    'jsonBody',
    'noContent',
    'notFound',
    'pathText',
    'query',
    'raw',
    'redirect',
    'requestOf',
    'respond',
    'router',
    'scriptJson',
    'setCookie',
    'stream',
    'text',
    'view',
  ],
  'wsgi-edge/cloudflare': ['toCloudflareHandler'],
  'wsgi-edge/aws-lambda': ['toLambdaHandler', 'toLambdaStreamHandler'],
  'wsgi-edge/aws-lambda/powertools': ['fromMiddy'],
  'wsgi-edge/node': ['runCgi', 'serve', 'toNodeHandler'],
  'wsgi-edge/python': ['PythonError', 'durableObject', 'folder', 'fromPython', 'pythonMiddleware'],
  'wsgi-edge/python/build': ['buildPython', 'collectStatic', 'developPython', 'developWorker'],
  'wsgi-edge/opentelemetry': ['openTelemetry'],
  'wsgi-edge/validator': ['validator'],
  'wsgi-edge/testing': ['callApp', 'client', 'lambdaEvent', 'readLambdaResult', 'record', 'testEnviron'],
  'wsgi-edge/middleware': [
    'accessLog',
    'basicAuth',
    'compress',
    'conditional',
    'cors',
    'errorPages',
    'mapResponse',
    'requestId',
    'secureHeaders',
    'staticFiles',
    'timeout',
  ],
  'wsgi-edge/emulation': [
    'ensureRuntimeClient',
    'startAlb',
    'startFunctionUrl',
    'startHttpApi',
    'startRestApi',
    'startRuntime',
    'startRuntimeApi',
  ],
};

test('the exports map names what is there', () => {
  expect(Object.keys(manifest.exports).filter((path) => path !== './package.json')).toEqual(
    Object.keys(names).map((name) => name.replace('wsgi-edge', '.')),
  );
  for (const target of Object.values(manifest.exports))
    for (const file of typeof target === 'string' ? [target] : Object.values(target))
      expect(existsSync(file), file).toBe(true);
});

test('SERVER_SOFTWARE names the version of the package', () => {
  expect(VERSION).toBe(manifest.version);
});

test('the package brings nothing else with it', () => {
  expect(manifest.dependencies).toBeUndefined();
});

test('an audit fails for a finding, not for a registry without audits', () => {
  const report = (total: number) => JSON.stringify({ metadata: { vulnerabilities: { total } } });
  expect(verdict(report(0)).failed).toBe(false);
  expect(verdict(report(1))).toEqual({ failed: true, text: 'audit: 1 known vulnerabilities in what is shipped' });
  expect(verdict('{"error":{"summary":"404 Not Found"}}')).toEqual({
    failed: false,
    text: 'audit: skipped, the registry does not answer (404 Not Found)',
  });
  expect(verdict('').failed).toBe(false);
});

describe('a release', () => {
  let clone: string;
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: clone });
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(clone, name)), { recursive: true });
    writeFileSync(join(clone, name), text);
  };

  beforeEach(async () => {
    clone = mkdtempSync(join(tmpdir(), 'wsgi-edge-release-'));
    await git('init', '-q');
  });
  afterEach(() => rmSync(clone, { recursive: true, force: true }));

  it('is refused before anything runs if tree, tag, changelog, versions or addresses do not fit', async () => {
    write('package.json', '{"version":"1.2.3","homepage":"https://github.com/OWNER/wsgi-edge"}');
    write(
      'create/package.json',
      '{"version":"1.2.3","dependencies":{"wsgi-edge":"1.2.2"},"repository":"r","bugs":"b"}',
    );
    write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n');
    await git('add', '.');
    await git('commit', '-qm', 'first');
    await git('tag', 'v1.2.2');
    write('left.txt', '');
    const script = join(root, 'scripts/release.ts');
    const env = { ...process.env, SIGSTORE_ID_TOKEN: 'token' };
    const failed = await run(process.execPath, [script, '--dry-run'], { cwd: clone, env }).catch((error) => error);
    const address = 'which npm shows and compares with the provenance statement: add its URL';
    expect([failed.code, failed.stdout, failed.stderr.trim().split('\n')]).toEqual([
      1,
      '',
      [
        'release: the tree is not clean: commit what belongs to the release',
        'release: HEAD has no tag v1.2.3, the version of package.json: use npm version',
        'release: CHANGELOG.md has no section "## 1.2.3": use npm version',
        'release: create/package.json has 1.2.2 instead of 1.2.3: use npm version',
        `release: package.json has no repository, ${address}`,
        `release: create/package.json has no homepage, ${address}`,
        `release: package.json has no bugs, ${address}`,
        'release: package.json has the placeholder OWNER: write the owner of the repository in its place',
      ],
    ]);
  });

  it('is prepared by npm version', async () => {
    for (const file of ['package.json', 'create/package.json', 'CHANGELOG.md', 'src/environ.ts', 'scripts/version.ts'])
      write(file, readFileSync(file, 'utf8'));
    await git('add', '.');
    await git('commit', '-qm', 'first');
    const author = { GIT_AUTHOR_NAME: 't', GIT_AUTHOR_EMAIL: 't@example.org' };
    const committer = { GIT_COMMITTER_NAME: 't', GIT_COMMITTER_EMAIL: 't@example.org' };
    const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
    await run('npm', ['version', '98.7.6'], { cwd: clone, env: { ...process.env, ...author, ...committer, PATH } });
    const committed = async (file: string) => (await git('show', `v98.7.6:${file}`)).stdout;
    expect(JSON.parse(await committed('package.json')).version).toBe('98.7.6');
    expect(JSON.parse(await committed('create/package.json'))).toMatchObject({
      version: '98.7.6',
      dependencies: { 'wsgi-edge': '98.7.6' },
    });
    expect(await committed('src/environ.ts')).toContain("export const VERSION = '98.7.6';");
    expect(await committed('CHANGELOG.md')).toMatch(/\n## Unreleased\n\n## 98\.7\.6 - \d{4}-\d\d-\d\d\n\n\S/);
  });
});

test('the two packages have the same version, addresses and licence', () => {
  const create = JSON.parse(readFileSync('create/package.json', 'utf8'));
  const { version, homepage, bugs, repository } = manifest;
  expect(create).toMatchObject({ version, homepage, bugs, dependencies: { 'wsgi-edge': version } });
  expect(create.repository).toEqual({ ...repository, directory: 'create' });
  expect(readFileSync('create/LICENSE', 'utf8')).toBe(readFileSync('LICENSE', 'utf8'));
});

describe('packed and installed', () => {
  let folder: string;
  let tarball: string;
  let files: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
    // `prepack` would rebuild dist/ while other test files import it.
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await run('npm', args, { cwd: root });
    const [packed] = JSON.parse(stdout) as [{ filename: string; files: Array<{ path: string }> }];
    tarball = join(folder, packed.filename);
    files = packed.files.map(({ path }) => path);
    writeFileSync(join(folder, 'package.json'), '{"name":"user","private":true,"type":"module"}');
    await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: folder });
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a module as a user of the package; it prints JSON. */
  const evaluate = async (code: string, ...flags: string[]) => {
    const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '-e', code], { cwd: folder });
    return JSON.parse(stdout);
  };

  it("runs nothing on its users' machines when it is installed, and brings no dependency", () => {
    const installed = readFileSync(join(folder, 'node_modules/wsgi-edge/package.json'), 'utf8');
    const { scripts = {}, dependencies, optionalDependencies, bundleDependencies, gypfile } = JSON.parse(installed);
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'preuninstall', 'uninstall'])
      expect(Object.keys(scripts)).not.toContain(name);
    expect([dependencies, optionalDependencies, bundleDependencies, gypfile]).toEqual(Array(4).fill(undefined));
    // npm runs node-gyp for a package that has this file and no install script.
    expect(existsSync(join(folder, 'node_modules/wsgi-edge/binding.gyp'))).toBe(false);
    expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['wsgi-edge']);
  });

  it('finds its optional peers', () => {
    for (const peer of PEERS) {
      const path = join(folder, 'node_modules', peer);
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(join(root, 'node_modules', peer), path);
    }
  });

  test.each(Object.entries(names))('%s exports what the documentation says', async (subpath, exports) => {
    expect(await evaluate(`console.log(JSON.stringify(Object.keys(await import('${subpath}')).sort()))`)).toEqual(
      exports,
    );
  });

  it('builds a Python application with the Python half of the package', async () => {
    mkdirSync(join(folder, 'site'));
    writeFileSync(join(folder, 'site/app.py'), 'def app(environ, start_response):\n    return []\n');
    const options = { application: join(folder, 'site/app.py:app'), out: join(folder, 'assets'), cwd: root };
    const code = `import { buildPython } from 'wsgi-edge/python/build';
const { uncompiled } = await buildPython({ ...${JSON.stringify(options)}, cache: ${JSON.stringify(CACHE)} });
console.log(JSON.stringify(uncompiled));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual([]);
    expect(readFileSync(join(folder, 'assets/site.zip')).includes('packages/wsgi_edge/bridge.pyc')).toBe(true);
  });

  it('has sources, built files and documents', () => {
    for (const path of files)
      expect(path).toMatch(
        /^(dist\/.*\.(js|d\.ts)(\.map)?|(src|http|middleware|opentelemetry|targets|python|testing|emulation|command)\/.*\.ts|python\/wsgi_edge\/.*\.py|command\/templates\/.*|test\/python\/apps\/behaviour\.(py|json)|docs\/(?!api\/)[\w/-]+\.md|package\.json|README\.md|CHANGELOG\.md|SECURITY\.md|THIRD-PARTY\.md|LICENSE)$/,
      );
    const entries = [...Object.values(manifest.exports), ...Object.values(manifest.bin)].flatMap((target) =>
      typeof target === 'string' ? target : target.default,
    );
    const scripts = entries.filter((path) => path.endsWith('.js')).map((path) => path.replace('./', ''));
    const shared = [
      'build-steps',
      'builder',
      'core',
      'develop',
      'front-ends',
      'python/interpreter',
      'python/threads/thread',
      'static',
    ];
    // The parts of the command have their own folder.
    expect(
      files.filter((path) => path.endsWith('.js') && !path.startsWith('dist/command/')).sort(),
      'dist/ has files of an earlier build: rm -rf dist && npm run build',
    ).toEqual(
      [
        ...scripts.filter((path) => !path.startsWith('dist/command/')),
        ...shared.map((name) => `dist/${name}.js`),
      ].sort(),
    );
  });

  // npm's page of the package completes relative links by `repository`; in node_modules only packed files are there.
  it('has every document that README links to, except those about the repository', () => {
    const links = readFileSync('README.md', 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g);
    const isThere = (path: string) => files.some((file) => file === path || file.startsWith(`${path}/`));
    const absent = Array.from(links, ([, path = '']) => path).filter((path) => !isThere(path));
    expect(absent.length).toBeGreaterThan(0);
    for (const path of absent) {
      expect(path).toMatch(/^((examples|bench)\/|CONTRIBUTING\.md$)/);
      expect(existsSync(path), path).toBe(true);
    }
    expect(manifest.repository.url).toMatch(/^git\+https:\/\/github\.com\/[\w-]+\/wsgi-edge\.git$/);
  });

  it('has every source that a map names', () => {
    const maps = files.filter((path) => path.endsWith('.map'));
    expect(maps.some((path) => path.endsWith('.js.map')) && maps.some((path) => path.endsWith('.d.ts.map'))).toBe(true);
    for (const map of maps) {
      const { sources } = JSON.parse(readFileSync(join(root, map), 'utf8')) as { sources: string[] };
      for (const source of sources.filter((path) => !path.includes('node_modules')))
        expect(files, map).toContain(join(dirname(map), source));
    }
  });

  it('has the licence of each package whose code it contains', () => {
    const found = files
      .filter((path) => path.endsWith('.js.map'))
      .flatMap((path) => (JSON.parse(readFileSync(join(root, path), 'utf8')) as { sources: string[] }).sources)
      .flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []);
    expect(found).toContain('chokidar');
    const words = (text: string) => text.replace(/\s+/g, ' ');
    const notice = words(readFileSync(join(root, 'THIRD-PARTY.md'), 'utf8'));
    for (const name of new Set(found)) {
      const folder = join(root, 'node_modules', name);
      const [licence] = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
      expect(notice, name).toContain(`https://www.npmjs.com/package/${name})`);
      expect(notice, name).toContain(words(readFileSync(join(folder, licence as string), 'utf8')).trim());
    }
  });

  // The interpreter of Python is a file of its own.
  test.each(Object.keys(names))('%s is in as few files as can be', async (subpath) => {
    const loaded: string[] = await evaluate(`import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
      await import('${subpath}');
      console.log(JSON.stringify(loaded));`);
    const own = loaded.filter((url) => url.includes('/node_modules/wsgi-edge/'));
    expect(own.length).toBeGreaterThan(0);
    const most = ['wsgi-edge/python', 'wsgi-edge/testing', 'wsgi-edge/emulation'].includes(subpath) ? 4 : 3;
    expect(own.length, own.join('\n')).toBeLessThan(most);
    // A built-in module that is imported costs up to 6 ms. The emulation is for Node only.
    if (subpath !== 'wsgi-edge/emulation') expect(loaded.filter((url) => url.startsWith('node:'))).toEqual([]);
  });

  it('shares a file that needs no platform and that bundlers can shake', async () => {
    const core = readFileSync(join(root, 'dist/core.js'), 'utf8');
    expect(core).not.toMatch(/(^|;)import\b/m);
    const { code } = await transform(core.replace(/\bexport ?\{[^}]*\};$/m, ''), { format: 'esm', treeShaking: true });
    expect(code).toBe('');
  });

  it('has middleware of which a bundle gets only what it imports', async () => {
    const bundle = async (names: string) => {
      const contents = `import { ${names} } from 'wsgi-edge/middleware'; console.log(${names});`;
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: folder },
        bundle: true,
        minify: true,
        format: 'esm',
        platform: 'browser', // any import of a Node module fails
        write: false,
      });
      return outputFiles[0]?.text ?? '';
    };
    const parts = {
      staticFiles: 'image/png',
      compress: 'CompressionStream',
      cors: 'Allow-Origin',
      basicAuth: 'Basic realm',
    };
    for (const [name, mark] of Object.entries(parts)) {
      expect(await bundle(name)).toContain(mark);
      for (const [other, foreign] of Object.entries(parts))
        if (other !== name) expect(await bundle(name), name).not.toContain(foreign);
    }
    expect((await bundle('requestId')).length).toBeLessThan(16_000); // the rest is the core, which a gateway has, too
  });

  it('has the same classes and the same private symbol in every subpath', async () => {
    const same = await evaluate(`import { ClientDisconnected, FileWrapper, inputStream, WsgiError } from 'wsgi-edge';
      import { toLambdaHandler } from 'wsgi-edge/aws-lambda';
      import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
      import { mapResponse } from 'wsgi-edge/middleware';
      import { toNodeHandler } from 'wsgi-edge/node';
      import { fromPython } from 'wsgi-edge/python';
      import { buildPython } from 'wsgi-edge/python/build';
      import { callApp, lambdaEvent } from 'wsgi-edge/testing';
      import { validator } from 'wsgi-edge/validator';
      const refuse = {
        cloudflare: () => toCloudflareHandler(0),
        lambda: () => toLambdaHandler(0),
        middleware: () => mapResponse(0),
        node: () => toNodeHandler(0),
        python: () => fromPython({ manifest: {} }, { maxBuffered: -1 }),
        build: () => buildPython({ application: '' }),
        testing: () => lambdaEvent('nothing'),
        validator: () => validator(0),
      };
      const same = {};
      for (const [name, call] of Object.entries(refuse))
        try { await call(); } catch (error) { same[name] = error instanceof WsgiError; }
      const application = (environ, startResponse) => {
        same.wrapper = environ['wsgi.file_wrapper'](new Blob()) instanceof FileWrapper;
        startResponse('200 OK', []);
        return [];
      };
      await callApp(application);
      const request = new Request('http://localhost/', { method: 'POST', body: 'b' });
      await toCloudflareHandler((environ, startResponse) => {
        same.stream = inputStream(environ) === request.body;
        return application(environ, startResponse);
      }).fetch(request, {});
      const body = new ReadableStream({ pull() { throw new Error(); } });
      await toCloudflareHandler(async (environ, startResponse) => {
        await environ['wsgi.input'].read().catch((error) => { same.disconnected = error instanceof ClientDisconnected; });
        return application(environ, startResponse);
      }).fetch(new Request('http://localhost/', { method: 'POST', body, duplex: 'half' }), {});
      console.log(JSON.stringify(same));`);
    const checked = [
      'build',
      'cloudflare',
      'disconnected',
      'lambda',
      'middleware',
      'node',
      'python',
      'stream',
      'testing',
      'validator',
    ];
    expect(same).toEqual(Object.fromEntries([...checked, 'wrapper'].map((name) => [name, true])));
  });

  it('has its sources in stack traces', async () => {
    const code = `import { toNodeHandler } from 'wsgi-edge/node';
      try { toNodeHandler(0); } catch ({ stack }) { console.log(JSON.stringify(stack)); }`;
    const places = (await evaluate(code, '--enable-source-maps')).matchAll(/wsgi-edge\/(\S+?):(\d+):/g);
    const lines = Array.from(places as Iterable<[string, string, string]>, ([, file, line]) => {
      const text = readFileSync(join(folder, 'node_modules/wsgi-edge', file), 'utf8').split('\n')[Number(line) - 1];
      return [file, text?.trim()];
    });
    expect(lines[0]).toEqual(['src/gateway.ts', expect.stringMatching(/^throw new WsgiError\(/)]);
    expect(lines.at(-1)?.[0]).toBe('targets/node/handler.ts');
  });

  // A user's compiler has the types of one platform only.
  const compile = async (source: string, types: string, lib?: string[]) => {
    writeFileSync(join(folder, 'user.ts'), source);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2022',
      types: [join(root, 'node_modules', types)],
      ...(lib && { lib }),
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['user.ts'] }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', folder], { cwd: folder }).catch(({ stdout }) => expect.fail(stdout));
  };

  it('compiles against one target without the types of another', async () => {
    const app = `import type { Application } from 'wsgi-edge';
import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
const app: Application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [new TextEncoder().encode(environ.PATH_INFO)];
};
export default toCloudflareHandler<{ KV: string }>(app) satisfies ExportedHandler<{ KV: string }>;
`;
    await compile(app, '@cloudflare/workers-types', ['esnext']);
  });

  it('compiles for Node and Lambda with the types of Node alone', async () => {
    const app = `import { type Application, compose, fromFetchHandler, headerView, mount, proxyFix } from 'wsgi-edge';
import { toLambdaHandler, toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import { runCgi, serve, toNodeHandler } from 'wsgi-edge/node';
import { callApp, lambdaEvent, readLambdaResult } from 'wsgi-edge/testing';
import { accessLog, compress, mapResponse, staticFiles } from 'wsgi-edge/middleware';
import { validator } from 'wsgi-edge/validator';
const app: Application = async function* (environ, startResponse) {
  const headers: [string, string][] = [];
  headerView(headers).set('Content-Type', 'text/plain');
  startResponse('200 OK', headers);
  yield await environ['wsgi.input'].read();
};
const site = compose(proxyFix({ for: 1 }), accessLog(), compress(), staticFiles({ folder: 'public' }), (app) => mapResponse(app, {}), validator)(mount({ '/f': fromFetchHandler((request) => new Response(request.url)) }, app));
export const handler = toLambdaHandler(site);
export const streamHandler = toLambdaStreamHandler(site);
export const listener = toNodeHandler(site);
export const main = async (): Promise<string> => {
  await serve(site, { port: 0 });
  await runCgi(site);
  const result = await handler(lambdaEvent('function-url', { target: '/f' }), {});
  return (await callApp(site)).text() + readLambdaResult('function-url', result).status;
};
`;
    await compile(app, '@types/node');
  });

  // The calls that need an ArrayBuffer behind the bytes, and keys that an application declares.
  const used = `import type { Application, Middleware } from 'wsgi-edge';
declare module 'wsgi-edge' {
  interface Environ {
    'app.user'?: { id: number };
    'workers.env'?: { KV: string };
  }
}
const headers = [['Content-Type', 'text/plain']] as const;
export const app: Application = async (environ, startResponse) => {
  const bytes = await environ['wsgi.input'].read();
  await crypto.subtle.digest('SHA-256', bytes);
  new Response(bytes);
  new Request('http://h/', { method: 'POST', body: bytes });
  startResponse('200 OK', headers);
  return new Blob([bytes]).stream();
};
export const user: Middleware = (app) => (environ, startResponse) =>
  app({ ...environ, 'app.user': { id: Number(environ.HTTP_X_REQUEST_ID?.length) } }, startResponse);
`;

  it('compiles the usual uses of a body, and keys of an application, with the types of Node', async () => {
    await compile(used, '@types/node');
    await compile(`/// <reference lib="dom" />\n${used}`, '@types/node');
  });

  it('takes an application that expects the bindings of a Worker, without a cast', async () => {
    const bound = `import { toCloudflareHandler, type WorkersEnviron } from 'wsgi-edge/cloudflare';
import { compose, mount, proxyFix } from 'wsgi-edge';
import { router, text } from 'wsgi-edge/http';
import { accessLog, timeout } from 'wsgi-edge/middleware';
import { validator } from 'wsgi-edge/validator';
const greet: Application<WorkersEnviron<{ KV: string }>> = (environ, startResponse) => {
  startResponse('200 OK', [['X-KV', environ['workers.env'].KV]]);
  return [];
};
type E = WorkersEnviron<{ KV: string }>;
const routes = router<E>().get('/kv/:key', (environ, { key }) => text(key + environ['workers.env'].KV)).mount('/greet', greet);
const site = compose<E>(validator, proxyFix(), accessLog(), timeout(1000))(mount({ '/routes': routes }, app));
export default toCloudflareHandler(site) satisfies ExportedHandler<{ KV: string }>;
`;
    await compile(used + bound, '@cloudflare/workers-types', ['esnext']);
  });

  it('passes publint and attw', async () => {
    await run(process.execPath, [join(root, 'node_modules/publint/src/cli.js'), 'run', tarball, '--strict']);
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    await run(process.execPath, [attw, tarball, '--profile', 'esm-only']);
  }, 120_000);
});
