import { nameOf } from './errors.js';
import type { ErrorStream } from './types.js';

/** `wsgi.errors` over a function that takes whole lines: those that one `write()` completes together, without the last
 *  LF. `flush()` hands on an unfinished one.
 *  @throws {TypeError} when a text is not a string
 *  PEP 3333, "Input and Error Streams". */
export function createErrorStream(sink: (lines: string) => void): ErrorStream {
  let rest = '';
  const write = (text: string): void => {
    if (typeof text !== 'string') throw new TypeError(`wsgi.errors takes strings, not ${nameOf(text)}`);
    const all = rest + text;
    const end = all.lastIndexOf('\n');
    rest = all.slice(end + 1);
    if (end >= 0) sink(all.slice(0, end));
  };
  return {
    write,
    writelines(texts) {
      for (const text of texts) write(text);
    },
    flush() {
      if (rest === '') return;
      const line = rest;
      rest = '';
      sink(line);
    },
  };
}
