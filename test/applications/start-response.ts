import { arrival, before, boom, bytes, error, type Row, SENT, text } from './row.js';

const FIRST = text(['X-First', '1']);
const SECOND = text(['X-Second', '1']);

export const startResponse: Row[] = [
  {
    id: 'sr_twice_swallowed',
    title: 'a second call without excInfo, whose error is swallowed',
    app: (_environ, start, seen) => {
      start('200 OK', FIRST);
      try {
        start('201 Created', SECOND);
      } catch {
        // Swallowed.
      }
      return seen.body([bytes('body')]);
    },
    expect: {
      status: 200,
      headers: FIRST,
      without: ['X-Second'],
      body: 'body',
      events: ['start_response ok', 'start_response raised', 'iter', 'next 1', 'stop', 'close'],
    },
  },
  {
    id: 'sr_excinfo_in_generator',
    title: 'excInfo in the iteration, before its first chunk',
    app: (_environ, start, seen) => {
      start('200 OK', FIRST);
      return seen.body(
        (function* () {
          start('500 Oops', SECOND, boom());
          yield bytes('error body');
        })(),
      );
    },
    expect: {
      status: 500,
      headers: SECOND,
      without: ['X-First'],
      body: 'error body',
      events: ['start_response ok', 'iter', 'start_response ok', 'next 1', 'stop', 'close'],
    },
  },
  {
    id: 'sr_excinfo_after_body',
    title: 'excInfo after a chunk throws the very same error',
    app: (_environ, start, seen) => {
      start('200 OK', FIRST);
      return seen.body(
        (function* () {
          yield bytes('part1');
          const inner = new Error('inner');
          try {
            start('500 Oops', SECOND, inner);
          } catch (error) {
            if (error !== inner) seen.note('other object');
            throw error;
          }
          yield bytes('error body');
        })(),
      );
    },
    expect: {
      status: 200,
      body: 'part1',
      complete: false,
      events: ['start_response ok', 'iter', 'next 1', 'start_response raised', 'iterable raises', 'return', 'close'],
      log: /inner/,
    },
  },
  {
    id: 'sr_excinfo_first',
    title: 'the only call has excInfo',
    app: (_environ, start, seen) => {
      start('500 Oops', text(), boom());
      return seen.body([bytes('error body')]);
    },
    expect: {
      status: 500,
      headers: text(),
      body: 'error body',
      events: ['start_response ok', 'iter', 'next 1', 'stop', 'close'],
    },
  },
  {
    id: 'sr_never_empty_list',
    title: 'never called, an empty list',
    app: () => [],
    expect: error(/startResponse/),
  },
  {
    id: 'sr_lazy',
    title: 'called at the first iteration',
    app: (_environ, start, seen) =>
      seen.body(
        (function* () {
          start('200 OK', text());
          yield bytes('lazy');
        })(),
      ),
    expect: { ...SENT, body: 'lazy', events: ['iter', 'start_response ok', 'next 1', 'stop', 'close'] },
  },
  {
    id: 'sr_lazy_after_empty',
    title: 'called after an empty chunk',
    app: (_environ, start, seen) =>
      seen.body(
        (function* () {
          yield bytes('');
          start('200 OK', text());
          yield bytes('late');
        })(),
      ),
    expect: { ...SENT, body: 'late', events: ['iter', 'next 1', 'start_response ok', 'next 2', 'stop', 'close'] },
  },
  {
    id: 'sr_lazy_then_nothing',
    title: 'called in an iteration that ends without a chunk',
    app: (_environ, start, seen) =>
      seen.body(
        // biome-ignore lint/correctness/useYield: a body without a chunk
        (function* () {
          start('200 OK', text(['Content-Length', '0']));
        })(),
      ),
    expect: { ...SENT, length: '0', events: ['iter', 'start_response ok', 'stop', 'close'] },
  },
  {
    id: 'sr_server_mutates_headers',
    title: 'the list of the application stays as it is',
    app: (_environ, start, seen) => {
      const headers = text(['X-A', '1']);
      start('200 OK', headers);
      return seen.body([bytes('x'), bytes('y')], () =>
        seen.note(`list now ${headers.map(([name]) => name).join(',')}`),
      );
    },
    expect: {
      status: 200,
      headers: text(['X-A', '1']),
      body: 'xy',
      events: ['start_response ok', 'iter', 'next 1', 'next 2', 'stop', 'close', 'list now Content-Type,X-A'],
    },
  },
];

export const write: Row[] = [
  {
    id: 'write_only_cl',
    title: 'write() alone, with a Content-Length',
    app: (_environ, start, seen) => {
      const write = start('200 OK', text(['Content-Length', '6']));
      write(bytes('one'));
      write(bytes('two'));
      return seen.body([]);
    },
    expect: { ...SENT, body: 'onetwo', length: '6', events: ['start_response ok', 'iter', 'stop', 'close'] },
  },
  {
    id: 'write_streaming',
    title: 'write() sends at once',
    app: async (_environ, start, seen) => {
      const write = start('200 OK', text());
      await write(bytes('one'));
      await seen.midway('second write');
      seen.note('second write');
      await write(bytes('two'));
      return seen.body([]);
    },
    expect: { ...SENT, body: 'onetwo', events: ['start_response ok', 'second write', 'iter', 'stop', 'close'] },
    also: [
      {
        title: 'the client has the first before the second',
        needs: ['streaming'],
        check: before('second write', ({ chunks }) => arrival(chunks[0]?.at)),
      },
    ],
  },
  {
    id: 'write_after_end',
    title: 'write() from close()',
    app: (_environ, start, seen) => {
      const write = start('200 OK', text());
      return seen.body([bytes('a')], async () => {
        try {
          await write(bytes('LATE'));
          seen.note('late write ok');
        } catch {
          seen.note('late write raised');
        }
      });
    },
    expect: {
      ...SENT,
      body: 'a',
      events: ['start_response ok', 'iter', 'next 1', 'stop', 'close', 'late write raised'],
      log: /write\(\) was called after the response had ended/,
    },
    why: {
      body: 'close() comes "upon completion of the current request" (PEP 3333): the client does not wait for it, and nothing follows; as gunicorn',
      logged: 'gunicorn loses the bytes without a word',
      events: 'the promise of write() rejects',
    },
    refused: {
      why: 'the response has ended',
      expect: {
        ...SENT,
        body: 'a',
        events: ['start_response ok', 'iter', 'next 1', 'stop', 'close', 'late write raised'],
      },
    },
  },
  {
    id: 'write_return',
    title: 'what write() returns',
    app: (_environ, start, seen) => {
      const accepted: unknown = start('200 OK', text())(bytes('x'));
      seen.note(`write returned ${accepted instanceof Promise ? 'a promise' : String(accepted)}`);
      return [];
    },
    expect: { ...SENT, body: 'x', events: ['start_response ok', 'write returned a promise'] },
    why: { events: 'write() returns a promise, for back-pressure: JavaScript can not block' },
  },
];
