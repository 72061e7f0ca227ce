/** Reads the numbers and strings of a wasm module. */
export class Reader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++] as number;
  }

  /** LEB128, unsigned. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  }

  /** Skips numbers in LEB128, signed or not, and single bytes. */
  skip(count: number): void {
    for (let left = count; left > 0; left--) while (this.byte() > 127);
  }

  string(): string {
    const length = this.number();
    this.at += length;
    return decoder.decode(this.bytes.subarray(this.at - length, this.at));
  }
}

const decoder = new TextDecoder();

/** LEB128, unsigned. */
export function encode(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Uint8Array.from([...bytes, rest]);
}

/** LEB128, signed, of a number that is not negative. */
export function encodeSigned(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 63; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Uint8Array.from([...bytes, rest]);
}

/** A part of a module: its number, and where its content begins and ends. */
export interface Section {
  id: number;
  start: number;
  end: number;
}

const HEADER = 8; // bytes: magic and version

export function sectionsOf(wasm: Uint8Array): Section[] {
  const sections: Section[] = [];
  const reader = new Reader(wasm, HEADER);
  while (reader.at < wasm.length) {
    const id = reader.byte();
    const length = reader.number();
    sections.push({ id, start: reader.at, end: reader.at + length });
    reader.at += length;
  }
  return sections;
}

/** Returns the module with another content for one section. */
export function replaceSection(wasm: Uint8Array, id: number, content: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = sectionsOf(wasm).flatMap((section) => {
    const bytes = section.id === id ? Buffer.concat(content) : wasm.subarray(section.start, section.end);
    return [Uint8Array.of(section.id), encode(bytes.length), bytes];
  });
  return new Uint8Array(Buffer.concat([wasm.subarray(0, HEADER), ...parts]));
}
