import type { Application } from '../../src/types.js';
import {
  bytes,
  type Case,
  type Check,
  equal,
  isBroken,
  isErrorPage,
  ok,
  plain,
  refusedWith500,
  textOf,
  value,
} from './case.js';
import { note } from './report.js';

const CALLABLE = 'The start_response() Callable';
const DETAILS = 'Specification Details';
const body = bytes('body');

type Loose = (status: unknown, headers: unknown, excInfo?: unknown) => (data: unknown) => Promise<void>;

/** An application that calls `startResponse` with what its type forbids, and notes what comes of it. */
const sins =
  (status: unknown, headers: unknown): Application =>
  (environ, startResponse) => {
    try {
      (startResponse as unknown as Loose)(status, headers);
      note(environ, 'taken');
    } catch (error) {
      note(environ, `threw while the application ran`);
      throw error;
    }
    return [body];
  };

/** The call throws at once; the client gets the plain 500 and nothing of what was refused. */
const refusedAtOnce: Check = async (send, recall) => {
  const response = await send();
  isErrorPage(response);
  equal(value(response, 'x-sin'), undefined, 'X-Sin');
  const { events, errors } = await recall((report) => report.errors.length > 0);
  equal(events, ['threw while the application ran'], 'events');
  ok(errors.length > 0, 'nothing was logged');
};

const refused = (sin: string, clause: string, status: unknown, headers: unknown): Case => ({
  name: `refused: ${sin}`,
  clause,
  app: sins(status, headers),
  check: refusedAtOnce,
});
const badStatus = (sin: string, status: unknown) => refused(`status ${sin}`, CALLABLE, status, plain(['X-Sin', '1']));
const badHeaders = (sin: string, headers: unknown) => refused(`headers: ${sin}`, CALLABLE, '200 OK', headers);
const badPair = (sin: string, ...pair: unknown[]) => badHeaders(sin, [['Content-Type', 'text/plain'], pair]);

const statusSins: Case[] = [
  badStatus('without a space', '200OK'),
  badStatus('without a reason or space', '200'),
  badStatus('of two digits', '20 OK'),
  badStatus('of four digits', '2000 OK'),
  badStatus('of letters', 'abc OK'),
  badStatus('with a space in front', ' 200 OK'),
  badStatus('that is empty', ''),
  badStatus('with CR LF', '200 OK\r\nX-Sin: 1'),
  badStatus('with LF', '200 OK\nX-Sin: 1'),
  badStatus('with NUL', '200 O\0K'),
  badStatus('with DEL', '200 O\x7fK'),
  badStatus('above U+00FF', '200 \u20ac'),
  badStatus('that is a number', 200),
  badStatus('that is null', null),
  badStatus('that is undefined', undefined),
  badStatus('that is an array', [200, 'OK']),
  badStatus('000', '000 Nothing'),
  badStatus('100 (informational)', '100 Continue'),
  badStatus('101 without an upgrade', '101 Switching Protocols'),
  badStatus('103 (informational)', '103 Early Hints'),
];

const headerSins: Case[] = [
  badHeaders('undefined', undefined),
  badHeaders('null', null),
  badHeaders('an object', { 'X-Sin': '1' }),
  badHeaders('a Map', new Map([['X-Sin', '1']])),
  badHeaders('a Set of pairs', new Set([['X-Sin', '1']])),
  badHeaders('a Headers object', typeof Headers === 'undefined' ? {} : new Headers([['X-Sin', '1']])),
  badHeaders('a number', 1),
  badHeaders('a string', 'X-Sin: 1'),
  badHeaders('a flat list', ['X-Sin', '1']),
  badHeaders('a pair that is an object', [{ name: 'X-Sin', value: '1' }]),
  badPair('a pair of one', 'X-Sin'),
  badPair('a pair of three', 'X-Sin', '1', '2'),
  badPair('a name that is a number', 1, '1'),
  badPair('a name that is empty', '', '1'),
  badPair('a name with a space', 'X Sin', '1'),
  badPair('a name with a colon', 'X-Sin:', '1'),
  badPair('a name with LF', 'X-A\nX-Sin', '1'),
  badPair('a name with NUL', 'X-Sin\0', '1'),
  badPair('a name above U+007F', 'X-S\xefn', '1'),
  badPair('a value that is a number', 'X-Sin', 1),
  badPair('a value that is undefined', 'X-Sin', undefined),
  badPair('a value that is an array', 'X-Sin', ['1']),
  badPair('a value with CR LF', 'X-A', '1\r\nX-Sin: 1'),
  badPair('a value with LF', 'X-A', '1\nX-Sin: 1'),
  badPair('a value with CR', 'X-A', '1\rX-Sin: 1'),
  badPair('a value with LF at its end', 'X-Sin', '1\n'),
  badPair('a value with NUL', 'X-Sin', 'a\0b'),
  badPair('a value with U+0001', 'X-Sin', 'a\x01b'),
  badPair('a value with DEL', 'X-Sin', 'a\x7fb'),
  badPair('a value above U+00FF', 'X-Sin', '\u20ac'),
  badPair('a Content-Length of letters', 'Content-Length', 'abc'),
  badPair('a Content-Length below 0', 'Content-Length', '-5'),
  badPair('a Content-Length with a fraction', 'Content-Length', '1.5'),
  badPair('a Content-Length that is empty', 'Content-Length', ''),
  badHeaders('two different Content-Lengths', [
    ['Content-Type', 'text/plain'],
    ['Content-Length', '4'],
    ['content-length', '5'],
  ]),
  ...[
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'transfer-encoding',
  ].map((name) =>
    refused(`hop-by-hop header ${name}`, 'Other HTTP Features', '200 OK', [
      ['X-Sin', '1'],
      [name, 'x'],
    ]),
  ),
];

/** An application that returns what is no body. */
const returns = (sin: string, make: () => unknown): Case => ({
  name: `refused: a body that is ${sin}`,
  clause: DETAILS,
  app: ((_environ, startResponse) => {
    startResponse('200 OK', plain(['X-Sin', '1']));
    return make();
  }) as Application,
  check: refusedBeforeOutput,
});

/** An application whose first chunk is no Uint8Array. */
const yields = (sin: string, make: () => unknown): Case => ({
  name: `refused: a chunk that is ${sin}`,
  clause: 'A Note On String Types',
  app: ((_environ, startResponse) => {
    startResponse('200 OK', plain(['X-Sin', '1']));
    return [make()];
  }) as Application,
  check: refusedBeforeOutput,
});

const refusedBeforeOutput: Check = async (send, recall) => {
  const response = await send();
  isErrorPage(response);
  equal(value(response, 'x-sin'), undefined, 'X-Sin');
  ok((await recall((report) => report.errors.length > 0)).errors.length > 0, 'nothing was logged');
};

const outputSins: Case[] = [
  returns('undefined', () => undefined),
  returns('null', () => null),
  returns('a number', () => 42),
  returns('a string', () => 'body'),
  returns('a Uint8Array', () => body),
  returns('an ArrayBuffer', () => new ArrayBuffer(4)),
  returns('an object', () => ({ body: 'body' })),
  returns('a function', () => () => [body]),
  returns('a Response', () => new Response('body')),
  returns('a promise of undefined', () => Promise.resolve(undefined)),
  yields('a string', () => 'body'),
  yields('an empty string', () => ''),
  yields('a number', () => 42),
  yields('null', () => null),
  yields('undefined', () => undefined),
  yields('a promise', () => Promise.resolve(body)),
  yields('an ArrayBuffer', () => new ArrayBuffer(4)),
  yields('a Uint16Array', () => new Uint16Array([1, 2])),
  yields('a DataView', () => new DataView(new ArrayBuffer(4))),
  yields('a list', () => [body]),
  {
    name: 'refused: a file without read()',
    clause: 'Optional Platform-Specific File Handling',
    app: (environ, startResponse) => {
      startResponse('200 OK', plain(['X-Sin', '1']));
      return environ['wsgi.file_wrapper']({ close() {} } as never);
    },
    check: refusedBeforeOutput,
  },
  {
    name: 'refused: a string from an async generator',
    clause: 'A Note On String Types',
    app: async function* (environ, startResponse) {
      try {
        startResponse('200 OK', plain(['X-Sin', '1']));
        yield 'body' as unknown as Uint8Array;
      } finally {
        note(environ, 'ended');
      }
    },
    async check(send, recall) {
      isErrorPage(await send());
      equal((await recall((report) => report.events.length > 0)).events, ['ended'], 'events');
    },
  },
  {
    name: 'refused: a string after a good chunk ends the body once',
    clause: 'A Note On String Types',
    app: async function* (environ, startResponse) {
      try {
        startResponse('200 OK', plain());
        yield body;
        yield 'more' as unknown as Uint8Array;
        note(environ, 'went on');
      } finally {
        note(environ, 'ended');
      }
    },
    async check(send, recall) {
      const response = await send();
      ok(!textOf(response).includes('more'), 'the string was sent');
      equal((await recall((report) => report.events.length > 0)).events, ['ended'], 'events');
    },
  },
  {
    name: 'the client can tell a response that a string broke off',
    clause: 'Error Handling',
    needs: ['truncation'],
    app: async function* (_environ, startResponse) {
      startResponse('200 OK', plain());
      yield body;
      yield 'more' as unknown as Uint8Array;
    },
    async check(send) {
      isBroken(await send());
    },
  },
  {
    name: 'refused: a string given to write()',
    clause: 'The write() Callable',
    app: (environ, startResponse) => {
      const write = startResponse('200 OK', plain(['X-Sin', '1'])) as unknown as (data: unknown) => Promise<void>;
      try {
        write('body');
        note(environ, 'taken');
      } catch (error) {
        note(environ, 'threw');
        throw error;
      }
      return [];
    },
    async check(send, recall) {
      isErrorPage(await send());
      equal((await recall()).events, ['threw'], 'events');
    },
  },
  {
    name: 'write() from inside the iteration keeps the order',
    clause: 'The write() Callable',
    app: async function* (_environ, startResponse) {
      const write = startResponse('200 OK', plain());
      write(bytes('1'));
      yield bytes('2');
      write(bytes('3'));
      await write(bytes('4'));
      yield bytes('5');
      write(bytes('6'));
    },
    async check(send) {
      const response = await send();
      equal([response.status, textOf(response), response.complete], [200, '123456', true], 'response');
    },
    refused: {
      why: 'the PEP forbids an application to call write() while its body is iterated',
      async check(send, recall) {
        const response = await send();
        ok(response.status === 500 || textOf(response) !== '123456', 'the validator let it pass');
        ok((await recall((report) => report.errors.length > 0)).errors.length > 0, 'the validator logged nothing');
      },
    },
  },
  {
    name: 'a header named Status is a header like any other',
    clause: CALLABLE,
    app: (_environ, startResponse) => {
      startResponse('200 OK', plain(['Status', '404 Not Found']));
      return [body];
    },
    async check(send) {
      const response = await send();
      equal([response.status, value(response, 'status')], [200, '404 Not Found'], 'status and Status');
    },
    refused: { why: 'a relic of CGI, where it changed the status (wsgiref.validate)', check: refusedWith500 },
  },
  {
    name: 'no Content-Type is added',
    clause: DETAILS,
    app: (_environ, startResponse) => {
      startResponse('200 OK', [['X-A', '1']]);
      return [body];
    },
    async check(send) {
      const response = await send();
      equal([response.status, value(response, 'content-type')], [200, undefined], 'status and Content-Type');
    },
  },
];

/** Applications that break a rule, by the section that they belong to. Each is named by its sin. */
export const sinners = { startResponse: [...statusSins, ...headerSins], output: outputSins };
