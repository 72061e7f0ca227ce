import { defineConfig } from 'vitest/config';
import { onNode, unbuilt } from './test/setup/projects.ts';

export default defineConfig({
  test: {
    ...onNode,
    ...unbuilt,
    exclude: [
      ...unbuilt.exclude,
      // These start other programs.
      'test/cgi.test.ts',
      'test/cloudflare.test.ts',
      'test/conformance/cloudflare.test.ts',
      'test/middleware/workers.test.ts',
      'test/opentelemetry.test.ts',
      'test/requests/workerd.test.ts',
      // These take long.
      'test/conformance/{fetch,lambda,node}.test.ts',
      'test/lambda-{malformed,options}.test.ts',
      'test/middleware/around.test.ts',
      'test/requests/node.test.ts',
    ],
    // Starting a process for each file would take half of the time.
    isolate: false,
    maxWorkers: 4,
  },
});
