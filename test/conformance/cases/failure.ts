import { ClientDisconnected } from '../../../src/errors.js';
import type { Application, Body, Environ } from '../../../src/types.js';
import {
  bytes,
  type Case,
  type Check,
  equal,
  holds,
  isBroken,
  isErrorPage,
  ok,
  plain,
  sleep,
  textOf,
  value,
  values,
} from '../case.js';
import { note } from '../report.js';

const ERRORS = 'Error Handling';
const DETAILS = 'Specification Details';
const SECRET = 'secret-of-the-application';
const body = bytes('body');

/** A body that notes each step and how it is ended. */
function noted(
  environ: Environ,
  step: (count: number) => Uint8Array | undefined | Promise<Uint8Array | undefined>,
): Body {
  let count = 0;
  return {
    [Symbol.asyncIterator]: () => ({
      async next(): Promise<IteratorResult<Uint8Array>> {
        const value = await step(++count);
        return value === undefined ? { done: true, value } : { done: false, value };
      },
      async return(): Promise<IteratorResult<Uint8Array>> {
        await null;
        note(environ, 'return');
        return { done: true, value: undefined };
      },
    }),
    async close() {
      await sleep(5);
      note(environ, 'close');
    },
  };
}
const starting =
  (make: (environ: Environ) => Body): Application =>
  (environ, startResponse) => {
    startResponse('200 OK', plain(['X-Old', '1']));
    return make(environ);
  };
const fails = (): never => {
  throw new Error(SECRET);
};

/** The gateway's 500, which tells nothing, and the error with its stack in the log. */
const isLogged500: Check = async (send, recall) => {
  const response = await send();
  isErrorPage(response);
  equal(value(response, 'x-old'), undefined, 'X-Old');
  const whole = JSON.stringify([response.reason, response.headers, textOf(response)]);
  ok(!whole.includes(SECRET), 'the response tells the message of the error');
  const { errors } = await recall((report) => report.errors.length > 1);
  const log = errors.join('\n');
  ok(log.includes(SECRET), 'the log has not the message');
  ok(/^\s+at /m.test(log), 'the log has no stack');
};

const endsWith =
  (...expected: string[]): Check =>
  async (send, recall) => {
    await send();
    await ended(...expected)(send, recall);
  };
const ended =
  (...expected: string[]): Check =>
  async (_send, recall) => {
    await recall((report) => report.events.includes('close'));
    // Time for a second ending, which must not come.
    await sleep(50);
    equal((await recall()).events, expected, 'events');
  };
const logsSecret: Check = async (send, recall) => {
  await send();
  const { errors } = await recall((report) => report.errors.length > 0);
  ok(errors.join('\n').includes(SECRET), 'the error was not logged');
};

/** The same application, once for how it ends and once for what the client sees. */
const afterOutput = (name: string, app: Application, ending: string[]): Case[] => [
  { name: `${name}: ended once, in order`, clause: DETAILS, app, check: endsWith(...ending) },
  { name: `${name}: logged`, clause: ERRORS, app, check: logsSecret },
  {
    name: `${name}: the client can tell`,
    clause: ERRORS,
    needs: ['truncation'],
    app,
    async check(send) {
      isBroken(await send());
    },
  },
  {
    name: `${name}: no second status, and the message stays inside`,
    clause: ERRORS,
    app,
    async check(send) {
      const response = await send();
      // A platform that holds the head back may break off without one.
      ok([0, 200, 500].includes(response.status), `status ${response.status}`);
      ok(!textOf(response).includes(SECRET), 'the response tells the message of the error');
    },
  },
];

const endless = (environ: Environ) =>
  noted(environ, async () => {
    await sleep(5);
    return new Uint8Array(1024);
  });

export const failure: Case[] = [
  // Before output.
  { name: 'throws before startResponse', clause: ERRORS, app: fails, check: isLogged500 },
  {
    name: 'rejects before startResponse',
    clause: ERRORS,
    app: async () => {
      await null;
      return fails();
    },
    check: isLogged500,
  },
  {
    name: 'throws after startResponse',
    clause: ERRORS,
    app: (_environ, startResponse) => {
      startResponse('200 OK', plain(['X-Old', '1'], ['Content-Length', '2'], ['Set-Cookie', 'a=1']));
      return fails();
    },
    check: isLogged500,
  },
  {
    name: 'rejects after startResponse',
    clause: ERRORS,
    app: async (_environ, startResponse) => {
      startResponse('200 OK', plain(['X-Old', '1']));
      await null;
      return fails();
    },
    check: isLogged500,
  },
  {
    name: 'throws in the first next()',
    clause: ERRORS,
    app: starting((environ) => noted(environ, fails)),
    check: isLogged500,
  },
  {
    name: 'throws in the first next(): ended once',
    clause: DETAILS,
    app: starting((environ) => noted(environ, fails)),
    check: endsWith('return', 'close'),
  },
  {
    name: 'throws when it is asked for its iterator',
    clause: ERRORS,
    app: starting(() => ({ [Symbol.iterator]: fails })),
    check: isLogged500,
  },
  {
    name: 'throws after an empty chunk',
    clause: ERRORS,
    app: async function* (_environ, startResponse) {
      startResponse('200 OK', plain(['X-Old', '1']));
      yield new Uint8Array(0);
      fails();
    },
    check: isLogged500,
  },
  {
    name: 'throws in a generator before startResponse',
    clause: ERRORS,
    app: function* () {
      fails();
      yield body;
    } as Application,
    check: isLogged500,
  },
  ...(
    [
      ['undefined', undefined],
      ['null', null],
      ['a string', 'text'],
      ['an object without a prototype', Object.create(null)],
    ] as Array<[string, unknown]>
  ).map(
    ([what, thrown]): Case => ({
      name: `throws ${what}`,
      clause: ERRORS,
      app: () => {
        throw thrown;
      },
      async check(send, recall) {
        isErrorPage(await send());
        ok((await recall((report) => report.errors.length > 0)).errors.length > 0, 'nothing was logged');
      },
    }),
  ),
  {
    name: 'an application answers its own error through excInfo',
    clause: ERRORS,
    app: (_environ, startResponse) => {
      try {
        startResponse('200 OK', plain(['X-Old', '1']));
        return fails();
      } catch (error) {
        startResponse('502 Own', [['Content-Type', 'text/plain']], error);
        return [bytes('own page')];
      }
    },
    async check(send) {
      const response = await send();
      equal([response.status, textOf(response), value(response, 'x-old')], [502, 'own page', undefined], 'response');
    },
  },
  {
    name: 'HEAD: an error before output is a 500 without a body',
    clause: ERRORS,
    app: fails,
    async check(send) {
      const response = await send({ method: 'HEAD' });
      equal([response.status, textOf(response), response.complete], [500, '', true], 'response');
    },
  },

  // onError.
  {
    name: 'onError gives the page',
    clause: 'README, "The interface"',
    app: starting(fails),
    onError: (error, environ) => {
      note(environ, (error as Error).message);
      return (_environ, startResponse) => {
        startResponse('500 Own', [
          ['Content-Type', 'text/html'],
          ['X-New', '1'],
        ]);
        return [bytes('<p>sorry')];
      };
    },
    async check(send, recall) {
      const response = await send();
      equal([response.status, textOf(response), value(response, 'x-new')], [500, '<p>sorry', '1'], 'response');
      equal(value(response, 'x-old'), undefined, 'X-Old');
      const { events, errors } = await recall((report) => report.errors.length > 0);
      equal(events, [SECRET], 'events');
      ok(errors.join('\n').includes(SECRET), 'the error was not logged');
    },
  },
  {
    name: 'onError that returns nothing leaves the page',
    clause: 'README, "The interface"',
    app: fails,
    onError: (_error, environ) => {
      note(environ, 'asked');
    },
    async check(send, recall) {
      isErrorPage(await send());
      equal((await recall()).events, ['asked'], 'events');
    },
  },
  {
    name: 'onError that throws leaves the page',
    clause: 'README, "The interface"',
    app: fails,
    onError: fails,
    check: isLogged500,
  },
  {
    name: 'onError whose page fails leaves the page',
    clause: 'README, "The interface"',
    app: fails,
    onError: () => starting(fails),
    check: isLogged500,
  },
  {
    name: 'onError is not asked after output',
    clause: 'README, "The interface"',
    app: starting((environ) => noted(environ, (count) => (count === 1 ? body : fails()))),
    onError: (_error, environ) => {
      note(environ, 'asked');
      return (_, startResponse) => {
        startResponse('500 Own', plain());
        return [];
      };
    },
    check: endsWith('return', 'close'),
  },

  // After output.
  ...afterOutput(
    'throws after the first chunk',
    starting((environ) => noted(environ, (count) => (count === 1 ? body : fails()))),
    ['return', 'close'],
  ),
  ...afterOutput(
    'throws after write()',
    async (environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      await write(body);
      note(environ, 'close');
      return fails();
    },
    ['close'],
  ),
  ...afterOutput(
    'throws after a chunk of a promised length',
    (environ, startResponse) => {
      startResponse('200 OK', plain(['Content-Length', '8']));
      return noted(environ, (count) => (count === 1 ? body : fails()));
    },
    ['return', 'close'],
  ),
  {
    name: 'file_wrapper: a read() that fails is logged and the file closed',
    clause: ERRORS,
    app: (environ, startResponse) => {
      startResponse('200 OK', plain());
      let count = 0;
      return environ['wsgi.file_wrapper']({
        read: () => (++count === 1 ? body : fails()),
        close: () => note(environ, 'close'),
      });
    },
    async check(send, recall) {
      await logsSecret(send, recall);
      await ended('close')(send, recall);
    },
  },
  {
    name: 'file_wrapper: the client can tell a read() that failed',
    clause: ERRORS,
    needs: ['truncation'],
    app: (environ, startResponse) => {
      startResponse('200 OK', plain());
      let count = 0;
      return environ['wsgi.file_wrapper']({ read: () => (++count === 1 ? body : fails()) });
    },
    async check(send) {
      isBroken(await send());
    },
  },
  {
    name: 'file_wrapper: the client can tell a stream that failed',
    clause: ERRORS,
    needs: ['truncation'],
    app: (environ, startResponse) => {
      startResponse('200 OK', plain());
      let count = 0;
      return environ['wsgi.file_wrapper'](
        new ReadableStream<Uint8Array>({
          async pull(controller) {
            await sleep(20);
            if (++count === 1) controller.enqueue(body);
            else controller.error(new Error(SECRET));
          },
        }),
      );
    },
    async check(send) {
      isBroken(await send());
    },
  },

  // The ending.
  {
    name: 'close() once on success, and no return() after the end',
    clause: DETAILS,
    app: starting((environ) => noted(environ, (count) => (count <= 2 ? body : undefined))),
    async check(send, recall) {
      holds(await send(), 'bodybody');
      await ended('close')(send, recall);
    },
  },
  {
    name: 'close() once on a list',
    clause: DETAILS,
    app: starting((environ) => Object.assign([body], { close: () => note(environ, 'close') })),
    async check(send, recall) {
      holds(await send(), 'body');
      await ended('close')(send, recall);
    },
  },
  {
    name: 'close() once on an empty body',
    clause: DETAILS,
    app: starting((environ) => Object.assign([], { close: () => note(environ, 'close') })),
    async check(send, recall) {
      holds(await send(), '');
      await ended('close')(send, recall);
    },
  },
  {
    name: 'return() and then close() on HEAD',
    clause: DETAILS,
    app: starting((environ) => noted(environ, (count) => (count <= 50 ? body : undefined))),
    async check(send, recall) {
      await send({ method: 'HEAD' });
      await ended('return', 'close')(send, recall);
    },
  },
  {
    name: 'return() and then close() on a body that is cut',
    clause: DETAILS,
    app: (environ, startResponse) => {
      startResponse('200 OK', plain(['Content-Length', '6']));
      return noted(environ, (count) => (count <= 50 ? body : undefined));
    },
    check: endsWith('return', 'close'),
  },
  {
    name: 'close() runs when startResponse was never called',
    clause: DETAILS,
    app: (environ) => noted(environ, () => body),
    check: endsWith('return', 'close'),
  },
  {
    name: 'close() runs on the body, not on its iterator',
    clause: DETAILS,
    app: starting((environ) => {
      const iterator = Object.assign([body].values(), { close: () => note(environ, 'close of the iterator') });
      return { [Symbol.iterator]: () => iterator, close: () => note(environ, 'close') };
    }),
    check: endsWith('close'),
  },
  {
    name: 'close() that throws is logged and harms nothing',
    clause: DETAILS,
    app: starting(() => ({ [Symbol.iterator]: () => [body].values(), close: fails })),
    async check(send, recall) {
      holds(await send(), 'body');
      const { errors } = await recall((report) => report.errors.length > 0);
      ok(errors.join('\n').includes(SECRET), 'the error was not logged');
    },
  },
  {
    name: 'close() of a list that rejects is logged and harms nothing',
    clause: DETAILS,
    app: starting(() => Object.assign([body], { close: async () => fails() })),
    async check(send, recall) {
      holds(await send(), 'body');
      const { errors } = await recall((report) => report.errors.length > 0);
      ok(errors.join('\n').includes(SECRET), 'the error was not logged');
    },
  },
  {
    name: 'return() that throws is logged, and close() runs',
    clause: DETAILS,
    app: starting((environ) => ({
      [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 'no bytes' as never }), return: fails }),
      close: () => note(environ, 'close'),
    })),
    async check(send, recall) {
      isErrorPage(await send());
      await ended('close')(send, recall);
      ok((await recall()).errors.join('\n').includes(SECRET), 'the error was not logged');
    },
  },
  {
    name: 'an async close() is awaited',
    clause: 'README, "The interface"',
    app: starting((environ) => ({
      [Symbol.iterator]: () => [body].values(),
      async close() {
        note(environ, 'close begins');
        await sleep(60);
        note(environ, 'close');
        // No line feed: it comes out only if the request has not been ended, and the log flushed, before.
        environ['wsgi.errors'].write('closed');
      },
    })),
    async check(send, recall) {
      holds(await send(), 'body');
      await ended('close begins', 'close')(send, recall);
      equal((await recall((report) => report.errors.length > 0)).errors, ['closed'], 'log');
    },
  },
  {
    name: 'the finally block of a generator runs',
    clause: DETAILS,
    app: starting(async function* (environ) {
      try {
        yield body;
      } finally {
        note(environ, 'close');
      }
    }),
    check: endsWith('close'),
  },

  // Clients that go away.
  {
    name: 'the client goes away: return() and close() once',
    clause: DETAILS,
    needs: ['disconnect'],
    app: starting(endless),
    async check(send, recall) {
      await send({ hangUpAfter: 1 });
      await ended('return', 'close')(send, recall);
    },
  },
  {
    name: 'the client goes away from a promised length: close() once',
    clause: DETAILS,
    needs: ['disconnect'],
    app: (environ, startResponse) => {
      startResponse('200 OK', plain(['Content-Length', '100000000']));
      return endless(environ);
    },
    async check(send, recall) {
      await send({ hangUpAfter: 1 });
      await ended('return', 'close')(send, recall);
    },
  },
  {
    name: 'the client goes away: the finally block of a generator runs',
    clause: DETAILS,
    needs: ['disconnect'],
    app: starting(async function* (environ) {
      try {
        for (let i = 0; i < 2000; i++) {
          yield new Uint8Array(1024);
          await sleep(5);
        }
        note(environ, 'never ended');
      } finally {
        note(environ, 'close');
      }
    }),
    async check(send, recall) {
      await send({ hangUpAfter: 1 });
      await ended('close')(send, recall);
    },
  },
  {
    name: 'the client goes away: wsgi_edge.signal aborts with ClientDisconnected',
    clause: 'docs/TARGETS.md',
    needs: ['disconnect'],
    app: starting((environ) => {
      const signal = environ['wsgi_edge.signal'];
      signal.addEventListener('abort', () =>
        note(environ, signal.reason instanceof ClientDisconnected ? 'ClientDisconnected' : String(signal.reason)),
      );
      return endless(environ);
    }),
    async check(send, recall) {
      await send({ hangUpAfter: 1 });
      const { events } = await recall((report) => report.events.includes('close'));
      equal([...events].sort(), ['ClientDisconnected', 'close', 'return'], 'events');
    },
  },
  {
    name: 'the client goes away: write() rejects with ClientDisconnected',
    clause: 'README, "The interface"',
    needs: ['disconnect'],
    app: async (environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      try {
        for (let i = 0; i < 2000; i++) {
          await write(new Uint8Array(1024));
          await sleep(5);
        }
      } catch (error) {
        note(environ, error instanceof ClientDisconnected ? 'ClientDisconnected' : String(error));
      }
      return [];
    },
    async check(send, recall) {
      await send({ hangUpAfter: 1 });
      equal((await recall((report) => report.events.length > 0)).events, ['ClientDisconnected'], 'events');
    },
  },
  {
    name: 'the client goes away: a write() that nobody awaits does not end the process',
    clause: 'README, "The interface"',
    needs: ['disconnect'],
    app: async (_environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      for (let i = 0; i < 40; i++) {
        write(new Uint8Array(1024));
        await sleep(5);
      }
      return [];
    },
    async check(send) {
      await send({ hangUpAfter: 1 });
      await sleep(300);
      holds(await send());
    },
  },
  {
    name: 'the client goes away: nothing is logged as an error',
    clause: 'README, "The interface"',
    needs: ['disconnect'],
    app: starting(endless),
    async check(send, recall) {
      await send({ hangUpAfter: 1 });
      await recall((report) => report.events.includes('close'));
      await sleep(50);
      equal((await recall()).errors, [], 'log');
    },
  },
  {
    name: '20 clients go away: close() has run 20 times',
    clause: DETAILS,
    needs: ['disconnect'],
    app: starting(endless),
    async check(send, recall) {
      await Promise.all(Array.from({ length: 20 }, () => send({ hangUpAfter: 1 })));
      const count = (events: string[]) => events.filter((event) => event === 'close').length;
      await recall((report) => count(report.events) >= 20);
      await sleep(50);
      equal(count((await recall()).events), 20, 'calls of close()');
    },
  },
  {
    name: 'the target answers after every kind of failure',
    clause: ERRORS,
    app: (environ, startResponse) => {
      if (environ.PATH_INFO === '/fail') return fails();
      startResponse('200 OK', plain(['Set-Cookie', 'a=1']));
      return [body];
    },
    async check(send) {
      for (let i = 0; i < 5; i++) {
        isErrorPage(await send({ target: '/fail' }));
        const response = await send();
        holds(response, 'body');
        equal(values(response, 'set-cookie'), ['a=1'], 'Set-Cookie');
      }
    },
  },
];
