import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Miniflare } from 'miniflare';
import { afterAll, beforeAll } from 'vitest';
import { encodeNative } from '../../src/native-string.js';
import { CONNECT, withoutProvoked } from '../workerd-log.js';
import { type Ports, testRequests } from './suite.js';

const gateway = (app: string, options = '{}') => `
  import { validator } from '../../src/validator/index.js';
  import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
  import { application } from './application.js';
  export default toCloudflareHandler(${app}, ${options});`;

const WORKERS: Record<keyof Ports, string> = {
  bare: gateway('application'),
  validator: gateway('validator(application)'),
  bareMounted: gateway('application', '{ scriptName: "/mnt" }'),
  validatorMounted: gateway('validator(application)', '{ scriptName: "/mnt" }'),
  platform: `
    import { digest } from './application.js';
    const seen = [];
    export default {
      async fetch(request) {
        if (request.headers.get('x-recall') === '1') return new Response(JSON.stringify(seen.splice(0)));
        const at = seen.push('the body has not been read to its end') - 1;
        const { method, url: target, headers, cf } = request;
        const body = await digest(new Uint8Array(await request.arrayBuffer()));
        seen[at] = { method, target, version: cf?.httpProtocol ?? null, headers: [...headers], body };
        return new Response('ok');
      },
    };`,
};

let miniflare: Miniflare;
let ports: Ports;

beforeAll(async () => {
  const bundle = async (contents: string) => {
    const built = await build({
      stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
      bundle: true,
      format: 'esm',
      target: 'es2022',
      conditions: ['workerd', 'worker'],
      write: false,
    });
    return built.outputFiles[0]?.text ?? '';
  };
  const workers = await Promise.all(
    Object.entries(WORKERS).map(async ([name, contents]) => ({
      name,
      modules: [{ type: 'ESModule' as const, path: `${name}.js`, contents: await bundle(contents) }],
      compatibilityDate: '2026-10-20',
      // The socket of workerd itself: the entry worker of miniflare would parse and write each request anew.
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    })),
  );
  const workerd: typeof import('miniflare') = createRequire(import.meta.url)('miniflare');
  miniflare = new workerd.Miniflare(
    workerd.convertV4MiniflareOptions({
      host: '127.0.0.1',
      cf: false,
      logRequests: false,
      handleStructuredLogs: withoutProvoked(CONNECT),
      workers,
    }),
  );
  await miniflare.ready;
  const entries = Object.keys(WORKERS).map(async (name) => [
    name,
    Number((await miniflare.unsafeGetDirectURL(name)).port),
  ]);
  ports = Object.fromEntries(await Promise.all(entries)) as Ports;
});
afterAll(() => miniflare?.dispose());

testRequests('cloudflare', {
  ports: () => ports,
  // workerd makes the URL from the Host header, as it stands, and the target.
  uriOf({ target, headers }) {
    const origin = `http://${headers.find(([name]) => name === 'host')?.[1]}`;
    return encodeNative(target.slice(origin.length));
  },
});
