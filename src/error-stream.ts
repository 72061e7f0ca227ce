import { nameOf } from './errors.js';
import type { ErrorStream } from './types.js';

/** `wsgi.errors` over a function that takes whole lines. The lines that one `write()` completes come in one call, without
 *  the last LF. `flush()` passes an unfinished line on.
 *  @throws {TypeError} when a text is not a string
 *  PEP 3333, "Input and Error Streams". */
export function createErrorStream(sink: (lines: string) => void): ErrorStream {
  let rest = '';
  const write = (text: string): void => {
    if (typeof text !== 'string') throw new TypeError(`wsgi.errors takes strings, not ${nameOf(text)}`);
    // Search only the new text: `rest` never holds a LF. Otherwise a long line written in small pieces takes quadratic
    // time.
    const end = text.lastIndexOf('\n');
    const held = rest;
    rest = end < 0 ? held + text : text.slice(end + 1);
    if (end >= 0) sink(held + text.slice(0, end));
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
