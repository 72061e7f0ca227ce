import { iteratorOf } from '../body.js';
import { FileWrapper } from '../file-wrapper.js';
import type { Body } from '../types.js';

/** What middleware wants to know of a body. */
export interface BodyWatch {
  /** Runs each step of the body and its `close()`. */
  inside?: <T>(step: () => T) => T;
  /** Called for an error of the body or of its `close()`.
   *  @param begun  a chunk has come before */
  failed(error: unknown, begun: boolean): void;
  /** Called after `close()`; the gateway waits for its promise. */
  closed(): void | Promise<void>;
}

/** Lets middleware know how a body ends. Arrays stay arrays and files stay files, because the gateway sends them as a whole. */
export function watchBody(body: Body, watch: BodyWatch): Body {
  const { inside = (step) => step() } = watch;
  const { close } = body;
  let begun = false;
  const watched = Array.isArray(body)
    ? [...body]
    : body instanceof FileWrapper
      ? body
      : { [Symbol.asyncIterator]: steps };
  return Object.assign(watched as Body, {
    async close() {
      try {
        await inside(() => close?.call(body));
      } catch (error) {
        watch.failed(error, begun);
        throw error;
      } finally {
        await watch.closed();
      }
    },
  });

  function steps(): AsyncIterator<Uint8Array> {
    const iterator = iteratorOf(body);
    return {
      async next() {
        try {
          const step = await inside(() => iterator.next());
          begun ||= !step.done;
          return step as IteratorResult<Uint8Array>;
        } catch (error) {
          watch.failed(error, begun);
          throw error;
        }
      },
      async return() {
        await inside(() => iterator.return?.());
        return { done: true, value: undefined };
      },
    };
  }
}
