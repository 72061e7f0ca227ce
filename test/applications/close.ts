import { ClientDisconnected } from '../../src/errors.js';
import { arrival, before, boom, bytes, EARLY, error, gives, pause, type Row, SENT, text } from './row.js';

const OK = 'start_response ok';
const CHUNK = new Uint8Array(65_536).fill(120);
const AWAY = 'what has come when the client goes away is a matter of timing';

export const close: Row[] = [
  {
    id: 'close_attr_none',
    title: 'close is null',
    app: gives((seen) => ({
      close: null,
      [Symbol.iterator]() {
        seen.note('iter');
        return [bytes('a')].values();
      },
    })),
    expect: { ...SENT, body: 'a', events: [OK, 'iter'] },
    why: { logged: 'a method that is null is absent in JavaScript (ECMAScript, GetMethod)' },
    refused: {
      why: 'where a body has a close, it is a function',
      expect: error(/close must be a function, not null/, OK),
    },
  },
  {
    id: 'close_head',
    title: 'close() on HEAD',
    request: { method: 'HEAD' },
    app: gives((seen) => seen.body([bytes('one'), bytes('two')])),
    expect: { ...SENT, length: null, events: [OK, 'iter', 'next 1', 'return', 'close'] },
    why: { body: 'HEAD has no body (RFC 9110, section 9.3.2)', events: EARLY },
  },
  {
    id: 'close_disconnect',
    title: 'the client goes away from a stream',
    request: { hangUpAfter: 1000 },
    needs: ['disconnect'],
    app: gives((seen) => ({
      async *[Symbol.asyncIterator]() {
        try {
          for (let i = 0; i < 60; i++) {
            await pause();
            yield CHUNK;
          }
          seen.note('all chunks taken');
        } finally {
          seen.note('generator ended');
        }
      },
      close: () => seen.note('close'),
    })),
    expect: {
      ...SENT,
      body: 'x'.repeat(60 * CHUNK.length),
      complete: false,
      events: [OK, 'generator ended', 'close'],
    },
    why: { body: AWAY },
  },
  {
    id: 'close_disconnect_write',
    title: 'the client goes away from write()',
    request: { hangUpAfter: 1000 },
    needs: ['disconnect'],
    app: async (_environ, start, seen) => {
      const write = start('200 OK', text());
      try {
        for (let i = 0; i < 60; i++) {
          await pause();
          await write(CHUNK);
        }
        seen.note('all writes ok');
      } catch (error) {
        seen.note(`write() rejects with ${error instanceof ClientDisconnected ? 'ClientDisconnected' : error}`);
        throw error;
      }
      return seen.body([]);
    },
    expect: {
      ...SENT,
      body: 'x'.repeat(60 * CHUNK.length),
      complete: false,
      events: [OK, 'write() rejects with ClientDisconnected'],
    },
    why: { body: AWAY },
  },
  {
    id: 'close_slow',
    title: 'a slow close() does not hold the body back',
    app: gives(
      (seen) =>
        seen.asyncBody([bytes('body')], async () => {
          await seen.midway('close done');
          seen.note('close done');
        }),
      ['Content-Length', '4'],
    ),
    expect: { ...SENT, body: 'body', events: [OK, 'iter', 'next 1', 'stop', 'close', 'close done'] },
    also: [
      {
        title: 'the client has the body before close() is done',
        needs: ['streaming'],
        check: before('close done', ({ chunks }) => arrival(chunks.at(-1)?.at)),
      },
    ],
  },
  {
    id: 'close_after_exc',
    title: 'close() after an error in the iteration',
    app: gives((seen) => seen.body([bytes('a'), bytes('b'), boom()])),
    expect: {
      ...SENT,
      body: 'ab',
      complete: false,
      events: [OK, 'iter', 'next 1', 'next 2', 'iterable raises', 'return', 'close'],
      log: /boom/,
    },
  },
  {
    id: 'close_on_list_subclass',
    title: 'close() of a subclass of Array',
    app: gives(
      (seen) => {
        class List extends Array<Uint8Array> {
          close() {
            seen.note('close');
          }
        }
        return List.of(bytes('hello'));
      },
      ['Content-Length', '5'],
    ),
    expect: { ...SENT, body: 'hello', events: [OK, 'close'] },
  },
  {
    id: 'close_on_bad_chunk',
    title: 'close() after a chunk that is a number',
    app: gives((seen) => seen.body([bytes('a'), 5])),
    expect: {
      ...SENT,
      body: 'a',
      complete: false,
      events: [OK, 'iter', 'next 1', 'next 2', 'return', 'close'],
      log: /must be a Uint8Array, not a number/,
    },
  },
];
