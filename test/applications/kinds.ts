// Further applications of the measured kinds, with other values and forms. Nothing of them was measured on the servers:
// what is expected follows from PEP 3333 and from the rows beside them.
import type { Body, HeaderList } from '../../src/types.js';
import {
  arrival,
  before,
  boom,
  bytes,
  type Expected,
  error,
  MEASURED,
  pause,
  type Row,
  refused,
  SENT,
  type Seen,
  text,
} from './row.js';

type Kind = Omit<Row, 'id'>;

const OK = 'start_response ok';
const empty = bytes('');

type Make = (seen: Seen, chunks: Uint8Array[]) => unknown;
/** The forms that a body takes, with the events of one that is read to its end, and of one that is ended early. */
const FORMS: Array<[form: string, make: Make, whole: string[], early: string[]]> = [
  ['a list', (_seen, chunks) => chunks, [], []],
  [
    'a list with close()',
    (seen, chunks) => Object.assign([...chunks], { close: () => seen.note('close') }),
    ['close'],
    ['close'],
  ],
  ['a frozen list', (_seen, chunks) => Object.freeze([...chunks]), [], []],
  ['a promise of a list', async (_seen, chunks) => chunks, [], []],
  ['a Set', (_seen, chunks) => new Set(chunks), [], []],
  [
    'a generator',
    function* (seen, chunks) {
      try {
        yield* chunks;
      } finally {
        seen.note('finally');
      }
    },
    ['finally'],
    ['finally'],
  ],
  [
    'an async generator',
    async function* (seen, chunks) {
      try {
        for (const chunk of chunks) yield chunk;
      } finally {
        seen.note('finally');
      }
    },
    ['finally'],
    ['finally'],
  ],
  [
    'an iterable',
    (seen, chunks) => ({
      [Symbol.iterator]: () => chunks.values(),
      close: () => seen.note('close'),
    }),
    ['close'],
    ['close'],
  ],
  [
    'an async iterable',
    (seen, chunks) => ({
      async *[Symbol.asyncIterator]() {
        yield* chunks;
      },
      close: async () => seen.note('close'),
    }),
    ['close'],
    ['close'],
  ],
  ['a ReadableStream', (_seen, chunks) => new Blob(chunks as Uint8Array<ArrayBuffer>[]).stream(), [], []],
];
const FILES: Array<[form: string, make: (seen: Seen, chunks: Uint8Array[]) => unknown]> = [
  [
    '{ read }',
    (seen, chunks) => {
      const left = [...chunks];
      return { read: () => left.shift() ?? empty, close: () => seen.note('close') };
    },
  ],
  [
    'an async { read }',
    (seen, chunks) => {
      const left = [...chunks];
      return { read: async () => left.shift() ?? null, close: async () => seen.note('close') };
    },
  ],
  ['a Blob', (_seen, chunks) => new Blob(chunks as Uint8Array<ArrayBuffer>[])],
  ['a ReadableStream', (_seen, chunks) => new Blob(chunks as Uint8Array<ArrayBuffer>[]).stream()],
];
const closes = (form: string): string[] => (form.includes('read') ? ['close'] : []);
const HALVES = [bytes('bo'), bytes('dy')];

/** A row that answers with `status` and the body that `make` gives. */
const row = (
  title: string,
  make: (seen: Seen) => unknown,
  expect: Expected,
  more: HeaderList = [],
  status = '200 OK',
) =>
  ({
    title,
    app: (_environ, start, seen) => {
      start(status, text(...more));
      return make(seen);
    },
    expect,
  }) satisfies Kind;
const wrapped = (
  title: string,
  make: (seen: Seen) => unknown,
  expect: Expected,
  more: HeaderList = [],
  request?: Row['request'],
): Kind => ({
  title,
  ...(request && { request }),
  app: (environ, start, seen) => {
    start('200 OK', text(...more));
    return environ['wsgi.file_wrapper'](make(seen) as Parameters<(typeof environ)['wsgi.file_wrapper']>[0], 4);
  },
  expect,
});

const forms: Kind[] = FORMS.flatMap(([form, make, whole, early]): Kind[] => [
  row(`body of ${form}`, (seen) => make(seen, [empty, ...HALVES, empty]), {
    ...SENT,
    body: 'body',
    events: [OK, ...whole],
  }),
  row(`empty body of ${form}`, (seen) => make(seen, []), { ...SENT, events: [OK, ...whole] }),
  row(
    `exact Content-Length of ${form}`,
    (seen) => make(seen, HALVES),
    { ...SENT, body: 'body', length: '4', events: [OK, ...whole] },
    [['Content-Length', '4']],
  ),
  {
    ...row(
      `too small a Content-Length of ${form}`,
      (seen) => make(seen, [...HALVES, bytes('more')]),
      { ...SENT, body: 'bod', length: '3', events: [OK, ...early], log: /longer than its Content-Length/ },
      [['Content-Length', '3']],
    ),
    refused: MEASURED,
  },
  {
    ...row(
      `too large a Content-Length of ${form}`,
      (seen) => make(seen, HALVES),
      {
        ...SENT,
        body: 'body',
        complete: false,
        early: form.includes('list'),
        events: [OK, ...whole],
        log: /ended after 4 of the 9 bytes/,
      },
      [['Content-Length', '9']],
    ),
    // A list is measured before anything is sent.
    ...(form.includes('list') ? { refused: MEASURED } : {}),
  },
  {
    ...row(
      `a Content-Length of 0 and ${form}`,
      (seen) => make(seen, HALVES),
      { ...SENT, length: '0', events: [OK, ...early], log: /longer than its Content-Length of 0/ },
      [['Content-Length', '0']],
    ),
    refused: MEASURED,
  },
  {
    ...row(`HEAD: ${form}`, (seen) => make(seen, HALVES), { ...SENT, events: [OK, ...early] }),
    request: { method: 'HEAD' },
  },
  ...['204 No Content', '205 Reset Content', '304 Not Modified'].map(
    (status): Kind => ({
      title: `${status.slice(0, 3)}: ${form}`,
      app: (_environ, start, seen) => {
        start(status, [['X-A', '1']]);
        return make(seen, HALVES);
      },
      expect: { status: Number(status.slice(0, 3)), headers: [['X-A', '1']], body: '', events: [OK, ...early] },
    }),
  ),
  {
    title: `write() before ${form}`,
    app: (_environ, start, seen) => {
      const write = start('200 OK', text());
      write(bytes('1'));
      write(empty);
      write(bytes('2'));
      return make(seen, HALVES);
    },
    expect: { ...SENT, body: '12body', events: [OK, ...whole] },
  },
  {
    title: `write() and a Content-Length before ${form}`,
    app: async (_environ, start, seen) => {
      const write = start('200 OK', text(['Content-Length', '6']));
      await write(bytes('12'));
      return make(seen, HALVES);
    },
    expect: { ...SENT, body: '12body', length: '6', events: [OK, ...whole] },
  },
]);

const files: Kind[] = FILES.flatMap(([form, make]): Kind[] => [
  wrapped(`file: ${form}`, (seen) => make(seen, HALVES), { ...SENT, body: 'body', events: [OK, ...closes(form)] }),
  wrapped(`empty file: ${form}`, (seen) => make(seen, []), { ...SENT, events: [OK, ...closes(form)] }),
  wrapped(
    `exact Content-Length of a file: ${form}`,
    (seen) => make(seen, HALVES),
    { ...SENT, body: 'body', length: '4', events: [OK, ...closes(form)] },
    [['Content-Length', '4']],
  ),
  wrapped(
    `a file on HEAD: ${form}`,
    (seen) => make(seen, HALVES),
    { ...SENT, length: '4', events: [OK, ...closes(form)] },
    [['Content-Length', '4']],
    { method: 'HEAD' },
  ),
  {
    title: `a file after write(): ${form}`,
    app: (environ, start, seen) => {
      start('200 OK', text())(bytes('12'));
      return environ['wsgi.file_wrapper'](make(seen, HALVES) as Blob);
    },
    expect: { ...SENT, body: '12body', events: [OK, ...closes(form)] },
  },
]);

const read = (give: () => unknown) => (seen: Seen) => ({ read: give, close: () => seen.note('close') });
const badFiles: Kind[] = (
  [
    ['a number', () => 5, /must be a Uint8Array, not a number/],
    ['undefined', () => undefined, /must be a Uint8Array, not undefined/],
    ['a promise of a string', async () => 'text', /must be a Uint8Array, not a string/],
    ['an ArrayBuffer', () => new ArrayBuffer(4), /must be a Uint8Array, not an ArrayBuffer/],
  ] as Array<[string, () => unknown, RegExp]>
).map(([what, give, log]) => wrapped(`a file whose read() gives ${what}`, read(give), error(log, OK, 'close')));
badFiles.push(
  wrapped(
    'a file whose read() throws',
    read(() => {
      throw boom();
    }),
    error(/boom/, OK, 'close'),
  ),
  {
    title: 'a file that is none',
    app: (environ, start) => {
      start('200 OK', text());
      return environ['wsgi.file_wrapper']('file' as unknown as Blob);
    },
    expect: error(/wsgi.file_wrapper takes .* not a string/, OK),
  },
);

// Where a body fails: synchronous and asynchronous.
const failures: Kind[] = (['body', 'asyncBody'] as const).flatMap((kind): Kind[] => [
  row(
    `${kind} throws first`,
    (seen) => seen[kind]([boom()]),
    error(/boom/, OK, 'iter', 'iterable raises', 'return', 'close'),
  ),
  row(
    `${kind} throws after an empty chunk`,
    (seen) => seen[kind]([empty, boom()]),
    error(/boom/, OK, 'iter', 'next 1', 'iterable raises', 'return', 'close'),
  ),
  row(`${kind} throws after a chunk`, (seen) => seen[kind]([bytes('part'), boom()]), {
    ...SENT,
    body: 'part',
    complete: false,
    events: [OK, 'iter', 'next 1', 'iterable raises', 'return', 'close'],
    log: /boom/,
  }),
  row(
    `${kind} throws when its length has gone out`,
    (seen) => seen[kind]([...HALVES, empty, boom()]),
    {
      ...SENT,
      body: 'body',
      length: '4',
      events: [OK, 'iter', 'next 1', 'next 2', 'next 3', 'iterable raises', 'return', 'close'],
      log: /boom/,
    },
    [['Content-Length', '4']],
  ),
  row(
    `${kind} throws at a length of 0`,
    (seen) => seen[kind]([boom()]),
    { ...SENT, length: '0', events: [OK, 'iter', 'iterable raises', 'return', 'close'], log: /boom/ },
    [['Content-Length', '0']],
  ),
  ...[null, undefined, 5, [bytes('x')], 'text', new ArrayBuffer(1)].map((chunk, i) =>
    row(
      `${kind} gives what is no chunk (${i})`,
      (seen) => seen[kind]([chunk]),
      error(/a chunk of the body must be a Uint8Array/, OK, 'iter', 'next 1', 'return', 'close'),
    ),
  ),
  row(
    `${kind} whose close() throws, on an empty body`,
    (seen) =>
      seen[kind]([], () => {
        throw boom();
      }),
    { ...SENT, events: [OK, 'iter', 'stop', 'close'], log: /boom/ },
  ),
  row(`${kind} whose close() rejects`, (seen) => seen[kind]([bytes('body')], () => Promise.reject(boom())), {
    ...SENT,
    body: 'body',
    events: [OK, 'iter', 'next 1', 'stop', 'close'],
    log: /boom/,
  }),
  {
    ...row(
      `${kind} that throws, with a slow close()`,
      (seen) => seen[kind]([boom()], () => seen.midway('closed')),
      error(/boom/, OK, 'iter', 'iterable raises', 'return', 'close'),
    ),
    also: [
      {
        title: 'the page does not wait for it',
        needs: ['streaming'],
        check: before('closed', ({ headAt }) => arrival(headAt)),
      },
    ],
  },
  row(`${kind} answers its own error`, (seen) => seen[kind]([empty]), {
    ...SENT,
    events: [OK, 'iter', 'next 1', 'stop', 'close'],
  }),
]);

const odd: Kind[] = (
  [
    ['an iterator that is none', { [Symbol.iterator]: () => undefined }, /TypeError|iterator/],
    ['an iterator without next()', { [Symbol.iterator]: () => ({}) }, /TypeError|iterator/],
    ['an iterator whose step is undefined', { [Symbol.iterator]: () => ({ next: () => undefined }) }, /TypeError|step/],
    [
      'an async iterator that rejects at once',
      { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(boom()) }) },
      /boom/,
    ],
    ['a list-like object', { length: 1, 0: bytes('x') }, /must return an iterable of Uint8Array, not an Object/],
    ['an object', {}, /must return an iterable of Uint8Array, not an Object/],
    ['bytes', bytes('hello'), /not a Uint8Array; put it into an array/],
    ['false', false, /not a boolean/],
    ['a function', () => [bytes('x')], /not a function/],
    ['a symbol', Symbol('x'), /not a symbol/],
  ] as Array<[string, unknown, RegExp]>
).map(([what, given, log]) => row(`a body that is ${what}`, () => given, error(log, OK)));
for (const thrown of [undefined, null, 0, '', Symbol('x'), { message: 'own' }, new DOMException('gone', 'AbortError')])
  odd.push(
    row(
      `throws ${typeof thrown === 'object' && thrown !== null ? thrown.constructor.name : String(thrown) || 'an empty string'}`,
      () => {
        throw thrown;
      },
      error(/./, OK),
    ),
    row(
      `rejects with ${typeof thrown === 'object' && thrown !== null ? thrown.constructor.name : String(thrown) || 'an empty string'}`,
      () => Promise.reject(thrown),
      error(/./, OK),
    ),
  );
for (const [what, value] of [
  ['a number', 5],
  ['a string', 'close'],
  ['an object', {}],
] as Array<[string, unknown]>)
  odd.push({
    ...row(
      `close is ${what}`,
      () => ({ [Symbol.iterator]: () => [bytes('body')].values(), close: value }) as unknown as Body,
      { ...SENT, body: 'body', events: [OK], log: /close/ },
    ),
    refused: { why: 'where a body has a close, it is a function', expect: error(/close must be a function/, OK) },
  });

const statuses: Kind[] = [
  ...['200 ', '299 x', '404 Not  Found', '599 Last', '200 -', '200 OK (200)', '226 IM Used'].map(
    (status): Kind =>
      row(
        `status "${status}"`,
        () => [bytes('x')],
        { ...SENT, status: Number(status.slice(0, 3)), body: 'x', events: [OK] },
        [],
        status,
      ),
  ),
  ...[
    '200',
    '99 x',
    '099 x',
    '1000 X',
    '2OO OK',
    ' 200 OK',
    '200\u00a0OK',
    '200 OK\r',
    '200 OK\x0b',
    '-20 x',
    '+20 x',
    '20 OK',
    '200OK',
    '0x1 x',
    '100 Continue',
    '199 x',
    '000 x',
  ].map((status) =>
    row(
      `status ${JSON.stringify(status)}`.replace(/[^\x20-\x7e]/g, '?'),
      () => [bytes('x')],
      refused(/status/),
      [],
      status,
    ),
  ),
];

const lengths: Kind[] = [
  ...['5', '05', '0000000005', '\t5', '5 '].map(
    (length): Kind =>
      row(
        `Content-Length ${JSON.stringify(length)}`,
        (seen) => seen.body([bytes('hello')]),
        { ...SENT, body: 'hello', events: [OK, 'iter', 'next 1', 'stop', 'close'] },
        [['Content-Length', length]],
      ),
  ),
  ...[
    '',
    ' ',
    '+5',
    '-5',
    '5, 5',
    '5,5',
    '5.0',
    '5e0',
    '0x5',
    '5\u00a0',
    '\u0665',
    'five',
    '5 5',
    '99999999999999999999',
  ].map(
    (length): Kind =>
      row(
        `Content-Length ${JSON.stringify(length)}`.replace(/[^\x20-\x7e]/g, '?'),
        (seen) => seen.body([bytes('hello')]),
        refused(/Content-Length/),
        [['Content-Length', length]],
      ),
  ),
  row(
    'Content-Length 5 and 05',
    (seen) => seen.body([bytes('hello')]),
    { ...SENT, body: 'hello', events: [OK, 'iter', 'next 1', 'stop', 'close'] },
    [
      ['Content-Length', '5'],
      ['CONTENT-LENGTH', '05'],
    ],
  ),
  row('Content-Length three times, one other', (seen) => seen.body([bytes('hello')]), refused(/Content-Length/), [
    ['Content-Length', '5'],
    ['content-length', '5'],
    ['Content-Length', '6'],
  ]),
];

const start = (title: string, headers: unknown, expect: Expected): Kind => ({
  title,
  app: (_environ, startResponse) => {
    startResponse('200 OK', headers as HeaderList);
    return [bytes('x')];
  },
  expect,
});
class List extends Array<[string, string]> {}
const lists: Kind[] = [
  start('headers: a frozen list of frozen pairs', Object.freeze([Object.freeze(['X-A', '1'])]), {
    ...SENT,
    headers: [['X-A', '1']],
    body: 'x',
    events: [OK],
  }),
  start('headers: a subclass of Array', List.of(['X-A', '1']), {
    ...SENT,
    headers: [['X-A', '1']],
    body: 'x',
    events: [OK],
  }),
  start('headers: the entries of an object', Object.entries({ 'X-A': '1' }), {
    ...SENT,
    headers: [['X-A', '1']],
    body: 'x',
    events: [OK],
  }),
  ...(
    [
      ['an iterator', [['X-A', '1']].values()],
      ['a Set', new Set([['X-A', '1']])],
      ['a list-like object', { length: 1, 0: ['X-A', '1'] }],
      ['a sparse list', new Array(1)],
      ['a pair of three', [['X-A', '1', '2']]],
      ['an empty pair', [[]]],
      ['null for a pair', [null]],
      ['a pair of numbers', [[1, 2]]],
      ['a nested list', [[['X-A', '1']]]],
      ['a String object for a value', [['X-A', new String('1')]]],
      ['a boolean for a value', [['X-A', true]]],
      ['undefined', undefined],
      ['false', false],
    ] as Array<[string, unknown]>
  ).map(([what, headers]) => start(`headers: ${what}`, headers, refused(/header/))),
  ...['X\tA', 'X-A\0', '"X"', 'X/A', 'X@A', '(X)', 'X,A', 'X=A', '\u00e9', ' X', 'X\x7f'].map((name) =>
    start(
      `header name ${JSON.stringify(name)}`.replace(/[^\x20-\x7e]/g, '?'),
      [[name, '1']],
      refused(/is not a token/),
    ),
  ),
  ...['\0', 'a\nb', 'a\r\nb', '\r', 'a\n', '\x1f', '\x7f', '\u0100', '\ud83d\ude00'].map((value, i) =>
    start(`header value (${i})`, [['X-A', value]], refused(/header value for "X-A"/)),
  ),
  ...['connection', 'KEEP-ALIVE', 'te', 'Transfer-encoding', 'UPGRADE', 'Proxy-Authorization', 'Trailers'].map((name) =>
    start(`hop-by-hop ${name}`, [[name, 'x']], refused(/hop-by-hop/)),
  ),
];

const calls: Kind[] = [
  {
    title: 'startResponse is called after the response',
    app: (environ, start, seen) => {
      start('200 OK', text());
      environ['wsgi_edge.wait_until'](
        new Promise<void>((resolve) => setTimeout(resolve, 30)).then(() => {
          for (const excInfo of [undefined, boom()])
            try {
              start('500 Late', text(), excInfo);
            } catch (error) {
              seen.note((error as Error).message.includes('boom') ? 'the same error' : 'an error');
            }
        }),
      );
      return [bytes('body')];
    },
    expect: {
      ...SENT,
      body: 'body',
      events: [OK, 'start_response raised', 'an error', 'start_response raised', 'the same error'],
    },
  },
  {
    title: 'startResponse is called after the body has ended without it',
    app: (_environ, start, seen) =>
      seen.body([], () => {
        start('200 OK', text());
      }),
    expect: error(/startResponse/, 'iter', 'stop', 'close', 'start_response raised'),
    refused: {
      why: 'the end of the body is refused, which is no end to the gateway',
      expect: error(/startResponse/, 'iter', 'stop', 'return', 'close', 'start_response raised'),
    },
  },
  {
    title: 'the first call fails, the next has excInfo',
    app: (_environ, start) => {
      try {
        start('200', text());
      } catch (error) {
        start('500 Own', text(), error);
      }
      return [bytes('own')];
    },
    expect: { ...SENT, status: 500, body: 'own', events: ['start_response raised', OK] },
  },
  {
    title: 'excInfo drops the Content-Length of before',
    app: (_environ, start, seen) => {
      start('200 OK', text(['Content-Length', '2']));
      start('503 Sorry', text(), boom());
      return seen.body([bytes('longer')]);
    },
    expect: { ...SENT, status: 503, body: 'longer', events: [OK, OK, 'iter', 'next 1', 'stop', 'close'] },
  },
  {
    title: 'excInfo after write() throws that error, which the application swallows',
    app: (_environ, start, seen) => {
      const write = start('200 OK', text());
      write(bytes('1'));
      const failed = boom();
      try {
        start('500 Oops', text(), failed);
      } catch (error) {
        seen.note(error === failed ? 'the same' : 'another');
      }
      write(bytes('2'));
      return [bytes('3')];
    },
    expect: { ...SENT, body: '123', events: [OK, 'start_response raised', 'the same'] },
    refused: {
      why: 'what startResponse throws with excInfo is not to be trapped',
      log: /went on after startResponse with excInfo had thrown/,
    },
  },
  {
    title: 'excInfo in an async generator, before its first chunk',
    app: (_environ, start, seen) => {
      start('200 OK', text(['X-First', '1']));
      return seen.asyncBody(
        (async function* () {
          await null;
          start('500 Oops', text(['X-Second', '1']), boom());
          yield bytes('error body');
        })(),
      );
    },
    expect: {
      ...SENT,
      status: 500,
      headers: text(['X-Second', '1']),
      without: ['X-First'],
      body: 'error body',
      events: [OK, 'iter', OK, 'next 1', 'stop', 'close'],
    },
  },
  {
    title: 'write() past the Content-Length',
    app: (_environ, start, seen) => {
      const write = start('200 OK', text(['Content-Length', '3']));
      write(bytes('on'));
      write(bytes('etwo'));
      return seen.body([bytes('three')]);
    },
    expect: {
      ...SENT,
      body: 'one',
      length: '3',
      events: [OK, 'iter', 'next 1', 'return', 'close'],
      log: /longer than its Content-Length/,
    },
    refused: MEASURED,
  },
  {
    title: 'write() short of the Content-Length',
    app: (_environ, start, seen) => {
      start('200 OK', text(['Content-Length', '9']))(bytes('one'));
      return seen.body([]);
    },
    expect: { ...SENT, body: 'one', complete: false, events: [OK, 'iter', 'stop', 'close'], log: /3 of the 9 bytes/ },
    refused: MEASURED,
  },
  {
    title: 'an error after write() of all bytes of the Content-Length',
    app: (_environ, start) => {
      start('200 OK', text(['Content-Length', '3']))(bytes('one'));
      throw boom();
    },
    expect: { ...SENT, body: 'one', length: '3', events: [OK], log: /boom/ },
  },
  {
    title: 'an error after write()',
    app: async (_environ, start) => {
      await start('200 OK', text())(bytes('one'));
      throw boom();
    },
    expect: { ...SENT, body: 'one', complete: false, events: [OK], log: /boom/ },
  },
  {
    title: 'an error after an empty write()',
    app: (_environ, start) => {
      start('200 OK', text())(empty);
      throw boom();
    },
    expect: { ...SENT, complete: false, events: [OK], log: /boom/ },
  },
  ...(['body', null, 5, undefined, [1], new ArrayBuffer(1)] as unknown[]).map(
    (data, i): Kind => ({
      title: `the argument of write() is no bytes (${i})`,
      app: (_environ, start) => {
        start('200 OK', text())(data as Uint8Array);
        return [];
      },
      expect: error(/the argument of write\(\) must be a Uint8Array/, OK),
    }),
  ),
  {
    title: 'write() of bytes that are written again is sent as it was',
    app: (_environ, start) => {
      const write = start('200 OK', text());
      const buffer = bytes('aaaa');
      return write(buffer).then(async () => {
        await write(buffer.fill(98));
        return [];
      });
    },
    expect: { ...SENT, body: 'aaaabbbb', events: [OK] },
  },
  {
    title: 'HEAD: an error in a generator before a chunk',
    request: { method: 'HEAD' },
    app: (_environ, start, seen) => {
      start('200 OK', text());
      return seen.body([boom()]);
    },
    expect: { ...error(/boom/, OK, 'iter', 'iterable raises', 'return', 'close'), body: '' },
  },
  {
    title: 'HEAD: never called',
    request: { method: 'HEAD' },
    app: () => [bytes('x')],
    expect: { ...error(/startResponse/), body: '' },
  },
  {
    title: 'HEAD: write() past the Content-Length',
    request: { method: 'HEAD' },
    app: async (_environ, start) => {
      const write = start('200 OK', text(['Content-Length', '2']));
      await write(bytes('much'));
      return [bytes('more')];
    },
    expect: { ...SENT, length: '2', events: [OK] },
  },
  {
    title: 'wsgi.errors is replaced and refuses',
    app: (environ, start) => {
      environ['wsgi.errors'] = {} as never;
      start('200 OK', text());
      throw boom();
    },
    expect: error(/boom/, OK),
  },
  {
    title: 'wsgi.errors takes no other values',
    app: (environ, start, seen) => {
      const errors = environ['wsgi.errors'] as unknown as Record<string, (value: unknown) => void>;
      for (const value of [5, null, undefined, new Error('x'), ['x']])
        try {
          errors.write?.(value);
          seen.note('taken');
        } catch {
          seen.note('throws');
        }
      errors.writelines?.(new Set(['a\n', 'b']));
      start('200 OK', text());
      return [bytes('x')];
    },
    expect: { ...SENT, body: 'x', events: [...Array<string>(5).fill('throws'), OK], log: /^a\nb$/ },
  },
  {
    title: 'wsgi.input is read after the last chunk',
    needs: ['lateInput'],
    request: { method: 'POST', body: bytes('request') },
    app: (environ, start, seen) => {
      start('200 OK', text());
      const input = environ['wsgi.input'];
      return seen.asyncBody([bytes('body')], () =>
        input.read().then(
          ({ length }) => seen.note(`${length} bytes`),
          () => seen.note('it rejects'),
        ),
      );
    },
    expect: { ...SENT, body: 'body', events: [OK, 'iter', 'next 1', 'stop', 'close', '7 bytes'] },
  },
  {
    title: 'wsgi.input is replaced by middleware',
    request: { method: 'POST', body: bytes('request') },
    app: async (environ, start) => {
      const { length } = await environ['wsgi.input'].read();
      environ['wsgi.input'] = undefined as never;
      start('200 OK', text());
      return [bytes(String(length))];
    },
    expect: { ...SENT, body: '7', events: [OK] },
  },
  {
    title: 'wsgi.input: sizes and hints',
    request: { method: 'POST', body: bytes('one\ntwo\nthree') },
    app: async (environ, start, seen) => {
      const input = environ['wsgi.input'];
      const show = (data: Uint8Array | Uint8Array[]) =>
        Array.isArray(data) ? data.map((line) => line.length).join() : String(data.length);
      for (const call of [
        () => input.readline(0),
        () => input.readline(2),
        () => input.readline(100),
        () => input.readlines(1),
        () => input.readline(null),
        () => input.readlines(0),
        () => input.read(null),
      ])
        seen.note(show(await call()));
      start('200 OK', text());
      return [];
    },
    expect: { ...SENT, events: ['0', '2', '2', '4', '5', '', '0', OK] },
  },
];

// The client goes away while the application waits: nothing is an error, and close() runs.
const leavings: Kind[] = [
  {
    title: 'the client goes away before there is a body',
    app: async (_environ, start, seen) => {
      await pause();
      await pause();
      start('200 OK', text());
      return { [Symbol.iterator]: () => [bytes('body')].values(), close: () => seen.note('close') };
    },
    expect: { ...SENT, body: 'body', complete: 'unknown', events: [OK, 'close'] },
  },
  {
    title: 'the client goes away before the first chunk',
    app: (_environ, start, seen) => {
      start('200 OK', text());
      return {
        async *[Symbol.asyncIterator]() {
          try {
            await pause();
            await pause();
            yield bytes('body');
          } finally {
            seen.note('finally');
          }
        },
        close: () => seen.note('close'),
      };
    },
    expect: { ...SENT, body: 'body', complete: 'unknown', events: [OK, 'finally', 'close'] },
  },
  {
    title: 'the client goes away during close()',
    app: (_environ, start, seen) => {
      start('200 OK', text());
      return seen.body([bytes('body')], async () => {
        await pause();
        await pause();
        seen.note('closed');
      });
    },
    expect: {
      ...SENT,
      body: 'body',
      complete: 'unknown',
      events: [OK, 'iter', 'next 1', 'stop', 'close', 'closed'],
    },
  },
];

const all: Kind[] = [
  ...forms,
  ...files,
  ...badFiles,
  ...failures,
  ...odd,
  ...statuses,
  ...lengths,
  ...lists,
  ...calls,
  ...leavings.map((kind): Kind => ({ ...kind, request: { leaveAfter: 40 }, needs: ['disconnect'] })),
];
export const kinds: Row[] = all.map((kind) => ({ ...kind, id: 'kind' }));
