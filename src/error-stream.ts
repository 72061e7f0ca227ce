import { nameOf } from './headers.js';
import type { ErrorStream } from './types.js';

/** `wsgi.errors` over a function that takes whole lines without their LF; `flush()` hands on an unfinished one.
 *  @throws {TypeError} when a text is not a string
 *  PEP 3333, "Input and Error Streams". */
export function createErrorStream(sink: (line: string) => void): ErrorStream {
  let rest = '';
  const write = (text: string): void => {
    if (typeof text !== 'string') throw new TypeError(`wsgi.errors takes strings, not ${nameOf(text)}`);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) sink(line);
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
