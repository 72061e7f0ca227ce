// Python in a real workerd, from the assets that the build writes for Workers.
import { pbkdf2Sync, scryptSync } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RawRequest } from '../conformance/case.js';
import { sleep } from '../conformance/case.js';
import { sendRaw } from '../conformance/wire.js';
import { type PythonWorker, startWorker } from './workerd.ts';

const code = (boot: boolean) => `
  import assets from './assets.mjs';
  import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
  import { fromPython } from '../../python/index.js';
  import { mount } from '../../src/index.js';
  const lines = [];
  const options = { errors: (line) => lines.push(line) };
  const log = (_, startResponse) => {
    startResponse('200 OK', []);
    return [new TextEncoder().encode(JSON.stringify(lines.splice(0)))];
  };
  const hello = fromPython(assets);
  const app = fromPython(assets, { application: 'bindings:app', maxBuffered: 50_000 });
  ${boot ? 'await app.boot();' : ''}
  export default toCloudflareHandler(
    mount({ '/hello': hello, '/log': log }, app),
    options,
  );`;

let worker: PythonWorker; // boots at the top level
let plain: PythonWorker; // boots in the first request, with an older compatibility date, without nodejs_compat
beforeAll(async () => {
  worker = await startWorker(code(true), {
    compatibilityFlags: ['nodejs_compat'],
    kvNamespaces: ['KV'],
    d1Databases: ['DB'],
    r2Buckets: ['BUCKET'],
    outboundService: () => new Response('from outside', { status: 203 }),
  });
  plain = await startWorker(code(false), { compatibilityDate: '2025-06-01' });
});
afterAll(async () => {
  await worker?.stop();
  await plain?.stop();
});

async function get(target: string, request: RawRequest = {}, { port } = worker) {
  const response = await sendRaw(port, { target, ...request });
  return { status: response.status, text: Buffer.from(response.body).toString() };
}
/** Sends a part of a body, and goes away. */
async function breakOff(
  port: number,
  target: string,
  headers: readonly (readonly [string, string])[],
  bytes = 100_000,
): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const lines = [`POST ${target} HTTP/1.1`, 'Host: h', ...headers.map(([name, value]) => `${name}: ${value}`)];
  const part = 'x'.repeat(bytes);
  const chunked = headers.some(([, value]) => value === 'chunked');
  socket.write(`${lines.join('\r\n')}\r\n\r\n${chunked ? `${part.length.toString(16)}\r\n${part}` : part}`);
  await sleep(100);
  socket.resetAndDestroy();
}

const json = async (target: string, request: RawRequest = {}) => JSON.parse((await get(target, request)).text);

describe.each(['at the top level', 'in the first request'])('with a boot %s', (when) => {
  const where = () => (when === 'at the top level' ? worker : plain);

  it('answers', async () => {
    expect(await get('/hello/%C3%A9?x', {}, where())).toEqual({ status: 200, text: 'Hello, /\u00e9' });
  });

  it('reads a body in pieces as it comes', async () => {
    const body = Array.from({ length: 100 }, () => new Uint8Array(10_000));
    const [total, reads] = JSON.parse((await get('/upload', { method: 'POST', body }, where())).text);
    expect([total, reads]).toEqual([1_000_000, 10]);
  });
});

describe('a view can wait', () => {
  it('for KV', async () => expect(await json('/kv?Ada')).toBe('Ada'));
  it('for D1', async () => expect([await json('/d1?a'), await json('/d1?b')]).toEqual([['a'], ['a', 'b']]));
  it('for R2', async () => expect(await json('/r2', { method: 'PUT', body: Buffer.from('stored') })).toBe('stored'));
  it('for fetch', async () => expect(await json('/fetch?x')).toEqual([203, 'from outside']));
  it('in turn with others', async () => {
    const names = ['a', 'b', 'c', 'd'];
    expect(await Promise.all(names.map((name) => json(`/kv?${name}`)))).toEqual(names);
  });
});

it('sees the objects of the Worker', async () => {
  expect(await json('/request?x')).toMatch(/^http:.*\/request\?x$/);
  expect(await json('/later')).toBe('now');
  let stored: string | undefined;
  for (let poll = 0; poll < 50 && stored !== 'later'; poll++) stored = await json('/stored');
  expect(stored).toBe('later');
});

it('closes the body of a client that goes away, and serves the next one', async () => {
  const before = await json('/closes');
  await sendRaw(worker.port, { target: '/endless', hangUpAfter: 100_000 });
  let closes = before;
  for (let poll = 0; poll < 50 && closes === before; poll++) {
    await sleep(20);
    closes = await json('/closes');
  }
  expect(closes).toBe(before + 1);
});

it('raises a ConnectionResetError in a read() of a body that breaks off', async () => {
  for (const headers of [[['Content-Length', '200000']], [['Transfer-Encoding', 'chunked']]] as const) {
    await breakOff(worker.port, '/break_off', headers);
    let broken: unknown;
    for (let poll = 0; poll < 50 && !broken; poll++) {
      await sleep(20);
      broken = await json('/broken_off');
    }
    expect(broken, String(headers)).toContain('ConnectionResetError');
  }
});

it.each([50, 100_000])('does not log a body that breaks off after %d bytes', async (bytes) => {
  await json('/log');
  for (const headers of [[['Content-Length', '200000']], [['Transfer-Encoding', 'chunked']]] as const)
    await breakOff(worker.port, '/upload', headers, bytes);
  await sleep(100);
  expect(await json('/log')).toEqual([]);
});

// Workers cancel a request as hung when it waits only for another request.
it('serves requests that wait for one whose client has gone while Python waits', async () => {
  for (let round = 0; round < 5; round++) {
    const before = await json('/closes');
    await sendRaw(worker.port, { target: '/ticking', hangUpAfter: 10 + round });
    const answers = await Promise.all(['/kv?a', '/kv?a', '/closes'].map((target) => json(target)));
    expect(answers.slice(0, 2)).toEqual(['a', 'a']);
    let closes = before;
    for (let poll = 0; poll < 50 && closes === before; poll++) closes = await json('/closes');
    expect(closes).toBe(before + 1);
  }
});

it('starts anew after a fatal error', async () => {
  expect((await get('/die')).status).toBe(500);
  expect(await json('/kv?alive')).toBe('alive');
});

it('derives keys with nodejs_compat, and says what is missing without', async () => {
  expect(await json('/passwords')).toEqual([
    pbkdf2Sync('password', 'salt', 2, 32, 'sha256').toString('hex'),
    scryptSync('password', 'NaCl', 64, { N: 1024, r: 8, p: 16 }).toString('hex'),
  ]);
  expect((await get('/passwords', {}, plain)).status).toBe(500);
});
