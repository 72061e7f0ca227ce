import { createHash } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';

/** A file for a zip, uncompressed. */
export interface ZipFile {
  name: string;
  data: Uint8Array;
}

// 1980-01-01, the first day of the format. A fixed date makes the same bytes of the same files.
const DATE = 0x0021;

/** Makes a zip, stored or deflated. Its comment is the SHA-256 of the bytes before the end record, which identifies the build. */
export function writeZip(files: ZipFile[], deflate = false): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const add = (...bytes: Uint8Array[]) => {
    for (const part of bytes) {
      parts.push(part);
      at += part.length;
    }
  };
  for (const { name, data } of files) {
    const nameBytes = Buffer.from(name);
    const packed = deflate ? deflateRawSync(data, { level: 9 }) : data;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // version
    fields.writeUInt16LE(0x0800, 2); // the name is UTF-8
    fields.writeUInt16LE(deflate ? 8 : 0, 4);
    fields.writeUInt16LE(DATE, 8);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(nameBytes.length, 22);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 4);
    fields.copy(central, 6, 0, 26);
    central.writeUInt32LE(at, 42);
    directory.push(central, nameBytes);
    add(Buffer.from([0x50, 0x4b, 3, 4]), fields, nameBytes, packed);
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
