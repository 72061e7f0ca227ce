import type { InputStream } from '../../src/types.js';
import type { RawRequest } from '../conformance/case.js';
import { bytes, pause, type Row, repr, SENT, type Seen, text } from './row.js';

const OK = 'start_response ok';
const BODY = 'line1\nline2\r\nline3 no newline';
const ALL = repr(bytes(BODY));
const LINES = ['line1\n', 'line2\r\n', 'line3 no newline'].map((line) => repr(bytes(line)));
const post = (body: NonNullable<RawRequest['body']>, ...headers: NonNullable<RawRequest['headers']>): RawRequest => ({
  method: 'POST',
  target: '/b',
  body,
  headers,
});

// A connection that is closed with bytes still unread is reset, which may take the response with it.
const KEPT: [string, string] = ['Connection', 'keep-alive'];

const show = (read: Uint8Array | Uint8Array[]): string =>
  Array.isArray(read) ? `[${read.map(repr).join(', ')}]` : repr(read);
async function list(input: InputStream): Promise<Uint8Array[]> {
  const lines: Uint8Array[] = [];
  for await (const line of input) lines.push(line);
  return lines;
}

/** An application that notes what it reads, one after another. */
const reads = (
  id: string,
  title: string,
  calls: Array<(input: InputStream) => Promise<Uint8Array | Uint8Array[]>>,
  events: string[],
  request: RawRequest = post(bytes(BODY)),
): Row => ({
  id,
  title,
  request,
  app: async (environ, start, seen) => {
    for (const call of calls) seen.note(show(await call(environ['wsgi.input'])));
    return answer(start);
  },
  expect: { ...SENT, body: 'ok', events: [...events, OK] },
});
const answer = (start: Parameters<Row['app']>[1], status = '200 OK', body = 'ok'): Uint8Array[] => {
  start(status, text(['Content-Length', '2']));
  return [bytes(body)];
};
const called = async (seen: Seen, read: () => Promise<Uint8Array>): Promise<void> => {
  seen.note('called');
  await seen.midway('called');
  seen.note(`read ${repr(await read())}`);
};

// A body that comes late, and tells when (ms since 1970).
const late = (onSent = (_at: number): void => {}): AsyncIterable<Uint8Array> => ({
  async *[Symbol.asyncIterator]() {
    await pause();
    await pause();
    onSent(Date.now());
    yield bytes('hello');
  },
});

export const input: Row[] = [
  reads('in_read_all', 'read()', [(input) => input.read()], [ALL]),
  reads('in_read_minus1', 'read(-1)', [(input) => input.read(-1)], [ALL]),
  reads(
    'in_read_zero',
    'read(0), then the rest',
    [(input) => input.read(0), (input) => input.read(3), (input) => input.read(25)],
    ["b''", "b'lin'", "b'e1\\nline2\\r\\nline3 no newlin'"],
  ),
  reads(
    'in_read_past_end',
    'read past the end',
    [
      (input) => input.read(1000),
      (input) => input.read(5),
      (input) => input.read(),
      (input) => input.readline(),
      (input) => input.readlines(),
    ],
    [ALL, "b''", "b''", "b''", '[]'],
  ),
  reads(
    'in_readline',
    'readline() to the end',
    Array(5).fill((input: InputStream) => input.readline()),
    [...LINES, "b''", "b''"],
  ),
  reads('in_iter', 'iteration', [list], [`[${LINES.join(', ')}]`]),
  reads(
    'in_next',
    'one step of the iteration, then read()',
    [
      async (input) => (await input[Symbol.asyncIterator]().next()).value ?? bytes('nothing'),
      (input) => input.read(1000),
    ],
    [LINES[0] ?? '', "b'line2\\r\\nline3 no newline'"],
  ),
  {
    ...reads('in_not_read_1m', 'a body of 1 MiB that nobody reads', [], [], post(new Uint8Array(1_048_576), KEPT)),
    needs: ['unreadUpload', 'largeRequest'],
  },
  reads('in_partial_read', 'a body of which 5 bytes are read', [(input) => input.read(5)], ["b'line1'"]),
  reads(
    'in_none_get',
    'a GET without a body',
    [
      (input) => input.read(),
      (input) => input.read(10),
      (input) => input.readline(),
      (input) => input.readlines(),
      list,
    ],
    ["b''", "b''", "b''", '[]', '[]'],
    {},
  ),
  reads(
    'in_chunked_lines',
    'lines over the borders of chunks',
    Array(3).fill((input: InputStream) => input.readline()),
    ["b'abc\\n'", "b'de'", "b''"],
    post(['ab', 'c\nd', 'e'].map(bytes)),
  ),
  reads('in_chunked_not_read', 'chunks that nobody reads', [], [], post([bytes('hello')], KEPT)),
  {
    id: 'in_read_in_iter',
    title: 'read while the response streams',
    request: post(bytes(BODY)),
    app: (environ, start, seen) => {
      start('200 OK', text());
      return seen.asyncBody([bytes('first '), () => environ['wsgi.input'].read(Number(environ.CONTENT_LENGTH))]);
    },
    expect: { ...SENT, body: `first ${BODY}`, events: [OK, 'iter', 'next 1', 'next 2', 'stop', 'close'] },
  },
  {
    id: 'in_slow_body',
    title: 'a body that comes late',
    request: post(late(), ['Content-Length', '5']),
    app: async (environ, start, seen) => {
      await called(seen, () => environ['wsgi.input'].read(5));
      return answer(start);
    },
    expect: { ...SENT, body: 'ok', events: ['called', "read b'hello'", OK] },
    also: [
      {
        title: 'the application is called before it',
        needs: ['duplex'],
        async check(send, recall) {
          let sent = 0;
          const onSent = (at: number) => {
            sent = at;
          };
          await send(post(late(onSent), ['Content-Length', '5']));
          const { called } = (await recall()).values;
          if (!(Number(called) < sent)) throw new Error('the application was called after the body had come');
        },
      },
    ],
  },
  {
    id: 'in_expect_read',
    title: 'Expect: 100-continue, and the application reads',
    request: post(late(), ['Content-Length', '5'], ['Expect', '100-continue']),
    app: async (environ, start, seen) => {
      seen.note('called');
      await pause();
      seen.note('reading');
      seen.note(`read ${repr(await environ['wsgi.input'].read(5))}`);
      return answer(start);
    },
    expect: { ...SENT, body: 'ok', events: ['called', 'reading', "read b'hello'", OK] },
  },
  {
    id: 'in_expect_not_read',
    title: 'Expect: 100-continue, and nobody reads or sends',
    request: {
      method: 'POST',
      headers: [
        ['Content-Length', '5'],
        ['Expect', '100-continue'],
      ],
    },
    needs: ['httpParser'],
    app: (_environ, start, seen) => {
      seen.note('called');
      return answer(start, '413 Too Large', 'no');
    },
    expect: { ...SENT, status: 413, body: 'no', events: ['called', OK] },
  },
  {
    id: 'in_short_body',
    title: 'the client ends before the body is complete',
    request: { ...post(bytes('hello'), ['Content-Length', '10']), hangUpAfterBody: true },
    needs: ['abortedUpload'],
    app: async (environ, start, seen) => {
      seen.note('called');
      try {
        seen.note(repr(await environ['wsgi.input'].read(10)));
      } catch (error) {
        seen.note((error as Error).name);
      }
      return answer(start);
    },
    expect: { ...SENT, body: 'ok', complete: 'unknown', events: ['called', 'ClientDisconnected', OK] },
  },
];
