// Bytes that are a request, or nearly one.
import { connect } from 'node:net';
import fc from 'fast-check';

const token = fc.constantFrom(
  'GET',
  'POST',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'PUT',
  'get',
  'PURGE',
  'CONNECT',
  'TRACE',
  'G\tT',
);
export const target = fc.oneof(
  fc.constantFrom(
    '/',
    '*',
    '*x',
    '',
    '//evil.example/x',
    '/a%2Fb%zz%FF',
    '/?',
    '/?a=1&a=2#f',
    '/\\..\\x',
    '/../..//x',
    '/%00',
    '/caf\xe9',
  ),
  fc.constantFrom('http://evil.example/x', 'http://user@h/', 'https://[::1]:1/', 'h:80', '@evil.example/'),
  fc.string({ maxLength: 12, unit: 'binary' }).map((text) => `/${text}`),
);
export const headerName = fc.constantFrom(
  'X-A',
  'x_a',
  'Proxy',
  '__proto__',
  'constructor',
  'Cookie',
  'Content-Type',
  'Forwarded',
  'X-Forwarded-For',
  'Expect',
  'Upgrade',
  'Connection',
  'TE',
  'Trailer',
  'Content-Encoding',
  'Range',
  'bad name',
  '',
  'X-A ',
);
export const headerValue = fc.oneof(
  fc.constantFrom(
    '',
    '1',
    'a, b',
    ' padded ',
    'chunked',
    'close',
    'keep-alive',
    '100-continue',
    'a=1; b=2',
    'caf\xe9',
    '\xc3\xa9',
    'x\0y',
    'x\ry',
    'x\r\n y',
  ),
  fc.string({ maxLength: 12, unit: 'binary' }),
);
const framing = fc.constantFrom(
  ['Content-Length: 5'],
  ['Content-Length: 0'],
  ['Content-Length: 5', 'Content-Length: 6'],
  ['Content-Length: 5, 5'],
  ['Content-Length: -1'],
  ['Content-Length: +5'],
  ['Content-Length: 0x5'],
  ['Content-Length: 99999999999999999999'],
  ['Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: 5'],
  ['Transfer-Encoding: gzip, chunked'],
  ['Transfer-Encoding:\x0bchunked'],
  ['Transfer-Encoding : chunked'],
  ['Transfer-Encoding: xchunked'],
  [],
);
const body = fc.constantFrom(
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '5;x=y\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
  'ffffffffffffffff1\r\nx',
  '5\nhello\n0\n\n',
  '-5\r\nhello\r\n',
  '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n',
);
const host = fc.constantFrom(
  'Host: h',
  'Host: h:80',
  'Host: ',
  'Host: h\r\nHost: i',
  'Host: a b',
  'Host: h/x',
  'Host: [::1]',
  '',
);
export const request = fc
  .record({
    token,
    target,
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'http/1.1', ''),
    host,
    headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 5 }),
    framing,
    body,
    /** Bytes put in place of others. */
    noise: fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 2 }),
    twice: fc.boolean(),
  })
  .map((parts) => {
    const lines = [
      `${parts.token} ${parts.target} ${parts.version}`,
      ...(parts.host === '' ? [] : [parts.host]),
      ...parts.headers.map(([name, value]) => `${name}: ${value}`),
      ...parts.framing,
    ];
    const text = `${lines.join('\r\n')}\r\n\r\n${parts.body}`;
    const bytes = Buffer.from(parts.twice ? text + text : text, 'latin1');
    for (const [at, byte] of parts.noise) if (at < bytes.length) bytes[at] = byte;
    return bytes;
  });

/** Sends bytes and closes its side; what comes back until the server has closed, too.
 *  @param patience  ms without a byte after which it gives up */
export function exchange(port: number, bytes: Uint8Array, patience = 500): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => socket.end(bytes));
    socket.on('data', (data) => {
      answer += data.toString('latin1');
    });
    // A request that never ends is not the server's fault, and neither is its connection that stays open.
    socket.setTimeout(patience, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}
