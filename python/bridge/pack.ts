import type { Environ, StartResponse } from '../../src/types.js';
import type { PyodideModule } from '../interpreter/pyodide.js';
import { NUL, STRING_BUFFER } from './wire.js';

/** Marks an environ that comes out of Python: the request already has its turn in that interpreter. */
export const INTERPRETER = 'wsgi_edge.interpreter';

// Python makes these keys itself, or has no use for them.
const OWN = new Set([
  INTERPRETER,
  'wsgi.version',
  'wsgi.input',
  'wsgi.errors',
  'wsgi.multithread',
  'wsgi.multiprocess',
  'wsgi.run_once',
  'wsgi.file_wrapper',
  'wsgi.input_terminated',
  'wsgi_edge.wait_until',
  'wsgi_edge.signal',
]);

/** Packs an environ for Python. A value with NUL in it, which a path may have (%00), goes in a separate call. */
export function pack(environ: Environ): { packed: string; names: string; values: unknown[] } {
  let packed = '';
  const names: string[] = [];
  const values: unknown[] = [];
  for (const key in environ) {
    const value = environ[key];
    if (typeof value === 'string' && !value.includes(NUL)) {
      packed += packed === '' ? `${key}${NUL}${value}` : `${NUL}${key}${NUL}${value}`;
    } else if (!OWN.has(key) && value !== undefined) {
      names.push(key);
      values.push(value);
    }
  }
  return { packed, names: names.join(NUL), values };
}

/** Turns the environ that middleware of Python has passed on into one for an application of TypeScript.
 *  @param interpreter  the value of INTERPRETER
 *  @param original  the environ of the request, which has the objects that Python does not get */
export function unpack(
  interpreter: object,
  original: Environ | undefined,
  packed: string,
  names: string,
  values: unknown[],
): Environ {
  const items = packed.split(NUL);
  const environ: Record<string, unknown> = { [INTERPRETER]: interpreter };
  for (let i = 0; i + 1 < items.length; i += 2) environ[items[i] as string] = items[i + 1];
  if (names !== '') for (const [i, name] of names.split(NUL).entries()) environ[name] = values[i];
  for (const key in original) if (OWN.has(key) && key !== INTERPRETER) environ[key] = original[key];
  return environ as Environ;
}

export function packHead(status: string, headers: Parameters<StartResponse>[1]): string {
  return [status, ...headers.flat()].join(NUL);
}

/** Puts texts into the memory that Python reads them from: Pyodide takes 5 ns to convert one character.
 *  @param address  the first byte of the memory
 *  @returns how many bytes the text takes, or the text itself if it does not fit or is not well-formed */
export function createTextBuffer(module: PyodideModule, address: number): (text: string) => number | string {
  const encoder = new TextEncoder();
  return (text) => {
    if (text.length > STRING_BUFFER || !text.isWellFormed()) return text;
    const { HEAPU8 } = module; // a new one whenever the memory has grown
    const { read, written } = encoder.encodeInto(text, HEAPU8.subarray(address, address + STRING_BUFFER));
    return read === text.length ? written : text;
  };
}
