import { nameOf, quote, WsgiError } from './errors.js';
import type { Environ, ErrorStream, LogEntry, LogLevel } from './types.js';

/** Takes the entries of one request. */
export interface EntrySink {
  log(entry: LogEntry): void;
}

/** `wsgi.errors` over a sink that takes whole lines. The lines that one `write()` completes are one entry, without the last
 *  LF. `flush()` passes an unfinished line.
 *  @throws {TypeError} when a text is not a string
 *  PEP 3333, "Input and Error Streams". */
export function createErrorStream(sink: EntrySink): ErrorStream {
  const stream: ErrorStream & Stateful = { write, writelines, flush, [STATE]: { rest: '', sink } };
  return stream;
}

// A symbol key, so that a copy by `{ ...errors }` shares the state. A registered one, so that another copy of this package,
// such as one in the bundle of an application, finds the log too.
const STATE: unique symbol = Symbol.for('wsgi-edge.errors');
type Stateful = { [STATE]: { rest: string; sink: EntrySink } };

function write(this: Stateful, text: string): void {
  if (typeof text !== 'string') throw new TypeError(`wsgi.errors takes strings, not ${nameOf(text)}`);
  const state = this[STATE];
  // Search only the new text: `rest` never holds a line feed. Otherwise a long line written in small pieces takes quadratic
  // time.
  const end = text.lastIndexOf('\n');
  const held = state.rest;
  state.rest = end < 0 ? held + text : text.slice(end + 1);
  if (end >= 0) state.sink.log({ level: 'error', message: held + text.slice(0, end) });
}

function writelines(this: Stateful, texts: Iterable<string>): void {
  for (const text of texts) write.call(this, text);
}

function flush(this: Stateful): void {
  const state = this[STATE];
  if (state.rest === '') return;
  const message = state.rest;
  state.rest = '';
  state.sink.log({ level: 'error', message });
}

const LEVELS = { debug: true, info: true, warn: true, error: true } satisfies Record<LogLevel, true>;

/** Writes an entry to the log of a request, with its level and fields. A `wsgi.errors` that is not the gateway's own takes
 *  the message as text.
 *  @throws {WsgiError} when the entry is not an object with a level and a text, because no log could take it
 *  @example
 *  ```ts
 *  import { type Application, logRecord } from 'wsgi-edge';
 *
 *  export const app: Application = (environ, startResponse) => {
 *    logRecord(environ, { level: 'info', message: 'order placed', order: 17 });
 *    startResponse('204 No Content', []);
 *    return [];
 *  };
 *  ``` */
export function logRecord(environ: Pick<Environ, 'wsgi.errors'>, entry: LogEntry): void {
  if (typeof entry?.message !== 'string' || !Object.hasOwn(LEVELS, entry.level))
    throw new WsgiError(
      `logRecord: takes { level, message } with the level debug, info, warn or error, not ${quote(entry)}`,
    );
  const errors = environ['wsgi.errors'];
  const state = (errors as Partial<Stateful>)[STATE];
  if (state === undefined) errors.write(`${entry.message}\n`);
  else state.sink.log(entry);
}

/** Lets a stream take the same records as another one. */
export function shareLog(errors: ErrorStream, original: ErrorStream): ErrorStream {
  const state = (original as Partial<Stateful>)[STATE];
  return state === undefined ? errors : Object.assign(errors, { [STATE]: state });
}
