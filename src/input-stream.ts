import { BodyTooLarge, ClientDisconnected, nameOf, WsgiError } from './errors.js';
import type { Environ, InputStream } from './types.js';

const EMPTY = new Uint8Array(0);
const LF = 10;
const BLOCK = 65_536; // bytes

/** What `wsgi.input` reads from. Nothing of it is called before the first read. */
export interface InputSource {
  /** The next bytes, an empty array included, or null at the end.
   *  @param size  how many are of use, where that is known; a source may give more or less */
  pull(size?: number): Promise<Uint8Array | null>;
  /** Tells the platform that nobody will read the rest. */
  cancel(reason: unknown): Promise<void>;
  /** The platform's own stream of the same bytes, where it has one. */
  stream?(): ReadableStream<Uint8Array> | null;
}

// What `inputStream` finds behind a `wsgi.input` of the gateway's.
const PLATFORM = Symbol('platform');

interface Platform {
  /** The platform's own stream, once, while nobody has read. */
  takeStream(): ReadableStream<Uint8Array> | null;
  arrived(): Promise<Uint8Array>;
  cancel(reason: unknown): Promise<void>;
}

type OwnInput = InputStream & { [PLATFORM]?: Platform | undefined };

/** `wsgi.input` over a pull function. Calls may overlap; they are served in order.
 *  @param length  the bytes promised by CONTENT_LENGTH, where it is known
 *  @param maxBody  the most bytes that it reads; `read` rejects with `BodyTooLarge` beyond them
 *  PEP 3333, "Input and Error Streams". */
export function createInputStream(
  source: InputSource,
  length?: number,
  maxBody = Number.POSITIVE_INFINITY,
): InputStream {
  let touched = false;
  let taken = false; // inputStream() has given the platform's own stream away
  let turn: Promise<unknown> = Promise.resolve();
  let made: Reader | undefined; // when it is read, which most requests are not

  // One call at a time: two that overlap must not both take the same bytes.
  const inTurn = <T>(task: (reader: Reader) => Promise<T>): Promise<T> => {
    touched = true;
    const result = turn.then(() => {
      if (taken)
        throw new WsgiError(
          'application: wsgi.input was read after inputStream() had taken its stream; read one of the two',
        );
      made ??= createReader(source, length, maxBody);
      return task(made);
    });
    turn = result.catch(() => {});
    return result;
  };

  const stream: OwnInput = {
    read: (size) => {
      const limit = toLimit(size);
      return limit === 0 ? Promise.resolve(EMPTY) : inTurn((reader) => reader.read(limit));
    },
    readline: (size) => {
      const limit = toLimit(size);
      return limit === 0 ? Promise.resolve(EMPTY) : inTurn((reader) => reader.readline(limit));
    },
    readlines: (hint) => {
      const limit = toLimit(hint) || Number.POSITIVE_INFINITY;
      return inTurn(async (reader) => {
        const lines: Uint8Array[] = [];
        for (let total = 0; total < limit; ) {
          const line = await reader.readline(Number.POSITIVE_INFINITY);
          if (line.length === 0) break;
          total += line.length;
          lines.push(line);
        }
        return lines;
      });
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const line = await stream.readline();
        if (line.length === 0) return;
        yield line;
      }
    },
    [PLATFORM]: {
      takeStream() {
        // The platform's own stream knows no limit but the length that it was promised.
        if (touched || (maxBody !== Number.POSITIVE_INFINITY && length === undefined)) return null;
        const own = source.stream?.() ?? null;
        taken = own !== null;
        touched = taken;
        return own;
      },
      arrived: () => inTurn((reader) => reader.arrived()),
      cancel(reason) {
        touched = true;
        return source.cancel(reason);
      },
    },
  };
  return stream;
}

interface Reader {
  /** Up to `limit` bytes. */
  read(limit: number): Promise<Uint8Array>;
  /** A line, or `limit` bytes of it. */
  readline(limit: number): Promise<Uint8Array>;
  /** What comes next, as it comes. */
  arrived(): Promise<Uint8Array>;
}

function createReader(source: InputSource, length: number | undefined, maxBody: number): Reader {
  let chunks: Uint8Array[] = []; // pulled and not yet read
  let held = 0; // bytes in chunks
  let pulled = 0;
  let ended = false;
  let failure: { error: unknown } | undefined;

  const pull = async (): Promise<void> => {
    if (failure) throw failure.error;
    try {
      const chunk = await source.pull(length && length - pulled);
      if (chunk === null) {
        if (length !== undefined && pulled < length)
          throw new ClientDisconnected(`client: the request body ended after ${pulled} of ${length} bytes`);
        ended = true;
      } else if (chunk.length > 0) {
        chunks.push(plain(chunk));
        held += chunk.length;
        pulled += chunk.length;
        if (pulled > maxBody) {
          const tooLarge = new BodyTooLarge(`client: the request body has more bytes than maxBody, ${maxBody}`);
          source.cancel(tooLarge).catch(() => {});
          throw tooLarge;
        }
        // The platform's own end would take one more turn of its I/O.
        if (length !== undefined && pulled >= length) ended = true;
      }
    } catch (error) {
      failure = { error };
      throw error;
    }
  };

  const take = (size: number): Uint8Array => {
    const first = chunks[0];
    if (first === undefined || size === 0) return EMPTY;
    held -= size;
    if (size < first.length) {
      chunks[0] = first.subarray(size);
      return first.subarray(0, size);
    }
    if (size === first.length) {
      chunks.shift();
      return first;
    }
    const bytes = new Uint8Array(size);
    let filled = 0;
    let used = 0;
    for (const chunk of chunks) {
      const part = chunk.subarray(0, size - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (part.length < chunk.length) {
        chunks[used] = chunk.subarray(part.length);
        break;
      }
      used++;
      if (filled === size) break;
    }
    chunks = chunks.slice(used);
    return bytes;
  };

  const read = async (limit: number): Promise<Uint8Array> => {
    while (held < limit && !ended) await pull();
    return take(Math.min(limit, held));
  };

  const readline = async (limit: number): Promise<Uint8Array> => {
    let searched = 0; // chunks without a LF
    let before = 0; // bytes in them
    for (;;) {
      for (let chunk = chunks[searched]; chunk !== undefined && before < limit; chunk = chunks[searched]) {
        // No further than the limit: a long line that is read piece by piece is not searched to its end for each.
        const at = chunk.subarray(0, limit - before).indexOf(LF);
        if (at >= 0) return take(before + at + 1);
        before += chunk.length;
        searched++;
      }
      if (before >= limit || ended) return take(Math.min(limit, held));
      await pull();
    }
  };

  // The bytes that have come and are not read yet, at least one unless the body has ended.
  const arrived = async (): Promise<Uint8Array> => {
    while (held === 0 && !ended) await pull();
    return take(chunks[0]?.length ?? 0);
  };

  return { read, readline, arrived };
}

/** Tells the platform that the request body will not be read. */
export function cancelInput(environ: Environ, reason: unknown): void {
  (environ['wsgi.input'] as OwnInput)[PLATFORM]?.cancel(reason).catch(() => {});
}

/** Lets `inputStream` find the platform's own stream behind a `wsgi.input` that wraps another one. */
export function shareStream(wrapper: InputStream, input: InputStream): void {
  (wrapper as OwnInput)[PLATFORM] = (input as OwnInput)[PLATFORM];
}

// A Buffer is a Uint8Array whose slice() and toString() do other things: an application must not meet it on some targets
// and not on others.
function plain(chunk: Uint8Array): Uint8Array {
  return chunk.constructor === Uint8Array ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

// BytesIO takes no size, None and -1 alike for "all".
function toLimit(size: unknown): number {
  if (size === undefined || size === null) return Number.POSITIVE_INFINITY;
  if (typeof size !== 'number' || !Number.isInteger(size))
    throw new WsgiError(
      `application: wsgi.input takes a size in whole bytes, not ${typeof size === 'number' ? size : nameOf(size)}`,
    );
  return size < 0 ? Number.POSITIVE_INFINITY : size;
}

/** The request body as a stream: the platform's own one while `wsgi.input` is untouched, else what is left of it, as it
 *  comes. The stream and `wsgi.input` share their bytes; read one of them: where the stream is the platform's own,
 *  `wsgi.input` rejects with a `WsgiError` afterwards. Errors of `wsgi.input` error the stream. */
export function inputStream(environ: Environ): ReadableStream<Uint8Array> {
  const input: OwnInput = environ['wsgi.input'];
  const own = input[PLATFORM]?.takeStream();
  if (own) return own;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await (input[PLATFORM]?.arrived() ?? input.read(BLOCK));
        if (bytes.length === 0) controller.close();
        else controller.enqueue(bytes);
      },
      async cancel(reason) {
        await input[PLATFORM]?.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** An `InputSource` over a ReadableStream got at the first read, or over nothing when that is null. It is read into buffers
 *  of the size that is of use, where the stream can: workerd gives pieces of 4 KiB otherwise, at six times the cost. */
export function streamSource(getStream: () => ReadableStream<Uint8Array> | null): InputSource {
  let reader: Reading | null | undefined;
  const open = () => {
    if (reader === undefined) {
      const stream = getStream();
      reader = stream && readingOf(stream);
    }
    return reader;
  };
  return {
    async pull(size) {
      const source = open();
      if (source === null) return null;
      try {
        const { done, value } = await source.read(size);
        return done ? null : value;
      } catch (cause) {
        throw new ClientDisconnected('client: the request body broke off', { cause });
      }
    },
    async cancel(reason) {
      await open()?.cancel(reason);
    },
    stream: getStream,
  };
}

interface Reading {
  read(size?: number): Promise<ReadableStreamReadResult<Uint8Array>>;
  cancel(reason: unknown): Promise<void>;
}

function readingOf(stream: ReadableStream<Uint8Array>): Reading {
  const byob = byobReader(stream);
  if (byob === undefined) return stream.getReader();
  return {
    async read(size = BLOCK) {
      // A view of no length is refused; the end is to be read all the same.
      const step = await byob.read(new Uint8Array(Math.max(1, Math.min(BLOCK, size))));
      // Bytes that come one by one must not each hold a buffer.
      if (!step.done && step.value.length * 2 < step.value.buffer.byteLength) step.value = step.value.slice();
      return step;
    },
    cancel: (reason) => byob.cancel(reason),
  };
}

/** A reader that fills buffers, where a stream has one (Streams Standard, "readable byte streams"). */
export function byobReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' });
  } catch {
    return undefined; // a stream of chunks
  }
}

/** An `InputSource` over bytes that are already there, made at the first read. */
export function bytesSource(getBytes: () => Uint8Array): InputSource {
  let done = false;
  return {
    async pull() {
      if (done) return null;
      done = true;
      return getBytes();
    },
    async cancel() {
      done = true;
    },
  };
}
