import { describe, expect, it } from 'vitest';
import { createErrorStream } from '../src/error-stream.js';

describe('wsgi.errors', () => {
  const logged = () => {
    const lines: string[] = [];
    return { lines, errors: createErrorStream({ log: ({ message }) => lines.push(message) }) };
  };

  it('goes out by whole lines, in any Unicode', () => {
    const { lines, errors } = logged();
    errors.write('one\ntw');
    errors.write('o €\n\n');
    errors.writelines(['three', '\nfour']);
    errors.write('\n');
    errors.write('\n');
    expect(lines).toEqual(['one', 'two €\n', 'three', 'four', '']);
  });

  it('hands on an unfinished line when flushed, once', () => {
    const { lines, errors } = logged();
    errors.write('half');
    errors.flush();
    errors.flush();
    errors.write(' and half\n');
    expect(lines).toEqual(['half', ' and half']);
  });

  it('refuses bytes', () => {
    const { errors } = logged();
    expect(() => errors.write(new Uint8Array(1) as never)).toThrow(/wsgi\.errors takes strings, not a Uint8Array/);
  });
});
