import { Readable } from 'node:stream';
import { describe, expect, it, test } from 'vitest';
import { FileWrapper } from '../src/file-wrapper.js';
import { bytesToText, textToBytes } from '../src/native-string.js';
import type { Application, FileSource } from '../src/types.js';
import { callApp } from '../testing/app.js';

function reader(text: string) {
  let left = textToBytes(text);
  return {
    sizes: [] as number[],
    closed: 0,
    read(size: number) {
      this.sizes.push(size);
      const block = left.subarray(0, size);
      left = left.subarray(size);
      return block;
    },
    close() {
      this.closed++;
    },
  };
}

const serving =
  (source: FileSource, headers: [string, string][] = []): Application =>
  (environ, startResponse) => {
    startResponse('200 OK', headers);
    return environ['wsgi.file_wrapper'](source, 4);
  };

describe('wsgi.file_wrapper', () => {
  it('reads a file-like object in blocks and closes it once', async () => {
    const file = reader('abcdefghij');
    expect((await callApp(serving(file))).text()).toBe('abcdefghij');
    expect(file.sizes).toEqual([4, 4, 4, 4]);
    expect(file.closed).toBe(1);
  });

  it.each([
    ['a Blob', () => new Blob(['abcdefghij'])],
    ['a ReadableStream', () => new Response('abcdefghij').body as ReadableStream<Uint8Array>],
    ['a Readable', () => Readable.from([textToBytes('abcde'), textToBytes('fghij')])],
    ['a read() that gives a promise', () => ({ read: async (size: number) => reads.read(size) })],
  ])('serves %s', async (_, source) => {
    expect((await callApp(serving(source()))).text()).toBe('abcdefghij');
  });
  const reads = reader('abcdefghij');

  it('sets Content-Length where the source tells its size', async () => {
    const { headers } = await callApp(serving(new Blob(['abc'])));
    expect(headers).toEqual([['Content-Length', '3']]);
  });

  it('is cut at the Content-Length of the application, and closed', async () => {
    const file = reader('abcdefghij');
    expect((await callApp(serving(file, [['Content-Length', '6']]))).text()).toBe('abcdef');
    expect(file.closed).toBe(1);
    expect((await callApp(serving(new Blob(['abcdef']), [['Content-Length', '2']]))).text()).toBe('ab');
  });

  it('destroys a Readable and cancels a stream that it has not read to the end', async () => {
    const readable = Readable.from([textToBytes('a'), textToBytes('b')]);
    await new FileWrapper(readable).close();
    expect(readable.destroyed).toBe(true);
    let reason: unknown;
    const stream = new ReadableStream<Uint8Array>({
      cancel(given) {
        reason = given ?? 'cancelled';
      },
    });
    await new FileWrapper(stream).close();
    expect(reason).toBe('cancelled');
  });

  // Safari and older runtimes have no asynchronous iteration over streams.
  const plainStream = (source: UnderlyingDefaultSource<Uint8Array>) =>
    Object.defineProperty(new ReadableStream<Uint8Array>(source), Symbol.asyncIterator, { value: undefined });

  it('reads a stream that is not iterable, and lets go of it', async () => {
    const stream = plainStream({
      start(controller) {
        controller.enqueue(textToBytes('abc'));
        controller.enqueue(textToBytes('def'));
        controller.close();
      },
    });
    expect((await callApp(serving(stream))).text()).toBe('abcdef');
    expect(stream.locked).toBe(false);
  });

  it('cancels a stream that is left early, and one that has ended not', async () => {
    const cancelled: unknown[] = [];
    const source = {
      pull(controller: ReadableStreamDefaultController<Uint8Array>) {
        controller.enqueue(textToBytes('abc'));
      },
      cancel: (reason: unknown) => {
        cancelled.push(reason);
      },
    };
    const stream = plainStream(source);
    expect((await callApp(serving(stream, [['Content-Length', '4']]))).text()).toBe('abca');
    expect([cancelled.length, stream.locked]).toEqual([1, false]);
    const whole = plainStream({
      start(controller) {
        controller.close();
      },
    });
    const { cancel } = whole;
    let calls = 0;
    whole.cancel = (reason) => {
      calls++;
      return cancel.call(whole, reason);
    };
    for await (const _ of new FileWrapper(whole));
    expect(calls).toBe(0);
  });

  it('leaves a stream that somebody else reads to them', async () => {
    const stream = new ReadableStream<Uint8Array>();
    stream.getReader();
    await expect(new FileWrapper(stream).close()).resolves.toBeUndefined();
  });

  it('ends a file at null, and one without close() by itself', async () => {
    const blocks = [textToBytes('a'), null];
    expect((await callApp(serving({ read: () => blocks.shift() ?? null }))).text()).toBe('a');
    const iterable = {
      async *[Symbol.asyncIterator]() {
        yield textToBytes('a');
      },
    };
    for (const source of [{ read: () => null }, { read: () => null, destroy: 'none' }, iterable])
      await expect(new FileWrapper(source as FileSource).close()).resolves.toBeUndefined();
  });

  it('prefers iteration to the read() of a Readable', async () => {
    const iterated: string[] = [];
    const iterable = {
      // A Readable gives null when it has nothing yet.
      read: () => null,
      async *[Symbol.asyncIterator]() {
        yield textToBytes('abc');
      },
    };
    for await (const block of new FileWrapper(iterable)) iterated.push(bytesToText(block));
    expect(iterated).toEqual(['abc']);
  });

  it.each([
    ['without a size', { arrayBuffer() {}, stream() {} }],
    ['without a stream', { arrayBuffer() {}, size: 1 }],
  ])('takes no object %s for a Blob', (_, object) => {
    expect(() => new FileWrapper(object as never)).toThrow(/wsgi\.file_wrapper takes/);
  });

  it('is an iterable for middleware', async () => {
    const upper: Application = (environ, startResponse) => {
      const body = serving(reader('abcdefghij'))(environ, startResponse) as AsyncIterable<Uint8Array>;
      return (async function* () {
        for await (const block of body) yield textToBytes(`${bytesToText(block).toUpperCase()} `);
      })();
    };
    expect((await callApp(upper)).text()).toBe('ABCD EFGH IJ ');
  });

  test.each([[null], ['text'], [5], [{}], [new Uint8Array(3)]])('refuses %j as a source', (source) => {
    expect(() => new FileWrapper(source as never)).toThrow(/wsgi\.file_wrapper takes \{ read\(size\) \}/);
  });

  test.each([0, -1, 1.5])('refuses a block of %s bytes', (size) => {
    expect(() => new FileWrapper(new Blob([]), size)).toThrow(/block size above 0 bytes/);
  });
});
