import { WsgiError } from '../src/errors.js';
import type { Environment } from './environment.js';
import type { PythonAssets } from './interpreter/assets.js';
import type { Open } from './sockets/connection.js';
import { openerOf, type SocketOptions } from './sockets/options.js';
import { type Files, ownerOf } from './storage/index.js';

/** How interpreters run. */
export interface InterpreterOptions {
  /** Environment variables. They are set before the application is imported, unless a snapshot already holds it. One that is
   *  undefined is not set, so `process.env.NAME` can be given. */
  env?: Environment;
  /** The number of turns that are taken in one interpreter at a time: others run while one waits for a promise. The default is 32
   *  if the assets were built with `--concurrent`, else 1, and then it can't be more. */
  concurrency?: number;
  /** The time that a turn of a request may take, in milliseconds; 30,000 by default. A turn lasts until the first chunk of the
   *  response, then from chunk to chunk. After it the wait of the application is interrupted by an exception, and the request
   *  is answered with 500; if the application still goes on for another second, its interpreter is replaced. An
   *  application that computes can be interrupted only in a worker thread. */
  timeout?: number;
  /** The number of requests after which an interpreter is replaced; it serves any number by default. */
  maxRequests?: number;
  /** The size of an interpreter's memory, in bytes, above which it is replaced; it may grow by default. Python's memory never
   *  shrinks. */
  maxMemory?: number;
  /** The number of interpreters in worker threads, on Node. Without it, one interpreter runs in the thread of its application.
   *  In a thread environ has only strings, numbers and booleans, and the keys that the gateway itself provides. */
  workers?: number;
  /** False: Python can't wait for promises (`run_sync`), which makes each request cheaper. Without this option, it can if
   *  the runtime has JSPI. */
  jspi?: boolean;
  /** The sockets of Python, which it always has on Node and Lambda. On Workers give `connect` of `cloudflare:sockets`. */
  sockets?: SocketOptions;
  /** Frees the memory of the snapshot after the start, if the assets hold it in memory (Workers). A start after a fatal error
   *  then takes longer, because it has no snapshot. */
  freeSnapshot?: boolean;
  /** Files that outlive the interpreter, by the path of their folder: `folder()` or `durableObject()`. An interpreter with files of
   *  a Durable Object serves no other object. */
  files?: Record<string, Files>;
}

/** The options with their defaults. */
export interface Settings extends Required<Omit<InterpreterOptions, 'sockets'>> {
  sockets: SocketOptions | undefined;
  /** Opens connections; undefined if Python has no sockets. */
  open: Open | undefined;
}

const CONCURRENCY = 32;
const TIMEOUT = 30_000; // ms
const LONGEST = 2_147_483_647; // ms; no timer waits longer

/** @throws {WsgiError} on wrong options */
export function settingsOf(assets: PythonAssets, options: InterpreterOptions): Settings {
  for (const name of ['concurrency', 'timeout', 'maxRequests', 'maxMemory', 'workers'] as const) {
    const { [name]: value } = options;
    if (value !== undefined && (!Number.isInteger(value) || value < 1))
      throw new WsgiError(`python: ${name} must be a whole number above 0, not ${value}`);
  }
  const { concurrency = 1, timeout = TIMEOUT, workers, freeSnapshot, files, sockets } = options;
  if (timeout > LONGEST) throw new WsgiError(`python: timeout must be at most ${LONGEST} ms, not ${timeout}`);
  if (concurrency > 1 && !assets.manifest.concurrent)
    throw new WsgiError('python: concurrency needs assets that were built with wsgi-edge build-python --concurrent');
  if (workers !== undefined && assets.url === undefined)
    throw new WsgiError("python: workers needs the assets of node.mjs, and Node's worker threads");
  if (workers !== undefined && (typeof sockets === 'function' || (typeof sockets === 'object' && sockets.connect)))
    throw new WsgiError('python: connect in sockets is for Workers, and workers is for Node: give one of them');
  if (workers !== undefined && freeSnapshot)
    throw new WsgiError('python: freeSnapshot is for Workers, and workers is for Node: give one of them');
  if (workers !== undefined && ownerOf(files ?? {}) !== undefined)
    throw new WsgiError('python: durableObject() is for Workers, and workers is for Node: give one of them');
  if (freeSnapshot && files !== undefined)
    throw new WsgiError(
      'python: freeSnapshot would take the snapshot from other interpreters with files: give one of them',
    );
  return {
    env: {},
    concurrency: assets.manifest.concurrent ? CONCURRENCY : 1,
    timeout: TIMEOUT,
    maxRequests: Number.POSITIVE_INFINITY,
    maxMemory: Number.POSITIVE_INFINITY,
    workers: 0,
    jspi: true,
    freeSnapshot: false,
    files: {},
    open: openerOf(sockets),
    ...options,
    sockets,
  };
}
