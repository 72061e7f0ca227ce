import { nameOf } from './errors.js';
import type { ErrorStream } from './types.js';

/** `wsgi.errors` over a function that takes whole lines. The lines that one `write()` completes are passed in one call,
 *  without the last LF. `flush()` passes an unfinished line.
 *  @throws {TypeError} when a text is not a string
 *  PEP 3333, "Input and Error Streams". */
export function createErrorStream(sink: (lines: string) => void): ErrorStream {
  const stream: ErrorStream & Stateful = { write, writelines, flush, [STATE]: { rest: '', sink } };
  return stream;
}

// A symbol key, so that a copy by `{ ...errors }` shares the state.
const STATE = Symbol('errors');
type Stateful = { [STATE]: { rest: string; sink: (lines: string) => void } };

function write(this: Stateful, text: string): void {
  if (typeof text !== 'string') throw new TypeError(`wsgi.errors takes strings, not ${nameOf(text)}`);
  const state = this[STATE];
  // Search only the new text: `rest` never holds a line feed. Otherwise a long line written in small pieces takes quadratic
  // time.
  const end = text.lastIndexOf('\n');
  const held = state.rest;
  state.rest = end < 0 ? held + text : text.slice(end + 1);
  if (end >= 0) state.sink(held + text.slice(0, end));
}

function writelines(this: Stateful, texts: Iterable<string>): void {
  for (const text of texts) write.call(this, text);
}

function flush(this: Stateful): void {
  const state = this[STATE];
  if (state.rest === '') return;
  const line = state.rest;
  state.rest = '';
  state.sink(line);
}
