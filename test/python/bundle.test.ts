import { build } from 'esbuild';
import { expect, it } from 'vitest';

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
