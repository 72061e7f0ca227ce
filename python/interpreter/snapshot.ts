import { type AssetData, bytesOf, copyBytes } from './assets.js';
import { inflate } from './inflate.js';

const PAGE = 4096; // bytes

/** Returns the pages of a memory that differ from a new one.
 *  @param heap  the memory to keep
 *  @param pristine  a memory that only has the data segments of the wasm module
 *  @param fresh  a memory after the constructors have run: pages that they change must be written back */
export function encodeSnapshot(
  heap: Uint8Array,
  pristine: Uint8Array,
  fresh: Uint8Array,
): { runs: Array<[offset: number, length: number]>; data: Uint8Array } {
  const words = (bytes: Uint8Array) => new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
  const [kept, was, is] = [words(heap), words(pristine), words(fresh)];
  const runs: Array<[offset: number, length: number]> = [];
  let total = 0;
  for (let offset = 0; offset < heap.length; offset += PAGE) {
    const first = offset >> 3;
    let differs = false;
    for (let i = first; i < first + (PAGE >> 3) && !differs; i++) {
      const word = kept[i];
      differs = word !== (was[i] ?? 0n) || word !== (is[i] ?? 0n);
    }
    if (!differs) continue;
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === offset) last[1] += PAGE;
    else runs.push([offset, PAGE]);
    total += PAGE;
  }
  const data = new Uint8Array(total);
  let at = 0;
  for (const [offset, length] of runs) {
    data.set(heap.subarray(offset, offset + length), at);
    at += length;
  }
  return { runs, data };
}

/** Writes the pages of a snapshot into a fresh memory.
 *  @param deflated  whether the pages are compressed */
export function restoreSnapshot(
  heap: Uint8Array,
  runs: Array<[offset: number, length: number]>,
  data: AssetData,
  deflated = false,
): void {
  const size = runs.reduce((sum, [, length]) => sum + length, 0);
  const pages = deflated ? inflate(bytesOf(data, 0, data.byteLength), size) : data;
  let at = 0;
  for (const [offset, length] of runs) {
    copyBytes(pages, at, heap.subarray(offset, offset + length));
    at += length;
  }
}
