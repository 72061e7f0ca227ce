// Bundles the showcase for Lambda into build/, where serverless.yml and the local emulation load it from.
import { build } from 'esbuild';

await build({
  entryPoints: ['examples/showcase/lambda.ts'],
  outfile: 'build/showcase.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  // The tracer's SDK of X-Ray is CommonJS.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  logLevel: 'warning',
});
console.log('bundled examples/showcase/lambda.ts into build/showcase.mjs');
