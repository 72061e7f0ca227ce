import { WsgiError } from '../../src/errors.js';
import { type AssetData, bytesOf } from './assets.js';

/** One file of a zip. */
export interface ZipEntry {
  name: string;
  /** 0: stored, 8: deflated. */
  method: number;
  /** Bytes in the zip, so compressed ones if the method is 8. */
  size: number;
  /** Bytes of the file. */
  length: number;
  /** When the file was changed last, in milliseconds since 1970. */
  modified: number;
  /** The bytes in the zip, which may be compressed. */
  read(): Uint8Array;
}

const END = 0x06054b50;
const END_SIZE = 22; // bytes; a comment follows
const MAX_COMMENT = 65_535; // bytes

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** Lists the files of a zip. Only its directory is read before a file is. */
export function readZip(zip: AssetData): ZipEntry[] {
  const tailSize = Math.min(zip.byteLength, END_SIZE + MAX_COMMENT);
  const tail = viewOf(bytesOf(zip, zip.byteLength - tailSize, tailSize));
  let record = tailSize - END_SIZE;
  while (record >= 0 && tail.getUint32(record, true) !== END) record--;
  if (record < 0) throw new WsgiError('python: a zip without an end record: the file is cut short, or is not a zip');
  const directory = bytesOf(zip, tail.getUint32(record + 16, true), tail.getUint32(record + 12, true));
  const view = viewOf(directory);
  const decoder = new TextDecoder();
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let left = tail.getUint16(record + 10, true); left > 0; left--) {
    const nameLength = view.getUint16(at + 28, true);
    const name = decoder.decode(directory.subarray(at + 46, at + 46 + nameLength));
    const size = view.getUint32(at + 20, true);
    const length = view.getUint32(at + 24, true);
    const local = view.getUint32(at + 42, true);
    const read = () => {
      const header = viewOf(bytesOf(zip, local, 30));
      const start = local + 30 + header.getUint16(26, true) + header.getUint16(28, true);
      return bytesOf(zip, start, size);
    };
    const extra = at + 46 + nameLength;
    const end = extra + view.getUint16(at + 30, true);
    const modified =
      modifiedIn(view, extra, end) ?? dosTime(view.getUint16(at + 14, true), view.getUint16(at + 12, true));
    if (!name.endsWith('/'))
      entries.push({ name, method: view.getUint16(at + 10, true), size, length, modified, read });
    at = end + view.getUint16(at + 32, true);
  }
  return entries;
}

const TIMESTAMP = 0x5455; // the extra field "extended timestamp": flags, then seconds since 1970

/** Finds the time of modification in the extra fields of an entry, in milliseconds since 1970. */
function modifiedIn(view: DataView, start: number, end: number): number | undefined {
  for (let at = start; at + 9 <= end; at += 4 + view.getUint16(at + 2, true))
    if (view.getUint16(at, true) === TIMESTAMP && view.getUint8(at + 4) & 1) return view.getInt32(at + 5, true) * 1000;
  return undefined;
}

/** Reads the time of MS-DOS, which the build writes in UTC, with steps of two seconds. */
function dosTime(date: number, time: number): number {
  const day = [1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31] as const;
  return Date.UTC(...day, time >> 11, (time >> 5) & 63, (time & 31) * 2);
}
