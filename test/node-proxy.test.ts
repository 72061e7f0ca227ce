// A proxy whose upstream stalls after its first byte, and whose client then leaves: the upstream must be let go.
import { createServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromFetchHandler } from '../src/fetch/application.js';
import type { Application, Body, Environ } from '../src/types.js';
import { serve } from '../targets/node/index.js';

let upstreamUrl = '';
let stalled: Promise<void>[] = [];
const upstream = createServer((_, res) => {
  stalled.push(new Promise((resolve) => res.on('close', resolve)));
  res.write('x');
});

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`;
});
afterAll(() => {
  upstream.close();
  upstream.closeAllConnections();
});
beforeEach(() => {
  stalled = [];
  // The release must not wait for a timer of the gateway. Node's own timers go on.
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
});
afterEach(() => vi.useRealTimers());

const body = async (signal?: AbortSignal) => (await fetch(upstreamUrl, signal ? { signal } : {})).body as never as Body;
const readable = () => new Promise<IncomingMessage>((resolve) => get(upstreamUrl, resolve));

/** An application that answers with a body. */
const answering =
  (makeBody: (environ: Environ) => unknown): Application =>
  async (environ, startResponse) => {
    startResponse('200 OK', []);
    return (await makeBody(environ)) as Body;
  };

const proxies: Array<[string, Application]> = [
  ['return response.body', answering(() => body())],
  [
    'wsgi.file_wrapper(response.body)',
    answering(async (environ) => environ['wsgi.file_wrapper']((await body()) as never)),
  ],
  ['fromFetchHandler(() => fetch(upstream))', fromFetchHandler(() => fetch(upstreamUrl))],
  [
    'fromFetchHandler(), a Node Readable made a web stream',
    fromFetchHandler(async () => new Response(Readable.toWeb(await readable()) as ReadableStream)),
  ],
  ['return a Node Readable', answering(readable)],
  ['wsgi.file_wrapper(a Node Readable)', answering(async (environ) => environ['wsgi.file_wrapper'](await readable()))],
  ['fetch with wsgi_edge.signal', answering((environ) => body(environ['wsgi_edge.signal']))],
];

describe('a client that leaves while the upstream stalls', () => {
  it.each(proxies)('lets go of the upstream: %s', async (_, app) => {
    const logged: string[] = [];
    const server = await serve(app, { errors: (line) => logged.push(line) });
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await new Promise<void>((resolve) => {
      let answer = '';
      client.on('data', (data) => {
        answer += data;
        if (answer.includes('\r\n\r\n1\r\nx')) resolve();
      });
    });
    client.destroy();
    await stalled[0];
    expect([stalled.length, logged]).toEqual([1, []]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('lets go of an upstream that answers after the client has left', async () => {
    const server = await serve(async (environ, startResponse) => {
      client.destroy();
      await new Promise((resolve) => environ['wsgi_edge.signal'].addEventListener('abort', resolve));
      startResponse('200 OK', []);
      return body();
    });
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await expect.poll(() => stalled.length).toBe(1);
    await stalled[0];
    await new Promise((resolve) => server.close(resolve));
  });
});
