import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type FunctionUrl, startFunctionUrl } from '../../emulation/lambda/function-url.ts';
import { ensureRuntimeClient } from '../../emulation/lambda/install-ric.ts';
import { LAMBDA_INAPPLICABLE, LAMBDA_LACKS } from './lambda-front.js';
import { RESULTS, testTarget } from './suite.js';
import { sendRaw } from './wire.js';

// AWS's own runtime client is built on demand, once; without build tools this target can't be tested.
const missing = await ensureRuntimeClient().then(
  () => undefined,
  (error: unknown) => error as Error,
);
if (missing !== undefined && process.env.CI) throw missing;

let front: FunctionUrl | undefined;
let folder: string | undefined;

async function open(): Promise<void> {
  mkdirSync(RESULTS, { recursive: true });
  folder = mkdtempSync(join(fileURLToPath(RESULTS), 'function-'));
  await build({
    stdin: {
      contents: `import { toLambdaStreamHandler } from '../../targets/aws-lambda/index.js';
        import { application, options } from './application.js';
        export const handler = toLambdaStreamHandler(application, options);`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    outfile: join(folder, 'index.mjs'),
  });
  // What the runtime logs of the failures that the cases provoke is no news.
  const onOutput = () => {};
  front = await startFunctionUrl({
    port: 0,
    taskRoot: folder,
    handler: 'index.handler',
    invokeMode: 'RESPONSE_STREAM',
    onOutput,
  });
}

if (missing === undefined) {
  beforeAll(open);
  afterAll(async () => {
    await front?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  testTarget('lambda stream', {
    send: (request) => sendRaw(front?.port ?? 0, request),
    lacks: {
      ...LAMBDA_LACKS,
      contentLength: 'a streaming Function URL frames the body itself and renames the header',
      truncation: 'a Function URL ends a stream that failed as if it were whole',
      duplex: 'the event holds the whole body',
    },
    inapplicable: LAMBDA_INAPPLICABLE,
  });
} else {
  console.warn(`conformance of lambda stream is skipped: ${missing.message}`);
  describe('lambda stream', () => it.skip('is skipped: the runtime client is not installed', () => {}));
}
