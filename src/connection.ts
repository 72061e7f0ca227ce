import { ClientDisconnected, describe } from './errors.js';

/** What the gateway uses of an execution context: a Worker's, a DurableObjectState's, Hono's. */
export interface ExecutionContextLike {
  waitUntil(promise: Promise<unknown>): void;
}

/** The line to the client of one request: whether it still stands, and the work that outlives the response. The AbortSignal
 *  of `wsgi_edge.signal` is made when the application asks for it, since most applications never do. */
export class Connection {
  /** Nothing more can be sent; `reason` says why. */
  aborted = false;
  reason: unknown;
  private readonly ctx: ExecutionContextLike | undefined;
  private readonly log: (lines: string) => void;
  private controller: AbortController | undefined;
  private giveUp: ((reason: unknown) => void) | undefined;

  /** @param log  takes the rejections of background work
   *  @param ctx  keeps background work alive, on a platform that needs that */
  constructor(log: (lines: string) => void, ctx: ExecutionContextLike | undefined) {
    this.log = log;
    this.ctx = ctx;
  }

  /** Aborted when the connection ends early. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  /** Ends the wait of the gateway and aborts the signal; the first reason counts. */
  abort(reason: unknown = new ClientDisconnected()): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.controller?.abort(reason);
    this.giveUp?.(reason);
  }

  /** Settles as `promise` does, or rejects with the reason if the connection ends first. One wait at a time. */
  until<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.aborted) reject(this.reason);
      this.giveUp = reject;
      promise.then(resolve, reject);
    });
  }

  /** Keeps work alive that outlives the response; a rejection is logged. */
  waitUntil(promise: PromiseLike<unknown>): void {
    const logged = Promise.resolve(promise).catch((error: unknown) =>
      this.log(`application: a promise given to wsgi_edge.wait_until rejected: ${describe(error)}`),
    );
    this.ctx?.waitUntil(logged);
  }
}
