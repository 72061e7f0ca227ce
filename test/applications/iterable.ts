import { arrival, before, boom, bytes, error, gives, type Row, SENT, text } from './row.js';

const OK = 'start_response ok';
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);

/** A body whose first chunk is not one. */
const badChunk = (id: string, title: string, log: RegExp, ...items: unknown[]): Row => ({
  id,
  title,
  app: gives((seen) => seen.body(items)),
  expect: error(log, OK, 'iter', 'next 1', 'return', 'close'),
});

export const iterable: Row[] = [
  {
    id: 'iter_empty_list',
    title: 'an empty list',
    app: gives(() => []),
    expect: { ...SENT, length: '0', events: [OK] },
  },
  {
    id: 'iter_empty_chunks',
    title: 'empty chunks between others',
    app: gives((seen) => seen.body(['', 'a', '', 'b', ''].map(bytes))),
    expect: {
      ...SENT,
      body: 'ab',
      events: [OK, 'iter', 'next 1', 'next 2', 'next 3', 'next 4', 'next 5', 'stop', 'close'],
    },
  },
  {
    id: 'iter_two_http10',
    title: 'two chunks over HTTP/1.0',
    request: { protocol: 'HTTP/1.0' },
    needs: ['http10'],
    app: gives((seen) => seen.body([bytes('one'), bytes('two')])),
    expect: { ...SENT, body: 'onetwo', events: [OK, 'iter', 'next 1', 'next 2', 'stop', 'close'] },
  },
  {
    id: 'iter_cl_http10_ka',
    title: 'a Content-Length over HTTP/1.0 with Connection: keep-alive',
    request: { protocol: 'HTTP/1.0', headers: [['Connection', 'keep-alive']] },
    needs: ['http10'],
    app: gives(() => [bytes('hello')], ['Content-Length', '5']),
    expect: { ...SENT, body: 'hello', length: '5', events: [OK] },
  },
  {
    id: 'iter_list2_no_cl',
    title: 'a list of two chunks',
    app: gives(() => [bytes('one'), bytes('two')]),
    expect: { ...SENT, body: 'onetwo', length: '6', events: [OK] },
  },
  {
    id: 'iter_list1_no_cl',
    title: 'a list of one chunk',
    app: gives(() => [bytes('hello')]),
    expect: { ...SENT, body: 'hello', length: '5', events: [OK] },
  },
  {
    id: 'iter_str',
    title: 'a string in place of the body',
    app: gives(() => 'hello'),
    expect: error(/must return an iterable of Uint8Array, not a string/, OK),
    why: { status: 'what is no body is found before anything is sent' },
  },
  {
    ...badChunk('iter_str_chunk', 'a string for a chunk', /must be a Uint8Array, not a string/, 'hello'),
    why: { status: 'a bad chunk is found before the head goes out' },
  },
  {
    id: 'iter_str_chunk_late',
    title: 'a string after a chunk',
    app: gives((seen) => seen.body([bytes('a'), 'b'])),
    expect: {
      ...SENT,
      body: 'a',
      complete: false,
      events: [OK, 'iter', 'next 1', 'next 2', 'return', 'close'],
      log: /must be a Uint8Array, not a string/,
    },
  },
  {
    ...badChunk('iter_none_chunk', 'null for a chunk', /must be a Uint8Array, not null/, null, bytes('a')),
  },
  {
    // Of the bytes that are not `bytes`, JavaScript has the other views.
    ...badChunk(
      'iter_bytearray_chunk',
      'a Uint8ClampedArray for a chunk',
      /must be a Uint8Array, not a Uint8ClampedArray/,
      Uint8ClampedArray.from([104, 101, 108, 108, 111]),
    ),
    why: {
      status: 'PEP 3333 asks for bytestrings and nothing near them; as wsgiref and mod_wsgi',
    },
  },
  {
    ...badChunk(
      'iter_memoryview_chunk',
      'a DataView for a chunk',
      /must be a Uint8Array, not a DataView/,
      new DataView(new ArrayBuffer(5)),
    ),
    why: { status: 'a bad chunk is found before the head goes out' },
  },
  {
    id: 'iter_none_after_write',
    title: 'write(), and undefined in place of the body',
    app: (_environ, start) => {
      start('200 OK', text())(bytes('x'));
      return undefined;
    },
    expect: {
      ...SENT,
      body: 'x',
      complete: false,
      events: [OK],
      log: /must return an iterable of Uint8Array, not undefined/,
    },
  },
  {
    id: 'iter_int',
    title: '42 in place of the body',
    app: gives(() => 42),
    expect: error(/must return an iterable of Uint8Array, not a number/, OK),
  },
  {
    // What a file is to Python, a stream is here.
    id: 'iter_bytesio',
    title: 'a stream that is iterated',
    app: gives(() => new Blob(['a\nb\nc']).stream()),
    expect: { ...SENT, body: 'a\nb\nc', events: [OK] },
  },
  {
    id: 'iter_separate_iterator',
    title: 'close() of the iterable, not of its iterator',
    app: gives((seen) => ({
      [Symbol.iterator]() {
        seen.note('iter');
        const chunks = ['y1', 'y2'].map(bytes).values();
        return { next: () => chunks.next(), close: () => seen.note('iterator-own close') };
      },
      close: () => seen.note('close'),
    })),
    expect: { ...SENT, body: 'y1y2', events: [OK, 'iter', 'close'] },
  },
  {
    id: 'iter_generator_finally',
    title: 'a generator with a finally block',
    app: gives(function* (seen) {
      try {
        yield bytes('a');
        yield bytes('b');
      } finally {
        seen.note('finally');
      }
    }),
    expect: { ...SENT, body: 'ab', events: [OK, 'finally'] },
  },
  {
    id: 'iter_app_is_generator',
    title: 'the application is a generator function',
    app: function* (_environ, start) {
      start('200 OK', text());
      yield bytes('a');
      yield bytes('b');
    },
    expect: { ...SENT, body: 'ab', events: [OK] },
  },
  {
    id: 'iter_streaming',
    title: 'a chunk is sent at once',
    app: gives((seen) =>
      seen.asyncBody([
        bytes('one'),
        async () => {
          await seen.midway('second');
          seen.note('second');
          return bytes('two');
        },
      ]),
    ),
    expect: { ...SENT, body: 'onetwo', events: [OK, 'iter', 'next 1', 'second', 'next 2', 'stop', 'close'] },
    also: [
      {
        title: 'the client has the first before the second',
        needs: ['streaming'],
        check: before('second', ({ chunks }) => arrival(chunks[0]?.at)),
      },
    ],
  },
  {
    id: 'iter_headers_delayed',
    title: 'the head waits for the first chunk that is not empty',
    app: gives((seen) =>
      seen.asyncBody([
        bytes(''),
        async () => {
          await seen.midway('nonempty');
          seen.note('nonempty');
          return bytes('body');
        },
      ]),
    ),
    expect: { ...SENT, body: 'body', events: [OK, 'iter', 'next 1', 'nonempty', 'next 2', 'stop', 'close'] },
    also: [
      {
        title: 'the head comes after the pause',
        needs: [],
        async check(send, recall) {
          const { headAt } = await send();
          const { nonempty } = (await recall((report) => report.values.nonempty !== undefined)).values;
          if (arrival(headAt) < Number(nonempty)) throw new Error('the head came before the first chunk');
        },
      },
    ],
  },
  {
    id: 'iter_many_small',
    title: '5,000 chunks of 10 bytes',
    needs: ['mediumResponse'],
    app: gives(function* () {
      for (let i = 0; i < 5000; i++) yield bytes('0123456789');
    }),
    expect: { ...SENT, body: '0123456789'.repeat(5000), events: [OK] },
  },
  {
    id: 'iter_binary',
    title: 'every byte goes out as it is',
    app: gives(() => [ALL_BYTES], ['Content-Length', '256']),
    expect: { ...SENT, body: String.fromCharCode(...ALL_BYTES), length: '256', events: [OK] },
  },
];

export const failure: Row[] = [
  {
    id: 'err_after_sr',
    title: 'throws after startResponse',
    app: gives(() => {
      throw boom();
    }),
    expect: error(/boom/, OK),
  },
  {
    id: 'err_after_sr_head',
    title: 'throws after startResponse, HEAD',
    request: { method: 'HEAD' },
    app: gives(() => {
      throw boom();
    }),
    expect: { ...error(/boom/, OK), body: '' },
  },
  {
    id: 'err_after_chunk_http10',
    title: 'throws after a chunk, over HTTP/1.0',
    request: { protocol: 'HTTP/1.0' },
    needs: ['http10'],
    app: gives((seen) => seen.body([bytes('part'), boom()])),
    // HTTP/1.0 without a length ends with the connection: a client can not tell.
    expect: {
      ...SENT,
      body: 'part',
      complete: 'unknown',
      events: [OK, 'iter', 'next 1', 'iterable raises', 'return', 'close'],
      log: /boom/,
    },
  },
  {
    id: 'err_after_chunk_cl',
    title: 'throws in the middle of its Content-Length',
    app: gives((seen) => seen.body([bytes('part'), boom()]), ['Content-Length', '10']),
    expect: {
      ...SENT,
      body: 'part',
      complete: false,
      events: [OK, 'iter', 'next 1', 'iterable raises', 'return', 'close'],
      log: /boom/,
    },
  },
  {
    id: 'err_after_full_cl',
    title: 'throws after all bytes of its Content-Length',
    app: gives((seen) => seen.body([bytes('part'), boom()]), ['Content-Length', '4']),
    expect: {
      ...SENT,
      body: 'part',
      length: '4',
      events: [OK, 'iter', 'next 1', 'iterable raises', 'return', 'close'],
      log: /boom/,
    },
  },
  {
    id: 'err_close',
    title: 'close() throws',
    app: gives(
      (seen) =>
        seen.body([bytes('body')], () => {
          throw new Error('close-boom');
        }),
      ['Content-Length', '4'],
    ),
    expect: { ...SENT, body: 'body', events: [OK, 'iter', 'next 1', 'stop', 'close'], log: /close-boom/ },
  },
  {
    id: 'err_next_and_close',
    title: 'the iteration throws, and close() too',
    app: gives((seen) =>
      seen.body([boom()], () => {
        throw new Error('close-boom');
      }),
    ),
    expect: error(/boom[\s\S]*close-boom/, OK, 'iter', 'iterable raises', 'return', 'close'),
  },
  {
    // JavaScript throws any value; none ends the process.
    id: 'err_keyboardinterrupt',
    title: 'throws what is no Error',
    app: gives(() => {
      throw 'KeyboardInterrupt';
    }),
    expect: error(/threw a string: "KeyboardInterrupt"/, OK),
    why: { body: 'the client gets the page of the 500, as in wsgiref and mod_wsgi; the others leave it without one' },
  },
  {
    id: 'err_unicode_message',
    title: 'an error message beyond latin-1',
    app: () => {
      throw new Error('b\u00fc\u20ac\u{1f600}');
    },
    expect: error(/b\u00fc\u20ac\u{1f600}/u),
  },
];
