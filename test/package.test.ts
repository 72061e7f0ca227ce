// The package as its users get it: packed, installed into an empty folder, imported and compiled against.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { verdict } from '../scripts/audit.ts';
import { VERSION } from '../src/environ.js';

const run = promisify(execFile);
const root = process.cwd();
const CACHE = join(root, 'node_modules/.cache/wsgi-edge');
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
  exports: Record<string, { types: string; default: string } | string>;
};

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
    'inputStream',
    'isHopByHop',
    'mount',
    'proxyFix',
    'requestUri',
    'shiftPathInfo',
    'toFetchHandler',
  ],
  'wsgi-edge/cloudflare': ['toCloudflareHandler'],
  'wsgi-edge/aws-lambda': ['toLambdaHandler', 'toLambdaStreamHandler'],
  'wsgi-edge/node': ['runCgi', 'serve', 'toNodeHandler'],
  'wsgi-edge/python': ['PythonError', 'fromPython', 'pythonMiddleware'],
  'wsgi-edge/python/build': ['buildPython'],
  'wsgi-edge/validator': ['validator'],
  'wsgi-edge/testing': ['callApp', 'lambdaEvent', 'readLambdaResult', 'testEnviron'],
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

test('a release is refused before anything is run where tree, tag or changelog do not fit', async () => {
  const clone = mkdtempSync(join(tmpdir(), 'wsgi-edge-release-'));
  try {
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: clone });
    await git('init', '-q');
    const write = (name: string, text: string) => writeFileSync(join(clone, name), text);
    write('package.json', '{"version":"1.2.3"}');
    write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n');
    await git('add', '.');
    await git('commit', '-qm', 'first');
    await git('tag', 'v1.2.2');
    write('left.txt', '');
    const script = join(root, 'scripts/release.ts');
    const failed = await run(process.execPath, [script, '--dry-run'], { cwd: clone }).catch((error) => error);
    expect([failed.code, failed.stdout, failed.stderr.trim().split('\n')]).toEqual([
      1,
      '',
      [
        'release: the tree is not clean: commit what belongs to the release',
        'release: HEAD has no tag v1.2.3, the version of package.json',
        'release: CHANGELOG.md has no section "## 1.2.3"',
      ],
    ]);
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
});

describe('packed and installed', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root });
    const [packed] = JSON.parse(stdout) as Array<{ filename: string; files: Array<{ path: string }> }>;
    for (const { path } of packed?.files ?? [])
      expect(path).toMatch(
        /^(dist\/.*\.(js|d\.ts)|python\/wsgi_edge\/.*\.py|docs\/.*|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
      );
    writeFileSync(join(folder, 'package.json'), '{"name":"user","private":true,"type":"module"}');
    await run('npm', ['install', '--no-audit', '--no-fund', join(folder, packed?.filename ?? '')], { cwd: folder });
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

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

  test.each(Object.entries(names))('%s exports what the documentation says', async (subpath, exports) => {
    const code = `console.log(JSON.stringify(Object.keys(await import('${subpath}')).sort()))`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual(exports);
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

  // A user compiles against the types of only one platform.
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
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { cwd: folder });
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
import { validator } from 'wsgi-edge/validator';
const app: Application = async function* (environ, startResponse) {
  const headers: [string, string][] = [];
  headerView(headers).set('Content-Type', 'text/plain');
  startResponse('200 OK', headers);
  yield await environ['wsgi.input'].read();
};
const site = compose(proxyFix({ for: 1 }), validator)(mount({ '/f': fromFetchHandler((request) => new Response(request.url)) }, app));
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

  it('passes publint and attw', async () => {
    await run(process.execPath, [join(root, 'node_modules/publint/src/cli.js'), '--strict'], { cwd: root });
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    await run(process.execPath, [attw, '--pack', '.', '--profile', 'esm-only'], { cwd: root });
  }, 120_000);
});
