import type { Application, Body, Environ } from '../../../src/types.js';
import {
  answer,
  bytes,
  type Case,
  type Check,
  equal,
  holds,
  isBroken,
  native,
  ok,
  plain,
  refusedWith500,
  sleep,
  textOf,
  value,
  values,
} from '../case.js';
import { keep, note } from '../report.js';

const WRITE = 'The write() Callable';
const DETAILS = 'Specification Details';
const STREAMING = 'Buffering and Streaming';
const LENGTH = 'Handling the Content-Length Header';
const FILE = 'Optional Platform-Specific File Handling';
const KIB = 1024;
const MIB = 1024 * KIB;

const empty = new Uint8Array(0);
const body = bytes('body');

/** An application that answers 200 with a body. */
const gives =
  (make: (environ: Environ) => Body | Promise<Body>, ...headers: Array<[string, string]>): Application =>
  (environ, startResponse) => {
    startResponse('200 OK', plain(...headers));
    return make(environ);
  };

/** A body that notes how it is ended. */
function noted(environ: Environ, chunks: Iterable<Uint8Array>): Body {
  const iterator = chunks[Symbol.iterator]();
  return {
    [Symbol.iterator]: () => ({
      next: () => iterator.next(),
      return: () => {
        note(environ, 'return');
        return { done: true, value: undefined };
      },
    }),
    close: () => note(environ, 'close'),
  };
}
const closed: Check = async (_send, recall) => {
  const { events } = await recall((report) => report.events.includes('close'));
  equal(events.filter((event) => event === 'close').length, 1, 'calls of close()');
};

const saysBody: Check = async (send) => holds(await send(), 'body');
const half = [bytes('bo'), bytes('dy')];

async function* generate(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for (const chunk of chunks) {
    await null;
    yield chunk;
  }
}

/** Chunks reach the client one by one: the second is made only when the first has had time to arrive. */
const arrivesInPieces: Check = async (send) => {
  const response = await send();
  holds(response, 'onetwo');
  const first = response.chunks.find((chunk) => chunk.bytes.length > 0);
  const last = response.chunks.at(-1);
  ok(first && last && last.at - first.at > 100, 'all came at once');
};

/** A file-like object over text, which notes that it is closed. */
function reader(environ: Environ, text: string) {
  const data = bytes(text);
  let at = 0;
  return {
    read(size: number) {
      const block = data.slice(at, at + size);
      at += block.length;
      return block;
    },
    close() {
      note(environ, 'close');
    },
  };
}
function streamOf(environ: Environ, chunks: string[]): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = left.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(bytes(next));
    },
    cancel() {
      note(environ, 'close');
    },
  });
}

/** A body longer than its Content-Length, which the gateway cuts. */
const overlong: NonNullable<Case['refused']> = {
  why: 'a breach by the application, if one that the gateway can mend',
  async check(send, recall) {
    const response = await send();
    ok(response.status === 500 || response.body.length < 4, 'the whole body was sent');
    const { errors } = await recall((report) => report.errors.length > 0);
    ok(errors.join('\n').includes('where its Content-Length is'), 'the validator logged nothing');
  },
};

const bodiless = (
  status: string,
  make: (environ: Environ) => Body,
  more: Array<[string, string]> = [],
): Application => {
  return (environ, startResponse) => {
    startResponse(status, more);
    return make(environ);
  };
};

export const output: Case[] = [
  // The kinds of bodies.
  { name: 'body: a list', clause: DETAILS, app: gives(() => half), check: saysBody },
  { name: 'body: a Set', clause: DETAILS, app: gives(() => new Set(half)), check: saysBody },
  {
    name: 'body: a generator',
    clause: DETAILS,
    app: gives(function* () {
      yield* half;
    }),
    check: saysBody,
  },
  { name: 'body: an async generator', clause: DETAILS, app: gives(() => generate(half)), check: saysBody },
  {
    name: 'body: a promise of a list',
    clause: DETAILS,
    app: gives(() => Promise.resolve(half)),
    check: saysBody,
  },
  {
    name: 'body: an object with an iterator without return()',
    clause: DETAILS,
    app: gives(() => {
      const left = [...half];
      return {
        [Symbol.iterator]: () => ({
          next: (): IteratorResult<Uint8Array> => {
            const value = left.shift();
            return value === undefined ? { done: true, value } : { done: false, value };
          },
        }),
      };
    }),
    check: saysBody,
  },
  {
    name: 'body: a ReadableStream',
    clause: DETAILS,
    app: gives((environ) => streamOf(environ, ['bo', 'dy']) as unknown as Body),
    check: saysBody,
  },
  {
    name: 'a chunk may be a view into a larger buffer',
    clause: DETAILS,
    app: gives(() => [new Uint8Array(bytes('xxbodyxx').buffer, 2, 4)]),
    check: saysBody,
  },
  {
    name: 'a chunk may be a subclass of Uint8Array',
    clause: DETAILS,
    app: gives(() => generate([new (class extends Uint8Array {})(bytes('body'))])),
    check: saysBody,
  },
  {
    name: 'all 256 byte values go out',
    clause: 'A Note On String Types',
    app: (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'application/octet-stream']]);
      return [Uint8Array.from({ length: 256 }, (_, i) => i)];
    },
    async check(send) {
      const response = await send();
      equal(
        Array.from(response.body),
        Array.from({ length: 256 }, (_, i) => i),
        'body',
      );
    },
  },
  {
    name: 'bytes that are not UTF-8 go out under a text type',
    clause: 'A Note On String Types',
    app: gives(() => [Uint8Array.of(0x63, 0xe9, 0xff, 0x00)]),
    async check(send) {
      equal(Array.from((await send()).body), [0x63, 0xe9, 0xff, 0x00], 'body');
    },
  },
  {
    name: '2000 small chunks go out in order',
    clause: STREAMING,
    app: gives(() => generate(Array.from({ length: 2000 }, (_, i) => bytes(`${i},`)))),
    async check(send) {
      holds(await send(), Array.from({ length: 2000 }, (_, i) => `${i},`).join(''));
    },
  },
  {
    name: '2 MiB in chunks of 64 KiB go out',
    clause: STREAMING,
    needs: ['largeResponse'],
    app: gives(function* () {
      for (let i = 0; i < 32; i++) yield new Uint8Array(64 * KIB).fill(65 + (i % 26));
    }),
    async check(send) {
      const response = await send();
      ok(response.complete, 'the response is not complete');
      equal(response.body.length, 32 * 64 * KIB, 'length');
      ok(
        response.body.every((byte, i) => byte === 65 + (Math.floor(i / (64 * KIB)) % 26)),
        'the bytes are not those that were sent',
      );
    },
  },

  // write().
  {
    name: 'write() goes out before the body',
    clause: WRITE,
    app: (_environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      write(bytes('1'));
      write(bytes('2'));
      return [bytes('3'), bytes('4')];
    },
    async check(send) {
      holds(await send(), '1234');
    },
  },
  {
    name: 'write() alone, awaited',
    clause: WRITE,
    app: async (_environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      await write(bytes('bo'));
      await write(empty);
      await write(bytes('dy'));
      return [];
    },
    check: saysBody,
  },
  {
    name: 'write() before an async generator',
    clause: WRITE,
    app: async (_environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      await write(bytes('1'));
      write(bytes('2'));
      return generate([bytes('3'), bytes('4')]);
    },
    async check(send) {
      holds(await send(), '1234');
    },
  },
  {
    name: 'write() of 1 MiB without waiting keeps the order',
    clause: WRITE,
    needs: ['largeResponse'],
    app: (_environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      for (let i = 0; i < 16; i++) write(new Uint8Array(64 * KIB).fill(97 + i));
      return [bytes('end')];
    },
    async check(send) {
      const response = await send();
      holds(response);
      equal(response.body.length, 16 * 64 * KIB + 3, 'length');
      equal(
        Array.from({ length: 16 }, (_, i) => response.body[i * 64 * KIB]),
        Array.from({ length: 16 }, (_, i) => 97 + i),
        'first bytes',
      );
      ok(textOf(response).endsWith('end'), 'the body does not come last');
    },
  },
  {
    name: 'write() after the response has ended rejects',
    clause: 'README, "The interface"',
    app: (environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      environ['wsgi_edge.wait_until'](
        sleep(50)
          .then(() => write(bytes('late')))
          .then(
            () => note(environ, 'taken'),
            () => note(environ, 'rejected'),
          ),
      );
      return [body];
    },
    async check(send, recall) {
      holds(await send(), 'body');
      equal((await recall((report) => report.events.length > 0)).events, ['rejected'], 'events');
    },
  },

  {
    name: 'a buffer may be used again once write() has resolved',
    clause: 'README, "The interface"',
    app: async (_environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      const buffer = new Uint8Array(4);
      for (let i = 0; i < 10; i++) await write(buffer.fill(48 + i));
      return [];
    },
    async check(send) {
      holds(await send(), '0000111122223333444455556666777788889999');
    },
  },
  {
    name: 'a buffer may be used again when the next chunk is asked for',
    clause: STREAMING,
    app: gives(async function* () {
      const buffer = new Uint8Array(4);
      for (let i = 0; i < 10; i++) yield buffer.fill(48 + i);
    }),
    async check(send) {
      holds(await send(), '0000111122223333444455556666777788889999');
    },
  },
  {
    name: 'file_wrapper: read() may fill the same buffer again',
    clause: FILE,
    app: gives((environ) => {
      const buffer = new Uint8Array(4);
      let i = 0;
      return environ['wsgi.file_wrapper']({ read: async () => (i < 10 ? buffer.fill(48 + i++) : empty) });
    }),
    async check(send) {
      holds(await send(), '0000111122223333444455556666777788889999');
    },
  },

  // Empty chunks and empty bodies.
  {
    name: 'empty chunks are skipped',
    clause: DETAILS,
    app: gives(() => generate([empty, bytes('bo'), empty, empty, bytes('dy'), empty])),
    check: saysBody,
  },
  {
    name: 'empty chunks in a list',
    clause: DETAILS,
    app: gives(() => [empty, bytes('bo'), empty, bytes('dy'), empty]),
    check: saysBody,
  },
  {
    name: 'an empty list is an empty body',
    clause: DETAILS,
    app: gives(() => []),
    async check(send) {
      holds(await send(), '');
    },
  },
  {
    name: 'an empty list gets a Content-Length of 0',
    clause: LENGTH,
    needs: ['contentLength'],
    app: gives(() => []),
    async check(send) {
      equal(value(await send(), 'content-length'), '0', 'Content-Length');
    },
  },
  {
    name: 'a generator without a chunk is an empty body',
    clause: DETAILS,
    app: async function* (_environ, startResponse) {
      startResponse('202 Accepted', plain(['X-A', '1']));
      yield* [];
    },
    async check(send) {
      const response = await send();
      equal([response.status, value(response, 'x-a'), textOf(response)], [202, '1', ''], 'response');
      ok(response.complete, 'the response is not complete');
    },
  },

  // Content-Length.
  {
    name: 'a list of one chunk gets its Content-Length',
    clause: LENGTH,
    needs: ['contentLength'],
    app: gives(() => [body]),
    async check(send) {
      equal(value(await send(), 'content-length'), '4', 'Content-Length');
    },
  },
  {
    name: 'a list of several chunks gets its Content-Length',
    clause: 'README, "The interface"',
    needs: ['contentLength'],
    app: gives(() => half),
    async check(send) {
      equal(value(await send(), 'content-length'), '4', 'Content-Length');
    },
  },
  ...(
    [
      ['a list', () => half],
      ['a generator', () => generate(half)],
    ] as Array<[string, () => Body]>
  ).flatMap(([kind, make]): Case[] => [
    {
      name: `Content-Length as long as the body: ${kind}`,
      clause: LENGTH,
      app: gives(make, ['Content-Length', '4']),
      check: saysBody,
    },
    {
      name: `Content-Length of ${kind} reaches the client`,
      clause: LENGTH,
      needs: ['contentLength'],
      app: gives(make, ['Content-Length', '4']),
      async check(send) {
        equal(value(await send(), 'content-length'), '4', 'Content-Length');
      },
    },
    {
      name: `a body longer than its Content-Length is cut and logged: ${kind}`,
      clause: LENGTH,
      app: gives(make, ['Content-Length', '3']),
      async check(send, recall) {
        holds(await send(), 'bod');
        const { errors } = await recall((report) => report.errors.length > 0);
        ok(errors.join('\n').includes('Content-Length'), 'the log does not name Content-Length');
      },
      refused: overlong,
    },
    {
      name: `a body shorter than its Content-Length is logged: ${kind}`,
      clause: LENGTH,
      app: gives(make, ['Content-Length', '5']),
      async check(send, recall) {
        await send();
        const { errors } = await recall((report) => report.errors.length > 0);
        ok(errors.join('\n').includes('Content-Length'), 'the log does not name Content-Length');
      },
    },
    {
      name: `the client can tell a body shorter than its Content-Length: ${kind}`,
      clause: LENGTH,
      // A list is measured before anything is sent.
      needs: kind === 'a list' ? [] : ['truncation'],
      app: gives(make, ['Content-Length', '5']),
      async check(send) {
        isBroken(await send());
      },
      ...(kind === 'a list'
        ? { refused: { why: 'a list is measured before anything is sent', check: refusedWith500 } }
        : {}),
    },
  ]),
  {
    name: 'a cut body is iterated no further',
    clause: LENGTH,
    app: gives(
      async function* (environ) {
        try {
          for (let i = 0; i < 50; i++) {
            note(environ, 'chunk');
            yield body;
          }
        } finally {
          note(environ, 'ended');
        }
      },
      ['Content-Length', '6'],
    ),
    async check(send, recall) {
      await send();
      const { events } = await recall((report) => report.events.includes('ended'));
      equal(events.at(-1), 'ended', 'last event');
      ok(events.length < 10, `${events.length - 1} chunks were made`);
    },
  },
  {
    name: 'write() past the Content-Length is cut',
    clause: LENGTH,
    app: async (_environ, startResponse) => {
      const write = startResponse('200 OK', plain(['Content-Length', '4']));
      await write(bytes('bo')).catch(() => {});
      await write(bytes('dy and more')).catch(() => {});
      return [];
    },
    async check(send, recall) {
      holds(await send(), 'body');
      ok((await recall((report) => report.errors.length > 0)).errors.length > 0, 'nothing was logged');
    },
    refused: overlong,
  },

  {
    name: 'the same Content-Length twice goes out once or is refused',
    clause: 'RFC 9110, section 8.6',
    app: gives(() => [body], ['Content-Length', '4'], ['content-length', '4']),
    async check(send) {
      const response = await send();
      ok(response.status === 200 || response.status === 500, `status ${response.status}`);
      const lengths = values(response, 'content-length').filter((length) => length !== '4' && response.status === 200);
      equal(lengths, [], 'other values than 4');
      ok(values(response, 'content-length').length <= 1, 'two Content-Length lines');
      ok(response.complete, 'the response is not complete');
    },
  },

  // HEAD and bodiless statuses.
  {
    name: 'HEAD: the argument of write() is not sent',
    clause: 'RFC 9110, section 9.3.2',
    app: async (_environ, startResponse) => {
      const write = startResponse('200 OK', plain(['X-A', '1']));
      await write(body);
      return [body];
    },
    async check(send) {
      const response = await send({ method: 'HEAD' });
      equal([response.status, value(response, 'x-a'), textOf(response)], [200, '1', ''], 'response');
      ok(response.complete, 'the response is not complete');
    },
  },
  {
    name: '204: the argument of write() is not sent',
    clause: 'RFC 9110, section 6.4.1',
    app: async (_environ, startResponse) => {
      const write = startResponse('204 No Content', []);
      await write(body);
      return [];
    },
    async check(send) {
      const response = await send();
      equal([response.status, textOf(response), response.complete], [204, '', true], 'response');
    },
  },
  ...(
    [
      ['a list', (environ) => Object.assign([body], { close: () => note(environ, 'close') })],
      ['an iterable', (environ) => noted(environ, half)],
    ] as Array<[string, (environ: Environ) => Body]>
  ).flatMap(([kind, make]): Case[] => [
    {
      name: `HEAD sends no body and closes it: ${kind}`,
      clause: 'RFC 9110, section 9.3.2',
      app: gives(make, ['X-A', '1']),
      async check(send, recall) {
        const response = await send({ method: 'HEAD' });
        equal([response.status, textOf(response), value(response, 'x-a')], [200, '', '1'], 'response');
        ok(response.complete, 'the response is not complete');
        ok(value(response, 'content-length') !== '0', 'a Content-Length of 0 for a body of 4 bytes');
        await closed(send, recall);
      },
    },
    {
      name: `HEAD keeps the Content-Length: ${kind}`,
      clause: 'RFC 9110, section 9.3.2',
      needs: ['contentLength'],
      app: gives(make, ['Content-Length', '4']),
      async check(send) {
        const response = await send({ method: 'HEAD' });
        equal([value(response, 'content-length'), textOf(response)], ['4', ''], 'Content-Length and body');
      },
    },
    ...['204 No Content', '205 Reset Content', '304 Not Modified'].map(
      (status): Case => ({
        name: `${status.slice(0, 3)} sends no body and closes it: ${kind}`,
        clause: 'RFC 9110, section 6.4.1',
        app: bodiless(status, make),
        async check(send, recall) {
          const response = await send();
          equal([response.status, textOf(response)], [Number(status.slice(0, 3)), ''], 'response');
          ok(response.complete, 'the response is not complete');
          const length = value(response, 'content-length');
          ok(length === undefined || (length === '0' && !status.startsWith('204')), `Content-Length is ${length}`);
          await closed(send, recall);
        },
      }),
    ),
  ]),
  {
    name: '204 with an empty body',
    clause: 'RFC 9110, section 15.3.5',
    app: bodiless('204 No Content', () => [], [['X-A', '1']]),
    async check(send) {
      const response = await send();
      equal([response.status, value(response, 'x-a'), textOf(response)], [204, '1', ''], 'response');
    },
  },
  {
    name: '304 keeps its headers',
    clause: 'RFC 9110, section 15.4.5',
    app: bodiless('304 Not Modified', () => [], [['ETag', '"1"']]),
    async check(send) {
      const response = await send();
      equal([response.status, value(response, 'etag'), textOf(response)], [304, '"1"', ''], 'response');
    },
  },

  // Headers.
  {
    name: 'several Set-Cookie headers stay apart and in order',
    clause: 'RFC 6265, section 3',
    app: gives(
      () => [body],
      ['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
      ['X-Between', '1'],
      ['Set-Cookie', 'b=2'],
      ['set-cookie', 'c=3'],
    ),
    async check(send) {
      const cookies = values(await send(), 'set-cookie');
      equal(cookies, ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2', 'c=3'], 'Set-Cookie');
    },
  },
  {
    name: 'repeated response headers keep their order, apart or joined',
    clause: 'RFC 9110, section 5.3',
    app: gives(() => [body], ['X-Twice', '2'], ['X-Other', 'o'], ['X-Twice', '1']),
    async check(send) {
      equal(values(await send(), 'x-twice').join(', '), '2, 1', 'X-Twice');
    },
  },
  {
    name: 'a Date of the application is not doubled',
    clause: 'Other HTTP Features',
    app: gives(() => [body], ['Date', 'Wed, 21 Oct 2026 07:28:00 GMT']),
    async check(send) {
      equal(values(await send(), 'date'), ['Wed, 21 Oct 2026 07:28:00 GMT'], 'Date');
    },
  },
  {
    name: 'a response header of 70 KB goes out',
    clause: DETAILS,
    needs: ['largeHeader'],
    app: gives(() => [body], ['X-Big', 'b'.repeat(70_000)]),
    async check(send) {
      const response = await send();
      holds(response, 'body');
      equal(value(response, 'x-big')?.length, 70_000, 'length of X-Big');
    },
  },
  ...[
    { what: 'a response header of 70 KB', app: gives(() => [body], ['X-Big', 'b'.repeat(70_000)]), size: 4 },
    { what: 'a response of 2 MiB', app: gives(() => [new Uint8Array(2 * MIB)]), size: 2 * MIB },
  ].map(
    ({ what, app, size }): Case => ({
      name: `${what} goes out or becomes a clear 500`,
      clause: 'docs/TARGETS.md',
      app,
      async check(send, recall) {
        const response = await send();
        ok(response.complete, 'the response is not complete');
        if (response.status === 200) return equal(response.body.length, size, 'length');
        equal(response.status, 500, 'status');
        const { errors } = await recall((report) => report.errors.length > 0);
        ok(/\d+ bytes; .* takes \d+/.test(errors.join('\n')), `the log gives no figures: ${JSON.stringify(errors)}`);
      },
    }),
  ),
  {
    name: 'response header: UTF-8 bytes go out as they are',
    clause: 'A Note On String Types',
    app: gives(() => [body], ['X-Text', native(bytes('caf\u00e9 \u{1f600}'))]),
    async check(send) {
      equal(value(await send(), 'x-text'), native(bytes('caf\u00e9 \u{1f600}')), 'X-Text');
    },
  },
  {
    name: 'response header: bytes that are not UTF-8 go out as they are',
    clause: 'A Note On String Types',
    needs: ['latin1Headers'],
    app: gives(() => [body], ['X-Bytes', 'caf\xe9 \x80\xff']),
    async check(send) {
      equal(value(await send(), 'x-bytes'), 'caf\xe9 \x80\xff', 'X-Bytes');
    },
  },
  ...(
    [
      ['a HEAD', 'HEAD', '200 OK', () => [body]],
      ['a 204', 'GET', '204 No Content', () => []],
      ['an empty generator', 'GET', '302 Found', () => generate([])],
      ['a streamed body', 'GET', '200 OK', () => generate(half)],
    ] as Array<[string, string, string, () => Body]>
  ).map(
    ([kind, method, status, make]): Case => ({
      name: `response header: UTF-8 bytes go out with ${kind}`,
      clause: 'A Note On String Types',
      app: (_environ, startResponse) => {
        const text: [string, string] = ['X-Text', 'caf\xc3\xa9'];
        startResponse(status, status.startsWith('204') ? [text] : plain(text));
        return make();
      },
      async check(send) {
        equal(value(await send({ method }), 'x-text'), 'caf\xc3\xa9', 'X-Text');
      },
    }),
  ),
  {
    name: 'a Content-Encoding of the application is left alone',
    clause: 'Other HTTP Features',
    app: gives(() => [Uint8Array.of(0x1f, 0x8b, 1, 2, 3)], ['Content-Encoding', 'gzip']),
    async check(send) {
      const response = await send({ headers: [['Accept-Encoding', 'gzip']] });
      equal(value(response, 'content-encoding'), 'gzip', 'Content-Encoding');
      equal(Array.from(response.body), [0x1f, 0x8b, 1, 2, 3], 'body');
    },
  },
  {
    name: 'Location and other headers go out as they are',
    clause: DETAILS,
    app: (_environ, startResponse) => {
      startResponse('302 Found', plain(['Location', '/relative?a=b'], ['ETag', 'W/"1"']));
      return [];
    },
    async check(send) {
      const response = await send();
      const { status } = response;
      const given = ['location', 'etag'].map((name) => value(response, name));
      equal([status, ...given], [302, '/relative?a=b', 'W/"1"'], 'response');
    },
  },

  // Streaming.
  {
    name: 'a chunk reaches the client before the next is made',
    clause: STREAMING,
    needs: ['streaming'],
    app: gives(async function* () {
      yield bytes('one');
      await sleep(250);
      yield bytes('two');
    }),
    check: arrivesInPieces,
  },
  {
    name: 'an application that awaits between two calls of write() streams',
    clause: 'README, "The interface"',
    needs: ['streaming'],
    app: async (_environ, startResponse) => {
      const write = startResponse('200 OK', plain());
      await write(bytes('one'));
      await sleep(250);
      await write(bytes('two'));
      return [];
    },
    check: arrivesInPieces,
  },
  {
    name: 'a body with a Content-Length streams as well',
    clause: STREAMING,
    needs: ['streaming'],
    app: gives(
      async function* () {
        yield bytes('one');
        await sleep(250);
        yield bytes('two');
      },
      ['Content-Length', '6'],
    ),
    check: arrivesInPieces,
  },
  {
    name: 'a client that does not read stops the body',
    clause: STREAMING,
    needs: ['backPressure'],
    app: gives(async function* (environ) {
      try {
        for (let i = 1; i <= 2000; i++) {
          keep(environ, 'made', i);
          yield new Uint8Array(64 * KIB);
          await null;
        }
      } finally {
        note(environ, 'ended');
      }
    }),
    async check(send, recall) {
      await send({ stall: 400 });
      const { values, events } = await recall((report) => report.events.length > 0);
      ok(Number(values.made) < 2000, `all ${values.made} chunks were made`);
      equal(events, ['ended'], 'events');
    },
  },

  // Middleware.
  {
    name: 'middleware may give empty chunks while it collects a body',
    clause: 'Middleware Handling of Block Boundaries',
    app: async function* (environ, startResponse) {
      const below = gives(() => generate(half), ['X-A', '1'])(environ, startResponse) as AsyncIterable<Uint8Array>;
      let all = '';
      for await (const chunk of below) {
        all += native(chunk).toUpperCase();
        yield empty;
      }
      yield bytes(all);
    },
    async check(send) {
      const response = await send();
      holds(response, 'BODY');
      equal(value(response, 'x-a'), '1', 'X-A');
    },
  },
  {
    name: 'middleware may change what goes through write()',
    clause: 'Middleware Handling of Block Boundaries',
    app: (environ, startResponse) => {
      const below: Application = async (_environ, start) => {
        await start('200 OK', plain())(bytes('bo'));
        return [bytes('dy')];
      };
      return below(environ, (...head) => {
        const write = startResponse(...head);
        return (data) => write(bytes(native(data).toUpperCase()));
      });
    },
    async check(send) {
      holds(await send(), 'BOdy');
    },
  },

  // wsgi.file_wrapper.
  {
    name: 'file_wrapper: a file that is not returned is neither read nor sent',
    clause: FILE,
    app: gives(async (environ) => {
      environ['wsgi.file_wrapper']({
        read() {
          note(environ, 'read');
          return empty;
        },
      });
      await sleep(20);
      return [body];
    }),
    async check(send, recall) {
      holds(await send(), 'body');
      equal((await recall()).events, [], 'events');
    },
  },
  {
    name: 'file_wrapper: { read } goes out in blocks and is closed',
    clause: FILE,
    app: gives((environ) => environ['wsgi.file_wrapper'](reader(environ, 'the file of twenty two'), 5)),
    async check(send, recall) {
      holds(await send(), 'the file of twenty two');
      await closed(send, recall);
    },
  },
  {
    name: 'file_wrapper: an async { read } without close()',
    clause: FILE,
    app: gives((environ) => {
      const left = [bytes('bo'), bytes('dy'), empty];
      return environ['wsgi.file_wrapper']({ read: async () => left.shift() ?? empty });
    }),
    check: saysBody,
  },
  {
    name: 'file_wrapper: a ReadableStream',
    clause: FILE,
    app: gives((environ) => environ['wsgi.file_wrapper'](streamOf(environ, ['bo', 'dy']))),
    check: saysBody,
  },
  {
    name: 'file_wrapper: a ReadableStream of bytes',
    clause: FILE,
    app: gives((environ) => {
      const left = [...half];
      return environ['wsgi.file_wrapper'](
        new ReadableStream({
          type: 'bytes',
          pull(controller) {
            const next = left.shift();
            if (next === undefined) {
              controller.close();
              controller.byobRequest?.respond(0);
            } else controller.enqueue(next.slice());
          },
        }),
      );
    }),
    check: saysBody,
  },
  {
    name: 'file_wrapper: a Blob',
    clause: FILE,
    app: gives((environ) => environ['wsgi.file_wrapper'](new Blob(['bo', 'dy']))),
    check: saysBody,
  },
  {
    name: 'file_wrapper: a Blob gets its Content-Length',
    clause: FILE,
    needs: ['contentLength'],
    app: gives((environ) => environ['wsgi.file_wrapper'](new Blob(['bo', 'dy']))),
    async check(send) {
      equal(value(await send(), 'content-length'), '4', 'Content-Length');
    },
  },
  ...(
    [
      ['{ read }', (environ) => environ['wsgi.file_wrapper'](reader(environ, 'body'), 3)],
      ['a ReadableStream', (environ) => environ['wsgi.file_wrapper'](streamOf(environ, ['bo', 'dy']))],
      ['a Blob', (environ) => environ['wsgi.file_wrapper'](new Blob(['body']))],
    ] as Array<[string, (environ: Environ) => Body]>
  ).map(
    ([kind, make]): Case => ({
      name: `file_wrapper: ${kind} longer than the Content-Length is cut`,
      clause: FILE,
      ...(kind === 'a ReadableStream' ? { needs: ['measuredFile'] } : {}),
      app: gives(make, ['Content-Length', '3']),
      async check(send) {
        holds(await send(), 'bod');
      },
    }),
  ),
  {
    name: 'file_wrapper: the client can tell a stream shorter than the Content-Length',
    clause: FILE,
    needs: ['truncation'],
    app: gives((environ) => environ['wsgi.file_wrapper'](streamOf(environ, ['bo', 'dy'])), ['Content-Length', '9']),
    async check(send) {
      isBroken(await send());
    },
  },
  {
    name: 'file_wrapper: HEAD closes the file',
    clause: FILE,
    app: gives((environ) => environ['wsgi.file_wrapper'](reader(environ, 'file'))),
    async check(send, recall) {
      equal(textOf(await send({ method: 'HEAD' })), '', 'body');
      await closed(send, recall);
    },
  },
  {
    name: 'file_wrapper: HEAD cancels a stream',
    clause: FILE,
    app: gives((environ) => environ['wsgi.file_wrapper'](streamOf(environ, ['bo', 'dy']))),
    async check(send, recall) {
      equal(textOf(await send({ method: 'HEAD' })), '', 'body');
      await closed(send, recall);
    },
  },
  {
    name: 'file_wrapper: an iterable for middleware',
    clause: FILE,
    app: gives(async function* (environ) {
      const file = environ['wsgi.file_wrapper'](reader(environ, 'body'), 3);
      try {
        for await (const block of file) yield bytes(native(block).toUpperCase());
      } finally {
        await file.close?.();
      }
    }),
    async check(send, recall) {
      holds(await send(), 'BODY');
      await closed(send, recall);
    },
  },
  ...(
    [
      [
        '{ read }',
        (environ) => ({
          read: async () => {
            await sleep(5);
            return new Uint8Array(KIB);
          },
          close: () => note(environ, 'close'),
        }),
      ],
      [
        'a ReadableStream',
        (environ) =>
          new ReadableStream<Uint8Array>({
            async pull(controller) {
              await sleep(5);
              controller.enqueue(new Uint8Array(KIB));
            },
            cancel: () => note(environ, 'close'),
          }),
      ],
    ] as Array<[string, (environ: Environ) => Parameters<Environ['wsgi.file_wrapper']>[0]]>
  ).map(
    ([kind, make]): Case => ({
      name: `file_wrapper: a client that goes away closes ${kind}`,
      clause: FILE,
      needs: ['disconnect'],
      app: gives((environ) => environ['wsgi.file_wrapper'](make(environ))),
      async check(send, recall) {
        await send({ hangUpAfter: 1 });
        await closed(send, recall);
      },
    }),
  ),

  // Work that outlives the response.
  {
    name: 'wait_until: work outlives the response',
    clause: 'docs/TARGETS.md',
    app: (environ, startResponse) => {
      startResponse('200 OK', plain());
      environ['wsgi_edge.wait_until'](sleep(150).then(() => note(environ, 'done')));
      return [body];
    },
    async check(send, recall) {
      holds(await send(), 'body');
      equal((await recall((report) => report.events.length > 0)).events, ['done'], 'events');
    },
  },
  {
    name: 'wait_until: work that is added while other work runs',
    clause: 'docs/TARGETS.md',
    app: (environ, startResponse) => {
      startResponse('200 OK', plain());
      const waitUntil = environ['wsgi_edge.wait_until'];
      waitUntil(
        sleep(30).then(() => {
          waitUntil(sleep(30).then(() => note(environ, 'second')));
          note(environ, 'first');
        }),
      );
      return [body];
    },
    async check(send, recall) {
      holds(await send(), 'body');
      equal((await recall((report) => report.events.length > 1)).events, ['first', 'second'], 'events');
    },
  },
  {
    name: 'wait_until: a rejection is logged and harms nothing',
    clause: 'docs/TARGETS.md',
    app: (environ, startResponse) => {
      startResponse('200 OK', plain());
      environ['wsgi_edge.wait_until'](Promise.reject(new Error('in vain')));
      return [body];
    },
    async check(send, recall) {
      holds(await send(), 'body');
      const { errors } = await recall((report) => report.errors.length > 0);
      ok(errors.join('\n').includes('in vain'), 'the rejection was not logged');
    },
  },
  {
    name: 'wait_until: work goes on while the body streams',
    clause: 'docs/TARGETS.md',
    app: gives(async function* (environ) {
      const work = sleep(20).then(() => note(environ, 'done'));
      environ['wsgi_edge.wait_until'](work);
      yield bytes('bo');
      await work;
      note(environ, 'second chunk');
      yield bytes('dy');
    }),
    async check(send, recall) {
      holds(await send(), 'body');
      equal((await recall()).events, ['done', 'second chunk'], 'events');
    },
  },
  {
    name: 'requests are apart from each other',
    clause: 'Thread Support',
    app: answer(async (environ) => {
      await sleep(Number(environ.QUERY_STRING.slice('ms='.length)));
      return `${environ.PATH_INFO} ${native(await environ['wsgi.input'].read())}`;
    }),
    async check(send) {
      const paths = ['/a', '/b', '/c', '/d'];
      const send1 = (path: string, i: number) =>
        send({ method: 'POST', target: `${path}?ms=${40 - i * 10}`, body: bytes(path.repeat(3)) });
      const responses = await Promise.all(paths.map(send1));
      equal(
        responses.map(textOf),
        paths.map((path) => `${path} ${path.repeat(3)}`),
        'bodies',
      );
    },
  },
];
