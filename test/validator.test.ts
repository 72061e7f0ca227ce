import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, test } from 'vitest';
import { ClientDisconnected } from '../src/errors.js';
import { bytesSource, createInputStream, inputStream, streamSource } from '../src/input-stream.js';
import { textToBytes } from '../src/native-string.js';
import type { Application, Body, Environ, HeaderList, InputStream, StartResponse } from '../src/types.js';
import { validator } from '../src/validator/index.js';
import { callApp, testEnviron } from '../testing/app.js';

const ok: Application = (_, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [textToBytes('ok')];
};
const write = () => Promise.resolve();
const start: StartResponse = () => write;

// The gateway's side: calls the validated app by hand, as a gateway that may be wrong.
const call = (app: Application, environ: Environ = testEnviron(), startResponse: StartResponse = start): Body =>
  validator(app)(environ, startResponse) as Body;
const iterate = (body: Body) => (body as Iterable<Uint8Array>)[Symbol.iterator]();
const chunks = (...given: unknown[]): Body => new Set(given) as unknown as Body;
const answering =
  (body: unknown, status: unknown = '200 OK', headers: unknown = []): Application =>
  (_, startResponse) => {
    startResponse(status as string, headers as HeaderList);
    return body as Body;
  };
const writing =
  (text: string, body: Body, length: number): Application =>
  (_, startResponse) => {
    startResponse('200 OK', [['Content-Length', String(length)]])(textToBytes(text));
    return body;
  };

describe('what is right passes unchanged', () => {
  it.each<[string, Application]>([
    ['an array', ok],
    [
      'a generator app',
      function* (_, startResponse) {
        yield new Uint8Array(0);
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        yield textToBytes('o');
        yield textToBytes('k');
      },
    ],
    [
      'an async generator app',
      async function* (_, startResponse) {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        yield textToBytes('ok');
      },
    ],
    [
      'write() and a body',
      async (_, startResponse) => {
        await startResponse('200 OK', [['Content-Type', 'text/plain']])(textToBytes('o'));
        return [textToBytes('k')];
      },
    ],
    [
      'excInfo',
      (_, startResponse) => {
        startResponse('404 Not Found', []);
        startResponse('200 OK', [['Content-Type', 'text/plain']], new Error('x'));
        return [textToBytes('ok')];
      },
    ],
    [
      'a file',
      (environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return environ['wsgi.file_wrapper'](new Blob(['ok']));
      },
    ],
  ])('%s', async (_, app) => {
    const [bare, validated] = [await callApp(app), await callApp(validator(app))];
    expect(validated.text()).toBe('ok');
    expect({ ...validated, text: 0 }).toEqual({ ...bare, text: 0 });
  });

  it('wsgi.input and wsgi.errors work as without it', async () => {
    const logged: string[] = [];
    const body = new Response('line 1\nline 2\nrest').body;
    const environ = testEnviron({ 'wsgi.input': createInputStream(streamSource(() => body)) });
    environ['wsgi.errors'] = {
      write: (text) => logged.push(text),
      writelines: (texts) => logged.push(...texts),
      flush: () => logged.push('flush'),
    };
    await callApp(
      validator(async (inner, startResponse) => {
        const input = inner['wsgi.input'];
        const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
        expect(text(await input.read(2))).toBe('li');
        expect(text(await input.readline())).toBe('ne 1\n');
        expect((await input.readlines(1)).map(text)).toEqual(['line 2\n']);
        for await (const line of input) expect(text(line)).toBe('rest');
        inner['wsgi.errors'].write('a');
        inner['wsgi.errors'].writelines(['b', 'c']);
        return ok(inner, startResponse);
      }),
      environ,
    );
    expect(logged).toEqual(['a', 'b', 'c', 'flush']);
  });

  it("inputStream finds the platform's own stream behind it, once", () => {
    const own = new ReadableStream<Uint8Array>();
    const environ = testEnviron({ 'wsgi.input': createInputStream(streamSource(() => own)) });
    call((inner, startResponse) => {
      expect(inputStream(inner)).toBe(own);
      expect(inputStream(inner)).not.toBe(own);
      return ok(inner, startResponse);
    }, environ);
  });

  it('a read that nobody awaits and that fails does not end the process', async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', listen);
    const pull = async () => {
      throw new ClientDisconnected();
    };
    call(
      (inner, startResponse) => {
        inner['wsgi.input'].read();
        return ok(inner, startResponse);
      },
      testEnviron({ 'wsgi.input': createInputStream({ pull, cancel: async () => {} }) }),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });

  it("a cancellation reaches the platform's body", async () => {
    const reasons: unknown[] = [];
    const source = { pull: async () => textToBytes('x'), cancel: async (reason: unknown) => void reasons.push(reason) };
    let stream: ReadableStream<Uint8Array> | undefined;
    call(
      (inner, startResponse) => {
        stream = inputStream(inner);
        return ok(inner, startResponse);
      },
      testEnviron({ 'wsgi.input': createInputStream(source) }),
    );
    await stream?.cancel('enough');
    expect(reasons).toEqual(['enough']);
  });

  it('the request body may be the response', async () => {
    const echo: Application = (inner, startResponse) => {
      startResponse('200 OK', []);
      return inner['wsgi.input'];
    };
    const environ = () =>
      testEnviron({ 'wsgi.input': createInputStream(bytesSource(textToBytes('a\nb'))), CONTENT_LENGTH: '3' });
    expect((await callApp(validator(echo), environ())).text()).toBe('a\nb');
    const file: Application = (inner, startResponse) => {
      startResponse('200 OK', []);
      return inner['wsgi.file_wrapper'](inner['wsgi.input'], 2);
    };
    expect((await callApp(validator(file), environ())).text()).toBe('a\nb');
  });

  it('what the application changes in environ is seen outside', async () => {
    const environ = testEnviron();
    await callApp(
      validator((inner, startResponse) => {
        inner['x.user'] = 'u';
        delete inner.HTTP_HOST;
        return ok(inner, startResponse);
      }),
      environ,
    );
    expect([environ['x.user'], environ.HTTP_HOST]).toEqual(['u', undefined]);
  });

  test.each<[string, string, Application]>([
    ['HEAD', 'HEAD', answering([], '200 OK', [['Content-Length', '4']])],
    ['a 304', 'GET', answering([], '304 Not Modified', [['Content-Length', '4']])],
    ['write() and a body', 'GET', writing('bo', chunks(textToBytes('dy')), 4)],
    ['write() alone', 'GET', writing('body', [], 4)],
    [
      'a file',
      'GET',
      (environ, startResponse) => {
        startResponse('200 OK', [['Content-Length', '2']]);
        return environ['wsgi.file_wrapper'](new Blob(['ok']));
      },
    ],
    [
      'a new head for another body',
      'GET',
      (_, startResponse) => {
        startResponse('200 OK', [['Content-Length', '4']]);
        startResponse('500 Oops', [['Content-Length', '5']], new Error('x'));
        return chunks(textToBytes('sorry'));
      },
    ],
  ])('a Content-Length with %s', async (_, method, app) => {
    await expect(callApp(validator(app), testEnviron({ REQUEST_METHOD: method }))).resolves.not.toMatchObject({
      status: '500 Internal Server Error',
    });
  });

  it('an error of the body goes through', async () => {
    const failing: Application = async function* (_, startResponse) {
      startResponse('200 OK', []);
      yield textToBytes('a');
      throw new ClientDisconnected();
    };
    await expect(callApp(validator(failing))).rejects.toBeInstanceOf(ClientDisconnected);
  });

  it('a body keeps its laziness, return() and close()', async () => {
    const events: string[] = [];
    const body = call(
      answering({
        *[Symbol.iterator]() {
          try {
            events.push('a');
            yield textToBytes('a');
            events.push('b');
            yield textToBytes('b');
          } finally {
            events.push('return');
          }
        },
        close: () => events.push('close'),
      }),
    );
    const iterator = iterate(body);
    expect(events).toEqual([]);
    iterator.next();
    expect(events).toEqual(['a']);
    iterator.return?.();
    await body.close?.();
    expect(events).toEqual(['a', 'return', 'close']);
  });
});

// Each row makes one check fire; the message says who broke the rule.
describe('a breach by the gateway', () => {
  const environ = (overrides: Record<string, unknown>): Environ => {
    const given = testEnviron();
    for (const [key, value] of Object.entries(overrides)) {
      if (value === undefined) delete given[key];
      else given[key] = value;
    }
    return given;
  };
  const input = (overrides: object) => ({
    'wsgi.input': { ...testEnviron()['wsgi.input'], ...overrides },
  });
  class Odd {}

  test.each<[string, unknown, RegExp]>([
    ['a class instance', Object.assign(new Odd(), testEnviron()), /environ must be a plain object, not an Odd/],
    ['no object', null, /environ must be a plain object, not null/],
    ['an inherited environ', Object.create(testEnviron()), /environ must be a plain object/],
    [
      'a hidden key',
      Object.defineProperty(testEnviron(), 'HTTP_X', { value: 'x', writable: true, configurable: true }),
      /environ\["HTTP_X"\] is not enumerable/,
    ],
    ['a frozen one', Object.freeze(testEnviron()), /environ can not be extended/],
    [
      'a key that can not be deleted',
      Object.defineProperty(testEnviron(), 'HTTP_X', { value: 'x', writable: true, enumerable: true }),
      /environ\["HTTP_X"\] can not be changed/,
    ],
    [
      'a getter',
      Object.defineProperty(testEnviron(), 'HTTP_X', { get: () => 'x', configurable: true, enumerable: true }),
      /environ\["HTTP_X"\] can not be changed/,
    ],
    ['a symbol', Object.assign(testEnviron(), { [Symbol('s')]: 1 }), /has the key Symbol\(s\), which is not a string/],
    ['no method', environ({ REQUEST_METHOD: undefined }), /environ\["REQUEST_METHOD"\] is missing or empty/],
    ['no server name', environ({ SERVER_NAME: '' }), /environ\["SERVER_NAME"\] is missing or empty/],
    ['no port', environ({ SERVER_PORT: undefined }), /environ\["SERVER_PORT"\] is missing/],
    ['no protocol', environ({ SERVER_PROTOCOL: undefined }), /environ\["SERVER_PROTOCOL"\] is missing/],
    ['no query', environ({ QUERY_STRING: undefined }), /environ\["QUERY_STRING"\] is missing/],
    ['no path', environ({ PATH_INFO: undefined }), /environ\["PATH_INFO"\] is missing/],
    ['a number', environ({ CONTENT_LENGTH: 5 }), /environ\["CONTENT_LENGTH"\] must be a string, not a number/],
    ['a header with a dot', environ({ 'HTTP_X.A': 5 }), /environ\["HTTP_X\.A"\] must be a string/],
    ['text', environ({ HTTP_X: '€' }), /environ\["HTTP_X"\] has a code unit above U\+00FF/],
    ['HTTP_CONTENT_TYPE', environ({ HTTP_CONTENT_TYPE: 'a/b' }), /HTTP_CONTENT_TYPE instead of CONTENT_TYPE/],
    ['HTTP_CONTENT_LENGTH', environ({ HTTP_CONTENT_LENGTH: '1' }), /HTTP_CONTENT_LENGTH instead of/],
    [
      'chunks undecoded',
      environ({ HTTP_TRANSFER_ENCODING: 'chunked' }),
      /HTTP_TRANSFER_ENCODING.*"Other HTTP Features"/,
    ],
    ['HTTP_PROXY', environ({ HTTP_PROXY: 'http://evil.example' }), /HTTP_PROXY \(httpoxy\)/],
    ['a header in small letters', environ({ HTTP_x: 'x' }), /environ\["HTTP_x"\] is not the name of a header/],
    ['a header with "-"', environ({ 'HTTP_X-A': 'x' }), /environ\["HTTP_X-A"\] is not the name of a header/],
    ['a header with LF', environ({ HTTP_X: 'a\nb' }), /environ\["HTTP_X"\] has CR, LF or NUL in it: "a\\nb"/],
    ['an odd method', environ({ REQUEST_METHOD: 'GE T' }), /REQUEST_METHOD "GE T" is not a token/],
    ['SCRIPT_NAME "/"', environ({ SCRIPT_NAME: '/' }), /SCRIPT_NAME "\/" must be like "\/app" or empty/],
    ['SCRIPT_NAME "app"', environ({ SCRIPT_NAME: 'app' }), /SCRIPT_NAME "app" must be like/],
    ['PATH_INFO "x"', environ({ PATH_INFO: 'x' }), /PATH_INFO "x" must start with "\/"/],
    ['PATH_INFO "*" of GET', environ({ PATH_INFO: '*' }), /PATH_INFO "\*" must start with "\/"/],
    ['no path at all', environ({ PATH_INFO: '' }), /SCRIPT_NAME and PATH_INFO are both empty/],
    ['a "?" in the query', environ({ QUERY_STRING: '?a', REQUEST_URI: '/?a' }), /QUERY_STRING "\?a" starts with/],
    ['a bad length', environ({ CONTENT_LENGTH: '-1' }), /CONTENT_LENGTH "-1" is not a number of bytes/],
    ['a port by name', environ({ SERVER_PORT: 'http' }), /SERVER_PORT "http" is not a port number/],
    ['a port too high', environ({ SERVER_PORT: '65536' }), /SERVER_PORT "65536" is not a port number/],
    ...['a b', 'h:80', '::1', '[::1', 'h/x', 'u@h', 'h?q', 'h#f', '\0'].map((name): [string, unknown, RegExp] => [
      `SERVER_NAME ${JSON.stringify(name)}`,
      environ({ SERVER_NAME: name }),
      /SERVER_NAME ".+" is not a host/,
    ]),
    ...['INCLUDED', 'HTTP/', 'http/1.1', 'HTTP/1.10'].map((protocol): [string, unknown, RegExp] => [
      `SERVER_PROTOCOL ${protocol}`,
      environ({ SERVER_PROTOCOL: protocol }),
      /SERVER_PROTOCOL ".+" is not like "HTTP\/1\.1"/,
    ]),
    ['input_terminated 1', environ({ 'wsgi.input_terminated': 1 }), /wsgi\.input_terminated must be a boolean/],
    ['version (1, 1)', environ({ 'wsgi.version': [1, 1] }), /wsgi\.version must be \[1, 0\], not \[1,1\]/],
    ['no version', environ({ 'wsgi.version': undefined }), /wsgi\.version must be/],
    ['a scheme', environ({ 'wsgi.url_scheme': 'ftp' }), /wsgi\.url_scheme must be "http" or "https", not "ftp"/],
    ['a flag', environ({ 'wsgi.run_once': 0 }), /wsgi\.run_once must be a boolean, not a number/],
    ['no flag', environ({ 'wsgi.multithread': undefined }), /wsgi\.multithread must be a boolean/],
    ['no input', environ({ 'wsgi.input': undefined }), /wsgi\.input has no read\(\)/],
    ['no readline', environ(input({ readline: undefined })), /wsgi\.input has no readline\(\)/],
    ['no flush', environ({ 'wsgi.errors': { write() {}, writelines() {} } }), /wsgi\.errors has no flush\(\)/],
    ['no file wrapper', environ({ 'wsgi.file_wrapper': 5 }), /wsgi\.file_wrapper must be a function/],
    ['no wait_until', environ({ 'wsgi_edge.wait_until': undefined }), /wsgi_edge\.wait_until must be a function/],
    ['no signal', environ({ 'wsgi_edge.signal': undefined }), /wsgi_edge\.signal must be an AbortSignal/],
  ])('environ: %s', (_, given, why) => {
    expect(() => call(ok, given as Environ)).toThrow(why);
    expect(() => call(ok, given as Environ)).toThrow(/^gateway: .*\(PEP 3333, ".*"\)$/s);
  });

  test.each<Partial<Environ>>([
    { PATH_INFO: '/x' },
    { PATH_INFO: '', SCRIPT_NAME: '/x' },
    { PATH_INFO: '*', REQUEST_METHOD: 'OPTIONS' },
    { SERVER_NAME: '[::1]' },
    { SERVER_NAME: 'caf\u00c3\u00a9.a_b-c~' },
    { SERVER_PORT: '65535' },
    { SERVER_PROTOCOL: 'HTTP/2' },
    { REQUEST_METHOD: 'M-SEARCH' },
    { 'HTTP_X.A!': '' },
    { HTTP_HOST: 'odd/host' },
    { CONTENT_TYPE: '' },
  ])('environ: %j is right', (given) => {
    expect(() => call(ok, testEnviron(given))).not.toThrow();
  });

  it('environ: a query may start with a "?" of its own', () => {
    expect(() => call(ok, testEnviron({ QUERY_STRING: '?a', REQUEST_URI: '/??a' }))).not.toThrow();
  });

  it('arguments', () => {
    const app = validator(ok) as (...args: unknown[]) => unknown;
    expect(() => app(testEnviron())).toThrow(/^gateway: called the application with 1 arguments/);
    expect(() => app(testEnviron(), start, 1)).toThrow(/^gateway: called the application with 3 arguments/);
    expect(() => app(testEnviron(), 5)).toThrow(/^gateway: startResponse must be a function, not a number/);
  });

  test.each<[string, object, (input: InputStream) => unknown, RegExp]>([
    [
      'read() without a promise',
      { read: () => new Uint8Array(0) },
      (i) => i.read(),
      /read\(\) gave a Uint8Array, not a promise/,
    ],
    [
      'readline() without a promise',
      { readline: () => null },
      (i) => i.readline(),
      /readline\(\) gave null, not a promise/,
    ],
    [
      'readlines() without a promise',
      { readlines: () => [] },
      (i) => i.readlines(),
      /readlines\(\) gave an Array, not a promise/,
    ],
    ['read() of text', { read: async () => 'x' }, (i) => i.read(), /read\(\) gave a string, not a Uint8Array/],
    ['read() of too much', { read: async () => new Uint8Array(3) }, (i) => i.read(2), /read\(2\) gave 3 bytes/],
    [
      'readline() of too much',
      { readline: async () => new Uint8Array(3) },
      (i) => i.readline(1),
      /readline\(1\) gave 3 bytes/,
    ],
    ['readlines() of no array', { readlines: async () => 5 }, (i) => i.readlines(), /readlines\(\) gave a number/],
    [
      'bytes after the end',
      { read: async (size: number) => new Uint8Array(size === 1 ? 0 : 2) },
      async (i) => {
        await i.read(1);
        return i.read(2);
      },
      /read\(\) gave bytes after the end of input/,
    ],
    [
      'more than CONTENT_LENGTH',
      { read: async () => new Uint8Array(3) },
      async (i) => {
        await i.read();
        return i.read();
      },
      /gave 6 bytes of a CONTENT_LENGTH of 5/,
    ],
    [
      'two lines',
      { readline: async () => textToBytes('a\nb') },
      (i) => i.readline(),
      /readline\(\) gave more than one/,
    ],
    [
      'two lines in one',
      { readlines: async () => [textToBytes('a\nb\n')] },
      (i) => i.readlines(),
      /readlines\(\) gave more/,
    ],
    ['lines of text', { readlines: async () => ['x'] }, (i) => i.readlines(), /readlines\(\) gave a string/],
    [
      'iteration over text',
      {
        async *[Symbol.asyncIterator]() {
          yield 'x';
        },
      },
      async (i) => {
        for await (const _ of i);
      },
      /iteration\(\) gave a string/,
    ],
  ])('wsgi.input: %s', async (_, overrides, use, why) => {
    let wrapped: InputStream | undefined;
    call(
      (inner, startResponse) => {
        wrapped = inner['wsgi.input'];
        return ok(inner, startResponse);
      },
      environ({ ...input(overrides), CONTENT_LENGTH: '5' }),
    );
    await expect((async () => use(wrapped as InputStream))()).rejects.toThrow(why);
  });

  test.each<[string, unknown, object, RegExp]>([
    ['no body', () => 5, {}, /wsgi\.file_wrapper returned a number, which is not a body/],
    ['nothing', () => undefined, {}, /returned undefined, which is not a body/],
    [
      'no close()',
      () => [],
      { read: () => null, close() {} },
      /returned a body without close\(\) for a file that has one/,
    ],
  ])('wsgi.file_wrapper: %s', (_, wrap, source, why) => {
    const app: Application = (inner) => inner['wsgi.file_wrapper'](source as never);
    expect(() => call(app, environ({ 'wsgi.file_wrapper': wrap }))).toThrow(why);
    expect(() => call(app, environ({ 'wsgi.file_wrapper': wrap }))).toThrow(/^gateway: .*\(PEP 3333, "Optional/);
  });

  it('startResponse and write', async () => {
    expect(() => call(ok, testEnviron(), (() => undefined) as never)).toThrow(
      /^gateway: startResponse returned undefined, not write\(\)/,
    );
    const app: Application = (_, startResponse) => {
      startResponse('200 OK', [])(new Uint8Array(1));
      return [];
    };
    expect(() => call(app, testEnviron(), () => (() => undefined) as never)).toThrow(
      /^gateway: write\(\) returned undefined, not a promise/,
    );
  });

  it('the body', async () => {
    const twice = call(answering(chunks(textToBytes('a'))));
    iterate(twice);
    expect(() => iterate(twice)).toThrow(/^gateway: iterated over the body a second time/);
    const closed = call(answering(chunks()));
    closed.close?.();
    expect(() => iterate(closed)).toThrow(/^gateway: iterated over the body after close\(\)/);
    expect(() => closed.close?.()).toThrow(/^gateway: called close\(\) a second time/);
    const ended = iterate(call(answering(chunks())));
    ended.next();
    expect(() => ended.next()).toThrow(/^gateway: asked for a chunk after the end of the body/);
    const pending = call(answering((async function* () {})())) as AsyncIterable<Uint8Array>;
    const iterator = pending[Symbol.asyncIterator]();
    const first = iterator.next();
    await expect(iterator.next()).rejects.toThrow(/^gateway: asked for a chunk while the last one was still awaited/);
    await first;
    const late = call(answering(chunks(textToBytes('a'))));
    const steps = iterate(late);
    late.close?.();
    expect(() => steps.next()).toThrow(/^gateway: asked for a chunk after close\(\)/);
    const file = call((given, startResponse) => {
      startResponse('200 OK', []);
      return given['wsgi.file_wrapper'](new Blob(['x']));
    });
    await file.close?.();
    await expect((async () => file.close?.())()).rejects.toThrow(/^gateway: called close\(\) a second time/);
  });
});

describe('a breach in the ending of the body', () => {
  // The application's own close() runs all the same.
  const begun = (close: () => void | Promise<void>) => {
    const body = call(
      answering({
        *[Symbol.iterator]() {
          yield textToBytes('a');
          yield textToBytes('b');
        },
        close,
      }),
    );
    return { body, iterator: iterate(body) };
  };

  it('close() in the middle, without return()', async () => {
    let closed = 0;
    const { body, iterator } = begun(() => void closed++);
    iterator.next();
    expect(() => body.close?.()).toThrow(/^gateway: called close\(\) in the middle of the iteration, without return/);
    const late = begun(async () => void closed++);
    late.iterator.next();
    await expect(late.body.close?.()).rejects.toThrow(/without return\(\)/);
    expect(closed).toBe(2);
  });

  it('a chunk after return()', async () => {
    const { iterator } = begun(() => {});
    iterator.return?.();
    expect(() => iterator.next()).toThrow(/^gateway: asked for a chunk after the end of the body/);
    const body = call(answering((async function* () {})())) as AsyncIterable<Uint8Array>;
    const asynchronous = body[Symbol.asyncIterator]();
    await asynchronous.return?.();
    await expect(asynchronous.next()).rejects.toThrow(/^gateway: asked for a chunk after the end of the body/);
  });

  it('return() while a chunk is awaited, and close() after both, is right', async () => {
    const body = call(
      answering(
        (async function* () {
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield textToBytes('a');
        })(),
      ),
    ) as AsyncIterable<Uint8Array> & Body;
    const iterator = body[Symbol.asyncIterator]();
    const pending = iterator.next();
    await iterator.return?.();
    await pending;
    expect(() => body.close?.()).not.toThrow();
  });

  it('close() after a next() that threw where it should have rejected is right', async () => {
    const body = call(
      answering({
        [Symbol.asyncIterator]: () => ({
          next() {
            throw new Error('x');
          },
          return: async () => ({ done: true, value: undefined }),
        }),
      }),
    ) as AsyncIterable<Uint8Array> & Body;
    await expect(body[Symbol.asyncIterator]().next()).rejects.toThrow('x');
    expect(() => body.close?.()).not.toThrow();
  });

  it('close() after the end, after return(), after an error and of an iterator without return() is right', () => {
    const endings: Array<(iterator: Iterator<Uint8Array>) => void> = [
      (iterator) => [iterator.next(), iterator.next(), iterator.next()],
      (iterator) => iterator.return?.(),
    ];
    for (const end of endings) {
      const { body, iterator } = begun(() => {});
      end(iterator);
      expect(() => body.close?.()).not.toThrow();
    }
    const failing = call(
      answering(
        (function* () {
          yield textToBytes('a');
          throw new Error('x');
        })(),
      ),
    );
    const iterator = iterate(failing);
    iterator.next();
    expect(() => iterator.next()).toThrow('x');
    expect(() => failing.close?.()).not.toThrow();
    const plain = call(
      answering({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: textToBytes('a') }) }) }),
    );
    iterate(plain).next();
    expect(() => plain.close?.()).not.toThrow();
    // A `for` loop does not call return() when next() has thrown, so neither when it was the validator that threw.
    const wrong = call(answering(chunks('x')));
    expect(() => iterate(wrong).next()).toThrow();
    expect(() => wrong.close?.()).not.toThrow();
  });

  it('no close() at all is logged, as nobody is left to catch an error', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const lines: string[] = [];
    const environ = () =>
      testEnviron({ 'wsgi.errors': { write: (text) => void lines.push(text), writelines() {}, flush() {} } });
    (() => {
      call(answering(chunks()), environ());
      call(answering([]), environ()).close?.();
    })();
    for (let i = 0; i < 100 && lines.length === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      collect();
    }
    expect(lines).toEqual([
      'gateway or middleware: dropped a body without a call of its close() (PEP 3333, "Specification Details")\n',
    ]);
  });
});

describe('a breach by the application', () => {
  test.each<[string, Application, RegExp]>([
    ['no status', answering([], null), /status must be a string/],
    ['a bare number', answering([], '200'), /is not three digits, a space and a reason/],
    ['CR LF in the status', answering([], '200 OK\r\nX: y'), /contains CR/],
    ['two spaces in the status', answering([], '200  OK'), /status "200 {2}OK" has a space too many/],
    ['a space behind the status', answering([], '200 OK '), /status "200 OK " has a space too many/],
    ['100', answering([], '100 Continue'), /status "100 Continue" is informational or below/],
    ['101', answering([], '101 Switching Protocols'), /is informational or below/],
    ['a Map of headers', answering([], '200 OK', new Map()), /headers must be an array .* not a Map/],
    ['a header value', answering([], '200 OK', [['X', 5]]), /header value for "X" must be a string/],
    [
      'a hop-by-hop header',
      answering([], '200 OK', [['Connection', 'close']]),
      /"Connection" is hop-by-hop .*"Other HTTP Features"/,
    ],
    ['a Status header', answering([], '200 OK', [['Status', '404']]), /has a header named "Status"/],
    ...['X-', 'X_', 'X.'].map((name): [string, Application, RegExp] => [
      `a header ${name}`,
      answering([], '200 OK', [[name, 'x']]),
      /header name "X." ends in punctuation/,
    ]),
    [
      'a longer list',
      answering([textToBytes('bo'), textToBytes('dy')], '200 OK', [['Content-Length', '3']]),
      /gave 4 bytes where its Content-Length is 3 \(PEP 3333, "Handling the Content-Length Header"\)/,
    ],
    ['a longer write()', writing('body', [], 3), /gave 4 bytes where its Content-Length is 3/],
    [
      'a shorter list',
      answering([textToBytes('body')], '200 OK', [['Content-Length', '5']]),
      /ended after 4 of the 5 bytes of its Content-Length/,
    ],
    ['a shorter write()', writing('body', [], 5), /ended after 4 of the 5 bytes/],
    [
      'a file without startResponse',
      (environ) => environ['wsgi.file_wrapper'](new Blob(['x'])),
      /ended its body without a call of startResponse/,
    ],
    [
      'a file of nothing',
      (environ) => (environ['wsgi.file_wrapper'] as () => Body)(),
      /called wsgi\.file_wrapper with 0 arguments/,
    ],
    [
      'a file of three',
      (environ) => (environ['wsgi.file_wrapper'] as (...args: unknown[]) => Body)(new Blob(['x']), 1, 2),
      /called wsgi\.file_wrapper with 3 arguments/,
    ],
    [
      'a type without a body',
      answering([], '304 Not Modified', [['Content-Type', 'a/b']]),
      /gave a Content-Type to status 304/,
    ],
    [
      'a length without a body',
      answering([], '204 No Content', [['Content-Length', '0']]),
      /gave a Content-Length to status 204/,
    ],
    [
      'one argument',
      (_, s) => {
        (s as (...args: unknown[]) => void)('200 OK');
        return [];
      },
      /called startResponse with 1 arguments/,
    ],
    [
      'four arguments',
      (_, s) => {
        (s as (...args: unknown[]) => void)('200 OK', [], null, 1);
        return [];
      },
      /called startResponse with 4 arguments/,
    ],
    [
      'a second call',
      (_, s) => {
        s('200 OK', []);
        s('200 OK', []);
        return [];
      },
      /called startResponse a second time without excInfo/,
    ],
    [
      'write() of text',
      (_, s) => {
        s('200 OK', [])('x' as never);
        return [];
      },
      /the argument of write\(\) must be a Uint8Array, not a string/,
    ],
    [
      'write() of two',
      (_, s) => {
        (s('200 OK', []) as (...args: unknown[]) => void)(new Uint8Array(1), 2);
        return [];
      },
      /called write\(\) with 2 arguments/,
    ],
    ['no body', answering(undefined), /must return an iterable of Uint8Array, not undefined/],
    ['a string', answering('text'), /not a string; return \[new TextEncoder\(\)\.encode\(text\)\]/],
    ['bytes', answering(new Uint8Array(3)), /put it into an array: \[bytes\]/],
    ['a close that is none', answering(Object.assign([], { close: 5 })), /close must be a function, not a number/],
    ['a string in an array', answering(['x']), /a chunk of the body must be a Uint8Array, not a string/],
    ['no startResponse', () => [], /ended its body without a call of startResponse/],
    ['a chunk too early', () => [textToBytes('x')], /gave a chunk before it called startResponse/],
  ])('%s', (_, app, why) => {
    expect(() => call(app)).toThrow(why);
    expect(() => call(app)).toThrow(/^application: .*\(PEP 3333, ".*"\)$/s);
  });

  it('101 is right where the gateway can upgrade, without a type and a length', () => {
    const upgrade = (headers: HeaderList) => () =>
      call(answering([], '101 Switching Protocols', headers), testEnviron({ 'workers.upgrade': () => {} }));
    expect(upgrade([])).not.toThrow();
    expect(upgrade([['Content-Type', 'a/b']])).toThrow(/gave a Content-Type to status 101/);
    expect(upgrade([['Content-Length', '0']])).toThrow(/gave a Content-Length to status 101/);
  });

  it('an empty reason is right', () => {
    expect(() => call(answering([], '200 '))).not.toThrow();
  });

  it('a body that is refused is closed', async () => {
    let closed = 0;
    expect(() => call(answering(Object.assign(['x'], { close: () => void closed++ })))).toThrow(/must be a Uint8Array/);
    expect(closed).toBe(1);
    const lines: string[] = [];
    const environ = testEnviron({
      'wsgi.errors': { write: (text) => void lines.push(text), writelines() {}, flush() {} },
    });
    const close = () => {
      throw new Error('not now');
    };
    expect(() => call(answering(Object.assign(['x'], { close })), environ)).toThrow(/must be a Uint8Array/);
    expect(lines).toEqual(['application: close() failed: Error: not now\n']);
  });

  const rethrown = new Error('x');
  const late: StartResponse = (_status, _headers, excInfo) => {
    if (excInfo !== undefined) throw excInfo;
    return write;
  };
  const trap = (startResponse: StartResponse) => {
    const given = startResponse('200 OK', []);
    expect(() => startResponse('500 Oops', [], rethrown)).toThrow(rethrown);
    return given;
  };
  test.each<[string, (startResponse: StartResponse) => Body, (body: Body) => unknown]>([
    ['to a list', (s) => [trap(s) && textToBytes('a')], () => {}],
    ['to an empty list', (s) => (trap(s) ? [] : []), () => {}],
    ['to a chunk', (s) => chunks(trap(s) && textToBytes('a')), (body) => iterate(body).next()],
    ['to the end', (s) => (trap(s) ? chunks() : []), (body) => iterate(body).next()],
    [
      'to write()',
      (s) => {
        trap(s)(new Uint8Array(1));
        return chunks();
      },
      () => {},
    ],
  ])('the error that startResponse throws is trapped: on %s', (_, app, use) => {
    expect(() => use(call((_environ, startResponse) => app(startResponse), testEnviron(), late))).toThrow(
      /^application: went on after startResponse with excInfo had thrown/,
    );
  });

  it('an error that startResponse throws without excInfo may be trapped', () => {
    const refusing: StartResponse = (status) => {
      if (status.startsWith('6')) throw new Error('not here');
      return write;
    };
    const app: Application = (_, startResponse) => {
      expect(() => startResponse('600 Own', [])).toThrow('not here');
      startResponse('500 Oops', [], new Error('x'));
      return [];
    };
    expect(() => call(app, testEnviron(), refusing)).not.toThrow();
    const silent: Application = (_, startResponse) => {
      expect(() => startResponse('600 Own', [])).toThrow('not here');
      return [];
    };
    expect(() => call(silent, testEnviron(), refusing)).toThrow(/ended its body without a call of startResponse/);
  });

  test.each<[string, Body, RegExp]>([
    ['text', chunks('x'), /a chunk of the body must be a Uint8Array, not a string/],
    ['a promise', chunks(Promise.resolve()), /not a Promise; await it, or make the body an async generator/],
    [
      'a step that is none',
      { [Symbol.iterator]: () => ({ next: () => 5 }) } as never,
      /a step of its body is a number/,
    ],
    ['no iterator', { [Symbol.iterator]: () => ({}) } as never, /the iterator of its body, an Object, has no next\(\)/],
    ['nothing for an iterator', { [Symbol.iterator]: () => null } as never, /of its body, null, has no next\(\)/],
  ])('in the iteration: %s', (_, body, why) => {
    expect(() => iterate(call(answering(body))).next()).toThrow(why);
  });

  it('in the iteration: more or less than the Content-Length', () => {
    const body = (length: string) =>
      iterate(call(answering(chunks(textToBytes('bo'), textToBytes('dy')), '200 OK', [['Content-Length', length]])));
    const longer = body('3');
    longer.next();
    expect(() => longer.next()).toThrow(/gave 4 bytes where its Content-Length is 3/);
    const shorter = body('5');
    shorter.next();
    shorter.next();
    expect(() => shorter.next()).toThrow(/ended after 4 of the 5 bytes of its Content-Length/);
  });

  it('in the iteration: startResponse too late or never', () => {
    expect(() => iterate(call(() => chunks(textToBytes('x')))).next()).toThrow(/gave a chunk before/);
    expect(() => iterate(call(() => chunks())).next()).toThrow(/ended its body without/);
  });

  it('write() in the iteration, and after the end', () => {
    let late: ((data: Uint8Array) => unknown) | undefined;
    const app: Application = function* (_, startResponse) {
      late = startResponse('200 OK', []);
      late(new Uint8Array(1));
      yield new Uint8Array(1);
    };
    const body = call(app);
    expect(() => iterate(body).next()).toThrow(/called write\(\) from within the iteration of its body/);
    body.close?.();
    expect(() => late?.(new Uint8Array(1))).toThrow(/called write\(\) after the end of its response/);
    const ended = iterate(
      call((_, startResponse) => {
        late = startResponse('200 OK', []);
        return chunks();
      }),
    );
    ended.next();
    expect(() => late?.(new Uint8Array(1))).toThrow(/called write\(\) after the end of its response/);
  });

  test.each<[string, (input: InputStream) => unknown, RegExp]>([
    ['a size that is none', (i) => i.read('3' as never), /gave wsgi\.input\.read\(\) "3" for a size in whole bytes/],
    ['half a byte', (i) => i.readline(1.5), /gave wsgi\.input\.readline\(\) 1\.5/],
    ['a hint that is none', (i) => i.readlines({} as never), /gave wsgi\.input\.readlines\(\)/],
    ['two sizes', (i) => (i.read as (...args: unknown[]) => unknown)(1, 2), /gave wsgi\.input\.read\(\) 2 arguments/],
  ])('wsgi.input: %s', (_, use, why) => {
    expect(() =>
      call((inner, startResponse) => {
        use(inner['wsgi.input']);
        return ok(inner, startResponse);
      }),
    ).toThrow(why);
  });

  it('wsgi.errors: bytes', () => {
    const log = (use: (errors: Environ['wsgi.errors']) => void) => () =>
      call((inner, startResponse) => {
        use(inner['wsgi.errors']);
        return ok(inner, startResponse);
      });
    expect(log((errors) => errors.write(new Uint8Array(1) as never))).toThrow(/wrote a Uint8Array to wsgi\.errors/);
    expect(log((errors) => errors.writelines([5 as never]))).toThrow(/wrote a number to wsgi\.errors/);
    type Loose = Record<string, (...args: unknown[]) => void>;
    const loose = (method: string, ...args: unknown[]) =>
      log((errors) => (errors as unknown as Loose)[method]?.(...args));
    expect(loose('write', 'a', 'b')).toThrow(/gave wsgi\.errors\.write\(\) 2 arguments, not 1/);
    expect(loose('writelines')).toThrow(/gave wsgi\.errors\.writelines\(\) 0 arguments, not 1/);
    expect(loose('writelines', 5)).toThrow(/gave wsgi\.errors\.writelines\(\) a number, not an iterable/);
    expect(loose('flush', 1)).toThrow(/gave wsgi\.errors\.flush\(\) 1 arguments, not 0/);
  });

  it('wsgi.input and wsgi.errors: what the gateway has beside the methods', () => {
    const extra = { close() {}, cancel() {} };
    const given = testEnviron();
    Object.assign(given['wsgi.input'], extra);
    Object.assign(given['wsgi.errors'], extra);
    call((inner, startResponse) => {
      for (const name of ['wsgi.input', 'wsgi.errors'] as const) {
        const stream = inner[name] as unknown as typeof extra;
        expect(() => stream.close()).toThrow(
          `application: must not close ${name} (PEP 3333, "Input and Error Streams")`,
        );
        expect(() => stream.cancel()).toThrow(`application: must not use ${name}.cancel`);
        expect((stream as { fd?: number }).fd).toBeUndefined();
      }
      return ok(inner, startResponse);
    }, given);
  });

  it('no function at all', () => {
    expect(() => validator('app' as never)).toThrow(/validator: the application must be a function/);
  });
});
