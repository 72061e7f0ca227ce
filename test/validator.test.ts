import { describe, expect, it, test } from 'vitest';
import { ClientDisconnected } from '../src/errors.js';
import { createInputStream, inputStream, streamSource } from '../src/input-stream.js';
import { textToBytes } from '../src/native-string.js';
import { callApp, testEnviron } from '../src/testing.js';
import type { Application, Body, Environ, HeaderList, InputStream, StartResponse } from '../src/types.js';
import { validator } from '../src/validator.js';

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
      Object.defineProperty(testEnviron(), 'HTTP_X', { value: 'x' }),
      /environ\["HTTP_X"\] is not enumerable/,
    ],
    ['no method', environ({ REQUEST_METHOD: undefined }), /environ\["REQUEST_METHOD"\] is missing or empty/],
    ['no server name', environ({ SERVER_NAME: '' }), /environ\["SERVER_NAME"\] is missing or empty/],
    ['no port', environ({ SERVER_PORT: undefined }), /environ\["SERVER_PORT"\] is missing/],
    ['no protocol', environ({ SERVER_PROTOCOL: undefined }), /environ\["SERVER_PROTOCOL"\] is missing/],
    ['no query', environ({ QUERY_STRING: undefined }), /environ\["QUERY_STRING"\] is missing/],
    ['no path', environ({ PATH_INFO: undefined }), /environ\["PATH_INFO"\] is missing/],
    ['a number', environ({ CONTENT_LENGTH: 5 }), /environ\["CONTENT_LENGTH"\] must be a string, not a number/],
    ['a header with a dot', environ({ 'HTTP_X.A': 5 }), /environ\["HTTP_X\.A"\] must be a string/],
    ['text', environ({ HTTP_X: '€' }), /environ\["HTTP_X"\] has a code unit above U\+00FF/],
    ['HTTP_CONTENT_TYPE', environ({ HTTP_CONTENT_TYPE: 'a/b' }), /HTTP_CONTENT_TYPE where CONTENT_TYPE is meant/],
    ['HTTP_CONTENT_LENGTH', environ({ HTTP_CONTENT_LENGTH: '1' }), /HTTP_CONTENT_LENGTH where/],
    ['an odd method', environ({ REQUEST_METHOD: 'GE T' }), /REQUEST_METHOD "GE T" is not a token/],
    ['SCRIPT_NAME "/"', environ({ SCRIPT_NAME: '/' }), /SCRIPT_NAME "\/" must be like "\/app" or empty/],
    ['SCRIPT_NAME "app"', environ({ SCRIPT_NAME: 'app' }), /SCRIPT_NAME "app" must be like/],
    ['SCRIPT_NAME "/app/"', environ({ SCRIPT_NAME: '/app/' }), /SCRIPT_NAME "\/app\/" must be like/],
    ['PATH_INFO "x"', environ({ PATH_INFO: 'x' }), /PATH_INFO "x" must start with "\/"/],
    ['no path at all', environ({ PATH_INFO: '' }), /SCRIPT_NAME and PATH_INFO are both empty/],
    ['a "?" in the query', environ({ QUERY_STRING: '?a', REQUEST_URI: '/?a' }), /QUERY_STRING "\?a" starts with/],
    ['a bad length', environ({ CONTENT_LENGTH: '-1' }), /CONTENT_LENGTH "-1" is not a number of bytes/],
    ['a bad port', environ({ SERVER_PORT: 'http' }), /SERVER_PORT "http" is not a number/],
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

  it.each(['/', '*', '/x'])('environ: PATH_INFO %j is right', (path) => {
    expect(() => call(ok, testEnviron({ PATH_INFO: path }))).not.toThrow();
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
      environ(input(overrides)),
    );
    await expect((async () => use(wrapped as InputStream))()).rejects.toThrow(why);
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
    const file = call((given, startResponse) => {
      startResponse('200 OK', []);
      return given['wsgi.file_wrapper'](new Blob(['x']));
    });
    await file.close?.();
    await expect((async () => file.close?.())()).rejects.toThrow(/^gateway: called close\(\) a second time/);
  });
});

describe('a breach by the application', () => {
  test.each<[string, Application, RegExp]>([
    ['no status', answering([], null), /status must be a string/],
    ['a bare number', answering([], '200'), /is not three digits, a space and a reason/],
    ['CR LF in the status', answering([], '200 OK\r\nX: y'), /contains CR/],
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
      /what write\(\) is given must be a Uint8Array, not a string/,
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

  it('101 is right where the gateway can upgrade', () => {
    const environ = testEnviron({ 'workers.upgrade': () => {} });
    expect(() => call(answering([], '101 Switching Protocols'), environ)).not.toThrow();
  });

  test.each<[string, Body, RegExp]>([
    ['text', chunks('x'), /a chunk of the body must be a Uint8Array, not a string/],
    ['a promise', chunks(Promise.resolve()), /not a Promise; await it, or make the body an async generator/],
    [
      'a step that is none',
      { [Symbol.iterator]: () => ({ next: () => 5 }) } as never,
      /a step of its body is a number/,
    ],
  ])('in the iteration: %s', (_, body, why) => {
    expect(() => iterate(call(answering(body))).next()).toThrow(why);
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
  });

  it('no function at all', () => {
    expect(() => validator('app' as never)).toThrow(/validator: the application must be a function/);
  });
});
