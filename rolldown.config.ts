// Writes the published JavaScript: a file for each subpath and command of package.json, and dist/core.js with the code that
// several of them share. Classes and the private symbol of wsgi.input must be the same ones in every subpath, so no code
// may be in two files. A file of dist/ has the path of its source: there `tsc -b` puts the declarations.
import { chmodSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'rolldown';

interface Manifest {
  name: string;
  exports: Record<string, { default: string } | string>;
  bin: Record<string, string>;
}

const { name, exports, bin } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const commands = Object.values(bin);
const subpaths = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [] : target.default));
// AWS's runtime client loads the one by its name, and the package starts the other by its address.
const STARTED = ['dist/command/lambda-task.js', 'dist/python/threads/thread.js'];
const entries = [...subpaths, ...commands, ...STARTED].map((file) => file.replace(/^(\.\/)?dist\/(.*)\.js$/, '$2'));

const isCommand = (id: string): boolean => id.startsWith(resolve('command/'));

const KEPT = { function: true, class: true };

const published = defineConfig({
  input: Object.fromEntries(entries.map((entry) => [entry, `${entry}.ts`])),
  platform: 'neutral',
  // A command imports the package by its name: its modules would pass for shared code otherwise.
  external: [/^node:/, new RegExp(`^${name}(/|$)`), /^@(aws-lambda-powertools|opentelemetry)\//],
  output: {
    dir: 'dist',
    entryFileNames: '[name].js',
    // The command loads only the parts that it needs.
    chunkFileNames: ({ facadeModuleId, moduleIds }) =>
      [facadeModuleId ?? '', ...moduleIds].some(isCommand) ? 'command/[name].js' : '[name].js',
    // The interpreter of Python is shared with the builder, and goes into a file of its own. It lies beside python/index.js,
    // because the address of the thread's module begins there (python/threads/remote.ts).
    codeSplitting: {
      groups: [
        { name: 'core', test: /\/src\//, minShareCount: 2 },
        { name: 'shared', test: isCommand, minShareCount: 2 },
        { name: 'front-ends', test: /\/testing\/lambda\//, minShareCount: 2 },
        { name: 'python/interpreter', test: /\/python\/(?!builder)|fflate/, minShareCount: 2 },
        { name: 'build-steps', test: /\/python\/builder\//, minShareCount: 2 },
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

/** The cases of `wsgi-edge conformance`, which users deploy as one file. */
const cases = defineConfig({
  input: { 'command/conformance-cases': 'test/applications/published.ts' },
  platform: 'neutral',
  external: [/^node:/],
  output: { dir: 'dist', entryFileNames: '[name].js', comments: false },
});

export default [published, cases];
