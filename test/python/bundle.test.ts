import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { APPS } from './assets.ts';

const inputs = async (contents: string): Promise<string[]> => {
  const { metafile } = await build({
    stdin: { contents, resolveDir: '.', loader: 'js' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    metafile: true,
  });
  return Object.keys(metafile.inputs);
};

it.each([
  'wsgi-edge',
  'wsgi-edge/cloudflare',
  'wsgi-edge/aws-lambda',
  'wsgi-edge/node',
  'wsgi-edge/validator',
  'wsgi-edge/testing',
])('no byte of Python is in a bundle of %s', async (name) => {
  const files = await inputs(`export * from '${name}'`);
  expect(files.length).toBeGreaterThan(1);
  expect(files.filter((file) => /pyodide|dist\/python/.test(file))).toEqual([]);
});

it('a bundle of wsgi-edge/python has neither the builder nor Pyodide', async () => {
  const files = await inputs("export * from 'wsgi-edge/python'");
  expect(files).toContain('dist/python/bridge/bridge.js');
  expect(files.filter((file) => /node_modules|builder/.test(file))).toEqual([]);
});

it('a bundle of the builder outside of the package is told that it has no Python half', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
  try {
    const outfile = join(folder, 'bundle.mjs');
    const contents = "export * from 'wsgi-edge/python/build'";
    await build({
      stdin: { contents, resolveDir: '.', loader: 'js' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
    });
    const { buildPython } = await import(/* @vite-ignore */ pathToFileURL(outfile).href);
    await expect(buildPython({ application: `${APPS}/basic.py:hello`, out: join(folder, 'assets') })).rejects.toThrow(
      'import wsgi-edge/python/build from node_modules instead of bundling it',
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
