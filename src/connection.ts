import { ClientDisconnected, describe } from './errors.js';

/** The part of an execution context that the gateway uses: a Worker's, a DurableObjectState's, Hono's. */
export interface ExecutionContextLike {
  waitUntil(promise: Promise<unknown>): void;
}

/** The connection to the client of one request: its state, and the work that outlives the response. The gateway itself
 *  does not wait on the AbortSignal, because a listener on it costs as much as a small request in workerd. */
export class Connection {
  /** Nothing more can be sent; `reason` says why. */
  aborted = false;
  reason: unknown;
  readonly #ctx: ExecutionContextLike | undefined;
  readonly #log: (lines: string) => void;
  #controller: AbortController | undefined;
  #giveUp: ((reason: unknown) => void) | undefined;

  /** @param log  takes the rejections of background work
   *  @param ctx  keeps background work alive, on a platform that needs that */
  constructor(log: (lines: string) => void, ctx: ExecutionContextLike | undefined) {
    this.#log = log;
    this.#ctx = ctx;
  }

  /** Aborted when the connection ends early. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  /** Ends the gateway's current wait and aborts the signal. If called again, the first reason stays. */
  abort(reason: unknown = new ClientDisconnected()): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#controller?.abort(reason);
    this.#giveUp?.(reason);
  }

  /** Waits for `promise`, but no longer than the connection lasts. One wait at a time.
   *  @param done  takes its value
   *  @param failed  takes its rejection, or the reason if the connection ends first
   *  @returns a promise of the result of the one that is called */
  until<T, R>(promise: PromiseLike<T>, done: (value: T) => R, failed: (error: unknown) => R): Promise<Awaited<R>> {
    return new Promise((resolve, reject) => {
      let over = false;
      const once =
        <V>(act: (value: V) => R) =>
        (value: V) => {
          if (over) return;
          over = true;
          try {
            resolve(act(value) as Awaited<R>);
          } catch (error) {
            reject(error);
          }
        };
      this.#giveUp = once(failed);
      promise.then(once(done), this.#giveUp);
      if (this.aborted) this.#giveUp(this.reason);
    });
  }

  /** Waits in the same way, without callbacks: settles as `promise` does, or rejects with the reason. */
  whileOpen<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#giveUp = reject;
      promise.then(resolve, reject);
      if (this.aborted) reject(this.reason);
    });
  }

  /** Keeps work alive that outlives the response; a rejection is logged. */
  waitUntil(promise: PromiseLike<unknown>): void {
    const logged = Promise.resolve(promise).catch((error: unknown) =>
      this.#log(`application: a promise given to wsgi_edge.wait_until rejected: ${describe(error)}`),
    );
    this.#ctx?.waitUntil(logged);
  }
}
