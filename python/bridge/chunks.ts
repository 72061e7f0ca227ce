import type { Body } from '../../src/types.js';
import { checked } from './python-error.js';
import { CHUNK, EMPTY, type Started } from './wire.js';

/** Makes a body of the first answer of Python and the functions that give the others.
 *  @param next  the next chunk, undefined at the end, or a failure
 *  @param close  ends the body in Python; called once
 *  @param promising  whether the two return promises */
export function chunksOf(first: Started, next: () => unknown, close: () => Promise<void>, promising: boolean): Body {
  let held: Started | undefined = first;
  const step = (): unknown => {
    if (held === undefined) return next();
    const started = held;
    held = undefined;
    if (started[0] === CHUNK) return started[1];
    return started[0] === EMPTY ? undefined : started;
  };
  return promising ? asynchronous(step, close) : synchronous(step, close);
}

function synchronous(step: () => unknown, close: () => Promise<void>): Body {
  let closed: Promise<void> | undefined;
  return {
    [Symbol.iterator]: () => ({ next: () => toResult(step()) }),
    close() {
      closed ??= close();
      return closed;
    },
  };
}

function asynchronous(step: () => unknown, close: () => Promise<void>): Body {
  let pending: Promise<unknown> | undefined;
  let closed: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    // Python can neither be interrupted nor be entered again in a body that waits for a promise.
    await pending?.catch(() => {});
    await close();
  };
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        pending = Promise.resolve(step());
        return toResult(await pending);
      },
    }),
    close() {
      closed ??= end();
      return closed;
    },
  };
}

function toResult(answer: unknown): IteratorResult<Uint8Array> {
  const chunk = checked(answer);
  return chunk === undefined ? { done: true, value: undefined } : { done: false, value: chunk as Uint8Array };
}
