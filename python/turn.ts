import { WsgiError } from '../src/errors.js';
import { ownPromise } from './queue.js';

/** The time that Python has to end a call after its wait has been interrupted, in milliseconds. */
const GRACE = 1000;

/** One stay of a request in an interpreter, while others wait. It has a deadline.
 *
 *  Only a wait can be interrupted: at the deadline the promise that Python waits for seems to reject, so the application raises,
 *  and cleans up. If the call has not ended a second later, it is abandoned together with its interpreter. */
export class Turn {
  /** The call goes on, but nobody waits for it any more. */
  abandoned = false;
  /** The number of the request that it belongs to. */
  request: number | undefined;
  /** Called at the deadline. */
  onInterrupt: ((error: WsgiError) => void) | undefined;
  private readonly limit: number;
  private expires = Number.POSITIVE_INFINITY;
  private error: WsgiError | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abandon: ((error: WsgiError) => void) | undefined;

  /** @param limit  milliseconds */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** True if a wait of the call has been interrupted. */
  get interrupted(): boolean {
    return this.error !== undefined;
  }

  /** Runs the call.
   *  @param onAbandoned  called before the promise rejects, if the call does not end in time
   *  @throws {WsgiError} (as a rejection) when it does not end in time */
  run<T>(call: (turn: Turn) => PromiseLike<T>, onAbandoned: (error: WsgiError) => void): Promise<T> {
    if (this.limit === Number.POSITIVE_INFINITY) return Promise.resolve(call(this));
    const { promise, resolve, reject } = ownPromise<T>();
    this.abandon = (error) => {
      this.abandoned = true;
      onAbandoned(error);
      reject(error);
    };
    this.expires = performance.now() + this.limit;
    this.arm();
    call(this).then(
      (value) => {
        this.end();
        resolve(value);
      },
      (error) => {
        this.end();
        reject(error);
      },
    );
    return promise;
  }

  /** Waits for a promise for Python, but not past the deadline. */
  wait<T>(promise: PromiseLike<T>): Promise<T> {
    const own = ownPromise<T>();
    this.onInterrupt = own.reject;
    promise.then(own.resolve, own.reject);
    return own.promise;
  }

  /** Puts the deadline off, because the client has sent a part of its body.
   *  @param time  milliseconds */
  extend(time: number): void {
    if (this.error === undefined) this.expires += time;
  }

  /** Interrupts the wait of Python, if it waits. */
  interrupt(error: WsgiError): void {
    this.error = error;
    this.expires = performance.now() + GRACE;
    this.onInterrupt?.(error);
  }

  /** Acts if the deadline has passed. Requests that wait call this, too, because a Worker's timers end with their request. */
  check(): void {
    if (performance.now() < this.expires) return;
    const { error, abandon, limit } = this;
    if (error === undefined) {
      const rule = `application: a turn in the interpreter took longer than ${limit} ms (option timeout of fromPython)`;
      this.interrupt(new WsgiError(rule));
    } else {
      this.end();
      abandon?.(error);
    }
  }

  private arm(): void {
    this.timer = setTimeout(
      () => {
        this.check();
        if (this.expires !== Number.POSITIVE_INFINITY) this.arm();
      },
      Math.max(1, Math.ceil(this.expires - performance.now())),
    );
  }

  private end(): void {
    this.expires = Number.POSITIVE_INFINITY;
    clearTimeout(this.timer);
  }
}
