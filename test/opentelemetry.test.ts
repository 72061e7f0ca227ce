// Spans of requests on Node, Lambda and workerd, with OpenTelemetry's SDK and its exporter in memory.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTelemetry } from '../opentelemetry/index.js';
import { FileWrapper } from '../src/file-wrapper.js';
import { toLambdaHandler } from '../targets/aws-lambda/index.js';
import { serve } from '../targets/node/index.js';
import { callApp, lambdaEvent, testEnviron } from '../testing/index.js';
import { app, register, takeSpans } from './opentelemetry-app.js';
import { withoutProvoked } from './workerd-log.ts';

type Spans = ReturnType<typeof takeSpans>;

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, 'User-Agent': 'test' };
const quiet = { errors: () => {} };

const WORKER = `
import { app, register, takeSpans } from './test/opentelemetry-app.ts';
import { toCloudflareHandler } from './targets/cloudflare/index.ts';
register();
const handler = toCloudflareHandler(app, { errors() {} });
export default {
  fetch: (request, env, ctx) =>
    new URL(request.url).pathname === '/spans' ? Response.json(takeSpans()) : handler.fetch(request, env, ctx),
};`;

let server: Server;
let workerd: Miniflare;
let worker: URL;

beforeAll(async () => {
  register();
  server = await serve(app, quiet);
  const { outputFiles } = await build({
    stdin: { contents: WORKER, resolveDir: '.', loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    external: ['node:*'],
    alias: { async_hooks: 'node:async_hooks', events: 'node:events' },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/');" },
    write: false,
  });
  workerd = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'worker.mjs', contents: outputFiles[0]?.text ?? '' }],
      compatibilityDate: '2026-10-20',
      compatibilityFlags: ['nodejs_compat'],
      host: '127.0.0.1',
      cf: false,
      handleStructuredLogs: withoutProvoked('late'),
    }),
  );
  worker = await workerd.ready;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await workerd?.dispose();
});

// The span ends after the last byte of the response.
async function ended(take: () => Spans | Promise<Spans>): Promise<Spans> {
  const spans: Spans = [];
  await expect
    .poll(async () => {
      spans.push(...(await take()));
      return spans.some(({ kind }) => kind === 1);
    })
    .toBe(true);
  return spans;
}

const fetched = async (url: URL | string) => {
  await fetch(url, { headers })
    .then(
      (response) => response.text(),
      () => {},
    )
    .catch(() => {});
};

const TARGETS: Record<string, (path: string) => Promise<Spans>> = {
  async Node(path) {
    await fetched(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
    return ended(takeSpans);
  },
  async Lambda(target) {
    await toLambdaHandler(app, quiet)(lambdaEvent('function-url', { target, headers: Object.entries(headers) }), {});
    return takeSpans();
  },
  async workerd(path) {
    await fetched(new URL(path, worker));
    return ended(async () => (await (await fetch(new URL('/spans', worker))).json()) as Spans);
  },
};

describe.each(Object.entries(TARGETS))('a request on %s', (_, spansOf) => {
  it('is a server span with the parent of the client, active in application, body and close()', async () => {
    const spans = await spansOf('/stream?q=1&sig=secret');
    expect(spans.map(({ name }) => name)).toEqual(['application', 'body', 'close', 'GET']);
    const own = spans.at(-1) as Spans[number];
    expect(own).toMatchObject({ kind: 1, trace: TRACE, parent: '00f067aa0ba902b7', failed: false, events: [] });
    for (const inner of spans.slice(0, -1)) expect([inner.parent, inner.trace]).toEqual([own.id, TRACE]);
    expect(own.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.path': '/stream',
      'url.query': 'q=1&sig=REDACTED',
      'url.scheme': expect.stringMatching(/^https?$/),
      'server.port': expect.any(Number),
      'network.protocol.version': '1.1',
      'user_agent.original': 'test',
      'wsgi_edge.request_id': expect.any(String),
    });
  });

  it.each([
    ['/whole', 200, false, []],
    ['/missing', 404, false, []],
    ['/boom', 500, true, [['exception', 'boom']]],
    ['/late', 200, true, [['exception', 'late']]],
  ])('of %s has its status and its error', async (path, status, failed, events) => {
    const own = (await spansOf(path)).at(-1);
    expect(own).toMatchObject({ name: 'GET', failed, events, attributes: { 'http.response.status_code': status } });
    expect(own?.attributes['error.type']).toBe(failed ? 'Error' : undefined);
  });
});

it('a method that is not known makes neither a name nor a value of its own', async () => {
  await callApp(app, testEnviron({ REQUEST_METHOD: 'BREW', PATH_INFO: '/whole' }));
  const [own] = takeSpans().slice(-1);
  const attributes = { 'http.request.method': '_OTHER', 'http.request.method_original': 'BREW' };
  expect(own).toMatchObject({ name: 'HTTP', attributes });
});

it('a file stays a file, which a platform can send by reference', async () => {
  const environ = testEnviron();
  const file = new FileWrapper(new Blob(['x']));
  expect(await openTelemetry()(() => file)(environ, () => async () => {})).toBe(file);
});
