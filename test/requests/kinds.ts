// More requests of the kinds that requests.json has, expected by its rules. No other server was measured with these.
import type { Case, Exception, Expected } from './suite.js';

// Strings are native strings: one code unit per byte.
const HOST = 'Host: h.example\r\n';
const get = (target: string, headers = HOST) => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const post = (headers: string, body: string) => `POST /p HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const lines = (...headers: string[]) => get('/p', HOST + headers.map((header) => `${header}\r\n`).join(''));
const method = (name: string, target = '/p') => `${name} ${target} HTTP/1.1\r\n${HOST}\r\n`;
const version = (name: string) => `GET /p ${name}\r\n${HOST}\r\n`;
const host = (...values: string[]) => get('/p', values.map((value) => `Host: ${value}\r\n`).join(''));

const NONE: Expected['environ'] = {
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: '',
  PATH_INFO: '/p',
  QUERY_STRING: '',
  SERVER_NAME: 'h.example',
  SERVER_PORT: '80',
  SERVER_PROTOCOL: 'HTTP/1.1',
  HTTP_HOST: 'h.example',
  'wsgi.url_scheme': 'http',
};
const sees = (environ: Expected['environ'] = {}, body = ''): Expected => ({ environ: { ...NONE, ...environ }, body });
const path = (PATH_INFO: string, QUERY_STRING = '') => sees({ PATH_INFO, QUERY_STRING });
const posted = (environ: Expected['environ'], body: string) => sees({ REQUEST_METHOD: 'POST', ...environ }, btoa(body));
const named = (HTTP_HOST: string, SERVER_NAME: string, SERVER_PORT = '80') =>
  sees({ HTTP_HOST, SERVER_NAME, SERVER_PORT });
const refused = (...statuses: number[]): Expected => ({ refused: statuses });
const NOT_HTTP = refused(400);

type Exceptions = Record<string, Exception>;
const node = (reason: string, status = 400): Exceptions => ({ node: { reason, bare: { refused: status } } });
const cloudflare = (reason: string, status = 400): Exceptions => ({
  cloudflare: { reason, bare: { refused: status } },
});
const both = (reason: string, status = 400): Exceptions => ({
  ...node(`node.${reason}`),
  ...cloudflare(`cloudflare.${reason}`, status),
});
const rewritten = (reason: string, seen: object, environ: Exception['environ'] = {}, body?: string): Exceptions => ({
  cloudflare: { reason, bare: { seen }, environ, ...(body === undefined ? {} : { body }) },
});

const TEXT = 'cloudflare.text';
const BIG = 'b'.repeat(9000);
const HUGE = 'h'.repeat(17_000);
const HELLO = '5\r\nhello\r\n0\r\n\r\n';
const chunked = (body: string, ...more: string[]) =>
  post(['Transfer-Encoding: chunked', ...more].map((header) => `${header}\r\n`).join(''), body);

const table: Array<[title: string, raw: string, expected: Expected, exceptions?: Exceptions]> = [
  ['the root', get('/'), path('/')],
  ['%25 is decoded once', get('/%2541'), path('/%41')],
  ['plus, parameters, backslash', get('/a+b;p=1\\c'), path('/a+b;p=1\\c')],
  ['empty segments', get('//a///b//'), path('//a///b//')],
  ['only slashes', get('///'), path('///')],
  ['dot segments', get('/a/./b/../c/..'), path('/a/./b/../c/..')],
  ['escaped dot segments', get('/a/%2e%2e/%2E/b'), path('/a/.././b')],
  ['an escaped question mark and number sign', get('/a%3Fb%23c?d'), path('/a?b#c', 'd')],
  ['escaped bytes that are no UTF-8', get('/%ff%C3'), path('/\xff\xc3')],
  ['a bar and quotes in the path', get('/a|b\'c"d'), path('/a|b\'c"d')],
  ['square brackets', get('/a[b]?c[d]'), path('/a[b]', 'c[d]')],
  ['angle brackets in the path', get('/a<b>'), path('/a<b>'), cloudflare('cloudflare.query')],
  ['braces and a caret in the path', get('/a{b}^c'), path('/a{b}^c')],
  ['a backquote in the path', get('/a`b'), path('/a`b'), cloudflare('cloudflare.query')],
  ['double quotes in the query', get('/p?"x"'), path('/p', '"x"'), cloudflare('cloudflare.query')],
  ['braces, caret and backquote in the query', get('/p?a{b}^c`|\\'), path('/p', 'a{b}^c`|\\')],
  ['a second question mark at once', get('/p??x'), path('/p', '?x')],
  ['a URL in the path and the query', get('/http://x/y?http://x/y'), path('/http://x/y', 'http://x/y')],
  ['an authority that is a path', get('//other.example/p'), path('//other.example/p')],
  ['a fragment after a query', get('/p?q#f?g'), path('/p', 'q')],
  ['raw UTF-8 in the path', get('/caf\xc3\xa9'), path('/caf\xc3\xa9'), node('node.target')],
  ['a space in the target', get('/a b'), NOT_HTTP],
  ['a control character in the target', get('/a\x01b'), NOT_HTTP],
  ['a tab in the target', get('/a\tb'), NOT_HTTP],
  ['DEL in the target', get('/a\x7fb'), NOT_HTTP],
  ['a query of 12,000 bytes', get(`/p?${'q'.repeat(12_000)}`), path('/p', 'q'.repeat(12_000))],
  ['a query of 17,000 bytes', get(`/p?${HUGE}`), path('/p', HUGE), node('node.size', 431)],
  [
    'an absolute target for another host',
    get('http://other.example:81/p?q'),
    sees({ HTTP_HOST: 'other.example:81', SERVER_NAME: 'other.example', SERVER_PORT: '81', QUERY_STRING: 'q' }),
    rewritten(
      'cloudflare.absolute',
      { target: 'http://h.example/p?q' },
      { HTTP_HOST: 'h.example', SERVER_NAME: 'h.example', SERVER_PORT: '80' },
    ),
  ],
  ['an absolute target with a user', get('http://u:p@h.example/p'), sees()],
  ['an absolute target in upper case', get('HTTP://h.example/p'), sees()],
  ['an absolute target of another scheme', get('ftp://h.example/p'), sees()],
  ['GET *', get('*'), refused(400)],
  ['OPTIONS *', method('OPTIONS', '*'), sees({ REQUEST_METHOD: 'OPTIONS', PATH_INFO: '*' })],

  ...['PUT', 'OPTIONS', 'TRACE', 'PROPFIND', 'MKCOL', 'REPORT', 'PURGE'].map((name): (typeof table)[number] => [
    `method ${name}`,
    method(name),
    sees({ REQUEST_METHOD: name }),
  ]),
  ...['M-SEARCH', 'LINK'].map((name): (typeof table)[number] => [
    `method ${name}`,
    method(name),
    sees({ REQUEST_METHOD: name }),
    cloudflare('cloudflare.method', 501),
  ]),
  ['method BREW', method('BREW'), sees({ REQUEST_METHOD: 'BREW' }), both('method', 501)],
  ['no version', 'GET /p\r\n\r\n', refused(400)],
  ['version HTTP/1.10', version('HTTP/1.10'), NOT_HTTP],
  ['version http/1.1', version('http/1.1'), NOT_HTTP],
  ['another protocol', version('HTTX/1.1'), NOT_HTTP],
  ['tabs in the request line', `GET\t/p\tHTTP/1.1\r\n${HOST}\r\n`, NOT_HTTP],
  ['empty lines before the request', `\r\n\r\n${get('/p')}`, sees()],
  ['CR alone ends a line', 'GET /p HTTP/1.1\rHost: h.example\r\r', NOT_HTTP],
  ['bytes that are no HTTP', '\x00\x01\x02\r\n\r\n', NOT_HTTP],

  ['HTTP/1.1 without Host', get('/p', ''), NOT_HTTP],
  ['Host in upper case', host('H.EXAMPLE'), named('H.EXAMPLE', 'H.EXAMPLE')],
  ['Host with a dot at the end', host('h.example.'), named('h.example.', 'h.example.')],
  ['Host with an empty port', host('h.example:'), named('h.example:', 'h.example')],
  ['Host with the port of the scheme', host('h.example:80'), named('h.example:80', 'h.example')],
  ['Host with blanks around', host('  h.example\t'), sees()],
  ['Host is an IPv6 address', host('[2001:db8::1]'), named('[2001:db8::1]', '[2001:db8::1]')],
  ['Host is an IPv4 address', host('192.0.2.1:8080'), named('192.0.2.1:8080', '192.0.2.1', '8080')],
  ['Host with an underscore', host('a_b.example'), named('a_b.example', 'a_b.example')],
  ...[
    'user@h.example',
    'u:p@h.example',
    'h.example:port',
    'h.example:0',
    'h.example:65536',
    '::1',
    'a b',
    'h.example?q',
    'h.example#f',
    'h.example\\x',
  ].map((value): (typeof table)[number] => [`Host "${value}"`, host(value), NOT_HTTP]),
  ['the same Host twice', host('h.example', 'h.example'), NOT_HTTP],

  ['no blank after the colon', lines('X-A:v'), sees({ HTTP_X_A: 'v' })],
  ['tabs around a value', lines('X-A:\tv\t'), sees({ HTTP_X_A: 'v' })],
  ['blanks inside a value', lines('X-A: a  b\tc'), sees({ HTTP_X_A: 'a  b\tc' })],
  ['every token character in a name', lines("X!#$%&'*+.^`|~-1: v"), sees({ "HTTP_X!#$%&'*+.^`|~_1": 'v' })],
  ['hyphens at the ends of a name', lines('-X-: v', 'X--A: w'), sees({ HTTP__X_: 'v', HTTP_X__A: 'w' })],
  ['underscores at the ends of a name', lines('_X: v', 'X_: w', '__proto__: x'), sees()],
  [
    'names of Object.prototype',
    lines('constructor: c', 'toString: t'),
    sees({ HTTP_CONSTRUCTOR: 'c', HTTP_TOSTRING: 't' }),
  ],
  ['one name in two spellings', lines('X-a: 1', 'x-A: 2'), sees({ HTTP_X_A: '1, 2' })],
  ['a repeated list', lines('X-A: 1, 2', 'X-A: 3'), sees({ HTTP_X_A: '1, 2, 3' })],
  ['an empty first line', lines('X-A:', 'X-A: 2'), sees({ HTTP_X_A: ', 2' })],
  ['an empty last line', lines('X-A: 1', 'X-A:'), sees({ HTTP_X_A: '1, ' })],
  ['two Cookie lines', lines('Cookie: a=1; b=2', 'Cookie: c="3"'), sees({ HTTP_COOKIE: 'a=1; b=2; c="3"' })],
  ...[
    'Accept',
    'User-Agent',
    'Referer',
    'From',
    'If-None-Match',
    'If-Modified-Since',
    'Origin',
    'X-Forwarded-For',
    'Via',
    'Set-Cookie',
    'Content-Encoding',
  ].map((name): (typeof table)[number] => [
    `${name} twice`,
    lines(`${name}: a`, `${name}: b`),
    sees({ [`HTTP_${name.toUpperCase().replaceAll('-', '_')}`]: 'a, b' }),
  ]),
  ['a UTF-8 value', lines('X-A: caf\xc3\xa9'), sees({ HTTP_X_A: 'caf\xc3\xa9' })],
  [
    'a value that ends with byte A0',
    lines('X-A: v\xa0'),
    sees({ HTTP_X_A: 'v\xa0' }),
    rewritten(TEXT, { headers: { 'x-a': 'v\ufffd' } }, { HTTP_X_A: 'v\xef\xbf\xbd' }),
  ],
  ['NUL in a value', lines('X-A: a\0b'), NOT_HTTP],
  ['byte 01 in a value', lines('X-A: a\x01b'), sees({ HTTP_X_A: 'a\x01b' }), node('node.value')],
  ['a header before the first', get('/p', ` X-A: v\r\n${HOST}`), NOT_HTTP],
  ['a tab before the colon', lines('X-A\t: v'), NOT_HTTP],
  ['Content-Length before a blank and the colon', lines('Content-Length : 5'), NOT_HTTP],
  ['a value of 9,000 bytes', lines(`X-A: ${BIG}`), sees({ HTTP_X_A: BIG })],
  ['a value of 17,000 bytes', lines(`X-A: ${HUGE}`), sees({ HTTP_X_A: HUGE }), node('node.size', 431)],
  [
    '500 headers',
    lines(...Array.from({ length: 500 }, (_, i) => `X-${i}: ${i}`)),
    sees(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`HTTP_X_${i}`, String(i)]))),
  ],
  [
    'Authorization of another scheme',
    lines('Authorization: Digest username="u"'),
    sees({ HTTP_AUTHORIZATION: 'Digest username="u"' }),
  ],
  ['Proxy-Authorization', lines('Proxy-Authorization: Basic x'), sees({ HTTP_PROXY_AUTHORIZATION: 'Basic x' })],
  [
    'Keep-Alive',
    lines('Connection: keep-alive', 'Keep-Alive: timeout=5'),
    sees({ HTTP_CONNECTION: 'keep-alive', HTTP_KEEP_ALIVE: 'timeout=5' }),
  ],
  [
    'an upgrade to HTTP/2',
    lines('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
    sees({ HTTP_CONNECTION: 'Upgrade, HTTP2-Settings', HTTP_UPGRADE: 'h2c', HTTP_HTTP2_SETTINGS: 'AAMAAABk' }),
  ],
  [
    'an expectation beside 100-continue',
    lines('Expect: 100-continue, other'),
    sees({ HTTP_EXPECT: '100-continue, other' }),
  ],
  [
    'an empty Content-Type',
    lines('Content-Type:'),
    sees({ CONTENT_TYPE: '' }),
    rewritten('cloudflare.empty', { headers: { 'content-type': null } }, { CONTENT_TYPE: null }),
  ],
  [
    'an empty Expect',
    lines('Expect:'),
    sees({ HTTP_EXPECT: '' }),
    rewritten('cloudflare.empty', { headers: { expect: null } }, { HTTP_EXPECT: null }),
  ],

  [
    'Content-Length with zeros in front',
    post('Content-Length: 005\r\n', 'hello'),
    posted({ CONTENT_LENGTH: '005' }, 'hello'),
  ],
  ...['-1', 'abc', '5;', '0x5', '5.0', '5 5', '5,5', '99999999999999999999'].map((value): (typeof table)[number] => [
    `Content-Length ${value}`,
    post(`Content-Length: ${value}\r\n`, 'hello'),
    NOT_HTTP,
  ]),
  ...['GET', 'HEAD', 'OPTIONS', 'TRACE'].map((name): (typeof table)[number] => [
    `${name} with a body`,
    `${name} /p HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
    sees({ REQUEST_METHOD: name, CONTENT_LENGTH: '5' }, btoa('hello')),
  ]),
  ['POST without a length', post('', ''), posted({}, '')],
  ['Chunked in upper case', post('Transfer-Encoding: CHUNKED\r\n', HELLO), posted({}, 'hello')],
  ['a chunk size with zeros in front', chunked('00A\r\nhellohello\r\n0\r\n\r\n'), posted({}, 'hellohello')],
  [
    'HEAD with chunks',
    `HEAD /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${HELLO}`,
    sees({ REQUEST_METHOD: 'HEAD' }, btoa('hello')),
  ],
  ['a trailer that was not announced', chunked('5\r\nhello\r\n0\r\nX-T: t\r\n\r\n'), posted({}, 'hello')],
  [
    'Content-Length after Transfer-Encoding',
    chunked(HELLO, 'Content-Length: 15'),
    NOT_HTTP,
    rewritten(
      'cloudflare.both',
      { headers: { 'content-length': null }, body: btoa('hello') },
      posted({}, '').environ,
      btoa('hello'),
    ),
  ],
  ...['gzip', 'identity', 'chunked;q=1', 'chunked, identity', ''].map((value): (typeof table)[number] => [
    `Transfer-Encoding "${value}"`,
    post(`Transfer-Encoding: ${value}\r\n`, HELLO),
    refused(400, 501),
  ]),
  ...['identity, chunked', 'x-gzip, chunked', 'chunked, chunked'].map((value): (typeof table)[number] => [
    `Transfer-Encoding "${value}"`,
    post(`Transfer-Encoding: ${value}\r\n`, HELLO),
    refused(400, 501),
  ]),
  [
    'Transfer-Encoding on two lines',
    post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', HELLO),
    refused(501),
  ],
];

const mounted: Array<[title: string, target: string, expected: Expected]> = [
  ['a slash below the mount', '/mnt/', sees({ SCRIPT_NAME: '/mnt', PATH_INFO: '/' })],
  ['a path below the mount', '/mnt/x?q', sees({ SCRIPT_NAME: '/mnt', PATH_INFO: '/x', QUERY_STRING: 'q' })],
  ['a query at the mount', '/mnt?q', sees({ SCRIPT_NAME: '/mnt', PATH_INFO: '', QUERY_STRING: 'q' })],
  ['the mount with an escape', '/m%6et/x', sees({ SCRIPT_NAME: '/mnt', PATH_INFO: '/x' })],
  ['the mount in upper case', '/MNT/x', refused(404)],
  ['the mount after two slashes', '//mnt/x', refused(404)],
  ['the mount with a parameter', '/mnt;x', refused(404)],
];

const toCase = (title: string, raw: string, expected: Expected, rest: Partial<Case> = {}): Case => ({
  id: 'own',
  title,
  raw: Buffer.from(raw, 'latin1').toString('base64'),
  expected,
  ...rest,
});

export const kinds: Case[] = [
  ...table.map(([title, raw, expected, exceptions]) => toCase(title, raw, expected, exceptions && { exceptions })),
  ...mounted.map(([title, target, expected]) => toCase(title, get(target), expected, { mount: '/mnt' })),
];
