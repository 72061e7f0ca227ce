import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { LAMBDA, onNode, PACKAGE, PYTHON, unbuilt, WORKERS } from './test/setup/projects.ts';

const compile = 'test/setup/package.ts';
const runtimeClient = 'test/setup/runtime-client.ts';
const python = 'test/setup/python.ts';

// One project for each thing that has to be built: vitest runs a project's setup only if one of its files was selected.
export default defineConfig({
  test: {
    projects: [
      { test: { ...onNode, ...unbuilt, name: 'node' } },
      { test: { ...onNode, name: 'package', include: PACKAGE, globalSetup: [compile] } },
      { test: { ...onNode, name: 'lambda', include: LAMBDA, globalSetup: [compile, runtimeClient] } },
      { test: { ...onNode, name: 'python', include: PYTHON, globalSetup: [compile, runtimeClient, python] } },
      {
        plugins: [cloudflareTest({ miniflare: { compatibilityDate: '2026-10-20' } })],
        test: { name: 'workers', include: WORKERS },
      },
    ],
  },
});
