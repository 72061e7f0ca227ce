import { inflateSync } from 'fflate';
import { WsgiError } from '../../src/errors.js';

export const DAMAGED = 'python: compressed data of the assets is damaged: deploy the files of one build together';

/** Decompresses DEFLATE (RFC 1951). The only decompression that all platforms have is asynchronous, but Python reads files
 *  synchronously, and Workers forbid asynchronous operations at the top level, where applications boot.
 *  @param data  the compressed bytes
 *  @param length  bytes of the result
 *  @throws {WsgiError} when `data` is not DEFLATE, or has another length */
export function inflate(data: Uint8Array, length: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    // The byte more shows data that is too long.
    bytes = inflateSync(data, { out: new Uint8Array(length + 1) });
  } catch (cause) {
    throw new WsgiError(DAMAGED, { cause });
  }
  if (bytes.length !== length) throw new WsgiError(DAMAGED);
  return bytes;
}
