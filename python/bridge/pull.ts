import { inputStream } from '../../src/input-stream.js';
import type { Environ } from '../../src/types.js';

/** Reads a body: at most `size` bytes, and at least `atLeast` unless the body ends before. Without limits: all of it.
 *  @throws {ClientDisconnected} when the body ends before its Content-Length */
export type Pull = (atLeast?: number, size?: number) => Promise<Uint8Array>;

/** Reads the body of a request as it arrives. */
export function pullFrom(environ: Environ): Pull {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let rest: Uint8Array | undefined;
  let ended = false;

  const receive = async (): Promise<Uint8Array | undefined> => {
    if (reader === undefined) {
      // inputStream() would give an untouched body as the platform's own stream. Its errors are not ClientDisconnected, and
      // workerd gives it in pieces of 4 KiB.
      const first = await environ['wsgi.input'].read(1);
      reader = inputStream(environ).getReader();
      if (first.length > 0) return plain(first);
    }
    const { done, value } = await reader.read();
    ended = done;
    return value && plain(value);
  };

  return async (atLeast = Number.POSITIVE_INFINITY, size = Number.POSITIVE_INFINITY) => {
    const parts: Uint8Array[] = [];
    let held = 0;
    const add = (bytes: Uint8Array) => {
      const room = size - held;
      const fits = bytes.length <= room;
      parts.push(fits ? bytes : bytes.subarray(0, room));
      rest = fits ? undefined : bytes.subarray(room);
      held += Math.min(bytes.length, room);
    };
    if (rest !== undefined) add(rest);
    while (held < atLeast && !ended) {
      const bytes = await receive();
      if (bytes !== undefined) add(bytes);
    }
    return parts.length === 1 ? (parts[0] as Uint8Array) : concat(parts, held);
  };
}

// Pyodide takes no subclass of Uint8Array, such as the Buffer that Node gives.
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function concat(parts: Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
