import { createHash } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';

/** A file for a zip, uncompressed. */
export interface ZipFile {
  name: string;
  data: Uint8Array;
  /** The time of the last change, in seconds since 1970. Files without it get the first day of the format, so that the same files
   *  make the same bytes. */
  mtime?: number;
}

const FIRST = Date.UTC(1980, 0, 1) / 1000;

/** Writes a time as DOS does, with a precision of two seconds, and in UTC, so that it is the same on every machine. */
function writeDosTime(fields: Buffer, at: number, seconds: number): void {
  const date = new Date(Math.max(seconds, FIRST) * 1000);
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  fields.writeUInt16LE(time, at);
  fields.writeUInt16LE(day, at + 2);
}

/** The extra field of a file that has its time in seconds: the "extended timestamp". */
function timestamp(seconds: number | undefined): Buffer {
  if (seconds === undefined) return Buffer.alloc(0);
  const field = Buffer.alloc(9);
  field.writeUInt16LE(0x5455, 0);
  field.writeUInt16LE(5, 2);
  field.writeUInt8(1, 4); // only the time of the last change
  field.writeInt32LE(seconds, 5);
  return field;
}

/** Makes a zip of files that are deflated if that makes them smaller. Its comment is the SHA-256 of the bytes before the end record, which identifies the build.
 *  @param compress  false stores the files as they are, which is faster */
export function writeZip(files: ZipFile[], compress = true): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const add = (...bytes: Uint8Array[]) => {
    for (const part of bytes) {
      parts.push(part);
      at += part.length;
    }
  };
  for (const { name, data, mtime } of files) {
    const nameBytes = Buffer.from(name);
    const extra = timestamp(mtime);
    const compressed = compress ? deflateRawSync(data, { level: 9 }) : data;
    const deflated = compressed.length < data.length;
    const packed = deflated ? compressed : data;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // version
    fields.writeUInt16LE(0x0800, 2); // the name is UTF-8
    fields.writeUInt16LE(deflated ? 8 : 0, 4);
    writeDosTime(fields, 6, mtime ?? FIRST);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(nameBytes.length, 22);
    fields.writeUInt16LE(extra.length, 24);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 4);
    fields.copy(central, 6, 0, 26);
    central.writeUInt32LE(at, 42);
    directory.push(central, nameBytes, extra);
    add(Buffer.from([0x50, 0x4b, 3, 4]), fields, nameBytes, extra, packed);
  }
  const start = at;
  add(...directory);
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  const comment = hash.digest();
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(at - start, 12);
  end.writeUInt32LE(start, 16);
  end.writeUInt16LE(comment.length, 20);
  add(end, comment);
  return Buffer.concat(parts);
}
