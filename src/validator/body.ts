import { checkBody, isThenable } from '../body.js';
import { nameOf } from '../errors.js';
import { FileWrapper } from '../file-wrapper.js';
import { checkChunk } from '../start-response.js';
import type { Body, ErrorStream } from '../types.js';
import { breach, DETAILS, LENGTH, log, START } from './breach.js';
import { checkPropagated, checkUnchanged, count, type State } from './start-response.js';

/** The iteration over a body, as the gateway drives it. */
interface Iteration {
  opened: boolean;
  /** The iteration has ended or failed. */
  over: boolean;
  /** return() ended the iteration, perhaps while a chunk was being awaited. */
  left: boolean;
  closed: boolean;
  canReturn: boolean;
}

// This is logged, because no caller is left to catch an error.
const dropped =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : /* @__PURE__ */ new FinalizationRegistry<ErrorStream>((errors) =>
        log(errors, `gateway or middleware: dropped a body without a call of its close() (PEP 3333, "${DETAILS}")`),
      );

function checkForm(body: Body): void {
  //!# The body
  //! A body is an iterable, synchronous or asynchronous, and neither a string nor bytes.
  checkBody(body);
  //! Its `close`, if it has one, is a function.
  if (body.close !== undefined && typeof body.close !== 'function')
    breach('application', `close must be a function, not ${nameOf(body.close)}`, DETAILS);
}

function checkNext(chunk: unknown, state: State): Uint8Array {
  //! Every chunk of a body is a Uint8Array.
  checkChunk(chunk, 'a chunk of the body');
  //! `startResponse` is called before the first chunk that is not empty.
  if (chunk.length > 0 && !state.started) breach('application', 'gave a chunk before it called startResponse', START);
  checkPropagated(state);
  checkUnchanged(state);
  count(chunk, state);
  return chunk;
}

function checkEnd(body: Body, state: State): void {
  //! `startResponse` is called before the body ends.
  if (!state.started) breach('application', 'ended its body without a call of startResponse', START);
  checkPropagated(state);
  checkUnchanged(state);
  state.ended = true;
  //! A body that reaches its end has given no fewer bytes than the Content-Length, if there is one.
  if (state.length !== undefined && state.given < state.length && !(body instanceof FileWrapper))
    breach('application', `ended after ${state.given} of the ${state.length} bytes of its Content-Length`, LENGTH);
}

function open<T extends Iterator<unknown> | AsyncIterator<unknown>>(iterate: () => T, iteration: Iteration): T {
  //! A gateway iterates over a body once, and not after it has closed it.
  if (iteration.opened) breach('gateway', 'iterated over the body a second time', DETAILS);
  if (iteration.closed) breach('gateway', 'iterated over the body after close()', DETAILS);
  iteration.opened = true;
  const iterator = iterate();
  //! The iterator of a body has a `next` function.
  if (typeof iterator?.next !== 'function')
    breach('application', `the iterator of its body, ${nameOf(iterator)}, has no next()`, DETAILS);
  iteration.canReturn = typeof iterator.return === 'function';
  return iterator;
}

function checkedClose(body: Body, iteration: Iteration, state: State): () => void | Promise<void> {
  const given = body.close;
  return () => {
    //! A gateway calls `close` once, however the request ends.
    if (iteration.closed) breach('gateway', 'called close() a second time', DETAILS);
    iteration.closed = true;
    state.ended = true;
    dropped?.unregister(iteration);
    const cut = iteration.opened && !iteration.over && !iteration.left && iteration.canReturn;
    const settle = (): void => {
      //! A gateway that stops an iteration early calls `return` of the iterator, if it has one, before `close`.
      if (cut) breach('gateway', 'called close() in the middle of the iteration, without return()', DETAILS);
    };
    const closing = given?.call(body);
    return isThenable(closing) ? closing.then(settle) : settle();
  };
}

/** A body that checks the application's chunks and the gateway's use of it.
 *  @throws {WsgiError} when `body` breaks a rule before the iteration */
export function checkedBody(body: Body, errors: ErrorStream, state: State): Body {
  checkForm(body);
  const iteration: Iteration = { opened: false, over: false, left: false, closed: false, canReturn: false };
  const close = checkedClose(body, iteration, state);
  const watched = <T extends Body>(wrapped: T): T => {
    //! Whoever receives a body closes it. A body that is garbage-collected unclosed is logged, if the runtime can tell.
    dropped?.register(wrapped, errors, iteration);
    return wrapped;
  };

  // A file stays a FileWrapper, so that the gateway may hand it to its platform by reference. Nobody sees its blocks then.
  if (body instanceof FileWrapper) {
    checkEnd(body, state);
    return watched(Object.assign(body, { close: async () => close() }));
  }
  // An array stays an array: a gateway may rely on its length (PEP 3333, "Handling the Content-Length Header").
  if (Array.isArray(body)) {
    const chunks = Array.from(body as unknown[], (chunk) => checkNext(chunk, state));
    checkEnd(body, state);
    return watched(Object.assign(chunks, { close }));
  }
  if (Symbol.asyncIterator in body) {
    const source = body;
    return watched({
      [Symbol.asyncIterator]() {
        const iterator = open(() => source[Symbol.asyncIterator](), iteration);
        return checkedAsync(iterator, createSteps(source, iteration, state));
      },
      close,
    });
  }
  return watched({
    [Symbol.iterator]() {
      const iterator = open(() => body[Symbol.iterator](), iteration);
      return checkedSync(iterator, createSteps(body, iteration, state));
    },
    close,
  });
}

/** The checks of an iteration, which are the same for both kinds of iterators. */
interface Steps {
  begin(): void;
  settle(step: IteratorResult<unknown>): IteratorResult<Uint8Array>;
  fail(error: unknown): never;
  leave(): void;
}

function createSteps(body: Body, iteration: Iteration, state: State): Steps {
  return {
    begin() {
      //! A gateway asks for one chunk at a time, and for none after the last one or after `close`.
      if (state.iterating) breach('gateway', 'asked for a chunk while the last one was still awaited', DETAILS);
      if (iteration.closed) breach('gateway', 'asked for a chunk after close()', DETAILS);
      if (iteration.over || iteration.left) breach('gateway', 'asked for a chunk after the end of the body', DETAILS);
      state.iterating = true;
    },
    settle(step) {
      state.iterating = false;
      iteration.over = true; // stays so unless a valid chunk has come
      //! A step of the iteration is an object with `done` and `value`.
      if (typeof step !== 'object' || step === null)
        breach('application', `a step of its body is ${nameOf(step)}`, DETAILS);
      if (!step.done) {
        const chunk = checkNext(step.value, state);
        iteration.over = false;
        return { done: false, value: chunk };
      }
      checkEnd(body, state);
      return { done: true, value: undefined };
    },
    fail(error) {
      state.iterating = false;
      iteration.over = true;
      throw error;
    },
    leave() {
      iteration.left = true;
    },
  };
}

function checkedSync(iterator: Iterator<unknown>, { begin, settle, fail, leave }: Steps): Iterator<Uint8Array> {
  return {
    next() {
      begin();
      let step: IteratorResult<unknown>;
      try {
        step = iterator.next();
      } catch (error) {
        return fail(error);
      }
      return settle(step);
    },
    ...(iterator.return && {
      return() {
        leave();
        iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

function checkedAsync(
  iterator: AsyncIterator<unknown>,
  { begin, settle, fail, leave }: Steps,
): AsyncIterator<Uint8Array> {
  return {
    async next() {
      begin();
      let step: IteratorResult<unknown>;
      try {
        step = await iterator.next();
      } catch (error) {
        return fail(error);
      }
      return settle(step);
    },
    ...(iterator.return && {
      async return() {
        leave();
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

/** Closes a body that the gateway never gets. */
export async function discard(body: Body | null | undefined, errors: ErrorStream): Promise<void> {
  try {
    if (typeof body?.close === 'function') await body.close();
  } catch (error) {
    log(errors, `application: close() failed: ${String(error)}`);
  }
}
