import { isThenable } from '../body.js';
import { nameOf, quote } from '../errors.js';
import { ADVICE, changedSince, isMislabelled, type Place, placeOfCall, textOfPlace } from '../head-checks.js';
import { headersFault, headerValue, statusFault } from '../headers.js';
import { checkChunk, isBodiless } from '../start-response.js';
import type { Environ, HeaderList, StartResponse, Write } from '../types.js';
import { breach, HTTP, LENGTH, START, WRITE } from './breach.js';

/** The response of one call of a validated application. */
export interface State {
  /** REQUEST_METHOD as the gateway gave it, because the application may change it. */
  method: string;
  called: boolean;
  started: boolean;
  /** A startResponse with excInfo threw. */
  refused: boolean;
  /** Content-Length in bytes, if a body of that length must follow. */
  length: number | undefined;
  /** Bytes given to write() and in chunks. */
  given: number;
  iterating: boolean;
  ended: boolean;
  /** The headers as the application gave them, a copy of them, and the place of the call. */
  headers: Parameters<StartResponse>[1];
  copy: HeaderList;
  place: Place | undefined;
  /** Content-Encoding and status, if a body follows. */
  encoding: string | undefined;
  code: number;
}

/** The state before the call of the application. */
export function createState(method: string): State {
  return {
    method,
    called: false,
    started: false,
    refused: false,
    length: undefined,
    given: 0,
    iterating: false,
    ended: false,
    headers: [],
    copy: [],
    place: undefined,
    encoding: undefined,
    code: 0,
  };
}

function checkCall(args: unknown[], state: State): void {
  //!# startResponse
  //! `startResponse` takes two or three arguments: a status, headers, and `excInfo`.
  if (args.length !== 2 && args.length !== 3)
    breach('application', `called startResponse with ${args.length} arguments`, START);
  //! It is called a second time only with `excInfo`, the error being handled, even if the first call threw.
  if (state.called && !isGiven(args[2]))
    breach('application', 'called startResponse a second time without excInfo', START);
  state.called = true;
}

const isGiven = (excInfo: unknown): boolean => excInfo !== undefined && excInfo !== null;

// Returns the status code.
function checkStatus(status: string, environ: Environ): number {
  //! The status is a native string without control characters: three digits, a space and a reason.
  const fault = statusFault(status);
  if (fault !== null) breach('application', fault, START);
  //! Exactly one space stands before the reason, which may be empty, and no space after it.
  if (/^.{4}( |.+ $)/.test(status)) breach('application', `status ${quote(status)} has a space too many`, START);
  const code = Number(status.slice(0, 3));
  //! The status is 200 or above, or 101 if the gateway can upgrade the connection.
  if (code < 200 && !(code === 101 && environ['workers.upgrade'] !== undefined))
    breach('application', `status ${quote(status)} is informational or below`, START);
  return code;
}

function checkHeaders(headers: Parameters<StartResponse>[1], code: number): void {
  //! The headers are an array of [name, value] pairs; a name is a token (RFC 9110), a value a native string without
  //! control characters except the tab, and a Content-Length a number of bytes.
  //! No header is hop-by-hop: those belong to the server.
  const fault = headersFault(headers);
  if (fault !== null) breach('application', fault, fault.includes('hop-by-hop') ? HTTP : START);
  for (const [name] of headers) {
    //! A header name ends in a letter or a digit.
    if (!/[0-9A-Za-z]$/.test(name)) breach('application', `header name ${quote(name)} ends in punctuation`, START);
    //! There is no header named `Status`: the status is an argument of its own.
    if (name.toLowerCase() === 'status') breach('application', 'has a header named "Status"', START);
    //! A response without a body (101, 204, 304) has no Content-Type, and a 101 or 204 no Content-Length (RFC 9110).
    if ((code === 101 || code === 204 || code === 304) && /^content-type$/i.test(name))
      breach('application', `gave a Content-Type to status ${code}, which has no body`, START);
    if ((code === 101 || code === 204) && /^content-length$/i.test(name))
      breach('application', `gave a Content-Length to status ${code}, which has no body`, START);
  }
}

/** A `startResponse` that checks its call, and returns a `write` that does the same. */
export function checkedStart(startResponse: StartResponse, environ: Environ, state: State): StartResponse {
  const checked: StartResponse = (...args) => {
    checkCall(args, state);
    const [status, headers, excInfo] = args;
    const code = checkStatus(status, environ);
    checkHeaders(headers, code);
    // A middleware around the validator may change the list that it gets, and so must not get the application's own.
    const copy = headers.map(([name, value]): [string, string] => [name, value]);
    let write: Write;
    try {
      write = startResponse(status, copy, ...args.slice(2));
    } catch (error) {
      if (isGiven(excInfo)) state.refused = true;
      throw error;
    }
    state.started = true;
    const length = headerValue(headers, 'content-length');
    const bodiless = state.method === 'HEAD' || isBodiless(code);
    state.length = length === undefined || bodiless ? undefined : Number(length);
    state.encoding = bodiless ? undefined : headerValue(headers, 'content-encoding');
    Object.assign(state, { headers, code, copy: headers.map((pair) => [...pair]), place: placeOfCall(checked) });
    //! `startResponse` returns the `write` function.
    if (typeof write !== 'function') breach('gateway', `startResponse returned ${nameOf(write)}, not write()`, START);
    return checkedWrite(write, state);
  };
  return checked;
}

/** Checks that the headers are still those that `startResponse` was given. */
export function checkUnchanged({ headers, copy, place }: State): void {
  //! The list of headers is not changed after `startResponse` was given it: that would have no effect.
  const name = changedSince(headers, copy);
  if (name !== undefined)
    breach(
      'application',
      `changed the header "${name}" after startResponse was called${textOfPlace(place)}: ${ADVICE}`,
      START,
    );
}

/** Checks that the application stopped after the error of its startResponse. */
export function checkPropagated(state: State): void {
  //! An application does not trap the error that `startResponse` throws when given `excInfo`: it gives nothing more.
  if (state.refused) breach('application', 'went on after startResponse with excInfo had thrown', START);
}

function checkedWrite(write: Write, state: State): Write {
  return (...args) => {
    //!# write
    //! `write` takes exactly one argument, a Uint8Array.
    if (args.length !== 1) breach('application', `called write() with ${args.length} arguments`, WRITE);
    checkChunk(args[0], 'the argument of write()');
    //! `write` is not called from within the iteration of the body.
    if (state.iterating) breach('application', 'called write() from within the iteration of its body', WRITE);
    //! `write` is not called after the response has ended.
    if (state.ended) breach('application', 'called write() after the end of its response', WRITE);
    checkPropagated(state);
    checkUnchanged(state);
    count(args[0], state);
    const accepted = write(args[0]);
    //! `write` returns a promise.
    if (!isThenable(accepted)) breach('gateway', `write() returned ${nameOf(accepted)}, not a promise`, WRITE);
    return accepted;
  };
}

/** Counts a chunk against the Content-Length. */
export function count(chunk: Uint8Array, state: State): void {
  //! A body whose Content-Encoding is gzip or zstd begins as that coding does.
  const { encoding, code } = state;
  if (encoding !== undefined && state.given === 0 && isMislabelled(encoding, code, chunk))
    breach(
      'application',
      `gave a body that is not ${encoding}; startResponse was called${textOfPlace(state.place)}: ${ADVICE}`,
      START,
    );
  //! `write` and the body together give no more bytes than the Content-Length, if there is one.
  state.given += chunk.length;
  if (state.length !== undefined && state.given > state.length)
    breach('application', `gave ${state.given} bytes where its Content-Length is ${state.length}`, LENGTH);
}
