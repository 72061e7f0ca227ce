import { nameOf, WsgiError } from './errors.js';
import type { Body } from './types.js';

/** An application's body with its one ending. */
export interface OpenBody {
  /** The next step of the iteration, as the iterator gives it. */
  next(): IteratorResult<unknown> | Promise<IteratorResult<unknown>>;
  /** Ends the body: the iterator's `return()` unless it is exhausted, then `close()`. Runs once, however often it is
   *  called, and never rejects: each failure goes to `log`. */
  release(): Promise<void>;
}

// JavaScript can't interrupt a pending next(), and a generator's return() waits for it. A body that hangs there is given
// this long (ms) before close() runs all the same, so that what it holds is freed.
const STUCK = 1000;

/** Opens what an application returned. PEP 3333, "Specification Details".
 *  @throws {WsgiError} when it is not an iterable of chunks */
export function openBody(body: Body, log: (error: unknown) => void): OpenBody {
  let iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  let exhausted = false;
  let pending = 0;
  let released: Promise<void> | undefined;

  const settle = (step: IteratorResult<unknown>): IteratorResult<unknown> => {
    if (typeof step !== 'object' || step === null)
      throw new WsgiError(
        `application: a step of its body is ${nameOf(step)}, not an object with done and value (PEP 3333, "Specification Details")`,
      );
    if (step.done) exhausted = true;
    return step;
  };

  const end = async (): Promise<void> => {
    try {
      if (!exhausted && iterator?.return) {
        const returned = Promise.resolve(iterator.return());
        if (pending === 0) await returned;
        else await within(returned, STUCK);
      }
    } catch (error) {
      log(error);
    }
    try {
      await body.close?.();
    } catch (error) {
      log(error);
    }
  };

  return {
    next() {
      iterator ??= iteratorOf(body);
      const step = iterator.next();
      if (!isThenable(step)) return settle(step);
      pending++;
      return step.then(
        (result) => {
          pending--;
          return settle(result);
        },
        (error) => {
          pending--;
          throw error;
        },
      );
    },
    release() {
      released ??= end();
      return released;
    },
  };
}

/** Checks that a value can be a body at all.
 *  @throws {WsgiError} which says what came and what to do */
export function checkBody(body: unknown): asserts body is Body {
  const iterable =
    typeof body === 'object' &&
    body !== null &&
    !ArrayBuffer.isView(body) &&
    (typeof (body as AsyncIterable<unknown>)[Symbol.asyncIterator] === 'function' ||
      typeof (body as Iterable<unknown>)[Symbol.iterator] === 'function');
  if (iterable) return;
  let advice = '';
  if (ArrayBuffer.isView(body)) advice = '; put it into an array: [bytes]';
  else if (typeof body === 'string') advice = '; return [new TextEncoder().encode(text)]';
  else if (body === undefined) advice = '; is a return missing? An empty body is []';
  else if (nameOf(body) === 'a Response') advice = '; fromFetchHandler() makes an application of a Fetch handler';
  throw new WsgiError(
    `application: must return an iterable of Uint8Array, not ${nameOf(body)}${advice} (PEP 3333, "Specification Details")`,
  );
}

/** Chunks as one, without a copy where one of them is all.
 *  @param total  their length in bytes */
export function concatenate(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const [first = new Uint8Array(0)] = chunks;
  if (first.length === total) return first;
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Whether a value is a promise, of whichever kind. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function';
}

// Microtasks: more than an asynchronous function that waits for nothing outside takes.
const SOON = 16;

/** Whether a promise settles within the microtasks that run now, before the platform can do anything in between. */
export async function settlesSoon(promise: PromiseLike<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let i = 0; i < SOON && !settled; i++) await null;
  return settled;
}

function iteratorOf(body: Body): AsyncIterator<unknown> | Iterator<unknown> {
  const { [Symbol.asyncIterator]: open } = body as AsyncIterable<unknown>;
  return typeof open === 'function' ? open.call(body) : (body as Iterable<unknown>)[Symbol.iterator]();
}

function within(promise: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    const settled = (done: () => void) => {
      clearTimeout(timer);
      done();
    };
    promise.then(
      () => settled(resolve),
      (error) => settled(() => reject(error)),
    );
  });
}
