import type { Connection } from './connection.js';
import { describe } from './errors.js';
import type { Environ, ErrorPhase, Observer, ResponseEnd } from './types.js';

/** Tells an observer of one request. A failure of the observer is logged, and changes nothing else. */
export class Watch {
  readonly #observer: Observer;
  readonly #environ: Environ;
  readonly #connection: Connection;
  readonly #begin = performance.now();
  #error: unknown;
  #ended = false;

  constructor(observer: Observer, environ: Environ, connection: Connection) {
    this.#observer = observer;
    this.#environ = environ;
    this.#connection = connection;
    this.#tell('onRequest', () => observer.onRequest?.(environ));
  }

  fail(error: unknown, phase: ErrorPhase): void {
    this.#error ??= error;
    this.#tell('onError', () => this.#observer.onError?.(error, { environ: this.#environ, phase }));
  }

  /** @param error  why the response broke off, unless an error has been reported */
  end(outcome: Pick<ResponseEnd, 'status' | 'bytes' | 'aborted'>, error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const duration = performance.now() - this.#begin;
    const end = { environ: this.#environ, ...outcome, duration, error: this.#error ?? error };
    this.#tell('onResponse', () => this.#observer.onResponse?.(end));
  }

  #tell(hook: keyof Observer, call: () => unknown): void {
    const log = (error: unknown) =>
      this.#connection.log({ level: 'error', message: `observe: ${hook} failed: ${describe(error)}`, error });
    try {
      const told: unknown = call();
      // The platform waits for work that a hook begins, such as the export of figures.
      if (told !== undefined) this.#connection.waitUntil(Promise.resolve(told).catch(log));
    } catch (error) {
      log(error);
    }
  }
}
