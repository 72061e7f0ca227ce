// Requests of each kind, for runs that look for leaks.

import { fromPython, type PythonAssets, pythonMiddleware } from '../../python/index.js';
import { ClientDisconnected } from '../../src/errors.js';
import { bytesSource, createInputStream } from '../../src/input-stream.js';
import type { Application, Environ } from '../../src/types.js';
import { callApp, testEnviron } from '../../testing/index.js';

/** Sends one request, and throws if the answer is wrong. */
export type Ask = () => Promise<void>;

const KB10 = new Uint8Array(10_240).fill(65);
const silent = { write: () => {}, writelines: () => {}, flush: () => {} };
const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Asks an application, and throws if it gives another answer. */
export async function expectAnswer(app: Application, overrides: Partial<Environ>, status: number, text?: string) {
  const response = await callApp(app, testEnviron({ 'wsgi.errors': silent, ...overrides }));
  const { status: is } = response;
  if (Number.parseInt(is, 10) !== status || (text !== undefined && response.text() !== text))
    throw new Error(`answered ${is}, ${JSON.stringify(response.text())}; expected ${status}, ${text}`);
}

/** A request body that arrives in pieces. The client goes away at its end unless `whole`. */
const streamed = (pieces: number, whole = true, length?: number): Partial<Environ> => {
  let left = pieces;
  const pull = async () => {
    await tick();
    if (left-- > 0) return KB10;
    if (whole) return null;
    throw new ClientDisconnected();
  };
  return {
    REQUEST_METHOD: 'POST',
    ...(length === undefined ? {} : { CONTENT_LENGTH: String(length) }),
    'wsgi.input': createInputStream({ pull, cancel: async () => {} }, length),
  };
};

/** Wraps an application so that its client goes away after two chunks. */
const leaving =
  (app: Application, gone: AbortController): Application =>
  async (environ, startResponse) => {
    const body = (await app(environ, startResponse)) as AsyncIterable<Uint8Array> & { close(): Promise<void> };
    let chunks = 0;
    return {
      async *[Symbol.asyncIterator]() {
        for await (const chunk of body) {
          if (++chunks === 2) gone.abort(new ClientDisconnected());
          yield chunk;
        }
      },
      close: () => body.close(),
    };
  };

/** @param assets  have the applications of apps/kinds.py */
export function kindsOf(assets: PythonAssets): Record<string, Ask> {
  const python = (name: string) => fromPython(assets, { application: `kinds:${name}` });
  const asks =
    (app: Application, status: number, text?: string, overrides: () => Partial<Environ> = () => ({})): Ask =>
    () =>
      expectAnswer(app, overrides(), status, text);
  const validated = pythonMiddleware(assets, 'wsgiref.validate:validator');
  const encoder = new TextEncoder();

  return {
    plain: asks(python('plain'), 200, 'plain'),
    generator: asks(python('generator'), 200, 'piecepiecepiece'),
    'a body of 10 KB': asks(python('upload'), 200, '10240', () => ({
      REQUEST_METHOD: 'POST',
      CONTENT_LENGTH: '10240',
      'wsgi.input': createInputStream(bytesSource(KB10)),
    })),
    'a streamed body': asks(python('upload'), 200, '102400', () => streamed(10, true, 102_400)),
    'a streamed body of unknown length, by line': asks(python('by_line'), 200, undefined, () => streamed(2)),
    'a client that leaves while it sends': asks(python('upload'), 500, undefined, () => streamed(2, false, 102_400)),
    'a client that leaves while it receives': async () => {
      const gone = new AbortController();
      const app = leaving(python('generator'), gone);
      const left = await callApp(app, testEnviron({ 'wsgi_edge.signal': gone.signal })).catch(
        (error: unknown) => error,
      );
      if (!(left instanceof ClientDisconnected)) throw new Error(`the client has not left: ${left}`);
    },
    'an exception': asks(python('raises'), 500),
    'an exception after the first chunk': async () => {
      const broken = await callApp(python('breaks_off'), testEnviron({ 'wsgi.errors': silent })).catch(String);
      if (!String(broken).includes('ValueError')) throw new Error(`not broken off: ${broken}`);
    },
    exc_info: asks(python('recovers'), 500, 'sorry'),
    'a header that is refused': asks(python('refused'), 500),
    'a promise that is waited for': asks(python('waits'), 200, '41', () => ({
      'test.wait': async () => {
        await tick();
        return { number: 41 };
      },
    })),
    'a promise that is rejected': asks(python('rejected'), 200, 'of JavaScript', () => ({
      'test.reject': async () => {
        await tick();
        throw new TypeError('of JavaScript');
      },
    })),
    'wait_until and signal': asks(python('background'), 204, '', () => ({
      'test.wait': async () => ({ number: 1 }),
    })),
    'write()': asks(python('writes'), 200, 'written twice returned'),
    'wsgi.file_wrapper': asks(python('file'), 200, 'x'.repeat(20_000)),
    'middleware of Python around TypeScript': asks(
      validated(async (environ, startResponse) => {
        const body = await environ['wsgi.input'].read();
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return [body];
      }),
      200,
      'abc',
      () => ({
        REQUEST_METHOD: 'POST',
        CONTENT_LENGTH: '3',
        'wsgi.input': createInputStream(bytesSource(encoder.encode('abc'))),
      }),
    ),
    'the same, around a generator': asks(
      validated(async function* (_environ, startResponse) {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        yield encoder.encode('a');
        yield encoder.encode('b');
      }),
      200,
      'ab',
    ),
  };
}
