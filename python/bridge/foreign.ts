import { checkBody, isThenable, type OpenBody, openBody } from '../../src/body.js';
import { describe } from '../../src/errors.js';
import { createInputStream } from '../../src/input-stream.js';
import { checkChunk, createStart } from '../../src/start-response.js';
import type { Application, Body, Environ, HeaderList } from '../../src/types.js';

/** What an application of TypeScript needs of the Python that calls it; errors of Python are thrown. */
export interface Caller {
  /** Whether Python can wait for promises (JSPI). */
  promising: boolean;
  /** True where Python has raised what it was given as exc_info. */
  start(call: number, packed: string, excText: string | undefined): true | undefined;
  write(call: number, data: Uint8Array): Promise<void>;
  read(call: number, size: number): Promise<Uint8Array>;
  log(call: number, text: string | undefined): void;
}

/** The applications of TypeScript that Python middleware calls. */
export interface Foreigners {
  add(key: number, app: Application): void;
  /** Returns the chunks of a body that is an array; nothing for another one, of which `step` gives the chunks. */
  call(key: number, call: number, environ: Environ): Uint8Array[] | undefined | Promise<Uint8Array[] | undefined>;
  step(call: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  end(call: number): Promise<void> | undefined;
}

const BLOCK = 65_536; // bytes

export function createForeigners(caller: Caller): Foreigners {
  const apps = new Map<number, Application>();
  const bodies = new Map<number, OpenBody>();
  const writing = new Map<number, Promise<void>>(); // the last write() of a call, while it is under way

  const take = (call: number, body: Body): Uint8Array[] | undefined => {
    checkBody(body);
    if (Array.isArray(body) && (body as Body).close === undefined) {
      for (const chunk of body) checkChunk(chunk, 'a chunk of the body');
      return body;
    }
    bodies.set(
      call,
      openBody(body, (error) => caller.log(call, `${describe(error)}\n`)),
    );
    return undefined;
  };

  // In order, although nobody may wait for a write(): one after the other, and all of them before what comes next.
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

  const toChunk = ({ done, value }: IteratorResult<unknown>): Uint8Array | undefined => {
    if (done) return undefined;
    checkChunk(value, 'a chunk of the body');
    return plain(value);
  };

  return {
    add: (key, app) => void apps.set(key, app),

    call(key, call, environ) {
      const app = apps.get(key) as Application;
      environ['wsgi.input'] = createInputStream({
        async pull() {
          const data = await caller.read(call, BLOCK);
          return data.length === 0 ? null : data;
        },
        async cancel() {},
      });
      // Python has its own buffer of lines, or wants none.
      environ['wsgi.errors'] = {
        write: (text) => caller.log(call, text),
        writelines: (texts) => {
          for (const text of texts) caller.log(call, text);
        },
        flush: () => caller.log(call, undefined),
      };
      const start = createStart(
        (data) => {
          checkChunk(data, 'what write() is given');
          start.committed = true;
          const written = write(call, plain(data));
          written.catch(() => {});
          return written;
        },
        () => null,
      );
      const result = app(environ, (status, headers, excInfo) => {
        const given = excInfo !== undefined && excInfo !== null;
        // What breaks the rules must not be packed: a NUL would make two headers of one.
        const write = start.startResponse(status, headers, excInfo);
        if (caller.start(call, packHead(status, headers), given ? describe(excInfo) : undefined)) throw excInfo;
        return write;
      });
      if (isThenable(result)) return result.then((body) => afterWrites(call, take(call, body)));
      return afterWrites(call, take(call, result));
    },

    step(call) {
      const step = (bodies.get(call) as OpenBody).next();
      return isThenable(step)
        ? step.then((result) => afterWrites(call, toChunk(result)))
        : afterWrites(call, toChunk(step));
    },

    end(call) {
      const body = bodies.get(call);
      bodies.delete(call);
      return body?.release();
    },
  };
}

// Pyodide takes no subclass, such as a Buffer.
function plain(data: Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function packHead(status: string, headers: HeaderList): string {
  return [status, ...headers.flat()].join('\0');
}
