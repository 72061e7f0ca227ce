import { WsgiError } from '../../src/errors.js';
import type { PyFunction, PyodideApi } from '../interpreter/pyodide.js';

/** The way into an interpreter. Its functions throw when the interpreter is lost: after a fatal error of Pyodide. */
export interface Entrance {
  /** Calls a function of Python in the current job. When Python can wait for promises, the job must not be one in which
   *  Python has called JavaScript: Python can't be entered from within Python. */
  enterNow: Enter;
  /** Calls a function of Python. When Python can wait for promises, this begins a job of its own. */
  enter: Enter;
  isLost(): boolean;
}

/** Returns a promise when Python can wait for promises, else the answer. */
type Enter = (fn: PyFunction, ...args: unknown[]) => unknown;

/** @param promising  whether Python is entered so that it can wait for promises (JSPI)
 *  @param onFatal  called once, when the interpreter is lost */
export function createEntrance(api: PyodideApi, promising: boolean, onFatal: (error: unknown) => void): Entrance {
  let lost: WsgiError | undefined;
  const waiting = new Set<(error: unknown) => void>();

  const lose = (cause: unknown): WsgiError => {
    if (lost === undefined) {
      lost = new WsgiError('python: the interpreter is lost; the next request starts a new one', { cause });
      onFatal(lost);
      // A call that waits for a promise would never settle, because nobody resumes it in a lost interpreter.
      for (const reject of waiting) reject(lost);
      waiting.clear();
    }
    return lost;
  };
  api.on_fatal = lose;

  const untilLost = (answer: Promise<unknown>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.add(reject);
      answer.then(
        (value) => {
          waiting.delete(reject);
          resolve(value);
        },
        (error) => lose(error),
      );
    });

  const enterNow: Enter = (fn, ...args) => {
    if (lost !== undefined) throw lost;
    try {
      return promising ? untilLost(fn.callPromising(...args)) : fn(...args);
    } catch (error) {
      // Python returns its exceptions as values, so anything thrown here means that the interpreter crashed.
      throw lose(error);
    }
  };

  return {
    enterNow,
    enter: promising
      ? async (fn, ...args) => {
          await undefined;
          return enterNow(fn, ...args);
        }
      : enterNow,
    isLost: () => lost !== undefined,
  };
}
