import { WsgiError } from '../../src/errors.js';

/** A code of Huffman: for each `bits` bits of input, the symbol shifted by 4 and the length of its code. 0 is no code. */
interface Code {
  bits: number;
  table: Uint16Array;
}

function codeOf(lengths: Uint8Array): Code {
  const counts = new Uint16Array(16);
  for (const length of lengths) if (length > 0) counts[length] = (counts[length] as number) + 1;
  let bits = 15;
  while (bits > 1 && counts[bits] === 0) bits--;
  const next = new Uint16Array(17);
  for (let length = 1; length <= bits; length++)
    next[length + 1] = ((next[length] as number) + (counts[length] as number)) << 1;
  const table = new Uint16Array(1 << bits);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    // The bits of a code come in the reverse of the order in which codes are numbered.
    let [reversed, code] = [0, next[length] as number];
    next[length] = code + 1;
    for (let left = length; left > 0; left--, code >>= 1) reversed = (reversed << 1) | (code & 1);
    for (let at = reversed; at < table.length; at += 1 << length) table[at] = (symbol << 4) | length;
  });
  return { bits, table };
}

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** The smallest values of length or distance symbols, whose number of further bits goes up by one every `step` symbols. */
function rangesOf(symbols: number, first: number, step: number): { base: Uint16Array; bits: Uint8Array } {
  const bits = Uint8Array.from({ length: symbols }, (_, symbol) => Math.max(0, Math.floor(symbol / step) - 1));
  const base = new Uint16Array(symbols);
  for (let symbol = 0, value = first; symbol < symbols; value += 1 << (bits[symbol] as number), symbol++)
    base[symbol] = value;
  return { base, bits };
}

const LENGTHS = rangesOf(29, 3, 4);
LENGTHS.base[28] = 258;
LENGTHS.bits[28] = 0;
const DISTANCES = rangesOf(30, 1, 2);

const FIXED_LENGTHS = Uint8Array.from({ length: 288 }, (_, at) => (at < 144 ? 8 : at < 256 ? 9 : at < 280 ? 7 : 8));
let fixed: { literals: Code; distances: Code } | undefined;

/** Decompresses DEFLATE (RFC 1951). The only decompression that all platforms have is asynchronous, but Python reads files
 *  synchronously, and Workers forbid asynchronous operations at the top level, where applications boot.
 *  @param data  the compressed bytes; bytes after the end of the stream are ignored
 *  @param length  bytes of the result
 *  @throws {WsgiError} when `data` is not DEFLATE, or has another length */
export function inflate(data: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let [at, position, buffer, held] = [0, 0, 0, 0];

  const fail = (): never => {
    throw new WsgiError('python: compressed data of the assets is damaged: deploy the files of one build together');
  };
  const fill = (bits: number) => {
    for (; held < bits; held += 8) buffer |= (data[position++] ?? 0) << held;
    if (position > data.length + 4) fail();
  };
  const take = (bits: number): number => {
    fill(bits);
    const value = buffer & ((1 << bits) - 1);
    buffer >>>= bits;
    held -= bits;
    return value;
  };
  const symbolOf = ({ bits, table }: Code): number => {
    fill(bits);
    const entry = table[buffer & ((1 << bits) - 1)] as number;
    if (entry === 0) fail();
    buffer >>>= entry & 15;
    held -= entry & 15;
    return entry >> 4;
  };
  const copyStored = () => {
    // Unread whole bytes go back to the input.
    position -= held >> 3;
    const size = (data[position] ?? 0) | ((data[position + 1] ?? 0) << 8);
    position += 4;
    if (position + size > data.length || at + size > length) fail();
    out.set(data.subarray(position, position + size), at);
    at += size;
    position += size;
    buffer = held = 0;
  };
  const readCodes = (): { literals: Code; distances: Code } => {
    const [literals, distances, given] = [take(5) + 257, take(5) + 1, take(4) + 4];
    const ofLengths = new Uint8Array(19);
    for (const symbol of ORDER.slice(0, given)) ofLengths[symbol] = take(3);
    const code = codeOf(ofLengths);
    const lengths = new Uint8Array(literals + distances);
    for (let index = 0; index < lengths.length; ) {
      const symbol = symbolOf(code);
      if (symbol < 16) lengths[index++] = symbol;
      else {
        const previous = symbol === 16 ? (lengths[index - 1] ?? fail()) : 0;
        const repeat = symbol === 16 ? 3 + take(2) : symbol === 17 ? 3 + take(3) : 11 + take(7);
        lengths.fill(previous, index, index + repeat);
        index += repeat;
      }
    }
    return { literals: codeOf(lengths.subarray(0, literals)), distances: codeOf(lengths.subarray(literals)) };
  };
  // Nearly all of the time goes here. Variables of this function are twice as fast as those around it.
  const decode = (literals: Code, distances: Code) => {
    const [ofLiteral, literalMask] = [literals.table, (1 << literals.bits) - 1];
    const [ofDistance, distanceMask] = [distances.table, (1 << distances.bits) - 1];
    let [b, h, p, o] = [buffer, held, position, at];
    for (;;) {
      for (; h < 15; h += 8) b |= (data[p++] as number) << h;
      const entry = ofLiteral[b & literalMask] as number;
      b >>>= entry & 15;
      h -= entry & 15;
      const symbol = entry >> 4;
      if (symbol < 256) {
        if (entry === 0 || o === length) fail();
        out[o++] = symbol;
        continue;
      }
      if (symbol === 256) break;
      for (; h < 15; h += 8) b |= (data[p++] as number) << h;
      const sizeBits = LENGTHS.bits[symbol - 257] as number;
      const size = (LENGTHS.base[symbol - 257] ?? fail()) + (b & ((1 << sizeBits) - 1));
      b >>>= sizeBits;
      h -= sizeBits;
      for (; h < 15; h += 8) b |= (data[p++] as number) << h;
      const far = ofDistance[b & distanceMask] as number;
      b >>>= far & 15;
      h -= far & 15;
      for (; h < 15; h += 8) b |= (data[p++] as number) << h;
      const farBits = DISTANCES.bits[far >> 4] as number;
      const distance = (DISTANCES.base[far >> 4] ?? fail()) + (b & ((1 << farBits) - 1));
      b >>>= farBits;
      h -= farBits;
      if (far === 0 || distance > o || o + size > length || p > data.length + 4) fail();
      const end = o + size;
      if (size > 30 && distance >= size) out.copyWithin(o, o - distance, end - distance);
      else for (let from = o - distance, to = o; to < end; ) out[to++] = out[from++] as number;
      o = end;
    }
    [buffer, held, position, at] = [b, h, p, o];
  };

  for (let last = false; !last; ) {
    last = take(1) === 1;
    const kind = take(2);
    if (kind === 0) copyStored();
    else if (kind === 2) {
      const { literals, distances } = readCodes();
      decode(literals, distances);
    } else if (kind === 1) {
      fixed ??= { literals: codeOf(FIXED_LENGTHS), distances: codeOf(new Uint8Array(30).fill(5)) };
      decode(fixed.literals, fixed.distances);
    } else fail();
  }
  return at === length ? out : fail();
}
