// Writes the published JavaScript: a file for each subpath and command of package.json, and dist/core.js with the code that
// several of them share. Classes and the private symbol of wsgi.input must be the same ones in every subpath, so no code
// may be in two files. A file of dist/ has the path of its source: there `tsc -b` puts the declarations.
import { chmodSync, readFileSync } from 'node:fs';
import { defineConfig } from 'rolldown';

interface Manifest {
  name: string;
  exports: Record<string, { default: string } | string>;
  bin: Record<string, string>;
}

const { name, exports, bin } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const commands = Object.values(bin);
const subpaths = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [] : target.default));
// The package starts it by its address.
const THREAD = 'dist/python/threads/thread.js';
const entries = [...subpaths, ...commands, THREAD].map((file) => file.replace(/^(\.\/)?dist\/(.*)\.js$/, '$2'));
// Plain Node runs the emulation, which can't import these sources. In the other build, core.js would take them all in.
const AWS_SIDE = 'testing/lambda/index';

const KEPT = { function: true, class: true };

const published = defineConfig({
  input: Object.fromEntries(entries.map((entry) => [entry, `${entry}.ts`])),
  platform: 'neutral',
  // A command imports the package by its name: its modules would pass for shared code otherwise.
  external: [/^node:/, new RegExp(`^${name}/`)],
  output: {
    dir: 'dist',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    // The interpreter of Python is shared with the builder, and goes into a file of its own.
    codeSplitting: {
      groups: [
        { name: 'core', test: /\/(src|builder)\//, minShareCount: 2 },
        { name: 'interpreter', minShareCount: 2 },
      ],
    },
    minifyInternalExports: false,
    // A third less time to import. Names stay for stack traces.
    minify: { compress: { keepNames: KEPT }, mangle: { keepNames: KEPT } },
    // The declarations have the documentation, and the package has the sources.
    comments: { annotation: true, jsdoc: false, legal: false },
    sourcemap: true,
    sourcemapExcludeSources: true,
  },
  plugins: [{ name: 'executable', writeBundle: () => commands.forEach((file) => void chmodSync(file, 0o755)) }],
});

export default [
  published,
  defineConfig({
    input: `${AWS_SIDE}.ts`,
    platform: 'neutral',
    external: [/^node:/],
    output: { file: `dist/${AWS_SIDE}.js` },
  }),
];
