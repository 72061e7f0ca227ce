import type { Connection } from './connection.js';
import { WsgiError } from './errors.js';
import type { FileWrapper } from './file-wrapper.js';
import { without } from './headers.js';
import { type Head, isBodiless } from './start-response.js';
import type { ResponseEnd } from './types.js';

/** How a target sends responses. If `whole`, `open` or `file` throws, nothing has gone out yet, so the error gets a page.
 *  @typeParam Out  the value that the target hands to its platform: a Response, a result, nothing */
export interface Platform<Out> {
  readonly connection: Connection;
  /** Sends a response with all of its body.
   *  @param bytes  the application may reuse them afterwards; null if no body may be sent */
  whole(head: Head, bytes: Uint8Array | null): Out;
  /** Begins a response whose chunks follow. */
  open(head: Head): Opened<Out>;
  /** Sends a file by reference; undefined if the platform can't do that for this file. */
  file?(head: Head, file: FileWrapper): { out: Out; sent: Promise<void> } | undefined;
  /** Ends an exchange that has no response, because its client is gone or no error page could be sent. */
  fail(error: unknown): Out;
  /** The status of the response that replaces one that broke off, if the platform could still do that. */
  replaced?(): number | undefined;
  /** True if the application has handed over an upgrade (a WebSocket), which makes status 101 possible. */
  upgraded?(): boolean;
}

/** A response that has begun: the value for the platform, and the sink for its chunks. */
export interface Opened<Out> {
  out: Out;
  sink: Sink;
}

/** Takes the chunks of a response. */
export interface Sink {
  /** Takes a chunk, which the application may reuse afterwards. An empty chunk can only be the first; it sends the head.
   *  @returns a promise resolved when the platform is ready for the next chunk; it rejects with `ClientDisconnected` */
  write(chunk: Uint8Array): void | Promise<void>;
  end(): void | Promise<void>;
  /** Ends the response so that the client can tell that it is not whole. */
  abort(error: unknown): void;
}

const EMPTY = new Uint8Array(0);

/** The response of one request on its way to the platform. */
export class Outgoing<Out> {
  /** Bytes of the body that have been sent. */
  sent = 0;
  /** The platform has been given the whole response. */
  complete = false;
  /** The response may have no body. */
  bodiless = false;
  /** The application gave more bytes than its Content-Length. */
  overlong = false;
  /** The client does not get the whole response. */
  brokenOff = false;
  /** The last write that the platform has not accepted yet. */
  unaccepted: Promise<void> | undefined;
  readonly #method: string;
  readonly #platform: Platform<Out>;
  #sink: Sink | undefined;
  #given = false;
  #failed = false;
  #byReference = false;
  #out: Out | Promise<Out> | undefined;
  #resolve: ((out: Out | Promise<Out>) => void) | undefined;

  constructor(method: string, platform: Platform<Out>) {
    this.#method = method;
    this.#platform = platform;
  }

  /** The value for the platform; a promise of it if the response has not begun. */
  result(): Out | Promise<Out> {
    if (this.#given) return this.#out as Out | Promise<Out>;
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** True if a response with this status has no body here. RFC 9110, section 9.3.2 (HEAD). */
  sendsNothing(code: number): boolean {
    return this.#method === 'HEAD' || isBodiless(code);
  }

  /** Hands the head to the platform.
   *  @param body  all of the body, if it is known */
  begin(head: Head, body: Uint8Array | undefined): void {
    const { code, headers, length } = head;
    const whole = length === 0 ? EMPTY : body;
    this.bodiless = this.sendsNothing(code);
    if (code === 205) head.headers = [...without(headers, 'content-length'), ['Content-Length', '0']];
    // A 304 keeps the length of the response that it stands for (RFC 9110, section 8.6); a 204 has none.
    else if (code === 204) head.headers = without(headers, 'content-length');
    else if (whole !== undefined && length === undefined && !this.bodiless)
      headers.push(['Content-Length', String(whole.length)]);
    if (this.bodiless || whole !== undefined) {
      this.#give(this.#platform.whole(head, this.bodiless ? null : (whole as Uint8Array)));
      this.complete = true;
      if (!this.bodiless) this.sent = (whole as Uint8Array).length;
    } else {
      const { out, sink } = this.#platform.open(head);
      this.#sink = sink;
      this.#give(out);
    }
  }

  /** Lets the platform send a file by reference; undefined if it can't. */
  beginFile(head: Head, file: FileWrapper): Promise<void> | undefined {
    const sending = this.#platform.file?.(head, file);
    if (sending === undefined) return undefined;
    this.#give(sending.out);
    this.#byReference = true;
    return sending.sent;
  }

  /** Sends a chunk, but no more bytes than the Content-Length. PEP 3333, "Handling the Content-Length Header". */
  send(chunk: Uint8Array, length: number | undefined): void | Promise<void> {
    if (this.bodiless) return;
    const room = (length ?? Number.POSITIVE_INFINITY) - this.sent;
    if (chunk.length > room) this.overlong = true;
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.sent += part.length;
    return part.length > 0 ? this.emit(part) : undefined;
  }

  /** Hands a chunk to the platform, after those before it. */
  emit(chunk: Uint8Array): void | Promise<void> {
    const sink = this.#sink as Sink; // begin() has opened it
    const { unaccepted } = this;
    const accepted =
      unaccepted === undefined ? attempt(() => sink.write(chunk)) : unaccepted.then(() => sink.write(chunk));
    if (accepted === undefined) return;
    this.unaccepted = accepted;
    accepted.then(
      () => {
        if (this.unaccepted === accepted) this.unaccepted = undefined;
      },
      () => {}, // The promise stays in `unaccepted`, and the end of the response awaits it.
    );
    return accepted;
  }

  end(): void | Promise<void> {
    return this.#sink?.end();
  }

  /** The response as the client gets it. */
  outcome(head: Head | undefined): Pick<ResponseEnd, 'status' | 'bytes' | 'aborted'> {
    const { brokenOff } = this;
    const replaced = this.#platform.replaced?.();
    if (replaced !== undefined) return { status: replaced, bytes: undefined, aborted: false };
    const bytes = !this.#byReference ? this.sent : brokenOff ? undefined : head?.length;
    return { status: this.#failed ? undefined : head?.code, bytes, aborted: brokenOff };
  }

  /** Breaks off a response that has begun. */
  abort(error: unknown): void {
    this.brokenOff = true;
    this.#sink?.abort(error);
  }

  /** Ends an exchange without a response. */
  fail(error: unknown): void {
    this.brokenOff = true;
    this.#failed = true;
    try {
      this.#give(this.#platform.fail(error));
    } catch (reason) {
      this.#give(rejected(reason) as Promise<never>);
    }
  }

  #give(out: Out | Promise<Out>): void {
    this.#given = true;
    this.#out = out;
    this.#resolve?.(out);
  }
}

/** Says that the body ended short of its Content-Length, or undefined.
 *  PEP 3333, "Handling the Content-Length Header". */
export function shortage(length: number | undefined, sent: number): WsgiError | undefined {
  if (length === undefined || sent >= length) return undefined;
  return new WsgiError(
    `application: the body ended after ${sent} of the ${length} bytes of its Content-Length (PEP 3333, "Handling the Content-Length Header")`,
  );
}

// A platform may throw instead of returning a rejected promise.
function attempt(task: () => void | Promise<void>): void | Promise<void> {
  try {
    return task();
  } catch (error) {
    return rejected(error);
  }
}

/** A rejected promise that needs no handler. */
export function rejected(reason: unknown): Promise<void> {
  const promise = Promise.reject(reason);
  promise.catch(() => {});
  return promise;
}
