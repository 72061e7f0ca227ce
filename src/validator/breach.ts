import { WsgiError } from '../errors.js';
import type { ErrorStream } from '../types.js';

/** The side of the interface that broke a rule. */
export type Party = 'gateway' | 'application';

// The titles of the sections of PEP 3333 that the error messages cite.
export const ENVIRON = 'environ Variables';
export const STREAMS = 'Input and Error Streams';
export const START = 'The start_response() Callable';
export const WRITE = 'The write() Callable';
export const DETAILS = 'Specification Details';
export const STRINGS = 'A Note On String Types';
export const LENGTH = 'Handling the Content-Length Header';
export const FILE = 'Optional Platform-Specific File Handling';
export const HTTP = 'Other HTTP Features';

/** Throws the error of a breach.
 *  @param fault  the predicate of the message, after the party
 *  @param section  the title of a section of PEP 3333 */
export function breach(party: Party, fault: string, section: string): never {
  throw new WsgiError(`${party}: ${fault} (PEP 3333, "${section}")`);
}

/** Logs a failure that no caller is left to catch. A log that fails is ignored, because it must not end the process. */
export function log(errors: ErrorStream, line: string): void {
  try {
    errors.write(`${line}\n`);
  } catch {}
}
