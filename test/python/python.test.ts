import { pbkdf2Sync, scryptSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  fromPython,
  type PythonAssets,
  PythonError,
  type PythonOptions,
  pythonMiddleware,
} from '../../python/index.js';
import type { AssetFile, SnapshotManifest } from '../../python/interpreter/assets.js';
import { ClientDisconnected, describe as describeError } from '../../src/errors.js';
import { createInputStream } from '../../src/input-stream.js';
import type { Application, Environ } from '../../src/types.js';
import { callApp, testEnviron } from '../../testing/index.js';
import { bytes, sleep } from '../conformance/case.js';
import { ASSETS, loadAssets } from './assets.ts';

let assets: PythonAssets; // with JSPI
let synchronous: PythonAssets;
beforeAll(async () => {
  [assets, synchronous] = await Promise.all([loadAssets(), loadAssets()]);
});

const supervised = (name: string, options: PythonOptions = {}) =>
  fromPython(assets, { application: `supervised:${name}`, ...options });

function environOf(overrides: Partial<Environ> = {}, log: string[] = []): Environ {
  return testEnviron({
    'wsgi.errors': {
      write: (text) => void log.push(text),
      writelines: (texts) => void log.push(...texts),
      flush: () => {},
    },
    'test.sleep': async (ms: number) => {
      await sleep(ms);
      return ms;
    },
    ...overrides,
  });
}

const chunked = (chunks: Iterable<Uint8Array>, length?: number): Partial<Environ> => {
  const source = chunks[Symbol.iterator]();
  return {
    ...(length === undefined ? {} : { CONTENT_LENGTH: String(length) }),
    'wsgi.input': createInputStream({ pull: async () => source.next().value ?? null, cancel: async () => {} }, length),
  };
};

const text = async (app: Application, overrides: Partial<Environ> = {}) =>
  (await callApp(app, environOf(overrides))).text();

describe('environ', () => {
  it('has strings as they are, NUL included, and JavaScript values', async () => {
    const notes: string[] = [];
    const overrides = {
      PATH_INFO: '/a\0HTTP_X_NUL\0b\xff',
      'test.value': { name: 'a value', list: [1, 2] },
      'test.number': 41,
      'test.note': (note: string) => void notes.push(note),
    };
    expect(await text(supervised('values'), overrides)).toBe('a value [1, 2] 42 False');
    expect(notes).toEqual(['/a\0HTTP_X_NUL\0b\xff']);
  });

  it.each([
    ['bytes', '/\xe4\xff'],
    ['characters', '/€\u{1f600}'],
    ['half of a character', '/\ud800'],
    ['more than the buffer', `/${'a'.repeat(20_000)}`],
    ['more than the buffer when encoded', `/${'\xe4'.repeat(12_000)}`],
  ])('has strings as they are: %s', async (_what, PATH_INFO) => {
    const notes: string[] = [];
    await text(supervised('values'), {
      PATH_INFO,
      'test.value': { name: '', list: [] },
      'test.number': 0,
      'test.note': (note: string) => void notes.push(note),
    });
    expect(notes).toEqual([PATH_INFO]);
  });
});

describe('wsgi_edge.wait_until and wsgi_edge.signal', () => {
  it('are those of the gateway', async () => {
    const kept: unknown[] = [];
    const environ = environOf({ 'wsgi_edge.wait_until': (promise) => void kept.push(promise) });
    expect((await callApp(supervised('background'), environ)).text()).toBe('False');
    // The other promise is the gateway's: it settles when the request no longer runs anything in Python.
    expect(await Promise.all(kept)).toEqual(expect.arrayContaining([1, undefined]));
  });
});

describe('wsgi.input', () => {
  const body = Uint8Array.from({ length: 300_000 }, (_, i) => i);
  const pieces = (size: number) =>
    Array.from({ length: Math.ceil(body.length / size) }, (_, i) =>
      Buffer.from(body.subarray(i * size, (i + 1) * size)),
    );

  it('is a stream where Python can wait', async () => {
    expect(await text(supervised('read_twice'), chunked(pieces(1000), body.length))).toBe('100000 200000');
    expect(await text(supervised('read_twice'), chunked(pieces(70_001)))).toBe('100000 200000');
  });

  it('gives a line as soon as it has come', async () => {
    const order: string[] = [];
    const lines = (function* () {
      for (const line of ['one\n', 'two\n', 'three']) {
        order.push(`sent ${line.trim()}`);
        yield bytes(line);
      }
    })();
    const app: Application = async (environ, startResponse) => {
      const lines = (await supervised('read_by_line', { maxBuffered: 0 })(
        environ,
        startResponse,
      )) as AsyncIterable<Uint8Array>;
      return {
        async *[Symbol.asyncIterator]() {
          for await (const chunk of lines) {
            order.push(`got ${Buffer.from(chunk).toString().trim()}`);
            yield chunk;
          }
        },
        close: (lines as { close?: () => void }).close,
      } as never;
    };
    expect(await text(app, chunked(lines))).toBe('\neno\nowteerht');
    expect(order.slice(0, 4)).toEqual(['sent one', 'got eno', 'sent two', 'got owt']);
  });

  it('is held in memory when Python can not wait, up to maxBuffered', async () => {
    const app = (maxBuffered: number) =>
      fromPython(synchronous, { application: 'supervised:read_twice', jspi: false, maxBuffered });
    expect(await text(app(body.length), chunked(pieces(1000)))).toBe('100000 200000');
    const refused = async (maxBuffered: number, environ: Partial<Environ>) =>
      (await callApp(app(maxBuffered), environOf(environ))).status;
    expect(await refused(body.length - 1, chunked(pieces(1000)))).toBe('413 Content Too Large');
    expect(await refused(9, chunked([bytes('0123456789')], 10))).toBe('413 Content Too Large');
  });

  it('is refused with 503 while the memory for all bodies is used up', async () => {
    const app = fromPython(synchronous, { application: 'supervised:read_twice', jspi: false, maxBuffered: 65_536 });
    const post = async (environ: Partial<Environ>) => (await callApp(app, environOf(environ))).status;
    const { promise: end, resolve: finish } = Promise.withResolvers<null>();
    const waiting = Array.from({ length: 4 }, () => {
      const steps: unknown[] = [new Uint8Array(65_536), end];
      const pull = async () => (await steps.shift()) as Uint8Array | null;
      return post({ 'wsgi.input': createInputStream({ pull, cancel: async () => {} }) });
    });
    await sleep(0);
    expect(await post(chunked([new Uint8Array(65_536)]))).toBe('503 Service Unavailable');
    finish(null);
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => '200 OK'));
    expect(await post(chunked([new Uint8Array(65_536)]))).toBe('200 OK');
  });

  it('is streamed past maxBuffered when Python can wait', async () => {
    const app = fromPython(assets, { application: 'supervised:read_twice', maxBuffered: 1 });
    expect(await text(app, chunked(pieces(1000)))).toBe('100000 200000');
    expect(await text(app, chunked([body], body.length))).toBe('100000 200000');
  });

  it('raises an OSError when the client goes away', async () => {
    const gone = (function* () {
      yield bytes('part');
      throw new ClientDisconnected();
    })();
    const log: string[] = [];
    const failing = chunked(gone, 100_000);
    let error: unknown;
    const app: Application = async (environ, startResponse) => {
      try {
        return await supervised('read_twice')(environ, startResponse);
      } catch (caught) {
        error = caught;
        throw caught;
      }
    };
    await callApp(app, environOf(failing, log));
    expect(error).toBeInstanceOf(ClientDisconnected);
  });
});

describe('errors', () => {
  it('have the traceback of Python and its cause', async () => {
    const fail = () => {
      throw new TypeError('of JavaScript');
    };
    const error = await Promise.resolve(
      supervised('cause')(environOf({ 'test.fail': fail }), () => async () => {}),
    ).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PythonError);
    const { type, stack, cause } = error as PythonError;
    expect(type).toBe('JsException');
    expect(stack).toMatch(/^Traceback[\s\S]*supervised\.py", line \d+, in cause\n/);
    expect(cause).toMatchObject({ name: 'TypeError', message: 'of JavaScript' });
  });

  it('have no lines that a client has written, but their own', async () => {
    const error = await Promise.resolve(supervised('forge')(environOf(), () => async () => {})).catch(
      (caught: unknown) => caught,
    );
    const lines = (error as PythonError).stack?.split('\n') ?? [];
    expect(lines.filter((line) => line.includes('admin logged in'))).toHaveLength(6);
    for (const line of lines) expect(line).not.toMatch(/^(no user|127)/);
    expect(describeError(error)).not.toContain('\x1b');
  });

  it('of SystemExit leave the interpreter alive', async () => {
    const log: string[] = [];
    const response = await callApp(supervised('leave'), environOf({}, log));
    expect(response.status).toBe('500 Internal Server Error');
    expect(log.join('')).toContain('SystemExit: leaving');
    expect(await text(supervised('stream'), { QUERY_STRING: 'a' })).toBe('aaa');
  });

  it('of an import are those of the request', async () => {
    const log: string[] = [];
    const app = fromPython(assets, { application: 'nowhere:app' });
    expect((await callApp(app, environOf({}, log))).status).toBe('500 Internal Server Error');
    expect(log.join('')).toContain("ModuleNotFoundError: No module named 'nowhere'");
    await expect(app.boot()).rejects.toThrow('nowhere');
  });
});

describe('a start_response that fails on its types', () => {
  const ask = async (name: string, query: string) => {
    const log: string[] = [];
    const app = fromPython(assets, { application: `starts:${name}` });
    const response = await callApp(app, environOf({ QUERY_STRING: query }, log));
    return { status: response.status, text: response.text(), log: log.join('') };
  };
  const kinds = ['status', 'headers', 'header', 'value', 'nul'];

  it('counts as a call: the next one without exc_info is a 500', async () => {
    for (const kind of kinds) {
      const { status, log } = await ask('second', kind);
      expect(status, kind).toBe('500 Internal Server Error');
      expect(log, kind).toContain('startResponse was called a second time without excInfo');
    }
  });

  it('takes the head with it that it was to replace', async () => {
    for (const kind of kinds) {
      const { status, log } = await ask('replaced', kind);
      expect(status, kind).toBe('500 Internal Server Error');
      expect(log, kind).toContain('startResponse had failed before');
    }
    expect((await ask('without_exc_info', '')).status).toBe('500 Internal Server Error');
  });

  it('raises exc_info again after the first bytes', async () => {
    for (const kind of kinds) expect((await ask('late', kind)).text, kind).toBe('first raised again');
  });

  it('of TypeScript takes its head with it through middleware of Python', async () => {
    const log: string[] = [];
    const bodies: Application[] = [
      (_environ, startResponse) => {
        startResponse('200 OK', []);
        try {
          startResponse('nonsense', [], new Error('of the application'));
        } catch {
          // swallowed
        }
        return [];
      },
      async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        try {
          startResponse('200 OK', [['X-A', 'b\n']], new Error('of the application'));
        } catch {
          // swallowed
        }
        yield bytes('sent');
      },
    ];
    for (const app of bodies) {
      const response = await callApp(pythonMiddleware(assets, 'starts:passing')(app), environOf({}, log));
      expect(response.status).toBe('500 Internal Server Error');
    }
    expect(log.join('')).toContain('startResponse had failed before');
  });
});

describe('one request at a time', () => {
  it('while one waits', async () => {
    const names = ['a', 'b', 'c'];
    const app = supervised('slow');
    expect(await Promise.all(names.map((name) => text(app, { QUERY_STRING: name })))).toEqual(names);
  });

  it('and the next one is served when the client of a stream goes away', async () => {
    const notes: string[] = [];
    const gone = new AbortController();
    const environ = environOf({
      'wsgi_edge.signal': gone.signal,
      'test.note': (note: string) => void notes.push(note),
    });
    let chunks = 0;
    const leaving: Application = async (given, startResponse) => {
      const body = (await supervised('endless')(given, startResponse)) as AsyncIterable<Uint8Array> & { close(): void };
      return {
        async *[Symbol.asyncIterator]() {
          for await (const chunk of body) {
            if (++chunks === 3) gone.abort(new ClientDisconnected());
            yield chunk;
          }
        },
        close: () => body.close(),
      };
    };
    await callApp(leaving, environ).catch(() => {});
    expect(notes).toEqual(['close']);
    expect(await text(supervised('stream'), { QUERY_STRING: 'next' })).toBe('nextnextnext');
  });

  it('and one whose client has gone away gives its turn on', async () => {
    const app = supervised('slow');
    const gone = new AbortController();
    const first = text(app, { QUERY_STRING: 'a' });
    const left = callApp(app, environOf({ QUERY_STRING: 'b', 'wsgi_edge.signal': gone.signal })).catch(() => 'gone');
    gone.abort(new ClientDisconnected());
    const last = text(app, { QUERY_STRING: 'c' });
    expect([await first, await last]).toEqual(['a', 'c']);
    expect(await left).toBe('gone');
  });

  it('with a context of its own', async () => {
    for (const name of ['a', 'b'])
      expect(await text(supervised('contextual'), { QUERY_STRING: name })).toBe(`nobody ${name} ${name}\n`.repeat(3));
  });
});

describe('a fatal error', () => {
  it.each(['die', 'overflow'])('(%s) is a 500, and the next request is served', async (name) => {
    const log: string[] = [];
    const response = await callApp(supervised(name), environOf({}, log));
    expect(response.status).toBe('500 Internal Server Error');
    expect(log.join('')).toContain('python: the interpreter is lost');
    expect(await text(supervised('slow'), { QUERY_STRING: 'alive' })).toBe('alive');
  });

  it('in a stream breaks it off, and lets those that wait begin anew', async () => {
    const broken = callApp(supervised('die_in_stream'), environOf()).catch((error: unknown) => error);
    const waiting = ['a', 'b'].map((name) => text(supervised('slow'), { QUERY_STRING: name }));
    expect(String(await broken)).toContain('the interpreter is lost');
    expect(await Promise.all(waiting)).toEqual(['a', 'b']);
  });

  it('without JSPI as well', async () => {
    const app = (name: string) => fromPython(synchronous, { application: `supervised:${name}`, jspi: false });
    expect((await callApp(app('overflow'), environOf())).status).toBe('500 Internal Server Error');
    expect(await text(app('stream'), { QUERY_STRING: 'a' })).toBe('aaa');
  });
});

describe('promises', () => {
  it('can be waited for, with asyncio as well', async () => {
    expect(await text(supervised('wait'))).toBe('1');
    expect(await text(supervised('aio'))).toBe('awaited');
  });

  it('are refused with a reason where the runtime has no JSPI', async () => {
    const log: string[] = [];
    const app = fromPython(synchronous, { application: 'supervised:wait', jspi: false });
    expect((await callApp(app, environOf({}, log))).status).toBe('500 Internal Server Error');
    expect(log.join('')).toMatch(/RuntimeError: .*(stack switch|JSPI)/i);
  });
});

it('Python is not a sandbox: it reaches the JavaScript of its process', async () => {
  expect(await text(supervised('host'))).toBe(String(process.pid));
});

it('random numbers are others in each isolate', async () => {
  const first = async () => text(fromPython(await loadAssets(), { application: 'basic:random_number' }));
  expect(await first()).not.toBe(await first());
});

describe('hashlib', () => {
  it('has the password functions that Pyodide lacks', async () => {
    expect((await text(supervised('passwords'))).split('\n')).toEqual([
      pbkdf2Sync('password', 'salt', 2, 32, 'sha256').toString('hex'),
      pbkdf2Sync('password', 'salt', 1, 16, 'sha1').toString('hex'),
      scryptSync('password', 'NaCl', 64, { N: 1024, r: 8, p: 16 }).toString('hex'),
    ]);
  });
});

describe('options', () => {
  it('env sets variables', async () => {
    const own = await loadAssets();
    const env = { TEST_VARIABLE: 'set', NOT_GIVEN: undefined };
    const app = fromPython(own, { application: 'supervised:environment', env });
    expect(await text(app)).toBe('set');
    expect(await text(app, { QUERY_STRING: 'NOT_GIVEN' })).toBe('not set');
  });

  it('freeSnapshot gives the memory back, and a fatal error is survived all the same', async () => {
    const own = { ...(await loadAssets()), snapshot: new Uint8Array(readFileSync(join(ASSETS, 'snapshot.bin'))) };
    const app = (name: string) => fromPython(own, { application: `supervised:${name}`, freeSnapshot: true });
    expect(await text(app('slow'), { QUERY_STRING: 'a' })).toBe('a');
    expect(own.snapshot.byteLength).toBe(0);
    expect((await callApp(app('die'), environOf())).status).toBe('500 Internal Server Error');
    expect(await text(app('slow'), { QUERY_STRING: 'b' })).toBe('b');
  });

  it('of two applications are the same in any order', async () => {
    const own = await loadAssets();
    const allow = () => true;
    fromPython(own, { timeout: 1000, maxRequests: 5, sockets: { allow } });
    expect(() => fromPython(own, { sockets: { allow }, maxRequests: 5, timeout: 1000 })).not.toThrow();
    expect(() => fromPython(own, { timeout: 1000, maxRequests: 5, sockets: allow as never })).toThrow('other options');
  });

  it('are refused where they are wrong', async () => {
    expect(() => fromPython(assets, { maxBuffered: -1 })).toThrow('maxBuffered must be a whole number of bytes');
    expect(() => fromPython(assets, { env: { A: 'b' } })).toThrow('run with other options already');
    const own = await loadAssets();
    expect(() => fromPython(own, { concurrency: 0 })).toThrow('concurrency must be a whole number above 0');
    expect(() => fromPython(own, { concurrency: 2 })).toThrow('--concurrent');
  });

  it('are refused in place of assets that are not the default export', async () => {
    const namespace = await import(resolve(ASSETS, 'node.mjs'));
    const others = {
      undefined: undefined,
      'a string': './node.mjs',
      'a Promise': loadAssets(),
      'an object': namespace,
    };
    for (const [name, given] of Object.entries(others)) {
      const message = `must be the default export of assets.mjs (Workers) or node.mjs (Node, Lambda), which wsgi-edge build-python writes, not ${name}:`;
      expect(() => fromPython(given)).toThrow(message);
      expect(() => pythonMiddleware(given, 'wsgiref.validate:validator')).toThrow(message);
    }
  });
});

describe('assets', () => {
  const broken = async (change: (own: PythonAssets, snapshot: SnapshotManifest) => void): Promise<string> => {
    const own = await loadAssets();
    const copy = { ...own, manifest: structuredClone(own.manifest) };
    change(copy, copy.manifest.snapshot as SnapshotManifest);
    return fromPython(copy)
      .boot()
      .then(
        () => 'booted',
        (error: Error) => error.message,
      );
  };

  it('are read where they are needed', async () => {
    const own = await loadAssets();
    const read = { stdlib: 0, site: 0, snapshot: 0 };
    for (const name of ['stdlib', 'site', 'snapshot'] as const) {
      const file = own[name] as AssetFile;
      own[name] = {
        byteLength: file.byteLength,
        read(target, position) {
          read[name] += target.length;
          file.read(target, position);
        },
      };
    }
    await fromPython(own).boot();
    expect(read.snapshot).toBe(own.snapshot?.byteLength);
    expect(read.stdlib).toBeLessThan(100);
    const atBoot = read.site;
    expect(await text(fromPython(own, { application: 'supervised:source' }))).toBe(
      readFileSync('test/python/apps/supervised.py', 'utf8'),
    );
    expect(read.site).toBeGreaterThan(atBoot);
  });

  it('have files whose times are those in the site zip', async () => {
    const own = await loadAssets();
    const site = readFileSync(join(ASSETS, 'site.zip'));
    const entry = site.lastIndexOf('app/supervised.py') - 46;
    site.writeUInt16LE((16 << 11) | (45 << 5), entry + 12);
    site.writeUInt16LE(((2026 - 1980) << 9) | (11 << 5) | 29, entry + 14);
    // An extended timestamp, if the entry has one, would count instead.
    site.writeUInt16LE(0, entry + 46 + 'app/supervised.py'.length);
    own.site = site;
    const expected = Date.UTC(2026, 10, 29, 16, 45) / 1000;
    expect(await text(fromPython(own, { application: 'supervised:modified' }))).toBe(`${expected}.0`);
  });

  it('that end early are an error of theirs', async () => {
    const { site } = await loadAssets();
    expect(() => (site as AssetFile).read(new Uint8Array(2), site.byteLength - 1)).toThrow(
      `site.zip ends before ${site.byteLength + 1} bytes`,
    );
  });

  it.each<[what: string, change: (own: PythonAssets, snapshot: SnapshotManifest) => unknown, message: string]>([
    ['as they are', () => {}, 'booted'],
    ['of another format', ({ manifest }) => Object.assign(manifest, { format: 0 }), 'have the format 0'],
    ['of another Pyodide', ({ manifest }) => Object.assign(manifest, { pyodide: '1.0' }), 'for Pyodide 1.0'],
    [
      'with another site',
      (own) => Object.assign(own, { site: new Uint8Array(10) }),
      'the site is not that of the build',
    ],
    ['without a snapshot', (own) => Object.assign(own, { snapshot: undefined }), 'the assets have no snapshot'],
    ['with other helpers', (_own, snapshot) => Object.assign(snapshot, { table: 1 }), 'function table of 1 entries'],
    [
      'with another wasm',
      (_own, { data }) => Object.assign(data, { hash: '0' }),
      'pyodide.asm.wasm is not that of the build',
    ],
  ])('%s', async (_what, change, message) => {
    expect(await broken(change)).toContain(message);
  });
});
