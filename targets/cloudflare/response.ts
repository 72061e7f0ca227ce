import { settlesSoon } from '../../src/body.js';
import { ClientDisconnected } from '../../src/errors.js';
import { createResponse, isFetchBody } from '../../src/fetch.js';
import { type FileWrapper, isBlob, isStream } from '../../src/file-wrapper.js';
import { headerValue } from '../../src/headers.js';
import { byobReader } from '../../src/input-stream.js';
import type { Responder } from '../../src/run.js';
import type { Head } from '../../src/start-response.js';

/** What joins a response to its request. */
interface Exchange {
  resolve(response: Response): void;
  reject(error: unknown): void;
  /** Called when the client is found to be gone. */
  disconnect(): void;
  /** The 101 Response that the application handed over, if it has. */
  upgrade(): Response | undefined;
}

/** Sends a response to the Workers runtime. Chunks go through an IdentityTransformStream, the one construct whose writer
 *  notices a client that goes away in every version of workerd (workerd#6832). */
export function workersResponder(exchange: Exchange): Responder {
  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined;

  const open = (head: Head, encodeBody: 'automatic' | 'manual'): TransformStream<Uint8Array, Uint8Array> => {
    const pipe = head.length === undefined ? new IdentityTransformStream() : new FixedLengthStream(head.length);
    exchange.resolve(respond(head, pipe.readable, encodeBody));
    return pipe;
  };

  return {
    upgraded: () => exchange.upgrade() !== undefined,
    head(head, body) {
      const upgrade = exchange.upgrade();
      if (head.code === 101 && upgrade !== undefined) {
        exchange.resolve(createResponse(head, null, { webSocket: upgrade.webSocket }));
      } else if (body !== undefined) {
        exchange.resolve(respond(head, body, 'manual'));
      } else {
        writer = open(head, 'manual').writable.getWriter();
        // Noticed while the application is between two chunks.
        writer.closed.catch(exchange.disconnect);
      }
    },
    file(head, file) {
      const source = byReference(file);
      if (source === undefined) return undefined;
      const pipe = open(head, isFetchBody(source) ? 'automatic' : 'manual');
      return transfer(source, pipe.writable).catch((cause: unknown) => {
        // The source's own error goes on as it is; this one is the runtime's for a client that is gone.
        if (!(cause instanceof Error && cause.message === 'Network connection lost.')) throw cause;
        exchange.disconnect();
        throw new ClientDisconnected(undefined, { cause });
      });
    },
    async write(chunk) {
      if (chunk.length === 0) return;
      try {
        await writer?.write(chunk);
      } catch (cause) {
        exchange.disconnect();
        throw new ClientDisconnected(undefined, { cause });
      }
    },
    async end() {
      try {
        await writer?.close();
      } catch (cause) {
        exchange.disconnect();
        throw new ClientDisconnected(undefined, { cause });
      }
    },
    abort(error) {
      if (writer === undefined) exchange.reject(error);
      else writer.abort(error).catch(() => {});
    },
  };
}

function respond(
  head: Head,
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  encodeBody: 'automatic' | 'manual',
): Response {
  // By default the runtime would encode once more what has a Content-Encoding.
  const encoded = headerValue(head.headers, 'content-encoding') !== undefined;
  return createResponse(head, body, encoded ? { encodeBody } : undefined);
}

const BLOCK = 65_536; // bytes

/** Sends a stream. The runtime pipes its own streams without JavaScript, and streams of chunks at no more than their own
 *  cost. But those of type "bytes" that JavaScript makes it pipes in pieces of 4 KiB, at nine times the cost of their blocks;
 *  they are told by a read that settles without I/O. */
async function transfer(source: ReadableStream<Uint8Array>, writable: WritableStream<Uint8Array>): Promise<void> {
  const reader = byobReader(source);
  if (reader === undefined) return source.pipeTo(writable);
  const writer = writable.getWriter();
  try {
    const first = reader.read(new Uint8Array(BLOCK));
    const own = await settlesSoon(first);
    let { done, value } = await first;
    while (!done && value !== undefined) {
      await writer.write(value);
      if (!own) {
        reader.releaseLock();
        writer.releaseLock();
        return await source.pipeTo(writable);
      }
      ({ done, value } = await reader.read(new Uint8Array(value.buffer)));
    }
    await writer.close();
  } catch (error) {
    // Of the two, one has failed, and takes no notice.
    reader.cancel(error).catch(() => {});
    writer.abort(error).catch(() => {});
    throw error;
  }
}

function byReference(file: FileWrapper): ReadableStream<Uint8Array> | undefined {
  const { source } = file;
  // A stream that somebody reads can't be piped, which is to be found before the head goes out.
  if (isStream(source)) return source.locked ? undefined : source;
  return isBlob(source) ? source.stream() : undefined;
}
