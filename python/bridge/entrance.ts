import { WsgiError } from '../../src/errors.js';
import type { PyFunction, PyodideApi, PyodideModule } from '../interpreter/pyodide.js';
import { ownPromise } from '../queue.js';
import type { Turn } from '../turn.js';

/** The way into an interpreter. Its functions throw when the interpreter is lost: after a fatal error of Pyodide. */
export interface Entrance {
  /** Calls a function of Python in the current job. When Python can wait for promises, the job must not be one in which
   *  Python has called JavaScript: Python can't be entered from within Python.
   *  @param turn  can interrupt the waits of the call */
  enterNow(turn: Turn | undefined, fn: PyFunction, ...args: unknown[]): unknown;
  /** Calls a function of Python. When Python can wait for promises, this begins a separate job. */
  enter(turn: Turn | undefined, fn: PyFunction, ...args: unknown[]): unknown;
  /** Settles as a promise does that Python settles, and rejects when the interpreter is lost. */
  untilLost<T>(promise: PromiseLike<T>): Promise<T>;
  isLost(): boolean;
}

/** @param promising  whether Python is entered so that it can wait for promises (JSPI). The functions then return promises, else
 *    answers
 *  @param onFatal  called once, when the interpreter is lost */
export function createEntrance(
  module: PyodideModule,
  api: PyodideApi,
  promising: boolean,
  onFatal: (error: WsgiError) => void,
): Entrance {
  let lost: WsgiError | undefined;
  const waiting = new Set<(error: unknown) => void>();

  const lose = (cause: unknown): WsgiError => {
    if (lost === undefined) {
      lost = new WsgiError('python: the interpreter is lost; the next request starts a new one', { cause });
      // Timers of Python's event loop would reject promises that nobody handles, which ends a process of Node.
      module.callPyObjectMaybePromising = () => new Promise(() => {});
      onFatal(lost);
      // A call that waits for a promise would never settle, because nobody resumes it in a lost interpreter.
      for (const reject of waiting) reject(lost);
      waiting.clear();
    }
    return lost;
  };
  api.on_fatal = lose;

  const untilLost = <T>(promise: PromiseLike<T>): Promise<T> => {
    if (lost !== undefined) return Promise.reject(lost);
    const own = ownPromise<T>();
    waiting.add(own.reject);
    const settle =
      <V>(pass: (value: V) => void) =>
      (value: V) => {
        waiting.delete(own.reject);
        pass(value);
      };
    promise.then(settle(own.resolve), settle(own.reject));
    return own.promise;
  };

  const enterNow: Entrance['enterNow'] = (turn, fn, ...args) => {
    if (lost !== undefined) throw lost;
    try {
      if (!promising) return fn(...args);
      module.nextTurn = turn;
      return untilLost(fn.callPromising(...args)).catch((error) => {
        throw lose(error);
      });
    } catch (error) {
      // Python returns its exceptions as values, so anything thrown here means that the interpreter crashed.
      throw lose(error);
    }
  };

  return {
    enterNow,
    enter: promising
      ? async (turn, fn, ...args) => {
          await undefined;
          return enterNow(turn, fn, ...args);
        }
      : enterNow,
    untilLost,
    isLost: () => lost !== undefined,
  };
}
