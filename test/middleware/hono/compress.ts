import type { CompressOptions } from '../../../middleware/index.js';
import type { HeaderList } from '../../../src/types.js';
import type { Absent, HonoCase } from './case.js';

const accept = (value: string, method = 'GET') => ({ method, headers: [['Accept-Encoding', value]] as HeaderList });
const large = (...more: HeaderList) => ({
  headers: [['Content-Type', 'text/plain'], ['Content-Length', '1024'], ...more] as HeaderList,
  body: 'a'.repeat(1024),
});
const typed = (type: string, ...more: HeaderList) => ({
  headers: [['Content-Type', type], ['Content-Length', '1024'], ...more] as HeaderList,
  body: 'a'.repeat(1024),
});
const small = {
  headers: [
    ['Content-Type', 'text/plain'],
    ['Content-Length', '5'],
  ] as HeaderList,
  body: 'small',
};
const encoding = (value: string | null, more: Record<string, string | RegExp | null> = {}) => ({
  headers: { 'Content-Encoding': value, ...more },
});
const DEFLATE = 'deflate is not offered: clients disagree whether it has the frame of zlib';
const OFFERED = 'br and zstd are offered, too';
const onlyGzip: CompressOptions = { encodings: ['gzip'] };

export const compress: Array<HonoCase<CompressOptions>> = [
  // Hono's default is gzip and deflate.
  {
    test: 'should compress large responses with gzip',
    app: large(),
    request: accept('gzip'),
    wanted: encoding('gzip'),
  },
  {
    test: 'should compress large responses with deflate',
    app: large(),
    request: accept('deflate'),
    wanted: encoding('deflate'),
    ours: encoding(null),
    why: DEFLATE,
  },
  {
    test: 'should prioritize gzip over deflate when both are accepted',
    app: large(),
    request: accept('gzip, deflate'),
    wanted: encoding('gzip'),
  },
  {
    test: 'should not compress small responses',
    app: small,
    request: accept('gzip, deflate'),
    wanted: encoding(null, { 'Content-Length': '5' }),
  },
  {
    test: 'should not compress when no Accept-Encoding is provided',
    app: large(),
    request: accept(''),
    wanted: encoding(null),
  },
  {
    test: 'should not compress images',
    app: typed('image/jpeg'),
    request: accept('gzip'),
    wanted: encoding(null, { 'Content-Length': '1024' }),
  },
  {
    test: 'should not compress already compressed responses',
    app: typed('application/octet-stream', ['Content-Encoding', 'br']),
    request: accept('gzip'),
    wanted: encoding('br', { 'Content-Length': '1024' }),
  },
  {
    test: 'should remove Content-Length when compressing',
    app: large(),
    request: accept('gzip'),
    wanted: encoding('gzip', { 'Content-Length': null }),
    ours: encoding('gzip', { 'Content-Length': /^\d\d$/ }),
    why: 'a list stays a list, so the gateway knows its new length',
  },
  {
    test: 'should not remove Content-Length when not compressing',
    app: typed('image/jpeg'),
    request: accept('gzip'),
    wanted: encoding(null, { 'Content-Length': '1024' }),
  },
  {
    test: 'should not compress 206 Partial Content responses',
    app: { ...large(['Content-Range', 'bytes 0-1023/2048']), status: '206 Partial Content' },
    request: accept('gzip'),
    wanted: {
      status: 206,
      ...encoding(null, { 'Content-Length': '1024', 'Content-Range': 'bytes 0-1023/2048' }),
      body: 'a'.repeat(1024),
    },
  },
  {
    test: 'should not compress small JSON responses',
    app: {
      headers: [
        ['Content-Type', 'application/json'],
        ['Content-Length', '26'],
      ],
      body: '{"message":"Hello, World!"}',
    },
    request: accept('gzip'),
    wanted: encoding(null),
  },
  {
    test: 'should compress large JSON responses',
    app: typed('application/json'),
    request: accept('gzip'),
    wanted: encoding('gzip'),
  },
  {
    test: 'should not compress server-sent events',
    app: typed('text/event-stream'),
    request: accept('gzip'),
    wanted: encoding(null),
  },
  {
    test: 'should convert strong ETag to weak ETag when compressing',
    app: large(['ETag', '"strong-etag"']),
    request: accept('gzip'),
    wanted: encoding('gzip', { ETag: 'W/"strong-etag"' }),
  },
  {
    test: 'should keep strong ETag when not compressing',
    app: large(['ETag', '"strong-etag"']),
    wanted: encoding(null, { ETag: '"strong-etag"' }),
  },
  {
    test: 'should not modify weak ETag when compressing',
    app: large(['ETag', 'W/"weak-etag"']),
    request: accept('gzip'),
    wanted: encoding('gzip', { ETag: 'W/"weak-etag"' }),
  },
  {
    test: 'should not add ETag when none exists',
    app: large(),
    request: accept('gzip'),
    wanted: encoding('gzip', { ETag: null }),
  },
  {
    test: 'should set Vary: Accept-Encoding when compressing',
    app: large(),
    request: accept('gzip'),
    wanted: encoding('gzip', { Vary: 'Accept-Encoding' }),
  },
  {
    test: 'should append Accept-Encoding to an existing Vary header',
    app: large(['Vary', 'Cookie']),
    request: accept('gzip'),
    wanted: encoding('gzip', { Vary: 'Cookie, Accept-Encoding' }),
  },
  {
    test: 'should not duplicate Accept-Encoding when Vary already lists it',
    app: large(['Vary', 'Accept-Encoding']),
    request: accept('gzip'),
    wanted: encoding('gzip', { Vary: 'Accept-Encoding' }),
  },
  {
    test: 'should leave Vary: * unchanged',
    app: large(['Vary', '*']),
    request: accept('gzip'),
    wanted: encoding('gzip', { Vary: '*' }),
  },
  {
    test: 'should set Vary on an identity response when Accept-Encoding is absent',
    app: large(),
    wanted: encoding(null, { Vary: 'Accept-Encoding' }),
  },
  {
    test: 'should set Vary on an identity response when no offered encoding is accepted',
    app: large(),
    request: accept('br'),
    wanted: encoding(null, { Vary: 'Accept-Encoding' }),
    ours: encoding('br', { Vary: 'Accept-Encoding' }),
    why: OFFERED,
  },
  {
    test: 'should not add a Vary header when the response is not eligible for compression',
    app: typed('image/png'),
    request: accept('gzip'),
    wanted: encoding(null, { Vary: null }),
  },
  {
    test: 'should compress when Content-Type matches',
    options: { types: /^application\/json/, threshold: 0 },
    app: typed('application/json'),
    request: accept('gzip'),
    wanted: encoding('gzip'),
  },
  {
    test: 'should not compress when Content-Type does not match',
    options: { types: /^application\/json/, threshold: 0 },
    app: large(),
    request: accept('gzip'),
    wanted: encoding(null),
  },
  {
    test: 'should not compress responses with Cache-Control: no-transform',
    app: large(['Cache-Control', 'no-transform']),
    request: accept('gzip'),
    wanted: encoding(null),
  },
  {
    test: 'should handle HEAD requests without compression',
    app: large(),
    request: accept('gzip', 'HEAD'),
    wanted: encoding(null),
  },
  {
    test: 'should compress custom 404 Not Found responses',
    app: { status: '404 Not Found', headers: [['Content-Type', 'text/plain']], body: 'Custom NotFound' },
    request: accept('gzip'),
    wanted: { status: 404, ...encoding('gzip') },
    ours: { status: 404, ...encoding(null) },
    why: 'the length of a list is known, and these 15 bytes are below the threshold',
  },
  {
    test: 'should compress when configured encoding is accepted by the client',
    options: onlyGzip,
    app: large(),
    request: accept('gzip'),
    wanted: encoding('gzip'),
  },
  {
    test: 'should not compress when configured encoding is not in Accept-Encoding',
    options: onlyGzip,
    app: large(),
    request: accept('deflate'),
    wanted: encoding(null),
  },
  {
    test: 'should not compress when Accept-Encoding header is absent',
    options: onlyGzip,
    app: large(),
    wanted: encoding(null),
  },
  {
    test: 'should not compress when configured encoding has q=0',
    options: onlyGzip,
    app: large(),
    request: accept('gzip;q=0'),
    wanted: encoding(null),
  },
  {
    test: 'should fall back to another encoding when the preferred one has q=0',
    app: large(),
    request: accept('gzip;q=0, deflate'),
    wanted: encoding('deflate'),
    ours: encoding(null),
    why: DEFLATE,
  },
  {
    test: 'should compress when Accept-Encoding is the wildcard *',
    options: onlyGzip,
    app: large(),
    request: accept('*'),
    wanted: encoding('gzip'),
  },
  {
    test: 'should compress when Accept-Encoding token differs only in case',
    options: onlyGzip,
    app: large(),
    request: accept('GZIP'),
    wanted: encoding('gzip'),
  },
  {
    test: 'should not treat x-gzip as gzip',
    options: onlyGzip,
    app: large(),
    request: accept('x-gzip'),
    wanted: encoding(null),
  },
  {
    test: 'should pick the encoding with the highest q value',
    app: large(),
    request: accept('gzip;q=0.5, deflate;q=0.9'),
    wanted: encoding('deflate'),
    ours: encoding('gzip'),
    why: DEFLATE,
  },
  {
    test: 'should prefer gzip over deflate when q values are equal',
    app: large(),
    request: accept('gzip;q=0.5, deflate;q=0.5'),
    wanted: encoding('gzip'),
  },
];

const FRAMING = 'Transfer-Encoding belongs to the gateway, which refuses it from an application (PEP 3333)';
const STREAMS = 'test/middleware/compress.test.ts has streams';
export const absent: Absent = {
  'should not compress transfer-encoding: deflate': FRAMING,
  'should not compress transfer-encoding: chunked': FRAMING,
  'should compress streaming responses written in multiple chunks': STREAMS,
  'should not compress already compressed streaming responses': STREAMS,
};
