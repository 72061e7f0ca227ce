import { checkBody, isThenable, OpenBody } from '../../src/body.js';
import { describe } from '../../src/errors.js';
import { createInputStream } from '../../src/input-stream.js';
import { checkChunk, Start } from '../../src/start-response.js';
import type { Application, Body, Environ, ErrorStream, InputStream, StartResponse } from '../../src/types.js';
import { packHead } from './pack.js';
import type { Gateway } from './wire.js';

/** The Python that calls an application of TypeScript. Its functions throw the errors of Python. */
export interface Caller {
  /** True if Python can wait for promises (JSPI). */
  promising: boolean;
  /** Returns true if Python has raised its exc_info again. */
  start(call: number, packed: string, excText: string | undefined): true | undefined;
  write(call: number, data: Uint8Array): Promise<void>;
  read(call: number, size: number): Promise<Uint8Array>;
  log(call: number, text: string | undefined): void;
}

/** The applications of TypeScript that middleware of Python calls. */
export interface Foreigners extends Pick<Gateway, 'step' | 'end'> {
  add(key: number, app: Application): void;
  /** Returns the chunks of a body that is an array, and nothing for another body, whose chunks `step` gives. */
  call(key: number, call: number, environ: Environ): ReturnType<Gateway['call']>;
}

export function createForeigners(caller: Caller): Foreigners {
  const apps = new Map<number, Application>();
  const bodies = new Map<number, { body: OpenBody; start: Start }>();
  const { write, afterWrites } = createWrites(caller);

  const take = (call: number, body: Body, start: Start): Uint8Array[] | undefined => {
    checkBody(body);
    if (Array.isArray(body) && (body as Body).close === undefined) {
      for (const chunk of body) checkChunk(chunk, 'a chunk of the body');
      commit(start);
      return body;
    }
    bodies.set(call, { body: new OpenBody(body, (error) => caller.log(call, `${describe(error)}\n`)), start });
    return undefined;
  };

  return {
    add: (key, app) => void apps.set(key, app),

    call(key, call, environ) {
      const app = apps.get(key) as Application;
      environ['wsgi.input'] = inputOf(caller, call);
      environ['wsgi.errors'] = errorsOf(caller, call);
      const { start, startResponse } = startOf(caller, call, (data) => write(call, data));
      const result = app(environ, startResponse);
      if (isThenable(result)) return result.then((body) => afterWrites(call, take(call, body, start)));
      return afterWrites(call, take(call, result, start));
    },

    step(call) {
      const { body, start } = bodies.get(call) as { body: OpenBody; start: Start };
      const step = body.next();
      return isThenable(step)
        ? step.then((result) => afterWrites(call, toChunk(result, start)))
        : afterWrites(call, toChunk(step, start));
    },

    end(call) {
      const open = bodies.get(call);
      bodies.delete(call);
      return open?.body.release();
    },
  };
}

/** Keeps write() in order, although the application may not wait for it: each goes after the one before, and all of them go
 *  before the next answer to Python. */
function createWrites(caller: Caller) {
  const writing = new Map<number, Promise<void>>(); // the last unfinished write() of each call

  const write = (call: number, data: Uint8Array): Promise<void> => {
    const before = writing.get(call);
    if (before === undefined && !caller.promising) return caller.write(call, data);
    const copy = before === undefined ? data : data.slice();
    const written = before === undefined ? caller.write(call, copy) : before.then(() => caller.write(call, copy));
    const settled = written
      .catch(() => {})
      .then(() => {
        if (writing.get(call) === settled) writing.delete(call);
      });
    writing.set(call, settled);
    return written;
  };

  const afterWrites = <T>(call: number, value: T): T | Promise<T> => {
    const before = writing.get(call);
    return before === undefined ? value : before.then(() => value);
  };
  return { write, afterWrites };
}

const BLOCK = 65_536; // bytes

function inputOf(caller: Caller, call: number): InputStream {
  return createInputStream({
    async pull() {
      const data = await caller.read(call, BLOCK);
      return data.length === 0 ? null : data;
    },
    async cancel() {},
  });
}

// An ErrorStream of src/ would hold lines back a second time: Python has its own buffer, or wants none.
function errorsOf(caller: Caller, call: number): ErrorStream {
  return {
    write: (text) => caller.log(call, text),
    writelines(texts) {
      for (const text of texts) caller.log(call, text);
    },
    flush: () => caller.log(call, undefined),
  };
}

function startOf(
  caller: Caller,
  call: number,
  write: (data: Uint8Array) => Promise<void>,
): { start: Start; startResponse: StartResponse } {
  const start = new Start(
    (data) => {
      checkChunk(data, 'the argument of write()');
      start.committed = true;
      const written = write(plain(data));
      written.catch(() => {});
      return written;
    },
    () => null,
  );
  const startResponse: StartResponse = (status, headers, excInfo) => {
    const given = excInfo !== undefined && excInfo !== null;
    // This checks them before they are packed: a NUL would make two headers of one.
    const accepted = start.startResponse(status, headers, excInfo);
    if (caller.start(call, packHead(status, headers), given ? describe(excInfo) : undefined)) throw excInfo;
    return accepted;
  };
  return { start, startResponse };
}

// Python has not heard of a call that failed here, so it would send the head that the call was to replace.
function commit(start: Start): void {
  if (start.committed) return;
  if (start.called) start.started('the first chunk');
  start.committed = true;
}

function toChunk({ done, value }: IteratorResult<unknown>, start: Start): Uint8Array | undefined {
  if (!done) checkChunk(value, 'a chunk of the body');
  if (done || (value as Uint8Array).length > 0) commit(start);
  return done ? undefined : plain(value as Uint8Array);
}

// Pyodide takes no subclass of Uint8Array, such as a Buffer.
function plain(data: Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
