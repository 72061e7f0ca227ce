import { build } from 'esbuild';
import { expect, it } from 'vitest';

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
