import { nameOf, WsgiError } from './errors.js';
import { ADVICE, changedSince, isMislabelled, type Place, placeOfCall, textOfPlace } from './head-checks.js';
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
  /** Content-Encoding, if the application gave one. */
  encoding?: string | undefined;
}

// The place of each call costs as much as a small request. It is noted once a fault has been seen.
let notesPlaces = false;

/** True if a response with this status has no body: an upgrade, or RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5. */
export function isBodiless(code: number): boolean {
  return code < 200 || code === 204 || code === 205 || code === 304;
}

/** The state machine of one response: idle, started (`head`), committed. */
export class Start {
  called = false;
  head: Head | undefined;
  committed = false;
  readonly startResponse: StartResponse;
  /** The place of the call of startResponse, for warnings. */
  #place: Place | undefined;
  /** The function that the application calls, if it is a wrapper around startResponse. */
  callee: StartResponse;
  #given: Parameters<StartResponse>[1] = [];

  /** @param write  the function that `startResponse` returns
   *  @param expressible  returns the reason why the platform can't send a status code, or null */
  constructor(write: Write, expressible: (code: number) => string | null) {
    this.startResponse = (status, headers, excInfo) => {
      this.#begin(status, headers, excInfo, expressible);
      return write;
    };
    this.callee = this.startResponse;
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
    this.head = { status, code, headers: checked.copy, length: checked.length, encoding: checked.encoding };
    this.#given = checked.copy.length === headers.length ? headers : checked.copy;
    if (notesPlaces || checked.encoding !== undefined) this.#place = placeOfCall(this.callee);
  }

  /** Warns of headers that were changed in the list of the application after it had been copied; undefined if none was.
   *  The first warning can't name the place of the call; later ones do. */
  lateChange(): string | undefined {
    const copy = this.head?.headers ?? [];
    const name = changedSince(this.#given, copy);
    this.#given = copy; // The gateway changes its copy from now on.
    if (name === undefined) return undefined;
    const place = notesPlaces
      ? `, called${textOfPlace(this.#place)}`
      : '; the next warning will tell where it is called';
    notesPlaces = true;
    return `application or middleware: changed the header "${name}" in its list after startResponse had copied it${place}. The change has no effect: ${ADVICE}`;
  }

  /** Warns of a body that does not have the coding that its head names, by its first bytes; undefined if it may. */
  wrongLabel(first: Uint8Array): string | undefined {
    const { encoding, code } = this.head ?? { code: 0 };
    if (encoding === undefined || first.length === 0 || !isMislabelled(encoding, code, first)) return undefined;
    return `application or middleware: the body is not ${encoding}, which its Content-Encoding names (RFC 9110, section 8.4); startResponse was called${textOfPlace(this.#place)}. ${ADVICE}`;
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
