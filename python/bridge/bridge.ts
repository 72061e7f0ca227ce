import { ClientDisconnected, describe, WsgiError } from '../../src/errors.js';
import { inputStream } from '../../src/input-stream.js';
import type { Application, Body, Environ, HeaderList, StartResponse, Write } from '../../src/types.js';
import type { Booted } from '../interpreter/boot.js';
import type { PyFunction, PyMemory, PyModule } from '../interpreter/pyodide.js';
import { createForeigners } from './foreign.js';
import { deriveKey } from './kdf.js';
import { PythonError } from './python-error.js';

/** The request body as Python gets it: all its bytes, none, or a stream to wait for. */
export type PythonInput = Uint8Array | undefined | true;

/** One interpreter, as the gateway talks to it. */
export interface Bridge {
  /** Whether Python can wait for promises (JSPI). */
  readonly promising: boolean;
  load(application: string): Promise<void>;
  /** Calls the factory "module:name" with an application of TypeScript; what it makes is called by the number `key`. */
  loadMiddleware(factory: string, key: number, app: Application): Promise<void>;
  /** Goes the way of a request once, with an application of no effect, so that the runtime has compiled it when the first
   *  one comes. */
  warmUp(): Promise<void>;
  setEnvironment(env: Record<string, string>): void;
  reseed(): void;
  /** Calls an application. `release` is called once, when nothing of the request runs in Python any more. */
  serve(
    application: string | number,
    environ: Environ,
    startResponse: StartResponse,
    input: PythonInput,
    release: () => void,
  ): Promise<Body>;
}

const STRING_BUFFER = 16_384; // bytes

/** One request. */
interface Exchange {
  environ: Environ;
  startResponse: StartResponse;
  write: Write | undefined;
  pull: ((atLeast: number | undefined, size: number | undefined) => Promise<Uint8Array>) | undefined;
  /** How the client went away, as Python was told. */
  gone: unknown;
}

// As bridge.py returns them. A body in one chunk is that chunk alone.
const CHUNK = 1;
const EMPTY = 2;
const FAILED = 3;
type Failure = [kind: number, type: string, traceback: string, cause: unknown];
type Started = [kind: number, chunk: Uint8Array] | Failure;

/** Connects the two halves of the gateway.
 *  @param loadedBefore  the applications that a snapshot has brought
 *  @param jspi  false: Python is entered so that it can not wait for promises, which is cheaper
 *  @param onFatal  called when the interpreter is lost: nothing of it may be used again */
export function createBridge(
  booted: Booted,
  loadedBefore: string[],
  jspi: boolean,
  onFatal: (error: unknown) => void,
): Bridge {
  const { python, module, api } = booted;
  const promising = jspi && module.jspiSupported;
  const exchanges = new Map<number, Exchange>();
  const loaded = new Set<string | number>(loadedBefore);
  let last = 0;
  let lost: WsgiError | undefined;

  // A call that waits for a promise never ends where the interpreter is lost meanwhile.
  const waiting = new Set<(error: unknown) => void>();
  const lose = (cause: unknown): WsgiError => {
    if (lost === undefined) {
      lost = new WsgiError('python: the interpreter is lost; the next request starts a new one', { cause });
      onFatal(lost);
      for (const reject of waiting) reject(lost);
      waiting.clear();
    }
    return lost;
  };
  api.on_fatal = lose;

  const half = functionsOf(
    python.pyimport('wsgi_edge.bridge'),
    'connect',
    'connect_buffer',
    'load',
    'load_middleware',
    'set_environment',
    'reseed',
    'start',
    'next_chunk',
    'close',
  );
  const foreign = functionsOf(python.pyimport('wsgi_edge.foreign'), 'start', 'write', 'read', 'log');
  half.connect(
    (id: number, packed: string, excText: string | undefined) => startResponse(exchanges.get(id), packed, excText),
    (id: number, data: Uint8Array) => write(exchanges.get(id), data),
    (id: number, text: string | undefined) => log(exchanges.get(id), text),
    (id: number, atLeast: number | undefined, size: number | undefined) => pull(exchanges.get(id), atLeast, size),
    (id: number) => exchanges.get(id)?.environ['wsgi_edge.signal'],
    (id: number, future: PyFuture) => {
      const settled = Promise.resolve(future).finally(() => future.destroy());
      const environ = exchanges.get(id)?.environ;
      if (environ !== undefined) environ['wsgi_edge.wait_until'](settled);
    },
    deriveKey,
    (key: number, call: number, request: number, packed: string, names: string, ...values: unknown[]) =>
      foreigners.call(key, call, foreignEnviron(bridge, exchanges.get(request)?.environ, packed, names, values)),
    (call: number) => foreigners.step(call),
    (call: number) => foreigners.end(call),
  );

  // Every exception of Python is a value: what is thrown here is the end of the interpreter. Where Python can wait, it must
  // not be entered from within Python: never in the job in which it has called JavaScript.
  const enterNow = (fn: PyFunction, ...args: unknown[]): unknown => {
    if (lost !== undefined) throw lost;
    try {
      if (!promising) return fn(...args);
      const result = fn.callPromising(...args);
      return new Promise((resolve, reject) => {
        waiting.add(reject);
        result.then(
          (value) => {
            waiting.delete(reject);
            resolve(value);
          },
          (error) => lose(error),
        );
      });
    } catch (error) {
      throw lose(error);
    }
  };

  const enter = promising
    ? async (fn: PyFunction, ...args: unknown[]): Promise<unknown> => {
        await undefined;
        return enterNow(fn, ...args);
      }
    : enterNow;

  // Strings go through memory: their conversion by Pyodide takes 5 ns for each character.
  const address = (half.connect_buffer(STRING_BUFFER) as PyMemory).getBuffer().data.byteOffset;
  const encoder = new TextEncoder();
  const toBuffer = (text: string): number | string => {
    if (text.length > STRING_BUFFER || !text.isWellFormed()) return text;
    const { HEAPU8 } = module; // another one when the memory has grown
    const { read, written } = encoder.encodeInto(text, HEAPU8.subarray(address, address + STRING_BUFFER));
    return read === text.length ? written : text;
  };

  const startResponse = (exchange: Exchange | undefined, packed: string, excText: string | undefined): unknown => {
    if (exchange === undefined) return 'application: start_response was called after the response had ended';
    const parts = packed.split('\0');
    const headers: HeaderList = [];
    for (let i = 1; i < parts.length; i += 2) headers.push([parts[i] as string, parts[i + 1] as string]);
    const excInfo = excText === undefined ? undefined : new PythonError('', excText);
    try {
      const start = exchange.startResponse;
      exchange.write =
        excInfo === undefined ? start(parts[0] as string, headers) : start(parts[0] as string, headers, excInfo);
      return undefined;
    } catch (error) {
      if (excInfo !== undefined && error === excInfo) return true;
      return error instanceof Error ? error.message : describe(error);
    }
  };

  const write = (exchange: Exchange | undefined, data: Uint8Array): Promise<void> | undefined => {
    if (exchange?.write === undefined)
      throw new WsgiError('application: write() was called after the response had ended');
    const accepted = exchange.write(data).catch((error: unknown) => {
      exchange.gone = error;
      throw error;
    });
    if (promising) return accepted;
    accepted.catch(() => {});
    return undefined;
  };

  const pull = async (exchange: Exchange | undefined, atLeast: number | undefined, size: number | undefined) => {
    if (exchange === undefined) throw new WsgiError('application: wsgi.input was read after the response had ended');
    exchange.pull ??= pullFrom(exchange.environ);
    try {
      return await exchange.pull(atLeast, size);
    } catch (error) {
      exchange.gone = error;
      throw error;
    }
  };

  const checked = (result: unknown): unknown => {
    if (!Array.isArray(result)) return result;
    const [, type, traceback, cause] = result as Failure;
    if (type === 'Disconnected' && cause instanceof ClientDisconnected) throw cause;
    throw new PythonError(type, traceback, cause);
  };
  const foreigners = createForeigners({
    promising,
    start: (call, packed, excText) => checked(foreign.start(call, packed, excText)) as true | undefined,
    write: async (call, data) => void checked(await enter(foreign.write, call, data)),
    read: async (call, size) => checked(await enter(foreign.read, call, size)) as Uint8Array,
    log: (call, text) => void checked(foreign.log(call, text)),
  });

  const errorOf = ([, type, traceback, cause]: Failure, { gone }: Exchange): unknown =>
    gone instanceof ClientDisconnected && type === 'Disconnected' ? gone : new PythonError(type, traceback, cause);

  const chunksOf = (id: number, exchange: Exchange, first: Started, release: () => void): Body => {
    let held: Started | undefined = first;
    let pending: Promise<unknown> | undefined;
    let closed: Promise<void> | undefined;

    const toStep = (result: unknown): IteratorResult<Uint8Array> => {
      if (result === undefined) return { done: true, value: undefined };
      if (Array.isArray(result)) throw errorOf(result as unknown as Failure, exchange);
      return { done: false, value: result as Uint8Array };
    };
    const fromFirst = (step: Started): IteratorResult<Uint8Array> =>
      toStep(step[0] === CHUNK ? step[1] : step[0] === EMPTY ? undefined : step);
    const step = (): unknown => enter(half.next_chunk, id);

    const end = async (): Promise<void> => {
      // Python can't be interrupted where it waits for a promise, nor be entered there again.
      if (pending !== undefined) await pending.catch(() => {});
      try {
        const failure = lost === undefined ? enter(half.close, id) : undefined;
        const result = promising ? await failure : failure;
        if (result !== undefined) throw errorOf(result as Failure, exchange);
      } finally {
        exchanges.delete(id);
        release();
      }
    };
    const close = () => {
      closed ??= end();
      return closed;
    };

    const take = (): Started | undefined => {
      const step = held;
      held = undefined;
      return step;
    };
    if (!promising)
      return {
        [Symbol.iterator]: () => ({
          next: () => {
            const step_ = take();
            return step_ === undefined ? toStep(step()) : fromFirst(step_);
          },
        }),
        close,
      };
    return {
      [Symbol.asyncIterator]: () => ({
        async next() {
          const step_ = take();
          if (step_ !== undefined) return fromFirst(step_);
          const result = step() as Promise<unknown>;
          pending = result;
          return toStep(await result);
        },
      }),
      close,
    };
  };

  const bridge: Bridge = {
    promising,

    async load(application) {
      if (loaded.has(application)) return;
      checked(await enter(half.load, application));
      loaded.add(application);
    },

    async loadMiddleware(factory, key, app) {
      if (loaded.has(key)) return;
      foreigners.add(key, app);
      checked(await enter(half.load_middleware, factory, key));
      loaded.add(key);
    },

    async warmUp() {
      python.pyimport('wsgi_edge.warm');
      const environ = {
        REQUEST_METHOD: 'GET',
        SCRIPT_NAME: '',
        PATH_INFO: '/item/7',
        QUERY_STRING: 'a=1&b=%20',
        HTTP_HOST: 'localhost:80',
        HTTP_ACCEPT: '*/*',
        HTTP_COOKIE: 'a="1"; b=2',
      } as unknown as Environ;
      const body = await bridge.serve(
        0, // warm.py
        environ,
        () => async () => {},
        undefined,
        () => {},
      );
      for await (const _ of body as AsyncIterable<Uint8Array>);
      await body.close?.();
    },

    setEnvironment(env) {
      const items = Object.entries(env);
      if (items.length > 0) half.set_environment(items.flat().join('\0'));
    },

    reseed: () => void half.reseed(),

    async serve(application, environ, startResponse, input, release) {
      const id = ++last;
      const exchange: Exchange = { environ, startResponse, write: undefined, pull: undefined, gone: undefined };
      exchanges.set(id, exchange);
      let kept = false;
      try {
        const { packed, names, values } = pack(environ);
        // Between here and the end of Python's own copy nothing else runs: whoever calls has waited for this turn.
        const entered = enterNow(half.start, id, application, toBuffer(packed), input, names, ...values);
        const started = (promising ? await entered : entered) as Uint8Array | Started;
        if (started instanceof Uint8Array) return [started];
        if (started[0] === FAILED) throw errorOf(started as Failure, exchange);
        kept = true;
        return chunksOf(id, exchange, started, release);
      } finally {
        if (!kept) {
          exchanges.delete(id);
          release();
        }
      }
    },
  };
  return bridge;
}

/** A future of Python, kept until it is destroyed. */
interface PyFuture extends PromiseLike<unknown> {
  destroy(): void;
}

/** Looks functions of a module up once: each look-up is a call into Python. */
const functionsOf = <Name extends string>(module: PyModule, ...names: Name[]) =>
  Object.fromEntries(names.map((name) => [name, module[name]])) as Record<Name, PyFunction>;

// No text is a flush().
function log(exchange: Exchange | undefined, text: string | undefined): void {
  const errors = exchange?.environ['wsgi.errors'];
  if (text === undefined) errors?.flush();
  else if (errors === undefined) console.error(text);
  else errors.write(text);
}

/** Marks an environ that comes out of Python: whoever calls the same interpreter with it has its turn already. */
export const INTERPRETER = 'wsgi_edge.interpreter';

// Python makes these itself, or has no use for them.
const OWN = new Set([
  INTERPRETER,
  'wsgi.version',
  'wsgi.input',
  'wsgi.errors',
  'wsgi.multithread',
  'wsgi.multiprocess',
  'wsgi.run_once',
  'wsgi.file_wrapper',
  'wsgi.input_terminated',
  'wsgi_edge.wait_until',
  'wsgi_edge.signal',
]);

// The environ of TypeScript with what middleware of Python has made of it.
function foreignEnviron(
  bridge: Bridge,
  original: Environ | undefined,
  packed: string,
  names: string,
  values: unknown[],
): Environ {
  const items = packed.split('\0');
  const changed: Record<string, unknown> = { [INTERPRETER]: bridge };
  for (let i = 0; i + 1 < items.length; i += 2) changed[items[i] as string] = items[i + 1];
  if (names !== '') for (const [i, name] of names.split('\0').entries()) changed[name] = values[i];
  for (const key in original) if (OWN.has(key) && key !== INTERPRETER) changed[key] = original[key];
  return changed as Environ;
}

// One string costs one crossing. It is cut at NUL, which a path may have in it (%00): such a value goes by itself.
function pack(environ: Environ): { packed: string; names: string; values: unknown[] } {
  let packed = '';
  const names: string[] = [];
  const values: unknown[] = [];
  for (const key in environ) {
    const value = environ[key];
    if (typeof value === 'string' && !value.includes('\0')) {
      packed += packed === '' ? `${key}\0${value}` : `\0${key}\0${value}`;
    } else if (!OWN.has(key) && value !== undefined) {
      names.push(key);
      values.push(value);
    }
  }
  return { packed, names: names.join('\0'), values };
}

/** Reads a body as it comes: at least so many bytes, unless it ends, and at most so many. */
function pullFrom(environ: Environ): (atLeast?: number, size?: number) => Promise<Uint8Array> {
  const reader = inputStream(environ).getReader();
  const { CONTENT_LENGTH } = environ;
  const promised = CONTENT_LENGTH === undefined ? 0 : Number(CONTENT_LENGTH);
  let rest: Uint8Array | undefined;
  let ended = false;
  let taken = 0;
  return async (atLeast = Number.POSITIVE_INFINITY, size = Number.POSITIVE_INFINITY) => {
    const parts: Uint8Array[] = [];
    let held = 0;
    const add = (chunk: Uint8Array) => {
      // Pyodide takes no subclass, such as the Buffer that Node gives.
      const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const room = size - held;
      parts.push(bytes.length > room ? bytes.subarray(0, room) : bytes);
      rest = bytes.length > room ? bytes.subarray(room) : undefined;
      held += Math.min(bytes.length, room);
    };
    if (rest !== undefined) add(rest);
    while (held < atLeast && !ended) {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        if (taken < promised)
          throw new ClientDisconnected(`client: the request body ended after ${taken} of ${promised} bytes`);
      } else {
        taken += value.length;
        add(value);
      }
    }
    if (parts.length === 1) return parts[0] as Uint8Array;
    const bytes = new Uint8Array(held);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  };
}
