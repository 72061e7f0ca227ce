import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

import { noResponse, type RawRequest, type RawResponse } from './raw.js';

const QUIET = 150; // ms in which a server that keeps the connection could still send bytes after the end
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
    const reader = new Reader(method, response, (bytes) => {
      response.chunks.push({ at: performance.now(), bytes });
      request.onChunk?.(bytes);
    });
    let quiet: NodeJS.Timeout | undefined;
    const limit = setTimeout(() => socket.destroy(), BROKEN_OFF);
    let received = 0;
    socket.on('data', (data) => {
      const surplus = reader.read(data);
      received = response.chunks.reduce((total, chunk) => total + chunk.bytes.length, 0);
      if (surplus) response.complete = false;
      else if (response.complete && quiet === undefined) quiet = setTimeout(() => socket.destroy(), QUIET);
      if (request.hangUpAfter !== undefined && received >= request.hangUpAfter) socket.destroy();
      if (request.stall !== undefined && response.status > 0) {
        socket.pause();
        setTimeout(() => socket.destroy(), request.stall);
      }
    });
    // The connection may break while the body is still on its way; the bytes that have come count.
    socket.on('error', () => {});
    // Without a length and chunks, the body ends with the connection (HTTP/1.0).
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

/** Reads one response. */
class Reader {
  readonly #method: string;
  readonly #response: RawResponse;
  readonly #onBody: (bytes: Uint8Array) => void;
  #pending = Buffer.alloc(0);
  /** Bytes of the body that are still missing, once the head is read. */
  #left: number | 'chunked' | 'until close' | undefined;
  /** Bytes of the current chunk that are still missing, its CR LF included. */
  #chunkLeft = 0;
  #inTrailer = false;

  constructor(method: string, response: RawResponse, onBody: (bytes: Uint8Array) => void) {
    this.#method = method;
    this.#response = response;
    this.#onBody = onBody;
  }

  /** Returns whether bytes came after the end of the response. */
  read(data: Buffer): boolean {
    const response = this.#response;
    this.#pending = Buffer.concat([this.#pending, data]);
    if (this.#left === undefined && !this.#readHead()) return false;
    if (response.complete) return this.#pending.length > 0;
    if (this.#left === 'chunked') this.#readChunked();
    else if (this.#left === 'until close') this.#onBody(this.#take(this.#pending.length));
    else if (this.#left !== undefined && this.#pending.length > 0) {
      const part = this.#take(this.#left);
      this.#left -= part.length;
      this.#onBody(part);
      if (this.#left === 0) response.complete = true;
    }
    return response.complete && this.#pending.length > 0;
  }

  #line(): string | undefined {
    const end = this.#pending.indexOf('\r\n');
    if (end < 0) return undefined;
    const text = this.#pending.toString('latin1', 0, end);
    this.#pending = this.#pending.subarray(end + 2);
    return text;
  }

  #take(size: number): Buffer {
    const part = this.#pending.subarray(0, size);
    this.#pending = this.#pending.subarray(part.length);
    return part;
  }

  #readHead(): boolean {
    const response = this.#response;
    const end = this.#pending.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [first = '', ...fields] = this.#take(end + 4)
      .toString('latin1', 0, end)
      .split('\r\n');
    const status = Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(first)?.[1] ?? 0);
    if (status >= 100 && status < 200) return this.#readHead();
    response.status = status;
    response.headAt = performance.now();
    response.reason = first.slice(13);
    response.headers = fields.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon), field.slice(colon + 1).trim()];
    });
    const one = (name: string) => response.headers.find(([given]) => given.toLowerCase() === name)?.[1];
    if (this.#method === 'HEAD' || status === 204 || status === 304) this.#left = 0;
    else if (one('transfer-encoding')?.toLowerCase() === 'chunked') this.#left = 'chunked';
    else this.#left = one('content-length') === undefined ? 'until close' : Number(one('content-length'));
    if (this.#left === 0) response.complete = true;
    return true;
  }

  #readChunked(): void {
    for (;;) {
      if (this.#inTrailer) {
        const text = this.#line();
        if (text === undefined) return;
        if (text === '') {
          this.#response.complete = true;
          return;
        }
      } else if (this.#chunkLeft > 2) {
        if (this.#pending.length === 0) return;
        const part = this.#take(this.#chunkLeft - 2);
        this.#chunkLeft -= part.length;
        this.#onBody(part);
      } else if (this.#chunkLeft > 0) {
        if (this.#pending.length < 2) return;
        this.#take(2);
        this.#chunkLeft = 0;
      } else {
        const text = this.#line();
        if (text === undefined) return;
        const size = Number.parseInt(text, 16);
        if (size === 0) this.#inTrailer = true;
        else this.#chunkLeft = size + 2;
      }
    }
  }
}
