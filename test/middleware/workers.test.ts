// The middleware in a real workerd: with its assets binding, and with and without the modules of Node.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import { value } from '../conformance/case.js';

const WORKER = `
import { basicAuth, compress, conditional, staticFiles, timeout } from './middleware/index.ts';
import { compose, mount } from './src/index.ts';
import { toCloudflareHandler } from './targets/cloudflare/index.ts';
const TEXT = [['Content-Type', 'text/plain']];
const bytes = (text) => new TextEncoder().encode(text);
const app = mount({
  '/list': (environ, startResponse) => { startResponse('200 OK', TEXT); return [bytes('abcdefgh '.repeat(500))]; },
  '/stream': (environ, startResponse) => {
    startResponse('200 OK', TEXT);
    return (async function* () { yield bytes('one '); yield bytes('two'); })();
  },
  '/accept': (environ, startResponse) => { startResponse('200 OK', TEXT); return [bytes(environ.HTTP_ACCEPT_ENCODING ?? 'none')]; },
  '/private': basicAuth({ users: { a: 'b' } })((environ, startResponse) => { startResponse('200 OK', TEXT); return [bytes(environ.REMOTE_USER)]; }),
  '/mounted': staticFiles({ prefix: '/static' })((environ, startResponse) => { startResponse('404 Not Found', TEXT); return []; }),
  '/never': timeout(20)(() => new Promise(() => {})),
});
export default toCloudflareHandler(compose(compress(), conditional(), staticFiles({ prefix: '/static' }))(app));
`;

let folder: string;
let bundle: string;
const started: Miniflare[] = [];

async function start(compatibilityDate: string): Promise<Miniflare> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: 'middleware',
      modules: [{ type: 'ESModule', path: 'worker.js', contents: bundle }],
      compatibilityDate,
      assets: {
        directory: folder,
        binding: 'ASSETS',
        routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true },
      },
      host: '127.0.0.1',
      cf: false,
      // The entry of miniflare would decode what it passes on.
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    } as never),
  );
  started.push(miniflare);
  await miniflare.ready;
  return miniflare;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-assets-'));
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'a.txt'), 'asset');
  writeFileSync(join(folder, 'sub/index.html'), '<h1>sub</h1>');
  writeFileSync(join(folder, 'index.html'), '<h1>top</h1>');
  const { outputFiles } = await build({
    stdin: { contents: WORKER, resolveDir: '.', loader: 'js' },
    bundle: true,
    format: 'esm',
    write: false,
  });
  bundle = outputFiles[0]?.text ?? '';
});
afterAll(async () => {
  for (const miniflare of started) await miniflare.dispose();
  rmSync(folder, { recursive: true });
});

describe.each<[string, string, boolean]>([
  ['without the modules of Node', '2024-01-01', false],
  ['with the modules of Node', '2026-10-20', true],
])('the middleware in workerd %s', (_, date, streams) => {
  let miniflare: Miniflare;
  beforeAll(async () => {
    miniflare = await start(date);
  });
  const send = (path: string, headers: Record<string, string> = {}, cf?: object) =>
    miniflare.dispatchFetch(`http://h.example${path}`, { headers, ...(cf && { cf }), redirect: 'manual' } as never);
  const accepting = (path: string, accept: string) => send(path, { 'Accept-Encoding': accept });

  it('compresses a list, and a stream if it can flush', async () => {
    const port = Number((await miniflare.unsafeGetDirectURL('middleware')).port);
    const ask = (target: string) => sendRaw(port, { target, headers: [['Accept-Encoding', 'gzip']] });
    const list = await ask('/list');
    expect([value(list, 'content-encoding'), value(list, 'vary')]).toEqual(['gzip', 'Accept-Encoding']);
    expect(gunzipSync(list.body).toString()).toBe('abcdefgh '.repeat(500));
    const stream = await ask('/stream');
    expect(value(stream, 'content-encoding')).toBe(streams ? 'gzip' : undefined);
    expect((streams ? gunzipSync(stream.body) : Buffer.from(stream.body)).toString()).toBe('one two');
  });

  it("gives the client's own Accept-Encoding, which Cloudflare replaces", async () => {
    const cf = { clientAcceptEncoding: 'gzip;q=0, zstd' };
    expect(await (await send('/accept', { 'Accept-Encoding': 'br, gzip' }, cf)).text()).toBe('gzip;q=0, zstd');
    expect(await (await accepting('/accept', 'br')).text()).toBe('br');
  });

  it('serves assets, with their conditions, and leaves the rest to the application', async () => {
    const file = await send('/static/a.txt');
    expect([file.status, await file.text(), file.headers.get('content-type')]).toEqual([
      200,
      'asset',
      'text/plain; charset=utf-8',
    ]);
    const again = await send('/static/a.txt', { 'If-None-Match': file.headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
    expect(await (await send('/static/sub/')).text()).toBe('<h1>sub</h1>');
    expect((await send('/static/none')).status).toBe(404);
  });

  it.each([
    ['/static/sub?a=1', '/static/sub/?a=1'],
    ['/mounted/static/sub', '/mounted/static/sub/'],
    ['/static', 'static/'],
    ['/static?a=1', 'static/?a=1'],
  ])('redirects %s to %s, as on Node', async (path, location) => {
    const moved = await send(path);
    expect([moved.status, moved.headers.get('location'), await moved.text()]).toEqual([
      expect.toBeOneOf([307, 308]),
      location,
      '',
    ]);
  });

  it('asks for a password, and gives up an application that does not answer', async () => {
    expect((await send('/private')).status).toBe(401);
    expect(await (await send('/private', { Authorization: `Basic ${btoa('a:b')}` })).text()).toBe('a');
    expect((await send('/never')).status).toBe(504);
  });
});
