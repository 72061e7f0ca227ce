import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Miniflare } from 'miniflare';
import { afterAll, beforeAll } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import { FAULTS, withoutProvoked } from '../workerd-log.js';
import { testTarget } from './suite.js';

const NAME = 'conformance';
let miniflare: Miniflare;
let port: number;

beforeAll(async () => {
  const bundle = await build({
    stdin: {
      contents: `import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
        import { createApplication } from './application.js';
        const { application, options } = createApplication();
        export default toCloudflareHandler(application, options);`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker'],
    write: false,
  });
  const workerd: typeof import('miniflare') = createRequire(import.meta.url)('miniflare');
  miniflare = new workerd.Miniflare(
    workerd.convertV4MiniflareOptions({
      name: NAME,
      modules: [{ type: 'ESModule', path: 'worker.js', contents: bundle.outputFiles[0]?.text ?? '' }],
      compatibilityDate: '2026-10-20',
      host: '127.0.0.1',
      cf: false,
      logRequests: false,
      // The socket of workerd itself: the entry worker of miniflare would parse and write each request anew.
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      // The errors that the cases throw.
      handleStructuredLogs: withoutProvoked(...FAULTS, 'boom', 'failed', 'inner', 'late', 'secret-of-the-application'),
    }),
  );
  await miniflare.ready;
  port = Number((await miniflare.unsafeGetDirectURL(NAME)).port);
});
afterAll(() => miniflare?.dispose());

testTarget('cloudflare', {
  send: (request) => sendRaw(port, request),
  lacks: {
    latin1Headers: 'workerd makes header values text, as UTF-8: other bytes are lost (workerd#6927)',
    statusAbove599: 'a Response can not have it (Fetch Standard, "Response class")',
    headerLines: 'a Response sorts its headers by name, and joins some that are repeated',
    notModifiedLength: 'workerd drops the Content-Length of a 304',
    absoluteForm: 'workerd makes the URL from the Host header',
    measuredFile: 'the bytes of a stream never pass through JavaScript: workerd measures them itself, and aborts',
    peerAddress: "only Cloudflare's edge sets CF-Connecting-IP; workerd alone tells no address",
  },
  inapplicable: {
    lateInput: 'workerd ends the request body with the response; what has come by then can still be read: a race',
    unreadUpload:
      'workerd closes a connection that still uploads after the response, which is lost with it or not: a race',
  },
});
