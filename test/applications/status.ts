import { bytes, type Row, refused, SENT, text } from './row.js';

const OK = 'start_response ok';
const FORM = 'PEP 3333: a status is of the form "999 Message here", and errors in it are found in startResponse';

const status = (id: string, given: unknown): Pick<Row, 'id' | 'title' | 'app'> => ({
  id,
  title: `status ${JSON.stringify(given) ?? 'undefined'}`.replace(/[^\x20-\x7e]/g, '?'),
  app: (_environ, start) => {
    start(given as string, text(['Content-Length', '1']));
    return [bytes('x')];
  },
});
const taken = (id: string, given: string): Row => ({
  ...status(id, given),
  expect: { ...SENT, status: Number(given.slice(0, 3)), reason: given.slice(4), body: 'x', events: [OK] },
});
const bad = (id: string, given: unknown, log: RegExp, why?: string): Row => ({
  ...status(id, given),
  expect: refused(log),
  ...(why === undefined ? {} : { why: { status: why } }),
});

export const statuses: Row[] = [
  bad('status_no_reason', '200', /status "200" is not three digits, a space and a reason/, FORM),
  {
    ...taken('status_two_spaces', '200  OK'),
    refused: { why: 'PEP 3333: code and reason are separated by a single space', log: /a space too many/ },
  },
  taken('status_odd_reason', '299 My Odd: Reason (x)'),
  taken('status_wrong_reason', '200 Nope'),
  taken('status_latin1', '200 f\xfcr'),
  bad('status_beyond_latin1', '200 \u20ac', /has a code unit above U\+00FF/),
  bad('status_int', 200, /status must be a string such as "200 OK", not a number/),
  bad('status_bytes', bytes('200 OK'), /status must be a string such as "200 OK", not a Uint8Array/),
  bad('status_none', null, /status must be a string such as "200 OK", not null/),
  bad('status_lf', '200 OK\n', /contains LF/, 'PEP 3333: a status must not contain control characters'),
  bad('status_tab', '200\tOK', /is not three digits, a space and a reason/, FORM),
  bad('status_4digits', '2000 OK', /is not three digits, a space and a reason/, FORM),
  bad('status_empty', '', /is not three digits, a space and a reason/),
  taken('status_app_201', '201 Created'),
  taken('status_app_404', '404 Not Found'),
  taken('status_app_418', "418 I'm a teapot"),
  taken('status_app_500', '500 Internal Server Error'),
];
