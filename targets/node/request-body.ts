import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { BodyTooLarge, ClientDisconnected } from '../../src/errors.js';
import type { InputSource } from '../../src/input-stream.js';
import { isBodiless } from '../../src/start-response.js';

const MOVES = ['readable', 'end', 'close', 'error'] as const;

/** The body of a Node request, of HTTP/1.1 or HTTP/2. A partly read body would block the next request on this connection, so
 *  the rest is discarded once the response is sent; Node itself discards a body that nobody has touched. */
export class RequestBody implements InputSource {
  readonly #req: IncomingMessage | Http2ServerRequest;
  readonly #res: ServerResponse | Http2ServerResponse;
  #opened = false;
  #cancelled = false;
  #whole = false; // the end of an HTTP/2 body has come
  #moved: (() => void) | undefined;

  constructor(req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse) {
    this.#req = req;
    this.#res = res;
  }

  // A read must not wait in an iterator of the request: that could not be cancelled before its next bytes.
  async pull(): Promise<Uint8Array | null> {
    const req = this.#req;
    this.#open();
    for (;;) {
      if (this.#cancelled) return null;
      // A client that has left may have sent the whole body first.
      const chunk: Uint8Array | null = req.read();
      if (chunk !== null) return chunk;
      if (this.#complete()) return null;
      if (req.destroyed || req.readableEnded)
        throw new ClientDisconnected('client: the request body broke off', { cause: req.errored });
      await new Promise<void>((resolve) => {
        this.#moved = resolve;
      });
    }
  }

  async cancel(reason: unknown): Promise<void> {
    const req = this.#req;
    const res = this.#res;
    if (reason instanceof BodyTooLarge) {
      // The client may keep sending, so stop listening once the response has gone out.
      if (!('stream' in res)) res.shouldKeepAlive = false;
      return;
    }
    if (!this.#opened && 'stream' in res) closeWhenSent(res);
    this.#opened = true;
    this.#cancelled = true;
    req.off('readable', this.#move);
    req.resume();
    this.#move();
  }

  readonly #move = (): void => this.#moved?.();

  #open(): void {
    if (this.#opened) return;
    this.#opened = true;
    const req = this.#req;
    const res = this.#res;
    if ('stream' in req) {
      // In HTTP/2 the request also ends when its client has aborted it; only the stream shows the difference.
      this.#whole = req.stream.endAfterHeaders;
      req.stream.once('end', () => {
        this.#whole = !req.stream.aborted && req.stream.rstCode === 0;
      });
    }
    if ('stream' in res) closeWhenSent(res);
    else res.on('finish', () => void this.cancel(undefined));
    for (const event of MOVES) req.on(event, this.#move);
  }

  #complete(): boolean {
    const req = this.#req;
    if ('stream' in req) return this.#whole && req.readableEnded;
    // Node ends the request a turn later, or never if the client leaves before that.
    return req.readableEnded || req.complete;
  }
}

/** Closes an HTTP/2 stream once its response has been sent, which tells the client to stop sending (RFC 9113, section 8.1).
 *  The client must first receive the end of the stream. Otherwise it would treat the response as broken off. */
function closeWhenSent({ stream, req }: Http2ServerResponse): void {
  const close = () => setImmediate(() => stream.close());
  // Node asks for trailers when everything has been sent, and ends the stream a turn later. A response without a body has
  // already ended.
  stream.once('wantTrailers', close);
  stream.once('finish', () => {
    if (req.method === 'HEAD' || isBodiless(Number(stream.sentHeaders?.[':status'] ?? 200))) close();
  });
}
