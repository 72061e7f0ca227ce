import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ClientDisconnected } from '../src/errors.js';
import {
  bytesSource,
  createInputStream,
  type InputSource,
  inputStream,
  shareStream,
  streamSource,
} from '../src/input-stream.js';
import { bytesToText, textToBytes } from '../src/native-string.js';
import type { InputStream } from '../src/types.js';
import { testEnviron } from '../testing/app.js';

function chunked(...chunks: string[]): InputSource & { pulls: number; cancelled: unknown[] } {
  const left = chunks.map((chunk) => textToBytes(chunk));
  return {
    pulls: 0,
    cancelled: [],
    async pull() {
      this.pulls++;
      return left.shift() ?? null;
    },
    async cancel(reason) {
      this.cancelled.push(reason);
    },
  };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const text = async (bytes: Promise<Uint8Array>) => bytesToText(await bytes);
const all = async (lines: Promise<Uint8Array[]>) => (await lines).map(bytesToText);

describe('wsgi.input', () => {
  it('touches nothing before the first read, and nothing for no bytes', async () => {
    const source = chunked('abc');
    const input = createInputStream(source);
    expect(await text(input.read(0))).toBe('');
    expect(await text(input.readline(0))).toBe('');
    expect(source.pulls).toBe(0);
  });

  it('reads exactly as many bytes as asked for, across chunks, until the end', async () => {
    const input = createInputStream(chunked('ab', '', 'cdef', 'g'));
    expect(await text(input.read(3))).toBe('abc');
    expect(await text(input.read(1))).toBe('d');
    expect(await text(input.read(9))).toBe('efg');
    expect(await text(input.read(1))).toBe('');
    expect(await text(input.read())).toBe('');
    expect(await text(input.readline())).toBe('');
    expect(await all(input.readlines())).toEqual([]);
  });

  it.each([undefined, null, -1])('reads all that is left with size %s', async (size) => {
    const input = createInputStream(chunked('ab', 'cd'));
    await input.read(1);
    expect(await text(input.read(size))).toBe('bcd');
  });

  it('joins small chunks, so that they take no more memory than their bytes', async () => {
    const bytes = textToBytes('0123456789'.repeat(2000));
    const chunks = Array.from(bytes, (byte) => new Uint8Array([byte]));
    const input = createInputStream({ pull: async () => chunks.shift() ?? null, cancel: async () => {} });
    const made = vi.spyOn(Uint8Array.prototype, 'subarray');
    await input.read(1);
    // Everything comes before the end of the line is found.
    await input.readline();
    const blocks = new Set(made.mock.results.map(({ value }) => value.buffer));
    made.mockRestore();
    expect(blocks.size).toBeLessThan(8);
  });

  it('searches a long line no further than the size asked for', async () => {
    let searched = 0;
    const bytes = new Uint8Array(65_536).fill(97);
    const counted = (chunk: Uint8Array): Uint8Array => {
      const { subarray } = chunk;
      return Object.defineProperties(chunk, {
        indexOf: {
          value(byte: number) {
            searched += this.length;
            return Uint8Array.prototype.indexOf.call(this, byte);
          },
        },
        subarray: { value: (from: number, to?: number) => counted(subarray.call(chunk, from, to)) },
      });
    };
    const left = [counted(bytes)];
    const input = createInputStream({ pull: async () => left.shift() ?? null, cancel: async () => {} });
    let read = 0;
    for (let line = await input.readline(16); line.length > 0; line = await input.readline(16)) read += line.length;
    expect(read).toBe(65_536);
    expect(searched).toBe(65_536);
  });

  it('pulls no further than it needs', async () => {
    for (const ask of ['read', 'readline'] as const)
      for (const size of [2, 3]) {
        const source = chunked('abc', 'def');
        await createInputStream(source)[ask](size);
        expect([ask, size, source.pulls]).toEqual([ask, size, 1]);
      }
  });

  it('copies nothing that lies within one chunk', async () => {
    const chunk = textToBytes('abcdef');
    const chunks = [chunk, new Uint8Array(0)];
    const input = createInputStream({ pull: async () => chunks.shift() ?? null, cancel: async () => {} });
    for (const size of [2, 4]) expect((await input.read(size)).buffer).toBe(chunk.buffer);
    expect((await input.read()).length).toBe(0);
  });

  it('reads lines, split at LF alone', async () => {
    const input = createInputStream(chunked('a\r\nb', 'c', 'd\n\ne\rf'));
    expect(await text(input.readline())).toBe('a\r\n');
    expect(await text(input.readline(2))).toBe('bc');
    expect(await text(input.readline(99))).toBe('d\n');
    expect(await text(input.readline())).toBe('\n');
    expect(await text(input.readline())).toBe('e\rf');
    expect(await text(input.readline())).toBe('');
  });

  it('reads lines up to a hint', async () => {
    const input = createInputStream(chunked('aa\nbb\ncc\n', 'dd'));
    expect(await all(input.readlines(4))).toEqual(['aa\n', 'bb\n']);
    expect(await all(input.readlines())).toEqual(['cc\n', 'dd']);
  });

  it('iterates over lines', async () => {
    const lines: string[] = [];
    for await (const line of createInputStream(chunked('a\nb', 'c\n', 'd'))) lines.push(bytesToText(line));
    expect(lines).toEqual(['a\n', 'bc\n', 'd']);
  });

  it('gives the bytes of overlapping calls in the order of the calls', async () => {
    const input = createInputStream(chunked('ab', 'cd', 'ef'));
    const reads = [input.read(1), input.read(3), input.readline(), input.read()];
    expect((await Promise.all(reads)).map(bytesToText)).toEqual(['a', 'bcd', 'ef', '']);
  });

  it('agrees with a plain buffer however the body is chunked and read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 6 })),
        fc.array(fc.tuple(fc.constantFrom('read', 'readline'), fc.integer({ min: -1, max: 7 }))),
        async (chunks, calls) => {
          const input = createInputStream(chunked(...chunks));
          let rest = chunks.join('');
          for (const [method, size] of calls) {
            const line = method === 'readline' ? (/^[^\n]*\n?/.exec(rest)?.[0] ?? '') : rest;
            const expected = size < 0 ? line : line.slice(0, size);
            rest = rest.slice(expected.length);
            expect(await text(input[method as 'read' | 'readline'](size))).toBe(expected);
          }
          expect(await text(input.read())).toBe(rest);
        },
      ),
    );
  });

  it.each([1.5, Number.NaN, '3', {}])('refuses the size %s', (size) => {
    const input = createInputStream(chunked('abc'));
    expect(() => input.read(size as number)).toThrow(/application: wsgi.input takes a size in whole bytes/);
  });

  it('says what came for a size', () => {
    const input = createInputStream(chunked('abc'));
    expect(() => input.read(1.5)).toThrow('whole bytes, not 1.5');
    expect(() => input.readlines('3' as never)).toThrow('whole bytes, not a string');
  });

  it('fails again without asking the platform again', async () => {
    const source = chunked('abc');
    const input = createInputStream(source, 5);
    await expect(input.read()).rejects.toThrow(ClientDisconnected);
    await expect(input.readline()).rejects.toThrow(ClientDisconnected);
    expect(source.pulls).toBe(2);
  });

  it('gives Uint8Arrays, not Buffers', async () => {
    const input = createInputStream(bytesSource(Buffer.from('abcdef')));
    for (const size of [2, undefined]) expect((await input.read(size)).constructor).toBe(Uint8Array);
    const [chunk] = [new Uint8Array(3)];
    expect(await createInputStream(bytesSource(chunk as Uint8Array)).read()).toBe(chunk);
  });

  it('rejects with ClientDisconnected when the body ends early, every time', async () => {
    const input = createInputStream(chunked('abc'), 5);
    expect(await text(input.read(2))).toBe('ab');
    await expect(input.read()).rejects.toThrow(/client: the request body ended after 3 of 5 bytes/);
    await expect(input.read()).rejects.toBeInstanceOf(ClientDisconnected);
  });

  it('rejects with ClientDisconnected when the platform stream breaks', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error('Network connection lost.'));
      },
    });
    const input = createInputStream(streamSource(() => broken));
    const error: unknown = await input.read().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClientDisconnected);
    expect(error).toMatchObject({
      message: 'client: the request body broke off',
      cause: { message: 'Network connection lost.' },
    });
  });

  it.each<[string, (input: InputStream) => Promise<Uint8Array>]>([
    ['read()', (input) => input.read()],
    ['readline()', (input) => input.readline()],
  ])('holds no chunk of a body that comes byte by byte: %s', async (_, call) => {
    const COUNT = 20_000;
    const chunks: WeakRef<ArrayBufferLike>[] = [];
    let alive = COUNT;
    const input = createInputStream({
      async pull() {
        if (chunks.length === COUNT) {
          // A WeakRef keeps its target until the end of the turn in which it was made.
          await new Promise((resolve) => setImmediate(resolve));
          collectGarbage();
          alive = chunks.filter((chunk) => chunk.deref() !== undefined).length;
          return null;
        }
        const chunk = new Uint8Array(1).fill(97 + (chunks.length % 26));
        chunks.push(new WeakRef(chunk.buffer));
        return chunk;
      },
      cancel: async () => {},
    });
    const body = await call(input);
    expect(bytesToText(body)).toBe('abcdefghijklmnopqrstuvwxyz'.repeat(COUNT / 26 + 1).slice(0, COUNT));
    expect(alive).toBeLessThan(COUNT / 100);
  });

  it('reads a stream of bytes into buffers of the size that is of use, and holds none for a few bytes', async () => {
    const sizes: (number | undefined)[] = [];
    const pieces = [50_000, 65_536, 10];
    const stream = new ReadableStream({
      type: 'bytes',
      pull(controller) {
        const { byobRequest } = controller;
        sizes.push(byobRequest?.view?.byteLength);
        const piece = pieces.shift() ?? 0;
        if (piece === 0) controller.close();
        byobRequest?.respond(piece);
      },
    });
    const source = streamSource(() => stream);
    expect((await source.pull(50_000))?.length).toBe(50_000);
    expect((await source.pull(1e9))?.length).toBe(65_536);
    const few = await source.pull();
    expect([few?.length, few?.buffer.byteLength]).toEqual([10, 10]);
    expect(await source.pull(-1)).toBeNull();
    expect(sizes).toEqual([50_000, 65_536, 65_536, 1]);
  });

  it('is empty where the platform has no stream', async () => {
    const source = streamSource(() => null);
    const input = createInputStream(source);
    expect(await text(input.read())).toBe('');
    await expect(source.cancel('enough')).resolves.toBeUndefined();
  });
});

function wrapped(input: InputStream): InputStream {
  const wrapper: InputStream = {
    read: (size) => input.read(size),
    readline: (size) => input.readline(size),
    readlines: (hint) => input.readlines(hint),
    [Symbol.asyncIterator]: () => input[Symbol.asyncIterator](),
  };
  shareStream(wrapper, input);
  return wrapper;
}

describe('inputStream', () => {
  it('gives bytes as they come, and what has been pulled already first', async () => {
    for (const wrap of [(input: InputStream) => input, wrapped]) {
      const source = chunked('ab', 'c', '', 'de');
      const input = createInputStream(source);
      const environ = testEnviron({ 'wsgi.input': wrap(input) });
      await input.read(1);
      const reader = inputStream(environ).getReader();
      const next = async () => bytesToText((await reader.read()).value ?? textToBytes('end'));
      expect([await next(), source.pulls]).toEqual(['b', 1]);
      expect([await next(), source.pulls]).toEqual(['c', 2]);
      expect([await next(), await next()]).toEqual(['de', 'end']);
    }
  });

  const collect = async (stream: ReadableStream<Uint8Array>) => new Response(stream).text();

  it("is the platform's own stream while it is untouched", () => {
    const own = new ReadableStream<Uint8Array>();
    const environ = testEnviron({ 'wsgi.input': createInputStream(streamSource(() => own)) });
    expect(inputStream(environ)).toBe(own);
  });

  it('is what is left of a body that has been read from', async () => {
    const body = new Response('abcdef').body;
    const environ = testEnviron({ 'wsgi.input': createInputStream(streamSource(() => body)) });
    expect(await text(environ['wsgi.input'].read(2))).toBe('ab');
    expect(await collect(inputStream(environ))).toBe('cdef');
  });

  it('reads a wsgi.input that middleware has put in place', async () => {
    const environ = testEnviron();
    environ['wsgi.input'] = createInputStream(bytesSource(textToBytes('replaced')));
    expect(await collect(inputStream(environ))).toBe('replaced');
  });

  it('gives the platform stream to one caller only', async () => {
    const body = new Response('abc').body;
    const environ = testEnviron({ 'wsgi.input': createInputStream(streamSource(() => body)) });
    expect(inputStream(environ)).toBe(body);
    expect(inputStream(environ)).not.toBe(body);
  });

  it('leaves nothing to wsgi.input where it gave the stream of the platform away', async () => {
    const input = createInputStream(streamSource(() => new Response('abc').body));
    inputStream(testEnviron({ 'wsgi.input': input }));
    await expect(input.read()).rejects.toThrow(
      'application: wsgi.input was read after inputStream() had taken its stream',
    );
  });

  it('finds the stream behind a wsgi.input that wraps another one', async () => {
    const body = new Response('abc').body;
    const inner = createInputStream(streamSource(() => body));
    const environ = testEnviron({ 'wsgi.input': wrapped(inner) });
    expect(inputStream(environ)).toBe(body);
    expect(inputStream({ ...environ, 'wsgi.input': inner })).not.toBe(body);
    expect(await collect(inputStream(testEnviron({ 'wsgi.input': wrapped(createInputStream(chunked('abc'))) })))).toBe(
      'abc',
    );
  });

  it('asks the platform for nothing before it is read', async () => {
    const source = chunked('abc');
    inputStream(testEnviron({ 'wsgi.input': createInputStream(source) }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.pulls).toBe(0);
  });

  it('cancels the stream of the platform, bytes, and what can not be cancelled', async () => {
    const reasons: unknown[] = [];
    const own = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(textToBytes('abc'));
      },
      cancel(reason) {
        reasons.push(reason);
      },
    });
    const input = createInputStream(streamSource(() => own));
    await input.read(1);
    await inputStream(testEnviron({ 'wsgi.input': input })).cancel('enough');
    expect(reasons).toEqual(['enough']);

    const source = bytesSource(textToBytes('abc'));
    await source.cancel('enough');
    expect(await source.pull()).toBeNull();

    const { read, readline, readlines, ...rest } = createInputStream(chunked('abc'));
    const replaced = testEnviron({ 'wsgi.input': { read, readline, readlines, ...rest } });
    await expect(inputStream(replaced).cancel()).resolves.toBeUndefined();
  });

  it('hands a cancellation on', async () => {
    const source = chunked('abc');
    const environ = testEnviron({ 'wsgi.input': createInputStream(source) });
    await inputStream(environ).cancel('enough');
    expect(source.cancelled).toEqual(['enough']);
  });
});
