import { isThenable } from './body.js';
import { BodyTooLarge, ClientDisconnected, nameOf, WsgiError } from './errors.js';
import type { Environ, InputStream } from './types.js';

const EMPTY = new Uint8Array(0);
const LF = 10;
const BLOCK = 65_536; // bytes
// A client may send its body byte by byte. An array for each chunk would take a hundred times the memory of the bytes, so
// smaller chunks (bytes) are copied together.
const SMALL = 4096;
// An array for a line takes about 100 bytes of memory, so a list of short lines takes a hundred times their bytes. A list
// may have this many lines, or one for each 16 bytes of `maxBody` if that is more.
const MANY_LINES = 65_536;
const LINE = 16; // bytes

/** The source of `wsgi.input`. None of its functions is called before the first read. */
export interface InputSource {
  /** The next bytes, an empty array included, or null at the end.
   *  @param size  how many bytes the reader wants, if that is known; a source may give more or fewer */
  pull(size?: number): Promise<Uint8Array | null>;
  /** Returns the whole body at once, or undefined if the source can't. Called only before the first `pull`. */
  all?(): Uint8Array | Promise<Uint8Array> | undefined;
  /** Tells the platform that nobody will read the rest. */
  cancel(reason: unknown): Promise<void>;
  /** The platform's own stream of the same bytes, if it has one. */
  stream?(): ReadableStream<Uint8Array> | null;
}

// The key of the state behind a `wsgi.input`. It is a symbol, so that a copy by `{ ...input }` shares the state.
const STATE = Symbol('input');

type OwnInput = InputStream & { [STATE]?: Input | undefined };
type Stateful = { [STATE]: Input };

/** `wsgi.input` over a pull function. Calls may overlap; they are served in order.
 *  @param length  the bytes promised by CONTENT_LENGTH, if it is known
 *  @param maxBody  the most bytes that it reads; `read` rejects with `BodyTooLarge` after them
 *  PEP 3333, "Input and Error Streams". */
export function createInputStream(
  source: InputSource,
  length?: number,
  maxBody = Number.POSITIVE_INFINITY,
): InputStream {
  // These are shared functions instead of closures, because most requests have no body and should not pay for one.
  const input: InputStream & Stateful = {
    read,
    readline,
    readlines,
    [Symbol.asyncIterator]: eachLine,
    [STATE]: new Input(source, length, maxBody),
  };
  return input;
}

function read(this: Stateful, size?: number | null): Promise<Uint8Array> {
  const limit = toLimit(size);
  return limit === 0 ? Promise.resolve(EMPTY) : this[STATE].inTurn((reader) => reader.read(limit));
}

function readline(this: Stateful, size?: number | null): Promise<Uint8Array> {
  const limit = toLimit(size);
  return limit === 0 ? Promise.resolve(EMPTY) : this[STATE].inTurn((reader) => reader.readline(limit));
}

function readlines(this: Stateful, hint?: number | null): Promise<Uint8Array[]> {
  const limit = toLimit(hint) || Number.POSITIVE_INFINITY;
  return this[STATE].inTurn((reader) => reader.readlines(limit));
}

async function* eachLine(this: InputStream): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const line = await this.readline();
    if (line.length === 0) return;
    yield line;
  }
}

/** The gateway's side of a `wsgi.input`. */
class Input {
  readonly #source: InputSource;
  readonly #length: number | undefined;
  readonly #maxBody: number;
  #touched = false;
  #taken = false; // inputStream() has given the platform's own stream away
  /** The reads under way; never rejects. */
  turn: Promise<unknown> | undefined;
  #reader: Reader | undefined; // made when it is read, since most requests have no body

  constructor(source: InputSource, length: number | undefined, maxBody: number) {
    this.#source = source;
    this.#length = length;
    this.#maxBody = maxBody;
  }

  /** Returns the platform's own stream, once, and only if nothing has been read. */
  takeStream(): ReadableStream<Uint8Array> | null {
    // The platform's own stream enforces only the promised length, so `maxBody` must be checked here.
    if (this.#touched || (this.#maxBody !== Number.POSITIVE_INFINITY && this.#length === undefined)) return null;
    const own = this.#source.stream?.() ?? null;
    this.#taken = own !== null;
    this.#touched = this.#taken;
    return own;
  }

  arrived(): Promise<Uint8Array> {
    return this.inTurn((reader) => reader.arrived());
  }

  cancel(reason: unknown): Promise<void> {
    this.#touched = true;
    return this.#source.cancel(reason);
  }

  /** One call at a time: two that overlap must not both take the same bytes. */
  inTurn<T>(task: (reader: Reader) => Promise<T>): Promise<T> {
    this.#touched = true;
    const result = this.turn === undefined ? this.#begin(task) : this.turn.then(() => this.#begin(task));
    this.turn = result.catch(() => {});
    return result;
  }

  #begin<T>(task: (reader: Reader) => Promise<T>): Promise<T> {
    if (this.#taken)
      return Promise.reject(
        new WsgiError('application: wsgi.input was read after inputStream() had taken its stream; read one of the two'),
      );
    this.#reader ??= new Reader(this.#source, this.#length, this.#maxBody);
    return task(this.#reader);
  }
}

/** Reads a source by size and by line. */
class Reader {
  readonly #source: InputSource;
  readonly #length: number | undefined;
  readonly #maxBody: number;
  #chunks: Uint8Array[] = []; // pulled and not yet read
  #held = 0; // bytes in chunks
  #pulled = 0; // bytes
  #ended = false;
  #failure: { error: unknown } | undefined;
  #block: Uint8Array | undefined; // small chunks, joined
  #filled = 0; // bytes of block

  constructor(source: InputSource, length: number | undefined, maxBody: number) {
    this.#source = source;
    this.#length = length;
    this.#maxBody = maxBody;
  }

  /** Up to `limit` bytes. */
  async read(limit: number): Promise<Uint8Array> {
    if (limit === Number.POSITIVE_INFINITY && this.#pulled === 0) await this.#pullAll();
    while (this.#held < limit && !this.#ended) await this.#pull();
    return this.#take(Math.min(limit, this.#held));
  }

  /** A line, or `limit` bytes of it. */
  async readline(limit: number): Promise<Uint8Array> {
    let index = 0; // of the chunk that is searched
    let offset = 0; // bytes of it without a LF
    let before = 0; // bytes without a LF in all
    for (;;) {
      for (let chunk = this.#chunks[index]; chunk !== undefined && before < limit; chunk = this.#chunks[index]) {
        // Search no further than the limit: a long line that is read piece by piece would take quadratic time.
        const end = Math.min(chunk.length, offset + limit - before);
        const at = chunk.subarray(offset, end).indexOf(LF);
        if (at >= 0) return this.#take(before + at + 1);
        before += end - offset;
        offset = end;
        // The last chunk may grow.
        if (index + 1 === this.#chunks.length) break;
        index++;
        offset = 0;
      }
      if (before >= limit || this.#ended) return this.#take(Math.min(limit, this.#held));
      await this.#pull();
    }
  }

  async readlines(limit: number): Promise<Uint8Array[]> {
    const lines: Uint8Array[] = [];
    const most = Math.max(MANY_LINES, this.#maxBody / LINE);
    for (let total = 0; total < limit; ) {
      const line = await this.readline(Number.POSITIVE_INFINITY);
      if (line.length === 0) break;
      if (lines.length >= most)
        throw this.#tooLarge(
          `has more lines than readlines() gives under maxBody, ${this.#maxBody}; iterate over them`,
        );
      total += line.length;
      lines.push(line);
    }
    return lines;
  }

  /** The bytes that have come and are not read yet, at least one unless the body has ended. */
  async arrived(): Promise<Uint8Array> {
    while (this.#held === 0 && !this.#ended) await this.#pull();
    return this.#take(this.#chunks[0]?.length ?? 0);
  }

  async #pullAll(): Promise<void> {
    if (this.#ended || this.#source.all === undefined) return;
    try {
      const all = this.#source.all();
      const bytes = isThenable(all) ? await all : all;
      if (bytes === undefined) return;
      this.#accept(bytes);
      this.#checkEnd();
    } catch (error) {
      this.#failure = { error };
    }
  }

  async #pull(): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    try {
      const chunk = await this.#source.pull(this.#length && this.#length - this.#pulled);
      if (chunk === null) this.#checkEnd();
      else if (chunk.length > 0) this.#accept(chunk);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  #checkEnd(): void {
    const length = this.#length;
    const pulled = this.#pulled;
    if (length !== undefined && pulled < length)
      throw new ClientDisconnected(`client: the request body ended after ${pulled} of ${length} bytes`);
    this.#ended = true;
  }

  #accept(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#hold(plain(chunk));
    this.#held += chunk.length;
    this.#pulled += chunk.length;
    if (this.#pulled > this.#maxBody) throw this.#tooLarge(`has more bytes than maxBody, ${this.#maxBody}`);
    // Waiting for the platform's own end would take one more turn of its I/O.
    if (this.#length !== undefined && this.#pulled >= this.#length) this.#ended = true;
  }

  /** Gives the body up. */
  #tooLarge(why: string): BodyTooLarge {
    const error = new BodyTooLarge(`client: the request body ${why}`);
    this.#failure = { error };
    this.#source.cancel(error).catch(() => {});
    return error;
  }

  #hold(chunk: Uint8Array): void {
    const chunks = this.#chunks;
    const last = chunks.at(-1);
    if (chunk.length >= SMALL || last === undefined || last.length >= SMALL) {
      chunks.push(chunk);
      return;
    }
    if (this.#block === undefined || last.buffer !== this.#block.buffer) {
      if (this.#block === undefined || this.#filled + last.length + chunk.length > this.#block.length) {
        this.#block = new Uint8Array(4 * SMALL);
        this.#filled = 0;
      }
      this.#block.set(last, this.#filled);
      this.#filled += last.length;
    }
    if (this.#filled + chunk.length > this.#block.length) {
      chunks.push(chunk);
      return;
    }
    this.#block.set(chunk, this.#filled);
    const from = this.#filled - last.length;
    this.#filled += chunk.length;
    chunks[chunks.length - 1] = this.#block.subarray(from, this.#filled);
  }

  #take(size: number): Uint8Array {
    const first = this.#chunks[0];
    if (first === undefined || size === 0) return EMPTY;
    this.#held -= size;
    if (size < first.length) {
      this.#chunks[0] = first.subarray(size);
      return first.subarray(0, size);
    }
    if (size === first.length) {
      this.#chunks.shift();
      return first;
    }
    const bytes = new Uint8Array(size);
    let filled = 0;
    let used = 0;
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(0, size - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (part.length < chunk.length) {
        this.#chunks[used] = chunk.subarray(part.length);
        break;
      }
      used++;
      if (filled === size) break;
    }
    this.#chunks = this.#chunks.slice(used);
    return bytes;
  }
}

/** Tells the platform that the request body will not be read. */
export function cancelInput(environ: Environ, reason: unknown): void {
  (environ['wsgi.input'] as OwnInput)[STATE]?.cancel(reason).catch(() => {});
}

/** Settles when the reads of `wsgi.input` that are under way have ended; never rejects. */
export async function inputTurn(input: InputStream): Promise<void> {
  await (input as OwnInput)[STATE]?.turn;
}

/** Lets `inputStream` find the platform's own stream through a `wsgi.input` that wraps another one. */
export function shareStream(wrapper: InputStream, input: InputStream): void {
  (wrapper as OwnInput)[STATE] = (input as OwnInput)[STATE];
}

// A Buffer is a Uint8Array whose slice() and toString() do other things. An application must not meet it on some targets
// only.
function plain(chunk: Uint8Array): Uint8Array {
  return chunk.constructor === Uint8Array ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

// BytesIO treats no size, None and -1 as "all".
function toLimit(size: unknown): number {
  if (size === undefined || size === null) return Number.POSITIVE_INFINITY;
  if (typeof size !== 'number' || !Number.isInteger(size))
    throw new WsgiError(
      `application: wsgi.input takes a size in whole bytes, not ${typeof size === 'number' ? size : nameOf(size)}`,
    );
  return size < 0 ? Number.POSITIVE_INFINITY : size;
}

/** The request body as a stream: the platform's own stream while `wsgi.input` is untouched, else the bytes that are left,
 *  as they come. Read either the stream or `wsgi.input`, because they share their bytes; if the stream is the platform's
 *  own, `wsgi.input` rejects with a `WsgiError` afterwards. Errors of `wsgi.input` error the stream. */
export function inputStream(environ: Environ): ReadableStream<Uint8Array> {
  const input: OwnInput = environ['wsgi.input'];
  const own = input[STATE]?.takeStream();
  if (own) return own;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await (input[STATE]?.arrived() ?? input.read(BLOCK));
        if (bytes.length === 0) controller.close();
        else controller.enqueue(bytes);
      },
      async cancel(reason) {
        await input[STATE]?.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** An `InputSource` over a ReadableStream that is taken at the first read; null stands for an empty body. If the stream can,
 *  it fills buffers of the requested size. Otherwise workerd gives pieces of 4 KiB, at six times the cost.
 *  @param getAll  reads all bytes in one step, if the platform can
 *  @param onBroken  hears of the error of a body that broke off; `cause` is the platform's */
export function streamSource(
  getStream: () => ReadableStream<Uint8Array> | null,
  getAll?: () => Promise<ArrayBuffer> | undefined,
  onBroken?: (error: ClientDisconnected) => void,
): InputSource {
  let reader: Reading | null | undefined;
  const open = () => {
    if (reader === undefined) {
      const stream = getStream();
      reader = stream && readingOf(stream);
    }
    return reader;
  };
  const broken = (cause: unknown): never => {
    const error = new ClientDisconnected('client: the request body broke off', { cause });
    onBroken?.(error);
    throw error;
  };
  return {
    all: () => getAll?.()?.then((bytes) => new Uint8Array(bytes), broken),
    async pull(size) {
      const source = open();
      if (source === null) return null;
      try {
        const { done, value } = await source.read(size);
        return done ? null : value;
      } catch (cause) {
        return broken(cause);
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
      // A view without length is refused, so use one byte to read the end.
      const step = await byob.read(new Uint8Array(Math.max(1, Math.min(BLOCK, size))));
      // Bytes that come one by one must not each hold a buffer.
      if (!step.done && step.value.length * 2 < step.value.buffer.byteLength) step.value = step.value.slice();
      return step;
    },
    cancel: (reason) => byob.cancel(reason),
  };
}

/** A reader that fills buffers, or undefined if the stream has none (Streams Standard, "readable byte streams"). */
export function byobReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' });
  } catch {
    return undefined; // a stream of chunks
  }
}

/** An `InputSource` over bytes that are already there. */
export function bytesSource(bytes: Uint8Array): InputSource {
  return new Bytes(bytes);
}

class Bytes implements InputSource {
  #bytes: Uint8Array | null;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  all(): Uint8Array {
    const bytes = this.#bytes ?? EMPTY;
    this.#bytes = null;
    return bytes;
  }

  async pull(): Promise<Uint8Array | null> {
    return this.#bytes === null ? null : this.all();
  }

  async cancel(): Promise<void> {
    this.#bytes = null;
  }
}
