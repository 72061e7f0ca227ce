// CPython's own wsgiref.validate.validator around applications of TypeScript and of Python.
import { beforeAll, describe, expect, it } from 'vitest';
import { app as showcase } from '../../examples/showcase/app.js';
import type { PythonAssets } from '../../python/index.js';
import { fromPython, pythonMiddleware } from '../../python/index.js';
import { bytesSource, createInputStream } from '../../src/input-stream.js';
import type { Application, Environ, Middleware } from '../../src/types.js';
import { validator } from '../../src/validator/index.js';
import { callApp, testEnviron } from '../../testing/index.js';
import { bytes } from '../conformance/case.js';
import { loadAssets } from './assets.ts';

let assets: PythonAssets;
let wsgiref: Middleware;
beforeAll(async () => {
  assets = await loadAssets();
  wsgiref = pythonMiddleware(assets, 'wsgiref.validate:validator');
});

/** Returns the response and the log. */
async function call(app: Application, overrides: Partial<Environ> = {}, body?: string) {
  const log: string[] = [];
  const environ = testEnviron({
    ...overrides,
    'wsgi.errors': {
      write: (text) => void log.push(text),
      writelines: (texts) => void log.push(...texts),
      flush: () => {},
    },
  });
  if (body !== undefined) {
    environ.CONTENT_LENGTH = String(body.length);
    environ['wsgi.input'] = createInputStream(bytesSource(bytes(body)));
  }
  const response = await callApp(app, environ);
  return { status: response.status, headers: response.headers, text: response.text(), log: log.join('') };
}

describe('wsgiref.validate around applications of TypeScript', () => {
  it('finds nothing in the showcase', async () => {
    const app = wsgiref(showcase);
    for (const path of ['/', '/nothing', '/cookies', '/hono/'])
      expect(await call(app, { PATH_INFO: path }), path).toMatchObject({ log: '' });
    expect(await call(app, { PATH_INFO: '/' })).toMatchObject({ status: '200 OK' });
  });

  it('passes body, headers and input on', async () => {
    const echo: Application = async (environ, startResponse) => {
      const line = await environ['wsgi.input'].readline();
      const rest = await environ['wsgi.input'].read();
      startResponse('201 Made', [
        ['Content-Type', 'text/plain'],
        ['X-Query', environ.QUERY_STRING],
      ]);
      return [line, rest];
    };
    const response = await call(wsgiref(echo), { REQUEST_METHOD: 'POST', QUERY_STRING: 'a=1' }, 'one\ntwo\nthree');
    expect(response).toMatchObject({ status: '201 Made', text: 'one\ntwo\nthree', log: '' });
    expect(response.headers).toContainEqual(['X-Query', 'a=1']);
  });

  it('takes generators, write() and close()', async () => {
    const events: string[] = [];
    const app: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
      await write(bytes('written '));
      return {
        async *[Symbol.asyncIterator]() {
          yield bytes('and ');
          yield bytes('yielded');
        },
        close: () => void events.push('close'),
      };
    };
    expect(await call(wsgiref(app))).toMatchObject({ status: '200 OK', text: 'written and yielded', log: '' });
    expect(events).toEqual(['close']);
  });

  it('keeps the order of write() where nobody waits for it', async () => {
    const app: Application = function* (_environ, startResponse) {
      const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
      write(bytes('1'));
      write(bytes('2'));
      yield bytes('3');
      write(bytes('4'));
      yield bytes('5');
    };
    expect(await call(wsgiref(app))).toMatchObject({ text: '12345', log: '' });
  });

  it('gets no second header out of a NUL', async () => {
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', [
        ['Content-Type', 'text/plain'],
        ['X-A', 'a\0X-Injected\0b'],
      ]);
      return [];
    };
    const response = await call(wsgiref(app));
    expect(response.status).toBe('500 Internal Server Error');
    expect(response.log).toContain('NUL');
  });

  it('refuses what breaks the rules', async () => {
    const typeless: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return [bytes('x')];
    };
    expect(await call(wsgiref(typeless))).toMatchObject({
      status: '500 Internal Server Error',
      log: expect.stringContaining('No Content-Type header found in headers'),
    });
  });

  it('lets an error of the application through', async () => {
    const boom: Application = () => {
      throw new Error('boom of TypeScript');
    };
    const response = await call(wsgiref(boom));
    expect(response.status).toBe('500 Internal Server Error');
    expect(response.log).toContain('boom of TypeScript');
  });

  it('gives excInfo on, and back when it is too late', async () => {
    const early: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      startResponse('500 Oops', [['Content-Type', 'text/plain']], new Error('first'));
      return [bytes('oops')];
    };
    expect(await call(wsgiref(early))).toMatchObject({ status: '500 Oops', text: 'oops', log: '' });
    let caught: unknown;
    const late = new Error('late');
    const app: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      yield bytes('part');
      try {
        startResponse('500 Oops', [['Content-Type', 'text/plain']], late);
      } catch (error) {
        caught = error;
      }
    };
    await call(app);
    expect(caught).toBe(late);
    caught = undefined;
    await call(wsgiref(app));
    expect(caught).toBe(late);
  });
});

describe('wsgiref.validate around applications of Python', () => {
  it.each(['hello', 'echo', 'lines'])('finds nothing in %s nor in the gateway', async (name) => {
    const app = validator(wsgiref(validator(fromPython(assets, { application: `basic:${name}` }))));
    expect(await call(app, { REQUEST_METHOD: 'POST' }, 'abc')).toMatchObject({ status: '200 OK', log: '' });
  });
});
