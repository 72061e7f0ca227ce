import type { ConditionalOptions } from '../../../middleware/index.js';
import type { HeaderList } from '../../../src/types.js';
import type { Absent, HonoCase } from './case.js';

const HASH = 'the tag is half a SHA-256, where Hono has a SHA-1';
const hot = { body: 'Hono is hot' };
const TAG = '"d104fafdb380655dab607c9bddc4d4982037afa1"';
const OURS = /^"[0-9a-f]{32}"$/;
const tagged = (tag: string, status = '200 OK') => ({
  status,
  headers: [['ETag', tag]] as HeaderList,
  body: 'created',
});
const none = (tag: string, method = 'GET') => ({ method, headers: [['If-None-Match', tag]] as HeaderList });
const great: { headers: HeaderList; body: string } = {
  body: 'Hono is great',
  headers: [
    ['ETag', '"great"'],
    ['Cache-Control', 'public, max-age=120'],
    ['Date', 'Mon, Feb 27 2023 12:08:36 GMT'],
    ['Expires', 'Mon, Feb 27 2023 12:10:36 GMT'],
    ['Server', 'Upstream 1.2'],
    ['Vary', 'Accept-Language'],
  ],
};
const KEPT =
  'a 304 keeps headers that do not describe the body: without Set-Cookie or CORS headers it would change the meaning of the response';

export const etag: Array<HonoCase<ConditionalOptions>> = [
  {
    test: 'Should return etag header',
    app: hot,
    wanted: { headers: { ETag: TAG } },
    ours: { headers: { ETag: OURS } },
    why: HASH,
  },
  {
    test: 'Should return etag header - binary',
    app: { body: '\0' },
    wanted: { headers: { ETag: '"5ba93c9db0cff93f52b521d7420e43f6eda2784f"' } },
    ours: { headers: { ETag: OURS } },
    why: HASH,
  },
  { test: 'Should handle conditional GETs', app: great, wanted: { status: 200, headers: { ETag: '"great"' } } },
  {
    test: 'Should handle conditional GETs (2)',
    app: great,
    request: none('"not the right etag"'),
    wanted: { status: 200 },
  },
  {
    test: 'Should handle conditional GETs (3)',
    app: great,
    request: none('"great"'),
    wanted: {
      status: 304,
      body: '',
      headers: {
        ETag: '"great"',
        'Cache-Control': 'public, max-age=120',
        Date: 'Mon, Feb 27 2023 12:08:36 GMT',
        Expires: 'Mon, Feb 27 2023 12:10:36 GMT',
        Server: null,
        Vary: 'Accept-Language',
      },
    },
    ours: { status: 304, body: '', headers: { ETag: '"great"', Server: 'Upstream 1.2', Vary: 'Accept-Language' } },
    why: KEPT,
  },
  {
    test: 'Should handle conditional GETs (4)',
    app: great,
    request: none('"mismatch 1", "great", "mismatch 2"'),
    wanted: { status: 304 },
  },
  {
    test: 'Should handle conditional GETs (5)',
    app: great,
    request: none('"mismatch 1", "great" , "mismatch 2"'),
    wanted: { status: 304 },
  },
  { test: 'Should handle conditional GETs (6)', app: great, request: none('*'), wanted: { status: 304 } },
  {
    test: 'Should handle conditional QUERY requests',
    app: great,
    request: none('"great"', 'QUERY'),
    wanted: { status: 304 },
    ours: { status: 200 },
    why: 'a 304 answers GET and HEAD (RFC 9110, section 15.4.5); QUERY is still a draft',
  },
  {
    test: 'Should not return 304 on unsafe methods or error responses',
    app: tagged('"etag-123"', '201 Created'),
    request: none('*', 'PUT'),
    wanted: { status: 201, body: 'created' },
  },
  {
    test: 'Should not return 304 on unsafe methods or error responses (2)',
    app: tagged('"etag-123"', '201 Created'),
    request: none('"etag-123"', 'PUT'),
    wanted: { status: 201, body: 'created' },
  },
  {
    test: 'Should not return 304 on unsafe methods or error responses (3)',
    app: tagged('"etag-123"', '404 Not Found'),
    request: none('*'),
    wanted: { status: 404 },
  },
  {
    test: 'Should not return 304 on unsafe methods or error responses (4)',
    app: tagged('"etag-123"', '404 Not Found'),
    request: none('"etag-123"'),
    wanted: { status: 404 },
  },
  {
    test: 'Should not override ETag headers from upstream',
    app: tagged('"f-0194-d"'),
    wanted: { headers: { ETag: '"f-0194-d"' } },
  },
  {
    test: 'Should not return duplicate etag header values',
    app: tagged('"one"'),
    wanted: { headers: { ETag: '"one"' } },
  },
  {
    test: 'Should return 304 when weak ETag in If-None-Match matches the generated ETag',
    app: tagged('"one"'),
    request: none('W/"one"'),
    wanted: { status: 304 },
  },
  {
    test: 'Should remove all non-retained headers on 304 without skipping any',
    app: {
      headers: [
        ['ETag', '"one"'],
        ['X-Custom-1', 'val1'],
        ['Cache-Control', 'max-age=3600'],
        ['Content-Type', 'text/plain'],
      ],
    },
    request: none('"one"'),
    wanted: {
      status: 304,
      headers: { ETag: '"one"', 'Cache-Control': 'max-age=3600', 'X-Custom-1': null, 'Content-Type': null },
    },
    ours: {
      status: 304,
      headers: { ETag: '"one"', 'Cache-Control': 'max-age=3600', 'X-Custom-1': 'val1', 'Content-Type': null },
    },
    why: KEPT,
  },
  {
    test: 'Should not return etag header when body is null',
    app: { status: '500 Internal Server Error' },
    wanted: { status: 500, headers: { ETag: null } },
  },
  {
    test: 'Should not return etag header when the stream is empty',
    app: { body: '' },
    wanted: { status: 200, headers: { ETag: null } },
    ours: { status: 200, headers: { ETag: OURS } },
    why: 'an empty list is a body like any other',
  },
];

const STREAM = 'a stream gets no tag: it would have to be held back';
const ALGORITHM = 'the hash can not be chosen: an application that wants another tag sets it';
export const absent: Absent = {
  'Should return etag header with another algorithm': ALGORITHM,
  'Should return etag header - weak': 'a list gets a strong tag; compress makes it weak',
  'Should not be the same etag - arrayBuffer': 'test/middleware/conditional.test.ts compares bodies',
  'Should not be the same etag - Uint8Array': 'test/middleware/conditional.test.ts compares bodies',
  'Should not be the same etag - ReadableStream': STREAM,
  'Should return the same etag regardless of ReadableStream chunk boundaries': STREAM,
  'Should preserve the SHA-1 digest for bodies up to 256 KiB': HASH,
  'Should retain the default and the specified headers': KEPT,
  'Should not generate etag': 'every platform has Web Crypto',
};
