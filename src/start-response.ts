import { nameOf, WsgiError } from './errors.js';
import { copyHeaders, headersFault, statusFault } from './headers.js';
import type { HeaderList, StartResponse, Write } from './types.js';

const CLAUSE = '(PEP 3333, "The start_response() Callable")';

/** The head of a response as the application gave it. */
export interface Head {
  /** "200 OK", a native string. */
  status: string;
  /** The three digits of `status`. */
  code: number;
  headers: HeaderList;
  /** Content-Length in bytes, where the application gave one. */
  length: number | undefined;
}

/** The state machine of one response: idle, started (`head`), committed. */
interface Start {
  called: boolean;
  head: Head | undefined;
  committed: boolean;
  startResponse: StartResponse;
}

/** Makes the `startResponse` of one request.
 *  @param write  what it returns
 *  @param expressible  says of a status code why the platform can't send it, or null */
export function createStart(write: Write, expressible: (code: number) => string | null): Start {
  const start: Start = {
    called: false,
    head: undefined,
    committed: false,
    startResponse(status, headers, excInfo) {
      if (excInfo !== undefined && excInfo !== null) {
        if (start.committed) throw excInfo;
      } else if (start.called) {
        throw new WsgiError(`application: startResponse was called a second time without excInfo ${CLAUSE}`);
      }
      start.called = true;
      start.head = undefined;
      const fault = statusFault(status) ?? headersFault(headers);
      if (fault !== null) throw new WsgiError(`application: ${fault} ${CLAUSE}`);
      const code = Number(status.slice(0, 3));
      const inexpressible = expressible(code);
      if (inexpressible !== null) throw new WsgiError(`application: status "${status}" ${inexpressible} ${CLAUSE}`);
      const { copy, length } = copyHeaders(headers);
      start.head = { status, code, headers: copy, length };
      return write;
    },
  };
  return start;
}

/** The head, once the application has given it.
 *  @throws {WsgiError} when it has not */
export function startedHead(start: Start, when: string): Head {
  if (start.head === undefined)
    throw new WsgiError(
      `application: startResponse ${start.called ? 'had failed' : 'was not called'} before ${when} ${CLAUSE}`,
    );
  return start.head;
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

// The tag tells a Uint8Array of another realm from the other typed arrays.
function isBytes(chunk: unknown): chunk is Uint8Array {
  return (
    chunk instanceof Uint8Array ||
    (ArrayBuffer.isView(chunk) && (chunk as unknown as Uint8Array)[Symbol.toStringTag] === 'Uint8Array')
  );
}
