import { settlesSoon } from '../../src/body.js';
import type { Connection } from '../../src/connection.js';
import { ClientDisconnected } from '../../src/errors.js';
import { isFetchBody } from '../../src/fetch/application.js';
import { createResponse } from '../../src/fetch/response.js';
import { type FileWrapper, isBlob, isStream } from '../../src/file-wrapper.js';
import { headerValue } from '../../src/headers.js';
import { byobReader } from '../../src/input-stream.js';
import type { Opened, Platform, Sink } from '../../src/outgoing.js';
import type { Head } from '../../src/start-response.js';

type Pipe = TransformStream<Uint8Array, Uint8Array>;

/** Answers with Responses of the Workers runtime. Chunks go through an IdentityTransformStream, the one construct whose
 *  writer notices in every version of workerd that the client goes away (workerd#6832). */
export class WorkersPlatform implements Platform<Response> {
  readonly connection: Connection;
  /** The 101 Response that the application has handed over. */
  #upgradeResponse: Response | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Takes a 101 Response with a WebSocket, which makes status 101 possible. */
  upgrade(response: Response): void {
    this.#upgradeResponse = response;
  }

  upgraded(): boolean {
    return this.#upgradeResponse !== undefined;
  }

  whole(head: Head, bytes: Uint8Array | null): Response {
    const upgradeResponse = this.#upgradeResponse;
    if (head.code === 101 && upgradeResponse !== undefined)
      return createResponse(head, null, { webSocket: upgradeResponse.webSocket });
    return respond(head, bytes, 'manual');
  }

  open(head: Head): Opened<Response> {
    const pipe = pipeFor(head);
    const sink = new WriterSink(pipe.writable.getWriter(), this.connection);
    return { out: respond(head, pipe.readable, 'manual'), sink };
  }

  file(head: Head, file: FileWrapper): { out: Response; sent: Promise<void> } | undefined {
    const source = byReference(file);
    if (source === undefined) return undefined;
    const pipe = pipeFor(head);
    const out = respond(head, pipe.readable, isFetchBody(source) ? 'automatic' : 'manual');
    return { out, sent: this.#sendFile(source, pipe.writable) };
  }

  fail(error: unknown): never {
    throw error;
  }

  async #sendFile(source: ReadableStream<Uint8Array>, writable: WritableStream<Uint8Array>): Promise<void> {
    const { connection } = this;
    try {
      await transfer(source, writable, connection.signal);
    } catch (cause) {
      // The runtime uses this message for a client that is gone, and also for a source from the network that broke off.
      if (!(cause instanceof Error && cause.message === 'Network connection lost.')) throw cause;
      connection.abort();
      throw new ClientDisconnected(undefined, { cause });
    }
  }
}

class WriterSink implements Sink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #connection: Connection;

  constructor(writer: WritableStreamDefaultWriter<Uint8Array>, connection: Connection) {
    this.#writer = writer;
    this.#connection = connection;
    // Shows between two chunks of the application that the client is gone.
    writer.closed.catch(() => connection.abort());
  }

  write(chunk: Uint8Array): void | Promise<void> {
    return chunk.length === 0 ? undefined : this.#connected(this.#writer.write(chunk));
  }

  end(): Promise<void> {
    return this.#connected(this.#writer.close());
  }

  abort(error: unknown): void {
    this.#writer.abort(error).catch(() => {});
  }

  async #connected(task: Promise<void>): Promise<void> {
    try {
      await task;
    } catch (cause) {
      this.#connection.abort();
      throw new ClientDisconnected(undefined, { cause });
    }
  }
}

function pipeFor({ length }: Head): Pipe {
  return length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
}

function respond(
  head: Head,
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  encodeBody: 'automatic' | 'manual',
): Response {
  // Otherwise the runtime would encode a body with a Content-Encoding again.
  const encoded = headerValue(head.headers, 'content-encoding') !== undefined;
  return createResponse(head, body, encoded ? { encodeBody } : undefined);
}

const BLOCK = 65_536; // bytes

/** Sends a stream, and cancels it when the signal fires: without it, a pipe whose source stalls does not notice that
 *  the client has gone. The runtime pipes its own streams without JavaScript, and pipes streams of chunks without
 *  extra cost. But it splits streams of type "bytes" that JavaScript makes into pieces of 4 KiB, which costs nine
 *  times as much as their blocks. They are detected by a read that settles without I/O. */
async function transfer(
  source: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const reader = byobReader(source);
  if (reader === undefined) return source.pipeTo(writable, { signal });
  const writer = writable.getWriter();
  // The side that has failed ignores this.
  const stop = (error: unknown) => {
    reader.cancel(error).catch(() => {});
    writer.abort(error).catch(() => {});
  };
  writer.closed.catch(stop);
  signal.addEventListener('abort', () => stop(signal.reason));
  try {
    const first = reader.read(new Uint8Array(BLOCK));
    const pumped = await settlesSoon(first);
    let { done, value } = await first;
    while (!done && value !== undefined) {
      await writer.write(value);
      if (!pumped) break;
      ({ done, value } = await reader.read(new Uint8Array(value.buffer)));
    }
    if (pumped || done) return await writer.close();
  } catch (error) {
    stop(error);
    reader.releaseLock();
    throw error;
  }
  reader.releaseLock();
  writer.releaseLock();
  return source.pipeTo(writable, { signal });
}

function byReference(file: FileWrapper): ReadableStream<Uint8Array> | undefined {
  const { source } = file;
  // A stream that somebody reads can't be piped; find that out before the head goes out.
  if (isStream(source)) return source.locked ? undefined : source;
  return isBlob(source) ? source.stream() : undefined;
}
