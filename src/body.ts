import { nameOf, WsgiError } from './errors.js';
import type { Body } from './types.js';

// JavaScript can't interrupt a pending next(), and a generator's return() waits for it. If a body hangs there, close()
// still runs after this time (ms), so that the resources of the body are freed.
const STUCK = 1000;

/** The body that an application returned, with its one ending. PEP 3333, "Specification Details". */
export class OpenBody {
  readonly #body: Body;
  readonly #log: (error: unknown) => void;
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  #exhausted = false;
  #pending = 0;
  #released: Promise<void> | undefined;

  /** @param log  takes errors thrown while the body is being ended */
  constructor(body: Body, log: (error: unknown) => void) {
    this.#body = body;
    this.#log = log;
  }

  /** The next step of the iteration, as the iterator gives it. */
  next(): IteratorResult<unknown> | Promise<IteratorResult<unknown>> {
    this.#iterator ??= iteratorOf(this.#body);
    const step = this.#iterator.next();
    return isThenable(step) ? this.#settled(step) : this.#checked(step);
  }

  /** Ends the body: calls the iterator's `return()` unless it is exhausted, then `close()`. Further calls do nothing.
   *  Never rejects, because each failure goes to `log`. */
  release(): Promise<void> {
    this.#released ??= this.#end();
    return this.#released;
  }

  async #settled(step: PromiseLike<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> {
    this.#pending++;
    try {
      return this.#checked(await step);
    } finally {
      this.#pending--;
    }
  }

  #checked(step: IteratorResult<unknown>): IteratorResult<unknown> {
    if (typeof step !== 'object' || step === null)
      throw new WsgiError(
        `application: a step of its body is ${nameOf(step)}, not an object with done and value (PEP 3333, "Specification Details")`,
      );
    if (step.done) this.#exhausted = true;
    return step;
  }

  async #end(): Promise<void> {
    try {
      if (!this.#exhausted && this.#iterator?.return) {
        const returned = Promise.resolve(this.#iterator.return());
        await (this.#pending === 0 ? returned : within(returned, STUCK));
      }
    } catch (error) {
      this.#log(error);
    }
    try {
      await this.#body.close?.();
    } catch (error) {
      this.#log(error);
    }
  }
}

/** Checks that a body is iterable.
 *  @throws {WsgiError} which names the value and the types that are allowed */
export function checkBody(body: unknown): asserts body is Body {
  const iterable =
    Array.isArray(body) ||
    (typeof body === 'object' &&
      body !== null &&
      !ArrayBuffer.isView(body) &&
      (typeof (body as AsyncIterable<unknown>)[Symbol.asyncIterator] === 'function' ||
        typeof (body as Iterable<unknown>)[Symbol.iterator] === 'function'));
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

/** Joins chunks; a single chunk is not copied.
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

/** Tells if a value is a promise, native or not. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function';
}

// More microtasks than an asynchronous function takes that waits for no I/O.
const SOON = 16;

/** Tells if a promise settles within the current microtasks, before the platform can do anything in between. */
export async function settlesSoon(promise: PromiseLike<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let i = 0; i < SOON && !settled; i++) await null;
  return settled;
}

/** The iterator of a body. */
export function iteratorOf(body: Body): AsyncIterator<unknown> | Iterator<unknown> {
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
