import { checkBody, iteratorOf } from '../body.js';
import { asFile, FileWrapper } from '../file-wrapper.js';
import type { Body } from '../types.js';

/** The events of a body that middleware can follow. */
export interface BodyWatch {
  /** Runs each step of the body and its `close()`. */
  inside?: <T>(step: () => T) => T;
  /** Called for an error of the body or of its `close()`.
   *  @param begun  a chunk has come before */
  failed(error: unknown, begun: boolean): void;
  /** Called after `close()`; the gateway waits for its promise. */
  closed(): void | Promise<void>;
}

/** Lets middleware know how a body ends. Arrays stay arrays, and files and streams stay files, because the gateway sends them
 *  as a whole.
 *  @throws {WsgiError} when the body is not iterable */
export function watchBody(body: Body, watch: BodyWatch): Body {
  checkBody(body);
  const array = Array.isArray(body) ? [...body] : undefined;
  const file = body instanceof FileWrapper ? body : array === undefined ? asFile(body) : undefined;
  const steps = new Steps(body, watch);
  // Bound now, because a file gets the new close() itself.
  const close = (file ?? body).close?.bind(file ?? body);
  return Object.assign((array ?? file ?? steps) as Body, {
    async close() {
      try {
        await steps.inside(() => close?.());
      } catch (error) {
        watch.failed(error, steps.begun);
        throw error;
      } finally {
        await watch.closed();
      }
    },
  });
}

/** The steps of a body, watched. */
class Steps implements AsyncIterable<Uint8Array> {
  readonly inside: <T>(step: () => T) => T;
  begun = false;
  readonly #body: Body;
  readonly #watch: BodyWatch;

  constructor(body: Body, watch: BodyWatch) {
    this.#body = body;
    this.#watch = watch;
    this.inside = watch.inside ?? ((step) => step());
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const iterator = iteratorOf(this.#body);
    return {
      next: async () => {
        try {
          const step = await this.inside(() => iterator.next());
          this.begun ||= !step.done;
          return step as IteratorResult<Uint8Array>;
        } catch (error) {
          this.#watch.failed(error, this.begun);
          throw error;
        }
      },
      return: async () => {
        await this.inside(() => iterator.return?.());
        return { done: true, value: undefined };
      },
    };
  }
}
