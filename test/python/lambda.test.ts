// Python in AWS's own runtime client, from the assets as the build writes them for Node.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, expect, it } from 'vitest';
import { startFunctionUrl } from '../../emulation/lambda/function-url.ts';
import { ensureRuntimeClient } from '../../emulation/lambda/install-ric.ts';
import { ASSETS } from './assets.ts';

const missing = await ensureRuntimeClient().then(
  () => undefined,
  (error: Error) => error.message,
);
if (missing !== undefined && !process.env.CI) console.warn(`skipped, what needs Lambda's runtime: ${missing}`);
const taskRoot = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(taskRoot, { recursive: true, force: true }));

it.skipIf(missing !== undefined && !process.env.CI).each([
  ['BUFFERED', 'buffered'],
  ['RESPONSE_STREAM', 'streaming'],
] as const)('serves Python in Lambda: %s', async (invokeMode, handler) => {
  cpSync(ASSETS, join(taskRoot, 'python_assets'), { recursive: true });
  await build({
    stdin: {
      contents: `import assets from './python_assets/node.mjs';
        import { toLambdaHandler, toLambdaStreamHandler } from '../../targets/aws-lambda/index.js';
        import { fromPython } from '../../targets/python/index.js';
        const names = ['basic:hello', 'basic:echo', 'basic:lines', 'supervised:event'];
        const apps = new Map(names.map((application) => [application.split(':')[1], fromPython(assets, { application })]));
        await apps.get('hello').boot();
        const app = (environ, startResponse) => apps.get(environ.PATH_INFO.slice(1))(environ, startResponse);
        export const buffered = toLambdaHandler(app);
        export const streaming = toLambdaStreamHandler(app);`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    outfile: join(taskRoot, 'index.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['./python_assets/node.mjs'],
    logLevel: 'warning',
  });
  const front = await startFunctionUrl({
    port: 0,
    taskRoot,
    handler: `index.${handler}`,
    invokeMode,
    onOutput: () => {},
  });
  try {
    const text = async (path: string, init?: RequestInit) => (await fetch(new URL(path, front.url), init)).text();
    expect(await text('/hello')).toBe('Hello, /hello');
    expect(await text('/echo', { method: 'POST', body: 'abc' })).toBe('cba');
    expect(await text('/lines')).toBe('line 0\nline 1\nline 2\n');
    expect(await text('/event')).toMatch(/^2\.0 [0-9a-f-]{36}$/);
  } finally {
    await front.close();
  }
});
