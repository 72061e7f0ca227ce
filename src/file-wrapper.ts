import { nameOf, WsgiError } from './errors.js';
import type { FileSource } from './types.js';

const DEFAULT_BLOCK = 65_536; // bytes

/** The body that `wsgi.file_wrapper` makes: an iterable of blocks. If middleware has left it unchanged, a target may hand
 *  `source` to its platform by reference. PEP 3333, "Optional Platform-Specific File Handling".
 *  @throws {WsgiError} when `source` is not a `FileSource`, or `blockSize` is not a positive integer
 *  @example
 *  ```ts
 *  import type { Application } from 'wsgi-edge';
 *  import { callApp } from 'wsgi-edge/testing';
 *
 *  const app: Application = (environ, startResponse) => {
 *    startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *    return environ['wsgi.file_wrapper'](new Blob(['content']));
 *  };
 *  (await callApp(app)).text(); //=> 'content'
 *  ``` */
export class FileWrapper implements AsyncIterable<Uint8Array> {
  readonly source: FileSource;
  readonly blockSize: number;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #ended: Promise<void> | undefined;

  constructor(source: FileSource, blockSize = DEFAULT_BLOCK) {
    if (!(isReader(source) || isStream(source) || isBlob(source) || isIterable(source)))
      throw new WsgiError(
        `application: wsgi.file_wrapper takes { read(size) }, a ReadableStream, a Blob or a Readable, not ${nameOf(source)}`,
      );
    if (!Number.isInteger(blockSize) || blockSize <= 0)
      throw new WsgiError(`application: wsgi.file_wrapper takes a block size above 0 bytes, not ${blockSize}`);
    this.source = source;
    this.blockSize = blockSize;
  }

  /** The length in bytes, if the source has it. */
  get size(): number | undefined {
    return isBlob(this.source) ? this.source.size : undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void> {
    const { source } = this;
    const blocks = this.#blocks();
    return {
      next: () => blocks.next(),
      // A generator that waits for bytes can't be ended, so end its stream, which ends the wait. close() follows and
      // reports a failure.
      return: async () => {
        if (isStream(source) || isBlob(source) || 'destroy' in source) await this.#endSource().catch(() => {});
        return blocks.return();
      },
    };
  }

  /** Closes the source once, by its `close()`, `destroy()` or `cancel()`. */
  close(): Promise<void> {
    return this.#endSource();
  }

  // Middleware may have set its own close() on this object.
  #endSource(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async *#blocks(): AsyncGenerator<Uint8Array, void> {
    const { source, blockSize } = this;
    if (isStream(source)) yield* this.#readStream(source);
    else if (isBlob(source)) yield* this.#readStream(source.stream());
    else if (isIterable(source)) yield* source;
    else {
      for (;;) {
        const block = await source.read(blockSize);
        // The gateway refuses a block that is not bytes.
        if (block === null || block?.length === 0) return;
        yield block;
      }
    }
  }

  async #end(): Promise<void> {
    const { source } = this;
    const reader = this.#reader;
    // The iterator is blocked by a read that waits for bytes; only its reader can end that.
    if (reader !== undefined) await reader.cancel();
    else if (isStream(source)) {
      // If the stream is still locked, its reader will end it.
      if (!source.locked) await source.cancel();
    } else if ('destroy' in source && typeof source.destroy === 'function') source.destroy();
    else if ('close' in source) await source.close?.();
  }

  // The asynchronous iterator of streams is missing in Safari and in older runtimes.
  async *#readStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    const reader = stream.getReader();
    this.#reader = reader;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    } finally {
      this.#reader = undefined;
      // This does nothing if the stream has ended.
      await reader.cancel();
      reader.releaseLock();
    }
  }
}

/** Wraps a stream that an application returned as its body; undefined for another body. */
export function asFile(body: unknown): FileWrapper | undefined {
  if (body instanceof FileWrapper) return undefined;
  return isStream(body) || (isIterable(body) && 'destroy' in body) ? new FileWrapper(body as FileSource) : undefined;
}

/** Tells if a value is a web ReadableStream, from any realm or implementation. */
export function isStream(source: unknown): source is ReadableStream<Uint8Array> {
  return typeof (source as ReadableStream | null)?.getReader === 'function';
}

/** Tells if a value is a Blob, from any realm or implementation. */
export function isBlob(source: unknown): source is Blob {
  const blob = source as Blob | null;
  return typeof blob?.arrayBuffer === 'function' && typeof blob.stream === 'function' && typeof blob.size === 'number';
}

// A Node Readable has read(size) too, but returns null while it waits for data. It must be iterated.
function isIterable(source: unknown): source is AsyncIterable<Uint8Array> {
  return typeof (source as AsyncIterable<Uint8Array> | null)?.[Symbol.asyncIterator] === 'function';
}

function isReader(source: unknown): source is { read(size: number): Uint8Array | null } {
  return typeof (source as { read?: unknown } | null)?.read === 'function';
}
