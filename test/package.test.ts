// The package as its users get it: packed, installed into an empty folder, imported and compiled against.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { VERSION } from '../src/environ.js';

const run = promisify(execFile);
const root = process.cwd();
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
  exports: Record<string, { types: string; default: string } | string>;
};

// What each import gives, as README and docs say.
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

describe('packed and installed', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root });
    const [packed] = JSON.parse(stdout) as Array<{ filename: string; files: Array<{ path: string }> }>;
    for (const { path } of packed?.files ?? [])
      expect(path).toMatch(/^(dist\/.*\.(js|d\.ts)|docs\/.*|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/);
    writeFileSync(join(folder, 'package.json'), '{"name":"user","private":true,"type":"module"}');
    await run('npm', ['install', '--no-audit', '--no-fund', join(folder, packed?.filename ?? '')], { cwd: folder });
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(Object.entries(names))('%s exports what the documentation says', async (subpath, exports) => {
    const code = `console.log(JSON.stringify(Object.keys(await import('${subpath}')).sort()))`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual(exports);
  });

  // As a user does, against the types of one platform alone.
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
