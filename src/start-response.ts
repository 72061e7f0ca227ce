import { nameOf, WsgiError } from './errors.js';
import { checkHeaders, statusFault } from './headers.js';
import type { HeaderList, StartResponse, Write } from './types.js';

const CLAUSE = '(PEP 3333, "The start_response() Callable")';

/** The head of a response as the application gave it. */
export interface Head {
  /** "200 OK", a native string. */
  status: string;
  /** The three digits of `status`. */
  code: number;
  headers: HeaderList;
  /** Content-Length in bytes, if the application gave one. */
  length: number | undefined;
}

/** Whether a response with this status has no body: an upgrade, or RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5. */
export function isBodiless(code: number): boolean {
  return code < 200 || code === 204 || code === 205 || code === 304;
}

/** The state machine of one response: idle, started (`head`), committed. */
export class Start {
  called = false;
  head: Head | undefined;
  committed = false;
  readonly startResponse: StartResponse;

  /** @param write  the function that `startResponse` returns
   *  @param expressible  returns the reason why the platform can't send a status code, or null */
  constructor(write: Write, expressible: (code: number) => string | null) {
    this.startResponse = (status, headers, excInfo) => {
      this.#begin(status, headers, excInfo, expressible);
      return write;
    };
  }

  #begin(
    status: string,
    headers: Parameters<StartResponse>[1],
    excInfo: unknown,
    expressible: (code: number) => string | null,
  ): void {
    if (excInfo !== undefined && excInfo !== null) {
      if (this.committed) throw excInfo;
    } else if (this.called) {
      throw new WsgiError(`application: startResponse was called a second time without excInfo ${CLAUSE}`);
    }
    this.called = true;
    this.head = undefined;
    const fault = statusFault(status);
    const checked = fault ?? checkHeaders(headers);
    if (typeof checked === 'string') throw new WsgiError(`application: ${checked} ${CLAUSE}`);
    const code = Number(status.slice(0, 3));
    const inexpressible = expressible(code);
    if (inexpressible !== null) throw new WsgiError(`application: status "${status}" ${inexpressible} ${CLAUSE}`);
    this.head = { status, code, headers: checked.copy, length: checked.length };
  }

  /** The head, once the application has given it.
   *  @throws {WsgiError} when it has not */
  started(when: string): Head {
    if (this.head !== undefined) return this.head;
    throw new WsgiError(
      `application: startResponse ${this.called ? 'had failed' : 'was not called'} before ${when} ${CLAUSE}`,
    );
  }
}

/** Checks a chunk of a body or of `write()`.
 *  @throws {WsgiError} when it is not a Uint8Array */
export function checkChunk(chunk: unknown, from: string): asserts chunk is Uint8Array {
  if (isBytes(chunk)) return;
  const advice =
    typeof chunk === 'string'
      ? '; encode text with new TextEncoder().encode(text)'
      : chunk instanceof Promise
        ? '; await it, or make the body an async generator'
        : '';
  throw new WsgiError(
    `application: ${from} must be a Uint8Array, not ${nameOf(chunk)}${advice} (PEP 3333, "A Note On String Types")`,
  );
}

// `instanceof` misses a Uint8Array from another realm (vm, iframe), so check the tag too.
function isBytes(chunk: unknown): chunk is Uint8Array {
  return (
    chunk instanceof Uint8Array ||
    (ArrayBuffer.isView(chunk) && (chunk as unknown as Uint8Array)[Symbol.toStringTag] === 'Uint8Array')
  );
}
