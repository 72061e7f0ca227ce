import { inputStream } from '../../src/input-stream.js';
import type { Environ } from '../../src/types.js';

/** Reads a body: at most `size` bytes, and at least `atLeast` unless the body ends before. Without limits: all of it.
 *  @throws {ClientDisconnected} when the body ends before its Content-Length */
export type Pull = (atLeast?: number, size?: number) => Promise<Uint8Array>;

/** Reads the body of a request as it arrives.
 *  @param begun  the bytes that `wsgi.input` has given already
 *  @param onBytes  called for the bytes that arrive
 *  @param onTaken  called when the bytes of `begun` are no longer needed */
export function pullFrom(
  environ: Environ,
  begun: Uint8Array,
  onBytes: (bytes: number) => void,
  onTaken: () => void,
): Pull {
  let rest: Uint8Array | undefined = begun;
  let ended = false;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  const receive = async (): Promise<Uint8Array | undefined> => {
    reader ??= inputStream(environ).getReader();
    const { done, value } = await reader.read();
    ended = done;
    if (value === undefined) return undefined;
    onBytes(value.length);
    return plain(value);
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
    if (rest === undefined) onTaken();
    while (held < atLeast && !ended) {
      const bytes = await receive();
      if (bytes !== undefined) add(bytes);
    }
    return parts.length === 1 ? (parts[0] as Uint8Array) : concat(parts, held);
  };
}

/** Makes a plain view of bytes: Pyodide takes no subclass of Uint8Array, such as the Buffer that Node gives. */
export const plain = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Joins pieces.
 *  @param length  their length in bytes */
export function concat(parts: Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
