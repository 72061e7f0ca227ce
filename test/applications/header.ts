import type { HeaderList } from '../../src/types.js';
import { bytes, type Expected, type Row, refused, SENT, text } from './row.js';

const EVENTS = ['start_response ok', 'iter', 'next 1', 'stop', 'close'];
const LENGTH: [string, string] = ['Content-Length', '1'];
const CONTROL = 'PEP 3333: names and values must not contain control characters';
const INJECTED = { logged: `${CONTROL}: an error of the application, which its log names` };
const TOKEN = 'a name is a token (RFC 9110, section 5.1); what is none would be another header, or break the response';
const HOP = 'PEP 3333, "Other HTTP Features": a hop-by-hop header is an error to be raised; as wsgiref and waitress';

const answers = (headers: unknown): Row['app'] => {
  return (_environ, start, seen) => {
    start('200 OK', headers as HeaderList);
    return seen.body([bytes('x')]);
  };
};
/** Headers that go out as they are. */
const taken = (id: string, title: string, headers: HeaderList, more: Partial<Expected> = {}): Row => ({
  id,
  title,
  app: answers(text(LENGTH, ...headers)),
  expect: { ...SENT, headers: text(...headers), body: 'x', events: EVENTS, ...more },
});
/** One header that `startResponse` refuses. */
const bad = (id: string, title: string, pair: unknown[], log: RegExp, why?: string | Row['why']): Row => ({
  id,
  title,
  app: answers([...text(LENGTH), pair]),
  expect: refused(log),
  ...(why && { why: typeof why === 'string' ? { status: why } : why }),
});
const hop = (id: string, name: string, value: string, why = HOP): Row => ({
  ...bad(id, `${name}: ${value}`, [name, value], new RegExp(`header "${name}" is hop-by-hop`)),
  why: { status: why },
});
/** Something else in place of the list. */
const list = (id: string, title: string, headers: unknown, log: RegExp, why?: string): Row => ({
  id,
  title,
  app: answers(headers),
  expect: refused(log),
  ...(why === undefined ? {} : { why: { status: why } }),
});

const numbered: HeaderList = Array.from({ length: 200 }, (_, i) => [`X-${String(i).padStart(3, '0')}`, `v${i}`]);

export const headers: Row[] = [
  bad('hv_crlf', 'a value with CR LF', ['X-A', 'a\r\nX-Inj: 1'], /value for "X-A" contains CR/, INJECTED),
  bad('hv_lf', 'a value with LF', ['X-A', 'a\nX-Inj: 1'], /value for "X-A" contains LF/, INJECTED),
  bad('hv_cr', 'a value with CR', ['X-A', 'a\rb'], /value for "X-A" contains CR/, INJECTED),
  bad('hv_ctl', 'a value with U+0001', ['X-A', 'a\x01b'], /contains the control character 0x01/, CONTROL),
  taken('hv_tab', 'a value with a tab', [['X-A', 'a\tb']]),
  bad('hv_del', 'a value with DEL', ['X-A', 'a\x7fb'], /contains the control character 0x7f/, CONTROL),
  taken('hv_empty', 'an empty value', [['X-A', '']]),
  taken('hv_spaces', 'a value with spaces around it', [['X-A', '  a b  ']], { headers: text(['X-A', 'a b']) }),
  { ...taken('hv_latin1', 'a value with U+00E9', [['X-A', 'caf\xe9']]), needs: ['latin1Headers'] },
  taken('hv_utf8_as_latin1', 'a value of UTF-8 bytes', [['X-A', 'caf\xc3\xa9']]),
  { ...taken('hv_80_9f', 'a value with U+0085 and U+009F', [['X-A', 'a\x85\x9fb']]), needs: ['latin1Headers'] },
  bad('hv_int', 'a value that is a number', ['X-A', 1], /"X-A" must be a string, not a number/),
  bad('hv_none', 'a value that is null', ['X-A', null], /"X-A" must be a string, not null/),
  bad('hv_bytes', 'a value of bytes', ['X-A', bytes('a')], /"X-A" must be a string, not a Uint8Array/),
  { ...taken('hv_60k', 'a value of 60,000 characters', [['X-A', 'v'.repeat(60_000)]]), needs: ['largeHeader'] },
  bad('hn_space', 'a name with a space', ['X A', '1'], /"X A" is not a token/, TOKEN),
  bad('hn_trailing_space', 'a name that ends with a space', ['X-A ', '1'], /"X-A " is not a token/, TOKEN),
  bad('hn_colon', 'a name with a colon', ['X-A:', '1'], /"X-A:" is not a token/, TOKEN),
  bad('hn_crlf', 'a name with CR LF', ['X-A\r\nX-Inj', '1'], /is not a token/, INJECTED),
  bad('hn_empty', 'an empty name', ['', '1'], /"" is not a token/, TOKEN),
  bad('hn_latin1', 'a name with U+00E9', ['X-\xe9', '1'], /is not a token/, TOKEN),
  bad('hn_beyond_latin1', 'a name with U+20AC', ['X-\u20ac', '1'], /is not a token/, {
    body: 'the client gets the page of the 500, where wsgiref, gunicorn, cheroot and uWSGI leave it without one',
  }),
  bad('hn_bytes', 'a name of bytes', [bytes('X-A'), '1'], /header name must be a string, not a Uint8Array/),
  taken('hn_case', 'a name in odd case', [['x-wEIRD-cASE', '1']], { lines: 'case' }),
  {
    ...taken('hn_token', 'a name of token characters', [["X.!#$%&'*+^`|~", '1']]),
    refused: { why: 'the PEP wants no punctuation at the end of a name', log: /ends in punctuation/ },
  },

  // A view of a mapping: in JavaScript, the entries of a Map.
  list(
    'hl_dict_items',
    'the entries of a Map in place of the list',
    new Map([LENGTH]).entries(),
    /must be an array of/,
    'PEP 3333: the headers are a list ("type(response_headers) is ListType"); a subclass of Array passes',
  ),
  list('hl_none', 'null in place of the list', null, /must be an array of \[name, value\] pairs, not null/),
  // A pair is an array here, where Python tells lists from tuples.
  taken('hl_pair_list', 'pairs that are arrays', []),
  list('hl_single', 'a pair of one', [...text(LENGTH), ['X-A']], /is not a \[name, value\] pair/),
  list(
    'hl_string',
    'a string of two characters for a pair',
    [...text(LENGTH), 'ab'],
    /is not a \[name, value\] pair/,
    'PEP 3333: the headers are pairs',
  ),

  hop('hop_connection_keepalive', 'Connection', 'keep-alive'),
  {
    ...hop('hop_te_chunked', 'Transfer-Encoding', 'chunked'),
    app: answers(text(['Transfer-Encoding', 'chunked'])),
  },
  { ...hop('hop_te_chunked_cl', 'Transfer-Encoding', 'chunked'), title: 'Transfer-Encoding and Content-Length' },
  {
    ...hop('hop_te_identity', 'Transfer-Encoding', 'identity'),
    app: answers(text(['Transfer-Encoding', 'identity'])),
  },
  hop('hop_keep_alive', 'Keep-Alive', 'timeout=5'),
  hop('hop_upgrade', 'Upgrade', 'websocket'),
  hop(
    'hop_trailer',
    'Trailer',
    'X-T',
    'WSGI can not send the trailer that it announces; Node refuses it beside a Content-Length. RFC 2616, section 13.5.1, calls it "Trailers"',
  ),
  hop('hop_te', 'TE', 'trailers'),
  hop('hop_proxy_auth', 'Proxy-Authenticate', 'Basic'),
  hop(
    'hop_proxy_conn',
    'Proxy-Connection',
    'close',
    'connection-specific (RFC 9110, section 7.6.1), and malformed in HTTP/2 (RFC 9113, section 8.2.2)',
  ),

  {
    ...taken('hd_status', 'a header named Status', [['Status', '404 Not Found']]),
    refused: {
      why: 'a relic of CGI, where it changed the status (wsgiref.validate)',
      expect: refused(/a header named "Status"/),
    },
  },
  taken(
    'hd_set_cookie_dup',
    'Set-Cookie twice',
    [
      ['Set-Cookie', 'a=1; Path=/'],
      ['set-cookie', 'b=2; Expires=Wed, 09 Jun 2021 10:18:14 GMT'],
    ],
    { apart: ['set-cookie', 'a=1; Path=/', 'b=2; Expires=Wed, 09 Jun 2021 10:18:14 GMT'] },
  ),
  taken(
    'hd_dup_order',
    'repeated headers in order',
    [
      ['X-B', '1'],
      ['X-A', '1'],
      ['X-B', '2'],
      ['Vary', 'a'],
      ['Vary', 'b'],
      ['WWW-Authenticate', 'Basic'],
      ['WWW-Authenticate', 'Digest'],
    ],
    { lines: 'order' },
  ),
  taken('hd_dup_content_type', 'Content-Type twice', [['Content-Type', 'text/html']]),
  {
    ...taken('hd_no_content_type', 'no Content-Type', [], { headers: [], without: ['Content-Type'] }),
    app: answers([LENGTH]),
  },
  { ...taken('hd_via', 'Via', [['Via', '1.1 app']]), needs: ['viaHeader'] },
  taken('hd_200', '200 headers', numbered),
];
