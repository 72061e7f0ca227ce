// No imports of Node: a Worker has these, too.
import type { HeaderList } from '../src/types.js';

/** A request as it goes over the wire. Strings are native strings: one code unit per byte. */
export interface RawRequest {
  /** GET by default. */
  method?: string;
  /** The request target, "/" by default. */
  target?: string;
  headers?: HeaderList;
  /** "HTTP/1.1" by default; for targets that are asked over a socket. */
  protocol?: string;
  /** Bytes go with a Content-Length, chunks as `Transfer-Encoding: chunked` unless there is a Content-Length. */
  body?: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** The client closes the connection after so many bytes of the response's body. */
  hangUpAfter?: number;
  /** The client closes the connection after the last byte of `body`. */
  hangUpAfterBody?: boolean;
  /** The client closes the connection so long (ms) after it has sent the head of the request. */
  leaveAfter?: number;
  /** The client reads nothing for this long (ms) after the head, and then closes the connection. */
  stall?: number;
  /** Told of each piece of the response's body when it comes. */
  onChunk?: (bytes: Uint8Array) => void;
}

/** A response as it came over the wire. */
export interface RawResponse {
  /** 0 when the connection ended before a head. */
  status: number;
  /** null where the protocol carries none. */
  reason: string | null;
  headers: HeaderList;
  /** When the head came (ms). */
  headAt: number;
  body: Uint8Array;
  /** The pieces of the body and when they came (ms). */
  chunks: Array<{ at: number; bytes: Uint8Array }>;
  /** Whether the response has come to its proper end. */
  complete: boolean;
}

/** A response of which nothing has come yet. */
export const noResponse = (): RawResponse => ({
  status: 0,
  reason: null,
  headers: [],
  headAt: 0,
  body: new Uint8Array(0),
  chunks: [],
  complete: false,
});
