import { nameOf, WsgiError } from './errors.js';
import type { GatewayOptions, LogRecord } from './types.js';

/** Takes the records of the gateway and of `wsgi.errors`; never throws. */
export type Log = (record: LogRecord) => void;

/** Makes the log of the option `errors`.
 *  @param name  the function the user called, for the error message
 *  @throws {WsgiError} when the option is neither a function nor has a method `record` */
export function createLog(name: string, errors: GatewayOptions['errors']): Log {
  // One call for each record: an error and its stack are one entry.
  if (errors === undefined) return (record) => void attempt(() => console[record.level](textOf(record)));
  if (typeof errors === 'function') return (record) => eachLine(record, errors);
  if (typeof errors?.record !== 'function')
    throw new WsgiError(`${name}: errors must be a function, or an object with record(), not ${nameOf(errors)}`);
  // JSON.stringify() in the user's function refuses a BigInt or a cycle in a field.
  return (record) =>
    void attempt(
      () => errors.record(record),
      (error) => console.error(`${name}: errors.record() failed (${String(error)}) on this entry: ${textOf(record)}`),
    );
}

/** A record as text. Each record begins with the id of its request; an error also has method and path. */
function textOf(record: LogRecord): string {
  const { error, method, path, message } = record;
  return `${idOf(record)}${error !== undefined && method !== undefined ? `${method} ${path}: ` : ''}${message}`;
}

const idOf = ({ request_id: id }: LogRecord): string => (id === undefined ? '' : `[${id}] `);

function eachLine(record: LogRecord, errors: (line: string) => unknown): void {
  const id = idOf(record);
  for (const [at, line] of textOf(record).split('\n').entries())
    if (!attempt(() => errors(at === 0 ? line : id + line))) return;
}

// A failing log must neither break the response nor end the process through a rejection.
function attempt(task: () => unknown, failed?: (error: unknown) => void): boolean {
  const lose = (error: unknown) => void (failed && attempt(() => failed(error)));
  try {
    Promise.resolve(task()).catch(lose);
    return true;
  } catch (error) {
    lose(error);
    return false;
  }
}
