import { ClientDisconnected, describe, escapeControls, oneLine, recordOf } from './errors.js';
import type { Log } from './log.js';
import { decodeNative } from './native-string.js';
import type { Watch } from './observe.js';
import type { Environ, ErrorPhase, LogEntry, LogRecord } from './types.js';

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
  /** The request, as soon as it has been read. */
  environ: Environ | undefined;
  /** Tells the observer, if there is one. */
  watch: Watch | undefined;
  readonly #ctx: ExecutionContextLike | undefined;
  readonly #log: Log;
  #controller: AbortController | undefined;
  #giveUp: ((reason: unknown) => void) | undefined;

  /** @param log  takes the records of the request
   *  @param ctx  keeps background work alive, on a platform that needs that */
  constructor(log: Log, ctx: ExecutionContextLike | undefined) {
    this.#log = log;
    this.#ctx = ctx;
  }

  /** Writes an entry to the log, with the request that it belongs to. */
  log({ message, ...entry }: LogEntry): void {
    this.#log({ ...entry, message: escapeControls(message), ...(this.environ && requestOf(this.environ)) });
  }

  /** Logs an error and tells the observer. */
  report(error: unknown, phase: ErrorPhase, entry: LogEntry = recordOf(error)): void {
    this.log(entry);
    this.watch?.fail(error, phase);
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
    const logged = Promise.resolve(promise).catch((error: unknown) => {
      const message = `application: a promise given to wsgi_edge.wait_until rejected: ${describe(error)}`;
      this.report(error, 'wait_until', { level: 'error', message, error });
    });
    this.#ctx?.waitUntil(logged);
  }
}

type RequestFields = Pick<LogRecord, 'request_id' | 'method' | 'path'>;

function requestOf(environ: Environ): RequestFields {
  try {
    const { REQUEST_METHOD: method, SCRIPT_NAME: mount, PATH_INFO: path, 'wsgi_edge.request_id': id } = environ;
    const fields = { method: oneLine(String(method)), path: oneLine(decodeNative(`${mount}${path}`)) };
    return id === undefined || id === '' ? fields : { request_id: oneLine(String(id)), ...fields };
  } catch {
    return {}; // The application has put other values there.
  }
}
