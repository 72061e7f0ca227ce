import type { HeaderList } from '../../src/types.js';
import { bytes, error, type Row, SENT, type Seen, text } from './row.js';

const OK = 'start_response ok';
const DIGITS = '0123456789'.repeat(2000);
const TWENTY = '0123456789'.repeat(2);

/** A file of 20,000 bytes that is read in blocks. JavaScript has no file that all platforms share. */
function file(seen: Seen) {
  const data = bytes(DIGITS);
  let position = 0;
  return {
    read(size: number) {
      const block = data.subarray(position, position + size);
      position += block.length;
      return block;
    },
    close: () => seen.note('close'),
  };
}
const wraps =
  (make: (seen: Seen) => unknown, block: number, ...headers: HeaderList): Row['app'] =>
  (environ, start, seen) => {
    start('200 OK', text(...headers));
    return environ['wsgi.file_wrapper'](make(seen) as ReturnType<typeof file>, block);
  };
function small(seen: Seen) {
  let left = bytes(TWENTY);
  return {
    read(size: number) {
      seen.note(`read ${size}`);
      const block = left.subarray(0, size);
      left = left.subarray(size);
      return block;
    },
  };
}
const READS = ['read 8', 'read 8', 'read 8', 'read 8'];

export const fileWrapper: Row[] = [
  {
    id: 'fw_present',
    title: 'it is there',
    app: (environ, start, seen) => {
      seen.note(`file_wrapper is a ${typeof environ['wsgi.file_wrapper']}`);
      start('200 OK', text());
      return [bytes('x')];
    },
    expect: { ...SENT, body: 'x', events: ['file_wrapper is a function', OK] },
  },
  {
    id: 'fw_cl_short',
    title: 'a Content-Length smaller than the file',
    app: wraps(file, 8192, ['Content-Length', '5']),
    expect: { ...SENT, body: '01234', length: '5', events: [OK, 'close'], log: /longer than its Content-Length/ },
    why: { logged: 'PEP 3333, "Handling the Content-Length Header": a breach is logged or otherwise reported' },
  },
  {
    id: 'fw_cl_long',
    title: 'a Content-Length larger than the file',
    app: wraps(file, 8192, ['Content-Length', '20005']),
    expect: {
      ...SENT,
      body: DIGITS,
      complete: false,
      events: [OK, 'close'],
      log: /ended after 20000 of the 20005 bytes/,
    },
    why: { logged: 'PEP 3333, "Handling the Content-Length Header": a breach is logged or otherwise reported' },
  },
  {
    id: 'fw_head',
    title: 'on HEAD',
    request: { method: 'HEAD' },
    app: wraps(file, 8192, ['Content-Length', '20000']),
    expect: { ...SENT, length: '20000', events: [OK, 'close'] },
    why: { body: 'HEAD has no body (RFC 9110, section 9.3.2); as mod_wsgi' },
  },
  {
    id: 'fw_bytesio',
    title: 'a file in memory',
    app: wraps(file, 8192),
    expect: { ...SENT, body: DIGITS, events: [OK, 'close'] },
  },
  {
    id: 'fw_filelike_close',
    title: 'read() and close(), in blocks',
    app: wraps((seen) => ({ ...small(seen), close: () => seen.note('close') }), 8),
    expect: { ...SENT, body: TWENTY, events: [OK, ...READS, 'close'] },
  },
  {
    id: 'fw_filelike_noclose',
    title: 'read() alone',
    app: wraps(small, 8),
    expect: { ...SENT, body: TWENTY, events: [OK, ...READS] },
  },
  {
    id: 'fw_text_file',
    title: 'read() gives a string',
    app: wraps(() => ({ read: () => 'text' }), 8192),
    expect: error(/must be a Uint8Array, not a string/, OK),
    why: { complete: 'the 500 is whole', body: 'the page of the 500: a bad chunk is found before the head goes out' },
  },
];
