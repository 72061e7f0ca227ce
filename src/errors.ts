import type { LogEntry } from './types.js';

/** A broken protocol. The message says who broke it and which rule: `application: …`, `aws-lambda: …`. */
export class WsgiError extends Error {
  override name = 'WsgiError';
}

/** The client went away before the request or the response was complete. */
export class ClientDisconnected extends Error {
  override name = 'ClientDisconnected';
  constructor(message = 'client: disconnected before the exchange was complete', options?: ErrorOptions) {
    super(message, options);
  }
}

/** A request that the gateway refuses. */
export class Refused extends WsgiError {
  override name = 'Refused';
}

/** The request body is longer than the option `maxBody` allows. */
export class BodyTooLarge extends Refused {
  override name = 'BodyTooLarge';
}

/** A value as an error message shows it: short, on one line. */
export function quote(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // JSON has no BigInt and no cycles: show the kind of value.
  }
  text ??= nameOf(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The kind of a value, for error messages: `null`, `a string`, `a Promise`. */
export function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name = (value as object).constructor?.name;
  return typeof name === 'string' && name !== '' ? `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}` : 'an object';
}

/** A thrown value as the log shows it: an error with its stack and causes. Control characters are escaped, because a
 *  message may contain text from a client, which must not look like log lines or control the terminal. */
export function describe(error: unknown): string {
  try {
    return withCauses(error, new Set());
  } catch {
    return 'application: threw a value that can not be described';
  }
}

/** The entry of an error in the log. A refused request is the client's fault, and a stack would tell nothing of it. */
export function recordOf(error: unknown): LogEntry {
  if (error instanceof Refused) return { level: 'warn', message: error.message, error };
  return { level: 'error', message: describe(error), error };
}

function withCauses(error: unknown, seen: Set<unknown>): string {
  if (!isError(error)) return escapeControls(`application: threw ${nameOf(error)}: ${quote(error)}`);
  const message = String(error.message);
  // The client's doing: no line of code is at fault.
  if (error instanceof ClientDisconnected) return escapeControls(`${error.name}: ${message.replaceAll('\n', '\\n')}`);
  const stack = error.stack ?? `${error.name}: ${message}`;
  // Keep the lines of the stack, but join the lines of the message.
  const own = escapeControls(stack.replace(message, () => message.replaceAll('\n', '\\n')));
  if (seen.has(error)) return own;
  seen.add(error);
  const { cause, errors = [] } = error as { cause?: unknown; errors?: unknown[] }; // an AggregateError has several
  return [
    own,
    ...(cause === undefined ? errors : [cause, ...errors]).map((each) => `caused by: ${withCauses(each, seen)}`),
  ].join('\n');
}

const escaped = (char: string): string => {
  const hex = char.codePointAt(0)?.toString(16) ?? '';
  return hex.length > 2 ? `\\u${hex}` : `\\x${hex.padStart(2, '0')}`;
};

/** Escapes each control character except tab and line feed, and the line separators of Unicode. */
export const escapeControls = (text: string): string =>
  text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]/g, escaped);

/** Text of a client on one line: tab and line feed are escaped, too. */
export const oneLine = (text: string): string => escapeControls(text).replace(/[\t\n]/g, escaped);

// `instanceof` misses an Error from another realm (vm, iframe), so check the tag too.
function isError(error: unknown): error is Error {
  return error instanceof Error || Object.prototype.toString.call(error) === '[object Error]';
}
