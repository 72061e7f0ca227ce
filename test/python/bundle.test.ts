import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { APPS } from './assets.ts';

const bundle = async (name: string) => {
  const { metafile, outputFiles } = await build({
    stdin: { contents: `export * from '${name}'`, resolveDir: '.', loader: 'js' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    metafile: true,
  });
  return { inputs: Object.keys(metafile.inputs), text: outputFiles[0]?.text ?? '' };
};

it.each([
  'wsgi-edge',
  'wsgi-edge/cloudflare',
  'wsgi-edge/aws-lambda',
  'wsgi-edge/node',
  'wsgi-edge/validator',
  'wsgi-edge/testing',
])('no byte of Python is in a bundle of %s', async (name) => {
  const { text } = await bundle(name);
  expect(text).toContain('WsgiError');
  expect(text).not.toMatch(/pyodide|WebAssembly/i);
});

it('a bundle of wsgi-edge/python has neither the builder nor Pyodide', async () => {
  const { inputs, text } = await bundle('wsgi-edge/python');
  expect(text).toMatch(/WebAssembly/);
  expect(text).not.toContain('build-python:');
  expect(inputs.filter((file) => file.includes('node_modules'))).toEqual([]);
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
