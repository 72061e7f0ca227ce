import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compress, conditional } from '../../middleware/index.js';
import { textToBytes } from '../../src/native-string.js';
import type { Application, HeaderList } from '../../src/types.js';
import { answering, get, requestTo } from './call.js';

const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };
const TEXT: HeaderList = [['Content-Type', 'text/plain']];
const long = 'abcdefgh '.repeat(500);
const accept = (value: string): HeaderList => [['Accept-Encoding', value]];

describe('compress', () => {
  it.each(Object.keys(decoders) as Array<keyof typeof decoders>)('makes %s', async (coding) => {
    const response = await get(compress()(answering(long, TEXT)), '/', accept(coding));
    expect([response.header('content-encoding'), response.header('vary')]).toEqual([coding, 'Accept-Encoding']);
    expect(decoders[coding](response.body).toString()).toBe(long);
    expect(response.header('content-length')).toBe(String(response.body.length));
    expect(response.body.length).toBeLessThan(200);
  });

  it.each<[accepted: string | undefined, coding: string | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip;q=0', undefined],
    ['*', 'zstd'],
    ['*;q=0', undefined],
    ['*, zstd;q=0', 'br'],
    ['gzip, br, zstd', 'zstd'],
    ['gzip;q=1, br;q=0.9', 'gzip'],
    ['gzip;q=0.5, identity;q=1', undefined],
    ['gzip;q=2', undefined],
    ['GZIP ; Q=0.8', 'gzip'],
    ['gzip;q=0.001', 'gzip'],
    [',,gzip', 'gzip'],
  ])('Accept-Encoding %j gives %j', async (accepted, coding) => {
    const response = await get(compress()(answering(long, TEXT)), '/', accepted === undefined ? [] : accept(accepted));
    expect([response.header('content-encoding'), response.header('vary')]).toEqual([coding, 'Accept-Encoding']);
  });

  it('flushes after each chunk of a stream, so that the client can read it', async () => {
    const app: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', TEXT);
      yield textToBytes('one');
      yield textToBytes('two');
    };
    for (const [coding, decode] of Object.entries({
      gzip: gunzipSync,
      br: brotliDecompressSync,
      zstd: zstdDecompressSync,
    })) {
      const { environ } = requestTo('/', accept(coding));
      const body = (await compress()(app)(environ, () => async () => {})) as AsyncIterable<Uint8Array>;
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      expect(chunks.length).toBe(3);
      expect(decode(Buffer.concat(chunks)).toString()).toBe('onetwo');
      const flush = { gzip: { finishFlush: 2 }, br: { finishFlush: 1 }, zstd: { finishFlush: 1 } }[coding];
      expect(decode(chunks[0] as Uint8Array, flush as object).toString(), coding).toBe('one');
    }
  });

  it.each<[string, HeaderList, string?, string?]>([
    ['short', TEXT, '200 OK', 'short'],
    ['of another type', [['Content-Type', 'image/png']]],
    ['without a type', []],
    ['of events', [['Content-Type', 'text/event-stream']]],
    ['encoded', [...TEXT, ['Content-Encoding', 'br']]],
    ['ranged', [...TEXT, ['Content-Range', 'bytes 0-9/99']], '206 Partial Content'],
    ['under no-transform', [...TEXT, ['Cache-Control', 'public, no-transform']]],
  ])('leaves a body alone that is %s', async (_, headers, status, body = long) => {
    const response = await get(compress()(answering(body, headers, status)), '/', accept('gzip'));
    expect([response.text(), response.header('vary')]).toEqual([body, undefined]);
  });

  it('makes a strong ETag weak, drops Accept-Ranges, and answers the 304 with the same tag and Vary', async () => {
    const app = compress()(conditional()(answering(long, [...TEXT, ['ETag', '"v1"']])));
    const first = await get(app, '/', accept('gzip'));
    expect([first.header('etag'), first.header('accept-ranges')]).toEqual(['W/"v1"', undefined]);
    const second = await get(app, '/', [...accept('gzip'), ['If-None-Match', 'W/"v1"']]);
    expect([second.code, second.header('etag'), second.header('vary')]).toEqual([304, 'W/"v1"', 'Accept-Encoding']);
    const plain = await get(app, '/', [['If-None-Match', '"v1"']]);
    expect([plain.code, plain.header('etag')]).toEqual([304, '"v1"']);
  });

  it('lets a file use its buffer again', async () => {
    const buffer = new Uint8Array(65_536);
    let block = 0;
    const app: Application = (environ, startResponse) => {
      startResponse('200 OK', TEXT);
      return environ['wsgi.file_wrapper']({ read: () => (block < 20 ? buffer.fill(block++) : null) });
    };
    const response = await get(compress()(app), '/', accept('gzip'));
    const blocks = Array.from({ length: 20 }, (_, i) => Buffer.alloc(65_536, i));
    expect(gunzipSync(response.body).equals(Buffer.concat(blocks))).toBe(true);
  });

  it('frees the compressor of a body that broke off, and breaks the response off', async () => {
    const app: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', TEXT);
      yield textToBytes('one');
      throw new Error('late');
    };
    await expect(get(compress()(app), '/', accept('gzip'))).rejects.toThrow('late');
  });

  it('refuses an encoding that it does not know', () => {
    expect(() => compress({ encodings: ['deflate' as never] })).toThrow('compress: "deflate" is not gzip, br or zstd');
  });
});

describe('compress without node:zlib', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it('compresses lists through CompressionStream, and leaves streams alone, which it could not flush', async () => {
    vi.stubGlobal('process', { ...process, getBuiltinModule: undefined });
    vi.resetModules();
    const fresh = await import('../../middleware/compress.js');
    const list = await get(fresh.compress()(answering(long, TEXT)), '/', accept('gzip'));
    expect([list.header('content-encoding'), gunzipSync(list.body).toString()]).toEqual(['gzip', long]);
    const stream: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', TEXT);
      yield textToBytes(long);
    };
    const left = await get(fresh.compress()(stream), '/', accept('gzip'));
    expect([left.header('content-encoding'), left.header('vary'), left.text()]).toEqual([
      undefined,
      'Accept-Encoding',
      long,
    ]);
  });
});
