import type { HeaderList } from '../../src/types.js';
import { bytes, EARLY, error, gives, MEASURED, type Row, refused, SENT, text } from './row.js';

const OK = 'start_response ok';
const LONGER = /the body is longer than its Content-Length/;
const SHORTER = /the body ended after 5 of the 10 bytes of its Content-Length/;
const REPORTED = 'PEP 3333, "Handling the Content-Length Header": a breach is logged or otherwise reported';
const helloWith = (...headers: HeaderList) => gives((seen) => seen.body([bytes('hello')]), ...headers);
const WHOLE = [OK, 'iter', 'next 1', 'stop', 'close'];
const FIRST_ONLY = [OK, 'iter', 'next 1', 'return', 'close'];
const NO_BODY = 'RFC 9110, section 6.4.1: such a response has no body, and one that is sent breaks the connection';
const NO_TYPE = (status: number) => error(new RegExp(`Content-Type to status ${status}`), 'start_response raised');

export const contentLength: Row[] = [
  {
    id: 'cl_too_small_list',
    title: 'smaller than the chunk of a list',
    app: gives(() => [bytes('hello')], ['Content-Length', '3']),
    expect: { ...SENT, body: 'hel', length: '3', events: [OK], log: LONGER },
    why: { logged: REPORTED },
    refused: MEASURED,
  },
  {
    id: 'cl_too_small_chunks',
    title: 'smaller than the chunks',
    app: gives((seen) => seen.body(['ab', 'cd', 'ef', 'gh'].map(bytes)), ['Content-Length', '3']),
    expect: {
      ...SENT,
      body: 'abc',
      length: '3',
      events: [OK, 'iter', 'next 1', 'next 2', 'return', 'close'],
      log: LONGER,
    },
    why: { logged: REPORTED, events: 'PEP 3333: a server "should stop iterating" when enough has been sent' },
    refused: MEASURED,
  },
  {
    id: 'cl_too_big_list',
    title: 'larger than a list',
    app: gives(() => [bytes('hello')], ['Content-Length', '10']),
    expect: { ...SENT, body: 'hello', complete: false, early: true, events: [OK], log: SHORTER },
    why: { logged: REPORTED },
    refused: MEASURED,
  },
  {
    id: 'cl_padded',
    title: 'with spaces around it',
    app: helloWith(['Content-Length', ' 5 ']),
    expect: { ...SENT, body: 'hello', length: '5', events: WHOLE },
  },
  {
    id: 'cl_dup_same',
    title: 'twice the same',
    app: helloWith(['Content-Length', '5'], ['content-length', '5']),
    expect: { ...SENT, body: 'hello', length: '5', events: WHOLE },
  },
  {
    id: 'cl_dup_conflict',
    title: 'twice, and different',
    app: helloWith(['Content-Length', '5'], ['Content-Length', '3']),
    expect: refused(/two Content-Length headers that differ/),
    why: {
      status: 'RFC 9110, section 8.6: no message may have two lengths; clients take it for an attack',
    },
  },
  {
    id: 'cl_lowercase',
    title: 'in lower case',
    app: gives((seen) => seen.body(['he', 'llo'].map(bytes)), ['content-length', '5']),
    expect: { ...SENT, body: 'hello', length: '5', events: [OK, 'iter', 'next 1', 'next 2', 'stop', 'close'] },
  },
  {
    id: 'cl_int',
    title: 'as a number',
    app: helloWith(['Content-Length', 5 as unknown as string]),
    expect: refused(/"Content-Length" must be a string, not a number/),
  },
];

/** A response that has no body by its status. */
const bodiless = (
  id: string,
  title: string,
  status: string,
  headers: HeaderList,
  body: 'empty list' | 'hello',
  length: string | null,
): Row => ({
  id,
  title,
  app: (_environ, start, seen) => {
    start(status, headers);
    return body === 'hello' ? seen.body([bytes('hello')]) : [];
  },
  expect: {
    status: Number(status.slice(0, 3)),
    headers: headers.filter(([name]) => name !== 'Content-Length'),
    length,
    body: '',
    events: body === 'hello' ? FIRST_ONLY : [OK],
  },
  ...(body === 'hello' ? { why: { body: NO_BODY, events: EARLY } } : {}),
});
const typed = (row: Row): Row => ({
  ...row,
  refused: { why: 'what has no body has no Content-Type', expect: NO_TYPE(row.expect.status) },
});
const RESET = {
  body: 'RFC 9110, section 15.3.6: a 205 has no content; a Response can not have one (Fetch Standard)',
};

export const noBody: Row[] = [
  bodiless('st204_empty', '204 with an empty list', '204 No Content', [], 'empty list', null),
  typed(bodiless('st204_body', '204 with a body', '204 No Content', text(), 'hello', null)),
  bodiless('st304_empty', '304 with an empty list', '304 Not Modified', [], 'empty list', null),
  typed(bodiless('st304_body', '304 with a body', '304 Not Modified', text(), 'hello', null)),
  typed(
    bodiless(
      'st304_body_cl',
      '304 with a body and a Content-Length',
      '304 Not Modified',
      text(['Content-Length', '5']),
      'hello',
      '5',
    ),
  ),
  bodiless('st205_empty', '205 with an empty list', '205 Reset Content', [], 'empty list', '0'),
  {
    ...bodiless('st205_body', '205 with a body', '205 Reset Content', text(), 'hello', '0'),
    why: { ...RESET, events: EARLY },
  },
  {
    ...bodiless(
      'st205_body_cl',
      '205 with a body and a Content-Length',
      '205 Reset Content',
      text(['Content-Length', '5']),
      'hello',
      '0',
    ),
    why: { ...RESET, events: EARLY },
  },
  {
    ...bodiless(
      'st204_cl0',
      '204 with a Content-Length of 0',
      '204 No Content',
      [['Content-Length', '0']],
      'empty list',
      null,
    ),
    refused: {
      why: 'RFC 9110, section 8.6: a 204 has no Content-Length',
      expect: error(/Content-Length to status 204/, 'start_response raised'),
    },
  },
  bodiless(
    'st304_cl_nobody',
    '304 with the Content-Length of the representation',
    '304 Not Modified',
    [
      ['Content-Length', '10'],
      ['ETag', '"e"'],
    ],
    'empty list',
    '10',
  ),
  {
    id: 'st101',
    title: '101 without an upgrade',
    app: (_environ, start) => {
      start('101 Switching Protocols', [['X-A', '1']]);
      return [];
    },
    expect: refused(/status "101 Switching Protocols" is informational/),
    why: {
      status: 'a 1xx is not the final response: the client would wait for it (RFC 9110, section 15.2)',
    },
  },
];

const HEAD = { method: 'HEAD' };
const HEADLESS = { body: 'HEAD has no body (RFC 9110, section 9.3.2); as mod_wsgi' };

export const head: Row[] = [
  {
    id: 'head_list_cl',
    title: 'a body and its Content-Length',
    request: HEAD,
    app: helloWith(['Content-Length', '5']),
    expect: { ...SENT, length: '5', events: FIRST_ONLY },
    why: { ...HEADLESS, events: EARLY },
  },
  {
    id: 'head_list_no_cl',
    title: 'a list',
    request: HEAD,
    app: gives(() => [bytes('hello')]),
    expect: { ...SENT, length: null, events: [OK] },
    why: HEADLESS,
  },
  {
    id: 'head_empty',
    title: 'an empty list',
    request: HEAD,
    app: gives(() => []),
    expect: { ...SENT, length: null, events: [OK] },
  },
  {
    id: 'head_cl_short',
    title: 'a Content-Length larger than the body',
    request: HEAD,
    app: helloWith(['Content-Length', '10']),
    expect: { ...SENT, length: '10', events: FIRST_ONLY },
    why: { ...HEADLESS, events: EARLY },
  },
];
