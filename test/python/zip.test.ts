import { describe, expect, it } from 'vitest';
import { readZip } from '../../python/interpreter/zip.js';

/** A zip with one empty file.
 *  @param extra  the extra fields of the entry in the directory */
function zipOf(date: number, time: number, extra: number[]): Uint8Array {
  const name = Buffer.from('app/a.css');
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(time, 12);
  central.writeUInt16LE(date, 14);
  central.writeUInt16LE(name.length, 28);
  central.writeUInt16LE(extra.length, 30);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length + name.length + extra.length, 12);
  end.writeUInt32LE(local.length + name.length, 16);
  return Buffer.concat([local, name, central, name, Buffer.from(extra), end]);
}

describe('the time of a file', () => {
  const date = ((2026 - 1980) << 9) | (11 << 5) | 29;
  const time = (16 << 11) | (45 << 5) | (58 / 2);
  const dos = Date.UTC(2026, 10, 29, 16, 45, 58);
  const seconds = Date.UTC(2026, 10, 29, 16, 45, 59) / 1000;
  const bytes = [seconds & 255, (seconds >> 8) & 255, (seconds >> 16) & 255, seconds >>> 24];

  it.each([
    ['is that of MS-DOS, in UTC', [], dos],
    ['is that of the extended timestamp', [0x55, 0x54, 5, 0, 1, ...bytes], seconds * 1000],
    [
      'is that of the extended timestamp behind another field',
      [1, 0, 2, 0, 9, 9, 0x55, 0x54, 5, 0, 1, ...bytes],
      seconds * 1000,
    ],
    ['is not a time of access', [0x55, 0x54, 5, 0, 2, ...bytes], dos],
    ['is not in a field that is cut short', [0x55, 0x54, 5, 0, 1], dos],
  ])('%s', (_what, extra, expected) => {
    expect(readZip(zipOf(date, time, extra)).map(({ modified }) => modified)).toEqual([expected]);
  });
});
