// Python in AWS's own runtime client, from the assets that the build writes for Node.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runtimeMissing, startFunction } from './lambda.ts';

const taskRoot = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(taskRoot, { recursive: true, force: true }));

const CODE = `import assets from './python_assets/node.mjs';
  import { toLambdaHandler, toLambdaStreamHandler } from '../../targets/aws-lambda/index.js';
  import { fromPython } from '../../python/index.js';
  const names = ['basic:hello', 'basic:echo', 'basic:lines', 'supervised:event'];
  const apps = new Map(names.map((application) => [application.split(':')[1], fromPython(assets, { application })]));
  await apps.get('hello').boot();
  const app = (environ, startResponse) => apps.get(environ.PATH_INFO.slice(1))(environ, startResponse);
  export const buffered = toLambdaHandler(app);
  export const streaming = toLambdaStreamHandler(app);`;

it.skipIf(runtimeMissing !== undefined && !process.env.CI).each([
  ['BUFFERED', 'buffered'],
  ['RESPONSE_STREAM', 'streaming'],
] as const)('serves Python in Lambda: %s', async (invokeMode, handler) => {
  const front = await startFunction(CODE, taskRoot, handler, invokeMode);
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
