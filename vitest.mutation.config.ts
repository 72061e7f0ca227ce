import { defineConfig } from 'vitest/config';

// The tests that a mutant of src/ can fail without a platform: quick ones only.
export default defineConfig({
  test: {
    include: ['test/*.test.ts', 'test/conformance/core.test.ts'],
    exclude: ['test/{aws-lambda,cloudflare,deploy,package,showcase}.test.ts'],
    testTimeout: 10_000,
  },
});
