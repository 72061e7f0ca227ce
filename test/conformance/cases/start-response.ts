import type { Application, HeaderList } from '../../../src/types.js';
import {
  bytes,
  type Case,
  equal,
  holds,
  isBroken,
  isErrorPage,
  ok,
  plain,
  refusedWith500,
  textOf,
  value,
  values,
} from '../case.js';
import { keep, note } from '../report.js';

const CALLABLE = 'The start_response() Callable';
const ERRORS = 'Error Handling';

const body = bytes('body');

/** An application that starts with `status` and `headers` and says "body". */
const starts =
  (status: string, headers: HeaderList = plain()): Application =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return [body];
  };

/** What becomes of an application that goes on when `startResponse` has thrown its excInfo back. */
const trapped = (...events: string[]): NonNullable<Case['refused']> => ({
  why: 'the PEP forbids an application to trap what startResponse throws when it is given excInfo',
  async check(send, recall) {
    await send();
    const report = await recall(({ errors }) => errors.length > 0);
    equal(report.events, events, 'events');
    ok(report.errors.join('\n').includes('startResponse with excInfo'), 'the log does not name startResponse');
  },
});

const shared: HeaderList = [['Content-Type', 'text/plain']];

export const startResponse: Case[] = [
  {
    name: 'called in the first iteration of a generator',
    clause: CALLABLE,
    app: function* (_environ, start) {
      start('200 OK', plain());
      yield body;
    } as Application,
    async check(send) {
      holds(await send(), 'body');
    },
  },
  {
    name: 'called in the first iteration of an async generator',
    clause: CALLABLE,
    app: async function* (_environ, start) {
      await null;
      start('201 Created', plain(['X-A', '1']));
      yield body;
    },
    async check(send) {
      const response = await send();
      equal([response.status, textOf(response), value(response, 'x-a')], [201, 'body', '1'], 'response');
    },
  },
  {
    name: 'called after an empty chunk',
    clause: CALLABLE,
    app: async function* (_environ, start) {
      yield new Uint8Array(0);
      start('200 OK', plain());
      yield body;
    },
    async check(send) {
      holds(await send(), 'body');
    },
  },
  {
    name: 'called by an async application after a wait',
    clause: 'README, "The interface"',
    app: async (_environ, start) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      start('200 OK', plain());
      return [body];
    },
    async check(send) {
      holds(await send(), 'body');
    },
  },
  {
    name: 'a second call without excInfo throws',
    clause: CALLABLE,
    app: (environ, start) => {
      start('200 OK', plain());
      try {
        start('201 Created', plain());
      } catch (error) {
        keep(environ, 'error', (error as Error).name);
        throw error;
      }
      return [body];
    },
    async check(send, recall) {
      isErrorPage(await send());
      const { values, errors } = await recall((report) => report.errors.length > 0);
      equal(values.error, 'WsgiError', 'what was thrown');
      ok(errors.join('\n').includes('startResponse'), 'the log does not name startResponse');
    },
  },
  {
    name: 'excInfo of null or undefined counts as not given',
    clause: CALLABLE,
    app: (environ, start) => {
      start('200 OK', plain());
      for (const excInfo of [null, undefined])
        try {
          start('201 Created', plain(), excInfo);
        } catch {
          note(environ, 'threw');
        }
      return [body];
    },
    async check(send, recall) {
      await send();
      equal((await recall()).events, ['threw', 'threw'], 'events');
    },
  },
  {
    name: 'a call after one that threw throws too',
    clause: CALLABLE,
    app: (environ, start) => {
      for (const status of ['200OK', '200 OK'])
        try {
          start(status, plain());
        } catch {
          note(environ, 'threw');
        }
      return [body];
    },
    async check(send, recall) {
      isErrorPage(await send());
      equal((await recall()).events, ['threw', 'threw'], 'events');
    },
  },
  {
    name: 'excInfo before output replaces status and headers',
    clause: CALLABLE,
    app: (_environ, start) => {
      start('200 OK', plain(['X-Old', '1'], ['Set-Cookie', 'old=1'], ['Content-Length', '2']));
      start('503 Unavailable', plain(['X-New', '1']), new Error('failed'));
      return [bytes('sorry')];
    },
    async check(send) {
      const response = await send();
      equal([response.status, textOf(response), response.complete], [503, 'sorry', true], 'response');
      equal([value(response, 'x-old'), value(response, 'x-new')], [undefined, '1'], 'X-Old and X-New');
      equal(values(response, 'set-cookie'), [], 'Set-Cookie');
    },
  },
  {
    name: 'excInfo after an empty chunk replaces and drops the old Content-Length',
    clause: CALLABLE,
    app: async function* (_environ, start) {
      start('200 OK', plain(['Content-Length', '2'], ['X-Old', '1']));
      yield new Uint8Array(0);
      start('500 Oops', plain(), new Error('failed'));
      yield bytes('longer');
    },
    async check(send) {
      const response = await send();
      equal([response.status, textOf(response), response.complete], [500, 'longer', true], 'response');
      equal(value(response, 'x-old'), undefined, 'X-Old');
    },
  },
  {
    name: 'excInfo may be any value but null and undefined',
    clause: 'README, "The interface"',
    app: (environ, start) => {
      for (const excInfo of [0, '', false]) {
        start('200 OK', plain(), excInfo);
        note(environ, 'taken');
      }
      return [body];
    },
    async check(send, recall) {
      holds(await send(), 'body');
      equal((await recall()).events, ['taken', 'taken', 'taken'], 'events');
    },
  },
  {
    name: 'excInfo after output throws that same value',
    clause: CALLABLE,
    app: async function* (environ, start) {
      start('200 OK', plain());
      yield body;
      const failed = new Error('failed');
      try {
        start('500 Oops', plain(), failed);
      } catch (error) {
        note(environ, error === failed ? 'same' : 'other');
        throw error;
      }
    },
    async check(send, recall) {
      await send();
      equal((await recall((report) => report.events.length > 0)).events, ['same'], 'events');
    },
  },
  {
    name: 'the client can tell a response whose excInfo came too late',
    clause: ERRORS,
    needs: ['truncation'],
    app: async function* (_environ, start) {
      start('200 OK', plain());
      yield body;
      start('500 Oops', plain(), new Error('failed'));
    },
    async check(send) {
      isBroken(await send());
    },
  },
  {
    name: 'a call without excInfo after output throws',
    clause: CALLABLE,
    app: async function* (environ, start) {
      start('200 OK', plain());
      yield body;
      try {
        start('500 Oops', plain());
      } catch {
        note(environ, 'threw');
      }
    },
    async check(send, recall) {
      holds(await send(), 'body');
      equal((await recall((report) => report.events.length > 0)).events, ['threw'], 'events');
    },
  },
  {
    name: 'write() commits: excInfo after it throws that same value',
    clause: CALLABLE,
    app: (environ, start) => {
      const write = start('200 OK', plain());
      write(bytes('written'));
      const failed = new Error('failed');
      try {
        start('500 Oops', plain(), failed);
      } catch (error) {
        note(environ, error === failed ? 'same' : 'other');
      }
      return [];
    },
    async check(send, recall) {
      holds(await send(), 'written');
      equal((await recall()).events, ['same'], 'events');
    },
    refused: trapped('same'),
  },
  {
    name: 'an empty write() commits as well',
    clause: 'README, "The interface"',
    app: (environ, start) => {
      const write = start('200 OK', plain());
      write(new Uint8Array(0));
      try {
        start('500 Oops', plain(), new Error('failed'));
      } catch {
        note(environ, 'threw');
      }
      return [body];
    },
    async check(send, recall) {
      holds(await send(), 'body');
      equal((await recall()).events, ['threw'], 'events');
    },
    refused: trapped('threw'),
  },
  {
    name: 'a declared Content-Length of 0 commits',
    clause: CALLABLE,
    app: async function* (environ, start) {
      start('200 OK', plain(['Content-Length', '0']));
      yield new Uint8Array(0);
      try {
        start('500 Oops', plain(), new Error('failed'));
      } catch {
        note(environ, 'threw');
      }
    },
    async check(send, recall) {
      holds(await send(), '');
      equal((await recall((report) => report.events.length > 0)).events, ['threw'], 'events');
    },
  },
  {
    name: 'it returns write()',
    clause: 'The write() Callable',
    app: (environ, start) => {
      const write = start('200 OK', plain());
      const promise = write(body);
      note(environ, `${typeof write} ${typeof promise?.then}`);
      return [];
    },
    async check(send, recall) {
      holds(await send(), 'body');
      equal((await recall()).events, ['function function'], 'events');
    },
  },
  {
    name: 'it copies the header list',
    clause: CALLABLE,
    app: (_environ, start) => {
      const headers = plain(['X-A', 'before']);
      start('200 OK', headers);
      headers.push(['X-Late', '1']);
      const pair = headers[1];
      if (pair) pair[1] = 'after';
      return [body];
    },
    async check(send, recall) {
      const response = await send();
      holds(response, 'body');
      equal([value(response, 'x-a'), value(response, 'x-late')], ['before', undefined], 'X-A and X-Late');
      const { errors } = await recall((report) => report.errors.length > 0);
      ok(errors.join('\n').includes('changed the header "X-A"'), `the log does not name X-A: ${errors}`);
    },
    refused: { why: 'the change would have no effect', check: refusedWith500 },
  },
  {
    name: 'a header list that is used again does not grow',
    clause: CALLABLE,
    app: (environ, start) => {
      note(environ, String(shared.length));
      start('200 OK', shared);
      return [body];
    },
    async check(send, recall) {
      for (let i = 0; i < 3; i++) holds(await send(), 'body');
      equal((await recall()).events, ['1', '1', '1'], 'events');
    },
  },
  {
    name: 'never called: a list of chunks',
    clause: CALLABLE,
    app: () => [body],
    async check(send, recall) {
      isErrorPage(await send());
      const { errors } = await recall((report) => report.errors.length > 0);
      ok(errors.join('\n').includes('startResponse'), 'the log does not name startResponse');
    },
  },
  {
    name: 'never called: an empty list',
    clause: CALLABLE,
    app: () => [],
    async check(send) {
      isErrorPage(await send());
    },
  },
  {
    name: 'never called: a generator',
    clause: CALLABLE,
    app: async function* (environ) {
      try {
        yield body;
      } finally {
        note(environ, 'ended');
      }
    },
    async check(send, recall) {
      isErrorPage(await send());
      equal((await recall((report) => report.events.length > 0)).events, ['ended'], 'events');
    },
  },

  // What is allowed.
  {
    name: 'no headers at all',
    clause: CALLABLE,
    app: starts('200 OK', []),
    async check(send) {
      holds(await send(), 'body');
    },
  },
  {
    name: 'a tab in a header value',
    clause: 'RFC 9110, section 5.5',
    app: starts('200 OK', plain(['X-Tab', 'a\tb'])),
    async check(send) {
      equal(value(await send(), 'x-tab'), 'a\tb', 'X-Tab');
    },
  },
  {
    name: 'an empty header value',
    clause: CALLABLE,
    app: starts('200 OK', plain(['X-Empty', ''])),
    async check(send) {
      equal(value(await send(), 'x-empty'), '', 'X-Empty');
    },
  },
  {
    name: 'a header name of all token characters',
    clause: 'RFC 9110, section 5.6.2',
    app: starts('200 OK', plain(["X-!#$%&'*+.^_`|~9", 'token'])),
    async check(send) {
      equal(value(await send(), "x-!#$%&'*+.^_`|~9"), 'token', 'the token');
    },
  },
  {
    name: 'a header name like __proto__',
    clause: 'RFC 9110, section 5.6.2',
    app: starts('200 OK', plain(['__proto__', 'proto'])),
    async check(send) {
      equal(value(await send(), '__proto__'), 'proto', '__proto__');
    },
    refused: { why: 'the PEP wants no punctuation at the end of a name', check: refusedWith500 },
  },
  {
    name: 'a space at the end of the reason is tolerated',
    clause: CALLABLE,
    app: starts('200 OK '),
    async check(send) {
      holds(await send(), 'body');
    },
    refused: { why: 'the PEP wants no white space around the status', check: refusedWith500 },
  },
  ...[
    ['200 OK', 'OK'],
    ['404 Not Here', 'Not Here'],
    ['299 Odd: reason (1)', 'Odd: reason (1)'],
    ['599 Last', 'Last'],
  ].map(
    ([status = '', reason]): Case => ({
      name: `status "${status}" with its reason`,
      clause: CALLABLE,
      needs: ['reasonPhrase'],
      app: starts(status),
      async check(send) {
        const response = await send();
        equal([response.status, response.reason], [Number(status.slice(0, 3)), reason], 'status line');
      },
    }),
  ),
  ...['200 ', '201 Created', '299 Odd', '418 Teapot', '451 Legal', '599 Last'].map(
    (status): Case => ({
      name: `status code of "${status}"`,
      clause: CALLABLE,
      app: starts(status),
      async check(send) {
        const response = await send();
        equal([response.status, textOf(response)], [Number(status.slice(0, 3)), 'body'], 'response');
      },
    }),
  ),
  ...['600 Own', '999 Own'].flatMap((status): Case[] => [
    {
      name: `status "${status}" is sent`,
      clause: CALLABLE,
      needs: ['statusAbove599'],
      app: starts(status),
      async check(send) {
        equal((await send()).status, Number(status.slice(0, 3)), 'status');
      },
    },
    {
      name: `status "${status}" is sent or a clear 500`,
      clause: 'README, "The interface"',
      app: starts(status),
      async check(send, recall) {
        const response = await send();
        if (response.status === Number(status.slice(0, 3))) return;
        isErrorPage(response);
        const { errors } = await recall((report) => report.errors.length > 0);
        ok(errors.join('\n').includes(`status "${status}"`), 'the log does not name the status');
      },
    },
  ]),
];
