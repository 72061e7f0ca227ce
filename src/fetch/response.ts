import { settlesSoon } from '../body.js';
import type { Connection, ExecutionContextLike } from '../connection.js';
import { ClientDisconnected } from '../errors.js';
import { inputTurn } from '../input-stream.js';
import type { Opened, Platform, Sink } from '../outgoing.js';
import type { Head } from '../start-response.js';
import type { InputStream } from '../types.js';
import { headersAreText, toPlatform } from './text-headers.js';

/** The highest status that a Response can have (Fetch Standard, "Response class"). */
export const MAX_STATUS = 599;

/** Makes the Response of a head; only the application's headers tell the type of its body. */
export function createResponse(
  head: Head,
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  init?: ResponseInit,
): Response {
  const response =
    head.status === '200 OK' && init === undefined && headersAreText()
      ? new Response(body as BodyInit | null) // the quicker way in workerd
      : new Response(body as BodyInit | null, { ...init, ...statusInit(head) });
  // One by one: an array of pairs costs several times as much in workerd, and an object would lose Set-Cookie lines.
  for (const [name, value] of head.headers) response.headers.append(name, toPlatform(value));
  return response;
}

function statusInit({ code, status }: Head): ResponseInit {
  const reason = toPlatform(status.slice(4));
  return reason === '' ? { status: code } : { status: code, statusText: reason };
}

/** Keeps an exchange alive that has to wait, and ends its connection when the client is found to be gone before `done` has
 *  settled.
 *  @param input  of the request; the application may have taken it out of environ */
export async function whileConnected(
  request: Request,
  input: InputStream,
  connection: Connection,
  done: Promise<void>,
  ctx: ExecutionContextLike | undefined,
): Promise<void> {
  if (await settlesSoon(done)) return;
  ctx?.waitUntil(done);
  // workerd creates the signal on access, which costs as much as a small request. While the application reads the body, a
  // failed read already shows that the client is gone.
  await inputTurn(input);
  if (await settlesSoon(done)) return;
  const { signal } = request;
  const disconnect = () => connection.abort();
  if (signal.aborted) disconnect();
  signal.addEventListener('abort', disconnect);
  // A leftover listener would keep the request in memory.
  await done;
  signal.removeEventListener('abort', disconnect);
}

/** Answers with Responses. */
export class FetchPlatform implements Platform<Response> {
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  whole(head: Head, bytes: Uint8Array | null): Response {
    return createResponse(head, bytes);
  }

  open(head: Head): Opened<Response> {
    const sink = new PullSink(this.connection);
    return { out: createResponse(head, sink.stream), sink };
  }

  fail(error: unknown): never {
    throw error;
  }
}

/** A stream that takes a chunk only when its reader asks for one. */
class PullSink implements Sink {
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #wanted = false;
  #cancelled = false;
  #wake: (() => void) | undefined;

  constructor(connection: Connection) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#demand(),
        cancel: () => {
          this.#cancelled = true;
          connection.abort();
          this.#demand();
        },
      },
      { highWaterMark: 0 },
    );
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#wanted)
      await new Promise<void>((resume) => {
        this.#wake = resume;
      });
    if (this.#cancelled) throw new ClientDisconnected();
    if (chunk.length === 0) return;
    this.#wanted = false;
    // A copy: the application may reuse its buffer. slice() would share the memory of a Buffer of Node's.
    this.#controller?.enqueue(new Uint8Array(chunk));
  }

  end(): void {
    if (!this.#cancelled) this.#controller?.close();
  }

  abort(error: unknown): void {
    this.#controller?.error(error);
  }

  #demand(): void {
    this.#wanted = true;
    this.#wake?.();
  }
}
