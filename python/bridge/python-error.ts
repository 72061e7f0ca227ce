import { ClientDisconnected } from '../../src/errors.js';
import { DISCONNECTED, type Failure } from './wire.js';

/** An exception of Python. Its stack is Python's traceback. */
export class PythonError extends Error {
  override name = 'PythonError';
  /** The name of Python's class: "ValueError". */
  readonly type: string;

  /** @param cause  the error of JavaScript that Python's exception came from */
  constructor(type: string, traceback: string, cause?: unknown) {
    const text = traceback.trimEnd();
    super(text.slice(text.lastIndexOf('\n') + 1), cause === undefined ? undefined : { cause });
    this.type = type;
    this.stack = text;
  }
}

const FOREIGN = /^ {2}File "(?:<exec>|<frozen importlib|[^"]*\/(?:_pyodide|importlib|wsgi_edge)\/).*\n(?: {4}.*\n)*/gm;

/** A traceback without the frames of this package, of Pyodide and of Python's import, which say nothing about a mistake in an
 *  application. */
export const ownFrames = (traceback: string): string => traceback.replaceAll(FOREIGN, '');

/** The error to throw for a failure. A ClientDisconnected that went through Python comes out as itself. */
export function errorOf([, type, traceback, cause]: Failure): unknown {
  return type === DISCONNECTED && cause instanceof ClientDisconnected ? cause : new PythonError(type, traceback, cause);
}

/** Returns the answer of a function of Python.
 *  @throws the error of the failure, if the answer is one */
export function checked(answer: unknown): unknown {
  if (Array.isArray(answer)) throw errorOf(answer as Failure);
  return answer;
}
