import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
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

const QUIET = 150; // ms in which a server that keeps the connection could still send what it must not
const BROKEN_OFF = 20_000; // ms after which a response that does not end counts as broken

/** A server to send to. */
export interface Server {
  host: string;
  port: number;
  secure: boolean;
}

/** Sends a request byte by byte as it stands, and reads the response the same way.
 *  @param to  a server, or a port of 127.0.0.1 */
export function sendRaw(to: number | Server, request: RawRequest): Promise<RawResponse> {
  const { host, port, secure } = typeof to === 'number' ? { host: '127.0.0.1', port: to, secure: false } : to;
  const { method = 'GET', target = '/', protocol = 'HTTP/1.1', headers = [], body } = request;
  const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
  const lines = [`${method} ${target} ${protocol}`];
  if (!has('host')) lines.push(`Host: ${host}:${port}`);
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (body instanceof Uint8Array) {
    if (!has('content-length')) lines.push(`Content-Length: ${body.length}`);
  } else if (body !== undefined && !has('content-length')) lines.push('Transfer-Encoding: chunked');
  if (!has('connection')) lines.push('Connection: close');

  return new Promise((resolve) => {
    const response = noResponse();
    const socket = secure ? connectSecurely({ host, port, servername: host }) : connect(port, host);
    const reader = createReader(method, response, (bytes) => {
      response.chunks.push({ at: performance.now(), bytes });
      request.onChunk?.(bytes);
    });
    let quiet: NodeJS.Timeout | undefined;
    const limit = setTimeout(() => socket.destroy(), BROKEN_OFF);
    let received = 0;
    socket.on('data', (data) => {
      const surplus = reader(data);
      received = response.chunks.reduce((total, chunk) => total + chunk.bytes.length, 0);
      if (surplus) response.complete = false;
      else if (response.complete && quiet === undefined) quiet = setTimeout(() => socket.destroy(), QUIET);
      if (request.hangUpAfter !== undefined && received >= request.hangUpAfter) socket.destroy();
      if (request.stall !== undefined && response.status > 0) {
        socket.pause();
        setTimeout(() => socket.destroy(), request.stall);
      }
    });
    // The connection may break while the body is still on its way; what has come counts.
    socket.on('error', () => {});
    // Without a length and chunks, the end of the connection is that of the body (HTTP/1.0).
    socket.on('end', () => {
      const framed = ({ headers }: RawResponse) =>
        headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
      if (response.status > 0 && !framed(response)) response.complete = true;
    });
    socket.on('close', () => {
      clearTimeout(quiet);
      clearTimeout(limit);
      response.body = Buffer.concat(response.chunks.map((chunk) => chunk.bytes));
      resolve(response);
    });
    socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
    if (request.leaveAfter !== undefined) setTimeout(() => socket.destroy(), request.leaveAfter);
    sendBody(socket, request, has('content-length')).catch(() => socket.destroy());
  });
}

async function sendBody(
  socket: ReturnType<typeof connect>,
  { body, hangUpAfterBody }: RawRequest,
  measured: boolean,
): Promise<void> {
  if (body instanceof Uint8Array) socket.write(body);
  else if (body !== undefined && measured) for await (const chunk of body) socket.write(chunk);
  else if (body !== undefined) {
    for await (const chunk of body)
      socket.write(Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]));
    if (!hangUpAfterBody) socket.write('0\r\n\r\n');
  }
  if (hangUpAfterBody) socket.end();
}

/** A reader of one response; it returns whether bytes came after its end. */
function createReader(method: string, response: RawResponse, onBody: (bytes: Uint8Array) => void) {
  let pending = Buffer.alloc(0);
  let left: number | 'chunked' | 'until close' | undefined; // of the body, once the head is read
  let chunkLeft = 0; // of the current chunk, its CR LF included
  let inTrailer = false;

  const line = (): string | undefined => {
    const end = pending.indexOf('\r\n');
    if (end < 0) return undefined;
    const text = pending.toString('latin1', 0, end);
    pending = pending.subarray(end + 2);
    return text;
  };
  const take = (size: number): Buffer => {
    const part = pending.subarray(0, size);
    pending = pending.subarray(part.length);
    return part;
  };

  const readHead = (): boolean => {
    const end = pending.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [first = '', ...fields] = take(end + 4)
      .toString('latin1', 0, end)
      .split('\r\n');
    const status = Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(first)?.[1] ?? 0);
    if (status >= 100 && status < 200) return readHead();
    response.status = status;
    response.headAt = performance.now();
    response.reason = first.slice(13);
    response.headers = fields.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon), field.slice(colon + 1).trim()];
    });
    const one = (name: string) => response.headers.find(([given]) => given.toLowerCase() === name)?.[1];
    if (method === 'HEAD' || status === 204 || status === 304) left = 0;
    else if (one('transfer-encoding')?.toLowerCase() === 'chunked') left = 'chunked';
    else left = one('content-length') === undefined ? 'until close' : Number(one('content-length'));
    if (left === 0) response.complete = true;
    return true;
  };

  const readChunked = (): void => {
    for (;;) {
      if (inTrailer) {
        const text = line();
        if (text === undefined) return;
        if (text === '') {
          response.complete = true;
          return;
        }
      } else if (chunkLeft > 2) {
        if (pending.length === 0) return;
        const part = take(chunkLeft - 2);
        chunkLeft -= part.length;
        onBody(part);
      } else if (chunkLeft > 0) {
        if (pending.length < 2) return;
        take(2);
        chunkLeft = 0;
      } else {
        const text = line();
        if (text === undefined) return;
        const size = Number.parseInt(text, 16);
        if (size === 0) inTrailer = true;
        else chunkLeft = size + 2;
      }
    }
  };

  return (data: Buffer): boolean => {
    pending = Buffer.concat([pending, data]);
    if (left === undefined && !readHead()) return false;
    if (response.complete) return pending.length > 0;
    if (left === 'chunked') readChunked();
    else if (left === 'until close') onBody(take(pending.length));
    else if (left !== undefined && pending.length > 0) {
      const part = take(left);
      left -= part.length;
      onBody(part);
      if (left === 0) response.complete = true;
    }
    return response.complete && pending.length > 0;
  };
}
