import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import type { FrontEnd } from '../../emulation/lambda/front-end.ts';
import { startFunctionUrl } from '../../emulation/lambda/function-url.ts';
import { ensureRuntimeClient } from '../../emulation/lambda/install-ric.ts';
import { startRestApi } from '../../emulation/lambda/rest-api.ts';
import { FRONT_ENDS, LAMBDA_INAPPLICABLE, LAMBDA_LACKS } from './lambda-front.js';
import { RESULTS, testTarget } from './suite.js';

// AWS's own runtime client is built on demand, once; without build tools these targets can't be tested.
const missing = await ensureRuntimeClient().then(
  () => undefined,
  (error: unknown) => error as Error,
);
if (missing !== undefined && process.env.CI) throw missing;

let functionUrl: FrontEnd | undefined;
let restApi: FrontEnd | undefined;
let folder: string | undefined;

async function open(): Promise<void> {
  mkdirSync(RESULTS, { recursive: true });
  folder = mkdtempSync(join(fileURLToPath(RESULTS), 'function-'));
  await build({
    stdin: {
      contents: `import { toLambdaStreamHandler } from '../../targets/aws-lambda/index.js';
        import { createApplication } from './application.js';
        const { application, options } = createApplication();
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
  const running = { port: 0, taskRoot: folder, handler: 'index.handler', onOutput: () => {} };
  functionUrl = await startFunctionUrl({ ...running, invokeMode: 'RESPONSE_STREAM' });
  restApi = await startRestApi(running);
}

const NAMES = ['lambda stream', 'lambda REST stream'] as const;
if (missing === undefined) {
  beforeAll(open);
  afterAll(async () => {
    await functionUrl?.close();
    await restApi?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  testTarget(NAMES[0], {
    send: (request) => sendRaw(functionUrl?.port ?? 0, request),
    lacks: {
      ...LAMBDA_LACKS,
      ...FRONT_ENDS['function-url'].lacks,
      contentLength: 'a streaming Function URL frames the body itself and renames the header',
      truncation: 'a Function URL ends a stream that failed as if it were whole',
      duplex: 'the event holds the whole body',
    },
    inapplicable: { ...LAMBDA_INAPPLICABLE, ...FRONT_ENDS['function-url'].inapplicable },
  });
  testTarget(NAMES[1], {
    send: (request) => sendRaw(restApi?.port ?? 0, request),
    lacks: {
      ...LAMBDA_LACKS,
      ...FRONT_ENDS['apigw-rest-v1'].lacks,
      contentLength: 'a REST API frames a stream itself: the header is left out',
      largeHeader: 'a REST API takes 16 KB as the metadata of a stream',
      duplex: 'the event holds the whole body',
    },
    inapplicable: {
      ...LAMBDA_INAPPLICABLE,
      ...FRONT_ENDS['apigw-rest-v1'].inapplicable,
      truncation: 'AWS does not say what a client of a REST API sees of a stream that fails after its head',
    },
  });
} else {
  console.warn(`conformance of Lambda's streaming is skipped: ${missing.message}`);
  describe.each(NAMES)('%s', () => it.skip('is skipped: the runtime client is not installed', () => {}));
}
