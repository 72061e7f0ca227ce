import { WsgiError } from '../../src/errors.js';
import { type AssetData, copyBytes, type SnapshotManifest, type WasmModule } from './assets.js';
import { DAMAGED } from './inflate.js';

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

/** Bytes of the pages that are compressed together; the last block may be shorter. */
export const BLOCK = 262_144;

// The module has room for a compressed block before this address, and for its contents behind it.
const UNPACKED = 0x50000;

interface Unpacker {
  memory: WebAssembly.Memory;
  /** Decompresses an LZ4 block between two addresses to a third one, and returns the end of the contents. */
  unpack(from: number, end: number, to: number): number;
}

/** Decompresses the pages of a snapshot, and writes them into a fresh memory.
 *  @param module  the decompressor
 *  @throws {WsgiError} when the data is damaged */
export function restoreSnapshot(
  heap: Uint8Array,
  { runs, blocks }: Pick<SnapshotManifest, 'runs' | 'blocks'>,
  data: AssetData,
  module: WasmModule,
): void {
  const { memory, unpack } = new WebAssembly.Instance(module as WebAssembly.Module).exports as unknown as Unpacker;
  const room = new Uint8Array(memory.buffer);
  const left = runs.map(([offset, length]) => ({ offset, length }));
  let run = left.shift();
  let at = 0;
  for (const size of blocks) {
    copyBytes(data, at, room.subarray(0, size));
    at += size;
    const end = contentsEnd(() => unpack(0, size, UNPACKED));
    for (let from = UNPACKED; from < end; ) {
      if (run === undefined) throw new WsgiError(DAMAGED);
      const length = Math.min(run.length, end - from);
      heap.set(room.subarray(from, from + length), run.offset);
      from += length;
      run.offset += length;
      run.length -= length;
      if (run.length === 0) run = left.shift();
    }
  }
  if (run !== undefined) throw new WsgiError(DAMAGED);
}

/** Calls the decompressor, which traps on data that leads out of its memory. */
function contentsEnd(unpack: () => number): number {
  try {
    return unpack();
  } catch (cause) {
    throw new WsgiError(DAMAGED, { cause });
  }
}
