// LZ4 blocks (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md), because a snapshot must be decompressed at each start,
// without a wait: 25 ms for the 15 MiB of Flask, where DEFLATE takes 150 ms and saves a tenth more.

const MIN_MATCH = 4; // bytes
const MAX_DISTANCE = 65_535; // bytes
/** The last match must begin this many bytes before the end, and the last 5 bytes are literals. */
const [LAST_MATCH, LAST_LITERALS] = [12, 5] as const;
/** Earlier places with the same first bytes that are compared. */
const TRIED = 24;

/** Compresses a block. */
export function compressBlock(data: Uint8Array): Uint8Array {
  const out: number[] = [];
  const writeRest = (length: number): void => {
    let rest = length - 15;
    for (; rest >= 255; rest -= 255) out.push(255);
    if (rest >= 0) out.push(rest);
  };
  const write = (from: number, to: number, match?: Match): void => {
    const literals = to - from;
    const more = match === undefined ? 0 : match.length - MIN_MATCH;
    out.push((Math.min(literals, 15) << 4) | Math.min(more, 15));
    writeRest(literals);
    for (let at = from; at < to; at++) out.push(data[at] as number);
    if (match === undefined) return;
    out.push(match.distance & 255, match.distance >> 8);
    writeRest(more);
  };

  const matches = new Matches(data);
  let written = 0;
  for (let at = 0; at <= data.length - LAST_MATCH; ) {
    const match = matches.find(at);
    const next = at + (match?.length ?? 1);
    if (match !== undefined) {
      write(written, at, match);
      written = next;
    }
    for (; at < next; at++) matches.add(at);
  }
  write(written, data.length);
  return Uint8Array.from(out);
}

interface Match {
  length: number;
  distance: number;
}

/** The places of a block by the hash of the four bytes there, the last one first. */
class Matches {
  readonly #data: Uint8Array;
  readonly #view: DataView;
  readonly #last = new Int32Array(65_536).fill(-1);
  readonly #before: Int32Array;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#before = new Int32Array(data.length);
  }

  add(at: number): void {
    if (at > this.#data.length - LAST_MATCH) return;
    const hash = this.#hash(at);
    this.#before[at] = this.#last[hash] as number;
    this.#last[hash] = at;
  }

  find(at: number): Match | undefined {
    const data = this.#data;
    const longest = data.length - LAST_LITERALS - at;
    let [length, from] = [0, 0];
    let place = this.#last[this.#hash(at)] as number;
    for (let left = TRIED; left > 0 && place >= 0 && at - place <= MAX_DISTANCE; left--) {
      let same = 0;
      while (same < longest && data[place + same] === data[at + same]) same++;
      if (same > length) [length, from] = [same, place];
      place = this.#before[place] as number;
    }
    return length < MIN_MATCH ? undefined : { length, distance: at - from };
  }

  #hash(at: number): number {
    return Math.imul(this.#view.getUint32(at, true), 0x9e3779b1) >>> 16;
  }
}

/** The decompressor: it exports a memory of 640 KiB and unpack(from, end, to), which decompresses the block between two addresses
 *  and returns the end of its contents. It copies eight bytes at a time, so up to seven behind the end are overwritten. In C:
 *
 *  for (;;) {
 *    token = *from++; stop = token >> 4;
 *    if (stop == 15) do stop += *from; while (*from++ == 255);
 *    next = from + stop; stop += to;
 *    for (; to < stop; to += 8, from += 8) *(long *)to = *(long *)from;
 *    to = stop; if (next >= end) return to;
 *    from = next; next = to - *(unsigned short *)from; from += 2; stop = token & 15;
 *    if (stop == 15) do stop += *from; while (*from++ == 255);
 *    stop += to + 4;
 *    if (to - next >= 8) do *(long *)to = *(long *)next, to += 8, next += 8; while (to < stop);
 *    else do *to++ = *next++; while (to < stop);
 *    to = stop;
 *  } */
export const UNPACK = Buffer.from(
  'AGFzbQEAAAABCAFgA39/fwF/AwIBAAUDAQAKBxMCBm1lbW9yeQIABnVucGFjawAACrYCAbMCAQN/A0AgAEEBaiEEIAAtAAAhAyADQQR2IQUgBCEAIAVBD0YE' +
    'QANAIAUgAC0AAGohBSAAQQFqIQAgAEEBay0AAEH/AUYNAAsLIAAgBWohBCACIAVqIQUDQCACIAVJBEAgAiAAKQAANwAAIAJBCGohAiAAQQhqIQAMAQsLIAUh' +
    'AiAEIAFPBEAgAg8LIAQhACACIAAvAABrIQQgAEECaiEAIANBD3EhBSAFQQ9GBEADQCAFIAAtAABqIQUgAEEBaiEAIABBAWstAABB/wFGDQALCyACIAVBBGpq' +
    'IQUgAiAEa0EITwRAA0AgAiAEKQAANwAAIAJBCGohAiAEQQhqIQQgAiAFSQ0ACwUDQCACIAQtAAA6AAAgAkEBaiECIARBAWohBCACIAVJDQALCyAFIQIMAAsA' +
    'Cw==',
  'base64',
);
