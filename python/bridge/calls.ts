import { logRecord } from '../../src/error-stream.js';
import { describe, WsgiError } from '../../src/errors.js';
import type { Environ, HeaderList, LogLevel, StartResponse, Write } from '../../src/types.js';
import type { Turn } from '../turn.js';
import type { Pull } from './pull.js';
import { PythonError } from './python-error.js';
import { NUL, type PythonInput, type RequestCalls } from './wire.js';

/** A request that Python is serving. */
export interface Exchange {
  environ: Environ;
  startResponse: StartResponse;
  /** The function that startResponse returned. */
  write?: Write;
  /** Settles when the chunks have been sent that came before; undefined if they have. */
  sent?: () => Promise<void> | undefined;
  /** Content-Length, if the application has given one. */
  length?: number | undefined;
  input: PythonInput;
  /** Reads a body that Python pulls. */
  pull?: Pull | undefined;
  /** The turn that the request is in. */
  turn?: Turn;
  /** The line of sys.stdout that has no end yet. */
  printed?: string;
}

/** The functions that Python calls during a request.
 *  @param exchanges  by the number of the request; a request that has ended is no longer there
 *  @param untilLost  rejects a promise that Python settles when the interpreter is lost */
export function createCalls(
  exchanges: Map<number, Exchange>,
  promising: boolean,
  untilLost: <T>(promise: PromiseLike<T>) => Promise<T>,
): RequestCalls {
  return {
    start: (request, packed, excText) => startResponse(exchanges.get(request), packed, excText),
    write(request, data) {
      const accepted = write(exchanges.get(request), data);
      if (promising) return accepted;
      // Python can't wait, so nobody handles the rejection. The gateway keeps the data in order.
      accepted.catch(() => {});
      return undefined;
    },
    log: (request, text, level) => log(exchanges.get(request), text, level),
    print: (request, text) => print(exchanges.get(request), text),
    pull: (request, atLeast, size) => pull(exchanges.get(request), atLeast, size),
    signal: (request) => exchanges.get(request)?.environ['wsgi_edge.signal'],
    wait_until(request, future) {
      const settled = Promise.resolve(future).finally(() => future.destroy());
      exchanges.get(request)?.environ['wsgi_edge.wait_until'](untilLost(settled));
    },
  };
}

function startResponse(
  exchange: Exchange | undefined,
  packed: string | undefined,
  excText: string | undefined,
): string | true | undefined {
  if (exchange === undefined) return 'application: start_response was called after the response had ended';
  // If Python has found a fault, the status is empty, and the gateway refuses it.
  const parts = packed?.split(NUL) ?? [''];
  const status = parts[0] as string;
  const headers: HeaderList = [];
  for (let i = 1; i < parts.length; i += 2) headers.push([parts[i] as string, parts[i + 1] as string]);
  const excInfo = excText === undefined ? undefined : new PythonError('', excText);
  try {
    const start = exchange.startResponse;
    exchange.write = excInfo === undefined ? start(status, headers) : start(status, headers, excInfo);
    const [, length] = headers.find(([name]) => name.toLowerCase() === 'content-length') ?? [];
    exchange.length = length === undefined ? undefined : Number(length);
    return undefined;
  } catch (error) {
    if (excInfo !== undefined && error === excInfo) return true;
    return error instanceof Error ? error.message : describe(error);
  }
}

async function write(exchange: Exchange | undefined, data: Uint8Array): Promise<void> {
  const sent = exchange?.sent?.();
  if (sent !== undefined) await sent;
  if (exchange?.write === undefined)
    throw new WsgiError('application: write() was called after the response had ended');
  return exchange.write(data);
}

async function pull(
  exchange: Exchange | undefined,
  atLeast: number | undefined,
  size: number | undefined,
): Promise<Uint8Array> {
  if (exchange?.pull === undefined)
    throw new WsgiError('application: wsgi.input was read after the response had ended');
  return exchange.pull(atLeast, size);
}

// The levels of Python's `logging`: INFO is 20, WARNING 30, ERROR 40.
const levelOf = (level: number): LogLevel =>
  level < 20 ? 'debug' : level < 30 ? 'info' : level < 40 ? 'warn' : 'error';

function log(exchange: Exchange | undefined, text: string | undefined, level: number | undefined): void {
  const errors = exchange?.environ['wsgi.errors'];
  if (text === undefined) errors?.flush();
  else if (exchange === undefined) console.error(text);
  else if (level === undefined) errors?.write(text);
  else logRecord(exchange.environ, { level: levelOf(level), message: text.replace(/\n$/, '') });
}

// print() writes the end of a line in a separate call.
function print(exchange: Exchange | undefined, text: string): void {
  if (exchange === undefined) {
    console.log(text);
    return;
  }
  const printed = (exchange.printed ?? '') + text;
  const end = printed.lastIndexOf('\n');
  exchange.printed = printed.slice(end + 1);
  if (end >= 0) logRecord(exchange.environ, { level: 'info', message: printed.slice(0, end) });
}

/** Logs the line that Python has not ended. */
export function printRest(exchange: Exchange): void {
  const { printed = '', environ } = exchange;
  exchange.printed = '';
  if (printed !== '') logRecord(environ, { level: 'info', message: printed });
}
