import { resolve } from 'node:path';

/** Test files that need dist/, the compiled package. */
export const PACKAGE = [
  'test/package.test.ts',
  'test/offline.test.ts',
  'test/doc-examples.test.ts',
  'test/guides.test.ts',
  'test/site.test.ts',
];
/** Those that need AWS's runtime client as well. */
export const LAMBDA = [
  'test/command.test.ts',
  'test/deploy.test.ts',
  'test/shorty.test.ts',
  'test/showcase.test.ts',
  'test/conformance/lambda-stream.test.ts',
  'test/lambda-traps/streaming.test.ts',
];
/** Those that need the Python applications as well. */
export const PYTHON = ['test/python/**/*.test.ts'];
/** Those that run inside workerd. */
export const WORKERS = ['test/workers/**/*.test.ts'];

/** The test files that run in a fresh checkout: all the others. */
export const unbuilt = {
  include: ['test/**/*.test.ts'],
  exclude: [...PACKAGE, ...LAMBDA, ...PYTHON, ...WORKERS],
  // An example imports the package by its name, which leads to dist/.
  alias: [
    { find: /^wsgi-edge$/, replacement: resolve(import.meta.dirname, '../../src/index.ts') },
    { find: /^wsgi-edge\/(http|middleware)$/, replacement: resolve(import.meta.dirname, '../../$1/index.ts') },
  ],
};
export const onNode = { environment: 'node', testTimeout: 30_000, hookTimeout: 180_000, maxConcurrency: 12 } as const;
