import { describe, expect, it } from 'vitest';
import { mapResponse, type ResponseMapping } from '../../middleware/index.js';
import { FileWrapper } from '../../src/file-wrapper.js';
import { bytesToText, textToBytes } from '../../src/native-string.js';
import type { Application, Body } from '../../src/types.js';
import { callApp } from '../../testing/app.js';
import { withoutId } from '../request-id.js';
import { answering, get } from './call.js';

const upper = (chunk: Uint8Array) => textToBytes(bytesToText(chunk).toUpperCase());

const fails = (message: string): never => {
  throw new Error(message);
};

/** A body that counts the ways in which it is ended. */
function counting(chunks: Iterable<string> | AsyncIterable<string>) {
  const ends: string[] = [];
  const app: Application = (_environ, startResponse) => {
    startResponse('200 OK', [['X-Own', '1']]);
    const body = (async function* () {
      try {
        for await (const chunk of chunks) yield textToBytes(chunk);
      } finally {
        ends.push('finally');
      }
    })();
    return Object.assign(body, { close: () => void ends.push('close') });
  };
  return { app, ends };
}

describe('mapResponse', () => {
  it('sees the head of a generator, which calls startResponse in its first iteration', async () => {
    const app: Application = async function* (_environ, startResponse) {
      startResponse('201 Created', [['X-Own', '1']]);
      yield textToBytes('one ');
      yield textToBytes('two');
    };
    const seen: unknown[] = [];
    const mapped = mapResponse(app, {
      head: ({ status, headers, length, chunks, file }) => {
        seen.push([status, [...headers], length, chunks, file]);
        headers.push(['X-More', '2']);
      },
      chunk: upper,
      end: () => textToBytes('!'),
    });
    const response = await get(mapped);
    expect([response.code, response.text(), response.header('x-more')]).toEqual([201, 'ONE TWO!', '2']);
    expect(seen).toEqual([['201 Created', [['X-Own', '1']], undefined, undefined, false]]);
  });

  it('keeps a list a list, so that the gateway sets the new Content-Length', async () => {
    const app = answering('body', [['Content-Length', '4']]);
    const bodies: unknown[] = [];
    const noting =
      (inner: Application): Application =>
      async (environ, startResponse) => {
        const body = await inner(environ, startResponse);
        bodies.push(Array.isArray(body));
        return body;
      };
    const longer = await get(noting(mapResponse(app, { chunk: upper, end: () => textToBytes(' and more') })));
    expect([longer.text(), longer.header('content-length'), bodies]).toEqual(['BODY and more', '13', [true]]);
  });

  it('calls the application synchronously, and returns its list untouched, if nothing maps it', () => {
    const list = [textToBytes('body')];
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return list;
    };
    const mapped = mapResponse(app, { head: ({ headers }) => void headers.push(['X-A', '1']) });
    const heads: unknown[] = [];
    const body = mapped({ REQUEST_METHOD: 'GET', 'wsgi.errors': {} } as never, (...args) => {
      heads.push(args);
      return async () => {};
    });
    expect(body).toBe(list);
    expect(heads).toEqual([['200 OK', [['X-A', '1']]]]);
  });

  it('leaves a file to the platform if head returns false', async () => {
    const file = (): Application => (environ, startResponse) => {
      startResponse('200 OK', []);
      return environ['wsgi.file_wrapper'](new Blob(['blob']));
    };
    const passed: unknown[] = [];
    const looking =
      (app: Application): Application =>
      async (environ, startResponse) => {
        const body = await app(environ, startResponse);
        passed.push(body instanceof FileWrapper);
        return body;
      };
    const left = await get(looking(mapResponse(file(), { head: () => false, chunk: upper })));
    const mapped = await get(looking(mapResponse(file(), { chunk: upper })));
    expect([left.text(), mapped.text(), passed]).toEqual(['blob', 'BLOB', [true, false]]);
  });

  it('ends the body once if chunk returns null, and asks the application for no more', async () => {
    let made = 0;
    const { app, ends } = counting(
      (function* () {
        for (;;) yield String(made++);
      })(),
    );
    const mapped = mapResponse(app, { chunk: (chunk) => (bytesToText(chunk) === '3' ? null : chunk) });
    expect((await get(mapped)).text()).toBe('012');
    expect([made, ends]).toEqual([4, ['finally', 'close']]);
  });

  it('lets another application answer, and closes the body that is not sent', async () => {
    const { app, ends } = counting(['one', 'two']);
    let closed = 0;
    const mapped = mapResponse(app, {
      head: () => answering('instead', [], '404 Not Found'),
      close: () => void closed++,
    });
    const response = await get(mapped);
    expect([response.code, response.text(), response.header('x-own'), ends, closed]).toEqual([
      404,
      'instead',
      undefined,
      ['finally', 'close'],
      1,
    ]);
  });

  it.each<[string, Application]>([
    [
      'an application',
      () => {
        throw new Error('early');
      },
    ],
    [
      'a promise',
      async () => {
        throw new Error('early');
      },
    ],
    [
      'a generator before its head',
      async function* () {
        yield fails('early');
      },
    ],
    [
      'a generator after startResponse',
      async function* (_environ, startResponse) {
        startResponse('200 OK', [['X-Own', '1']]);
        yield fails('early');
      },
    ],
    ['a body that can not be iterated', () => 'text' as unknown as Body],
  ])('gives the error of %s to error(), which may answer', async (_, app) => {
    const errors: unknown[] = [];
    const error = (thrown: unknown, sent: boolean) => {
      errors.push(sent);
      return answering(String((thrown as Error).message).slice(0, 5), [], '503 Service Unavailable');
    };
    const response = await get(mapResponse(app, { error }));
    expect([response.code, response.header('x-own'), errors]).toEqual([503, undefined, [false]]);
  });

  it('tells of an error after the head, which breaks the response off', async () => {
    const errors: unknown[] = [];
    const { app, ends } = counting(
      (function* () {
        yield 'part';
        throw new Error('late');
      })(),
    );
    const mapped = mapResponse(app, { error: (error, sent) => void errors.push([(error as Error).message, sent]) });
    await expect(callApp(mapped)).rejects.toThrow('late');
    expect([errors, ends]).toEqual([[['late', true]], ['finally', 'close']]);
  });

  it('does not call a page that fails again', async () => {
    let calls = 0;
    const page: Application = () => {
      calls++;
      throw new Error('page');
    };
    const response = await get(
      mapResponse(
        () => {
          throw new Error('app');
        },
        { error: () => page },
      ),
    );
    expect([response.code, calls]).toEqual([500, 1]);
    const sent: boolean[] = [];
    const error = (_error: unknown, answered: boolean) => {
      sent.push(answered);
      return answering('page');
    };
    const second = await get(mapResponse(answering(), { head: () => page, error }));
    expect([second.code, withoutId(second.text()), sent]).toEqual([500, 'Internal Server Error\n', [true]]);
  });

  it.each<[string, ResponseMapping]>([
    ['synchronous', { chunk: upper }],
    ['asynchronous', { head: async () => {}, chunk: async (chunk) => upper(chunk) }],
  ])('refuses a body shorter than its Content-Length, which a new length would hide: %s', async (_, mapping) => {
    const app: Application = function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Length', '10']]);
      yield textToBytes('short');
    };
    await expect(callApp(mapResponse(app, mapping))).rejects.toThrow('ended after 5 of the 10 bytes');
  });

  it('cuts a body that is longer than its Content-Length, and does not go on with an endless one', async () => {
    let made = 0;
    const app: Application = function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Length', '5']]);
      for (;;) {
        made++;
        yield textToBytes('abc');
      }
    };
    const response = await get(mapResponse(app, { chunk: upper }));
    expect([response.text(), made]).toEqual(['ABCAB', 2]);
    expect(response.log).toContain('longer than its Content-Length of 5 bytes');
  });

  it('keeps the order of write(), and lets the application use its buffer again', async () => {
    const app: Application = (_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      const buffer = new Uint8Array(1);
      for (const char of 'abc') {
        buffer.set(textToBytes(char));
        write(buffer);
      }
      return [textToBytes('d')];
    };
    const slow = { head: async () => {}, chunk: async (chunk: Uint8Array) => upper(chunk) };
    expect((await get(mapResponse(app, slow))).text()).toBe('ABCD');
    expect((await get(mapResponse(app, { chunk: upper }))).text()).toBe('ABCD');
  });

  it('does not map a response without a body', async () => {
    const mapping = {
      chunk: () => {
        throw new Error('mapped');
      },
      end: () => textToBytes('more'),
    };
    const head = await get(mapResponse(answering(), mapping), '/', [], { REQUEST_METHOD: 'HEAD' });
    const none = await get(mapResponse(answering('body', [], '304 Not Modified'), mapping));
    expect([head.code, head.text(), none.code, none.text()]).toEqual([200, '', 304, '']);
  });

  it('refuses other arguments', () => {
    expect(() => mapResponse(1 as never, {})).toThrow('mapResponse: the application must be a function, not a number');
    expect(() => mapResponse(answering(), undefined as never)).toThrow('takes { head, chunk, end } or a function');
  });
});
