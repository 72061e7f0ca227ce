import { inputStream } from '../../../src/input-stream.js';
import type { Environ, InputStream } from '../../../src/types.js';
import type { Capability } from '../capabilities.js';
import {
  answer,
  bytes,
  type Case,
  equal,
  holds,
  native,
  ok,
  plain,
  type RawRequest,
  type Send,
  sleep,
  textOf,
  value,
} from '../case.js';
import { keep, note } from '../report.js';

const STREAMS = 'Input and Error Streams';
const MIB = 1024 * 1024;

const post = (body: Uint8Array | string, more: RawRequest = {}): RawRequest => ({
  method: 'POST',
  body: typeof body === 'string' ? bytes(body) : body,
  ...more,
});

/** Answers with what a function reads, bytes shown as native strings in JSON. */
const reads = (read: (input: InputStream, environ: Environ) => Promise<unknown>) =>
  answer(async (environ) => JSON.stringify(toNative(await read(environ['wsgi.input'], environ))));

// Before JSON: a Buffer has a form of its own there.
const toNative = (given: unknown): unknown =>
  given instanceof Uint8Array ? native(given) : Array.isArray(given) ? given.map(toNative) : given;

const gives =
  (body: Uint8Array | string, expected: unknown) =>
  async (send: Send): Promise<void> => {
    holds(await send(post(body)), JSON.stringify(expected));
  };

/** `size` bytes without a pattern that a mistake could repeat. */
function noise(size: number): Uint8Array {
  const data = new Uint8Array(size);
  let state = 1;
  for (let i = 0; i < size; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    data[i] = state >> 16;
  }
  return data;
}

async function sha256(data: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const input: Case[] = [
  {
    name: 'read() gives all, then nothing',
    clause: STREAMS,
    app: reads(async (input) => [await input.read(), await input.read(), await input.read(5)]),
    check: gives('hello\nworld', ['hello\nworld', '', '']),
  },
  {
    name: 'what is read is a plain Uint8Array, no subclass of it',
    clause: STREAMS,
    app: reads(async (input) => {
      const given = [await input.read(2), await input.readline(), ...(await input.readlines())];
      return given.map((chunk) => Object.getPrototypeOf(chunk) === Uint8Array.prototype);
    }),
    check: gives('ab\ncd', [true, true, true]),
  },
  {
    name: 'read(n) gives n bytes until the end',
    clause: STREAMS,
    app: reads(async (input) => [
      await input.read(4),
      await input.read(0),
      await input.read(4),
      await input.read(4),
      await input.read(4),
    ]),
    check: gives('hello world', ['hell', '', 'o wo', 'rld', '']),
  },
  {
    name: 'read(-1), read(null) and read(undefined) give all',
    clause: STREAMS,
    app: reads(async (input, { PATH_INFO: path }) =>
      path === '/minus' ? input.read(-1) : path === '/null' ? input.read(null) : input.read(undefined),
    ),
    async check(send) {
      for (const target of ['/minus', '/null', '/undefined'])
        holds(await send(post('all of it', { target })), '"all of it"');
    },
  },
  {
    name: 'readline() gives lines with their LF',
    clause: STREAMS,
    app: reads(async (input) => [
      await input.readline(),
      await input.readline(),
      await input.readline(),
      await input.readline(),
      await input.readline(),
    ]),
    check: gives('a\r\n\nb\rc\nlast', ['a\r\n', '\n', 'b\rc\n', 'last', '']),
  },
  {
    name: 'readline(size) gives at most size bytes',
    clause: STREAMS,
    app: reads(async (input) => [
      await input.readline(3),
      await input.readline(3),
      await input.readline(100),
      await input.readline(100),
    ]),
    check: gives('abcd\nef', ['abc', 'd\n', 'ef', '']),
  },
  {
    name: 'readlines() gives the lines that are left',
    clause: STREAMS,
    app: reads(async (input) => [await input.readline(), await input.readlines(), await input.readlines()]),
    check: gives('a\nb\n\nc', ['a\n', ['b\n', '\n', 'c'], []]),
  },
  {
    name: 'readlines(hint) stops after the line that reaches the hint',
    clause: STREAMS,
    app: reads(async (input) => [await input.readlines(3), await input.readlines(0)]),
    check: gives('ab\ncd\nef\ngh', [['ab\n'], ['cd\n', 'ef\n', 'gh']]),
  },
  {
    name: 'iteration gives lines',
    clause: STREAMS,
    app: reads(async (input) => {
      const lines: Uint8Array[] = [];
      for await (const line of input) lines.push(line);
      return lines;
    }),
    check: gives('a\n\nb', ['a\n', '\n', 'b']),
  },
  {
    name: 'the ways of reading mix',
    clause: STREAMS,
    app: reads(async (input) => [
      await input.read(2),
      await input.readline(),
      await input.read(1),
      await input.readlines(),
    ]),
    check: gives('abcd\nefg\nhi\nj', ['ab', 'cd\n', 'e', ['fg\n', 'hi\n', 'j']]),
  },
  {
    name: 'calls that overlap are served in order',
    clause: STREAMS,
    app: reads((input) => Promise.all([input.read(3), input.readline(), input.read(2), input.read()])),
    async check(send) {
      const expected = JSON.stringify(['abc', 'de\n', 'fg', 'hij']);
      holds(await send(post('abcde\nfghij')), expected);
      // Each call has to wait for several of these.
      const body = ['a', 'b', 'cd', 'e', '\n', 'f', 'gh', 'i', 'j'].map(bytes);
      holds(await send({ method: 'POST', body }), expected);
    },
  },
  {
    name: 'every result is a Uint8Array',
    clause: 'A Note On String Types',
    app: answer(async (environ) => {
      const input = environ['wsgi.input'];
      const results = [await input.read(1), await input.readline(), ...(await input.readlines()), await input.read(9)];
      return String(results.every((result) => result instanceof Uint8Array));
    }),
    async check(send) {
      holds(await send(post('ab\ncd\nef')), 'true');
    },
  },
  {
    name: 'a request without a body reads as empty',
    clause: STREAMS,
    app: reads(async (input) => [
      await input.read(),
      await input.readline(),
      await input.readlines(),
      await input.read(1),
    ]),
    async check(send) {
      holds(await send(), '["","",[],""]');
      holds(await send({ method: 'POST' }), '["","",[],""]');
    },
  },
  {
    name: 'Content-Length: 0 reads as empty',
    clause: STREAMS,
    needs: ['zeroLength'],
    app: reads(async (input, environ) => [environ.CONTENT_LENGTH, await input.read(), await input.read(1)]),
    check: gives('', ['0', '', '']),
  },
  {
    name: 'a POST of 1 MiB arrives byte for byte',
    clause: STREAMS,
    needs: ['largeRequest'],
    app: reads(async (input, environ) => {
      const parts: Uint8Array[] = [];
      for (;;) {
        const part = await input.read(100_000);
        if (part.length === 0) break;
        parts.push(part);
      }
      const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      return [environ.CONTENT_LENGTH, whole.length, await sha256(whole)];
    }),
    async check(send) {
      const body = noise(MIB);
      holds(await send(post(body)), JSON.stringify([String(MIB), MIB, await sha256(body)]));
    },
  },
  {
    name: 'all 256 byte values arrive',
    clause: STREAMS,
    app: reads(async (input) => Array.from(await input.read())),
    async check(send) {
      const body = Uint8Array.from({ length: 256 }, (_, i) => i);
      holds(await send(post(body)), JSON.stringify(Array.from(body)));
    },
  },
  {
    name: 'a text body arrives as its bytes',
    clause: STREAMS,
    app: reads(async (input, environ) => [environ.CONTENT_LENGTH, await input.read()]),
    async check(send) {
      const headers: RawRequest['headers'] = [['Content-Type', 'text/plain; charset=utf-8']];
      const response = await send(post('caf\u00e9', { headers }));
      holds(response, JSON.stringify(['5', 'caf\xc3\xa9']));
    },
  },
  {
    name: 'a chunked body without a length is decoded',
    clause: 'Other HTTP Features',
    app: reads(async (input, environ) => [
      environ['wsgi.input_terminated'],
      environ.HTTP_TRANSFER_ENCODING ?? null,
      environ.CONTENT_LENGTH ?? '11',
      await input.read(),
      await input.read(),
    ]),
    async check(send) {
      const body = [bytes('hello'), bytes(' '), bytes('world')];
      holds(await send({ method: 'POST', body }), JSON.stringify([true, null, '11', 'hello world', '']));
    },
  },
  ...['DELETE', 'PUT', 'PATCH', 'GET', 'OPTIONS'].map(
    (method): Case => ({
      name: `a body on ${method} is read`,
      ...(method === 'GET' ? { needs: ['bodyOnGet'] as Capability[] } : {}),
      clause: STREAMS,
      app: reads(async (input, environ) => [environ.REQUEST_METHOD, await input.read()]),
      async check(send) {
        holds(await send({ method, body: bytes('body') }), JSON.stringify([method, 'body']));
      },
    }),
  ),
  {
    name: 'a body that nobody reads does not hang',
    clause: STREAMS,
    app: answer(() => 'unread'),
    async check(send) {
      holds(await send(post(noise(20_000))), 'unread');
      holds(await send(post(noise(20_000))), 'unread');
    },
  },
  {
    name: 'a body that is read in part does not hang',
    clause: STREAMS,
    needs: ['largeRequest'],
    app: reads((input) => input.read(3)),
    async check(send) {
      const body = bytes(`abc${'x'.repeat(50_000)}`);
      holds(await send(post(body)), '"abc"');
      holds(await send(post(body)), '"abc"');
    },
  },
  {
    name: 'the body is read while the response is made',
    clause: 'Buffering and Streaming',
    needs: ['largeRequest'],
    app: async function* (environ, startResponse) {
      startResponse('200 OK', plain());
      yield bytes('<');
      for (;;) {
        const part = await environ['wsgi.input'].read(10_000);
        if (part.length === 0) break;
        yield part;
      }
      yield bytes('>');
    },
    async check(send) {
      const body = `${'0123456789'.repeat(5000)}`;
      holds(await send(post(body)), `<${body}>`);
    },
  },
  {
    name: 'request and response go on at the same time',
    clause: 'Buffering and Streaming',
    needs: ['duplex'],
    app: async function* (environ, startResponse) {
      startResponse('200 OK', plain());
      yield bytes('ready\n');
      for await (const line of environ['wsgi.input']) yield bytes(`${native(line).trim()} heard\n`);
    },
    async check(send) {
      let heard = 0;
      let inTime = true;
      const wait = async (count: number) => {
        for (let i = 0; i < 50 && inTime && heard < count; i++) await sleep(20);
        if (heard < count) inTime = false;
      };
      async function* body() {
        await wait(1);
        yield bytes('one\n');
        await wait(2);
        yield bytes('two\n');
        await wait(3);
      }
      const onChunk = (part: Uint8Array) => {
        heard += native(part).split('\n').length - 1;
      };
      const response = await send({ method: 'POST', body: body(), onChunk });
      holds(response, 'ready\none heard\ntwo heard\n');
      ok(inTime, 'the answer to a part of the body came only after the whole body');
    },
  },
  {
    name: 'inputStream() gives the body as a ReadableStream',
    clause: 'docs/TARGETS.md',
    app: reads(async (_, environ) => new Uint8Array(await new Response(inputStream(environ)).arrayBuffer())),
    check: gives('streamed', 'streamed'),
  },
  {
    name: 'inputStream() gives what read() has left',
    clause: 'docs/TARGETS.md',
    app: reads(async (input, environ) => [
      await input.read(3),
      new Uint8Array(await new Response(inputStream(environ)).arrayBuffer()),
    ]),
    check: gives('streamed', ['str', 'eamed']),
  },
  {
    name: 'Expect: 100-continue is supported',
    clause: 'HTTP 1.1 Expect/Continue',
    needs: ['httpParser'],
    app: reads((input) => input.read()),
    async check(send) {
      holds(await send(post('continued', { headers: [['Expect', '100-continue']] })), '"continued"');
    },
  },
  {
    name: 'a malformed Content-Length is refused',
    clause: 'RFC 9110, section 8.6',
    needs: ['httpParser'],
    app: answer((environ) => {
      note(environ, 'called');
      return '';
    }),
    async check(send, recall) {
      for (const length of ['abc', '-1', '1, 2']) {
        const { status } = await send({ method: 'POST', headers: [['Content-Length', length]] });
        ok(status === 0 || status >= 400, `Content-Length: ${length} was answered with ${status}`);
      }
      equal((await recall()).events, [], 'events');
    },
  },
  {
    name: 'a body shorter than its Content-Length rejects with ClientDisconnected',
    clause: 'README, "The interface"',
    needs: ['abortedUpload'],
    app: answer(async (environ) => {
      try {
        keep(environ, 'read', native(await environ['wsgi.input'].read()));
      } catch (error) {
        keep(environ, 'error', (error as Error).name);
      }
      note(environ, 'done');
      return '';
    }),
    async check(send, recall) {
      await send(post('12345', { headers: [['Content-Length', '10']], hangUpAfterBody: true }));
      const { values } = await recall((report) => report.events.length > 0);
      equal(values, { error: 'ClientDisconnected' }, 'what was kept');
    },
  },
  {
    name: 'the process lives on after a body that broke off',
    clause: 'README, "The interface"',
    needs: ['abortedUpload'],
    app: reads((input) => input.read()),
    async check(send) {
      await send(post('12345', { headers: [['Content-Length', '10']], hangUpAfterBody: true }));
      const response = await send(post('whole'));
      holds(response, '"whole"');
      equal(value(response, 'content-type'), 'text/plain', 'Content-Type');
      ok(textOf(response).length > 0, 'empty');
    },
  },
];
