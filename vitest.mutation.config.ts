import { defineConfig } from 'vitest/config';

// The tests that a mutant of src/ can fail without a platform: quick ones only.
export default defineConfig({
  test: {
    include: ['test/*.test.ts', 'test/conformance/{core,fetch}.test.ts'],
    exclude: ['test/{aws-lambda,cloudflare,deploy,house,opentelemetry,package,powertools,showcase}.test.ts'],
    testTimeout: 10_000,
  },
});
