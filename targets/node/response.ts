import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Connection } from '../../src/connection.js';
import { ClientDisconnected } from '../../src/errors.js';
import type { Opened, Platform, Sink } from '../../src/outgoing.js';
import type { Head } from '../../src/start-response.js';

type Response = ServerResponse | Http2ServerResponse;

// `constants.NGHTTP2_INTERNAL_ERROR` and `NGHTTP2_CANCEL` of node:http2, which an HTTP/1.1 server need not load.
const HTTP2_INTERNAL_ERROR = 2;
const HTTP2_CANCEL = 8;

const JOINED = 16_384; // bytes

/** Answers through Node's ServerResponse, of HTTP/1.1 or HTTP/2. */
export class NodePlatform implements Platform<void>, Sink {
  readonly connection: Connection;
  readonly #res: Response;
  readonly #sendTimeout: number;

  /** @param sendTimeout  milliseconds, or 0 for no limit */
  constructor(connection: Connection, res: Response, sendTimeout: number) {
    this.connection = connection;
    this.#res = res;
    this.#sendTimeout = sendTimeout;
  }

  whole(head: Head, bytes: Uint8Array | null): void {
    const res = this.#res;
    if (isGone(res)) return;
    writeHead(res, head);
    if (bytes !== null) endWith(res, bytes);
    else res.end();
    this.#expectEnd();
  }

  open(head: Head): Opened<void> {
    if (!isGone(this.#res)) writeHead(this.#res, head);
    return { out: undefined, sink: this };
  }

  fail(): void {
    this.abort();
  }

  write(chunk: Uint8Array): void | Promise<void> {
    const res = this.#res;
    if (isGone(res)) throw new ClientDisconnected();
    // A copy, because Node may hold it after the application reuses its buffer. The two kinds of response declare
    // different overloads of one call.
    return (res as ServerResponse).write(Buffer.from(chunk)) ? undefined : this.#drained();
  }

  end(): void {
    this.#res.end();
    this.#expectEnd();
  }

  /** Ends the connection. Bytes already written are flushed; the client sees a response that never ends properly. */
  abort(): void {
    const res = this.#res;
    if (isHttp2(res)) res.stream.close(HTTP2_INTERNAL_ERROR);
    else if (res.socket) res.socket.destroySoon();
    // A pipelined response gets its socket only when earlier ones are done; its bytes go out first.
    else res.once('socket', (socket: Socket) => process.nextTick(() => socket.destroySoon()));
  }

  #drained(): Promise<void> {
    const res = this.#res;
    const stopWatching = watchProgress(res, this.#sendTimeout);
    return new Promise((resolve, reject) => {
      const settle = () => {
        stopWatching();
        res.off('drain', settle);
        res.off('close', settle);
        if (isGone(res)) reject(new ClientDisconnected());
        else resolve();
      };
      res.on('drain', settle);
      res.on('close', settle);
    });
  }

  // The client must go on to take the bytes that the socket has not taken at once.
  #expectEnd(): void {
    const res = this.#res;
    // Most responses are with the system by now, and a timer would cost them as much as the rest.
    const inHand = !isHttp2(res) && res.socket?.writableLength === 0;
    if (inHand || res.writableFinished) return;
    // This must run before Node's own listener, which sets the keep-alive timeout of the connection.
    (isHttp2(res) ? res.stream : res).prependOnceListener('finish', watchProgress(res, this.#sendTimeout));
  }
}

/** Tells if the rest of a response can't be sent any more. */
function isGone(res: Response): boolean {
  return isHttp2(res) ? res.stream.closed || res.stream.destroyed : res.destroyed;
}

// Ignored: if a response fails, its connection has failed, and 'close' follows.
const ignore = (): void => {};

/** Calls `gone` when the connection ends before all of a response has been handed to the system. */
export function whenGone(res: Response, gone: () => void): void {
  res.on('error', ignore);
  res.on('close', () => {
    if (!res.writableFinished) gone();
  });
  if (!isHttp2(res)) {
    if (res.socket === null) closeWith(res.req.socket, res);
    return;
  }
  // A stream of HTTP/2 passes for finished when its client has closed it, and never closes if its client gave no error.
  const { stream } = res;
  stream.on('aborted', () => {
    gone();
    if (stream.rstCode === 0) setImmediate(() => stream.destroy());
  });
}

const queues = new WeakMap<Socket, Set<ServerResponse>>();

// Node 22 closes no response that still waits for those before it on its connection (pipelining) when its client leaves.
function closeWith(socket: Socket, res: ServerResponse): void {
  const queue = queues.get(socket) ?? new Set();
  if (!queues.has(socket)) {
    queues.set(socket, queue);
    // A turn later: newer versions of Node have closed them all by then.
    socket.once('close', () => setImmediate(() => queue.forEach((waiting) => void waiting.destroy().emit('close'))));
  }
  queue.add(res);
  res.once('close', () => queue.delete(res));
}

/** Closes the line to a client that takes no byte for `ms`. A socket and a stream time out when nothing moves on them.
 *  @param ms  milliseconds, or 0 for no limit
 *  @returns a function that ends the watch */
function watchProgress(res: Response, ms: number): () => void {
  if (ms === 0) return () => {};
  let restore = () => {};
  const watch = (line: Socket | ServerHttp2Stream) => {
    const { timeout = 0 } = line as Socket; // of the server
    const giveUp = () => {
      // Destroying only the stream would wait until its last frame has gone out.
      if (isHttp2(res)) res.stream.close(HTTP2_CANCEL);
      line.destroy();
    };
    line.setTimeout(ms);
    line.once('timeout', giveUp);
    restore = () => {
      line.off('timeout', giveUp);
      line.setTimeout(timeout);
    };
  };
  if (isHttp2(res)) watch(res.stream);
  else if (res.socket !== null) watch(res.socket);
  else {
    // A pipelined response waits for earlier responses, not for its client.
    res.once('socket', watch);
    restore = () => res.off('socket', watch);
  }
  return () => restore();
}

// Copy in both cases, because Node holds bytes that the socket does not take at once, and close() may free them. A string
// goes out in one write with the head; bytes would be a second write.
function endWith(res: Response, body: Uint8Array): void {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (body.length > JOINED) res.end(Buffer.from(bytes));
  else res.end(bytes.toString('latin1'), 'latin1');
}

function writeHead(res: Response, head: Head): void {
  if (!isHttp2(res)) {
    res.writeHead(head.code, head.status.slice(4), head.headers.flat());
    return;
  }
  // HTTP/2 has no reason phrase (RFC 9113, section 8.3.2).
  try {
    for (const [name, value] of head.headers) res.appendHeader(name, value);
    res.writeHead(head.code);
  } catch (error) {
    // Headers that HTTP/2 refuses must not stay in the error page that follows.
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    throw error;
  }
}

function isHttp2(res: Response): res is Http2ServerResponse {
  return 'stream' in res;
}
