import { type Connection, type Open, SocketError, type TlsSettings } from './connection.js';

/** `connect` of `cloudflare:sockets`. */
export type Connect = (
  address: { hostname: string; port: number },
  options: { secureTransport: 'starttls'; allowHalfOpen: boolean },
) => unknown;

/** Its result, as far as it is used. */
interface Socket {
  readonly opened: Promise<unknown>;
  readonly closed: Promise<unknown>;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  close(): Promise<void>;
  startTls(options?: { expectedServerHostname?: string }): Socket;
}

/** Opens connections of Workers. */
export const openOnWorkers =
  (connect: Connect): Open =>
  async (hostname, port) => {
    // The platform throws, too, as at the top level of a module.
    const open = (): Socket =>
      connect({ hostname, port }, { secureTransport: 'starttls', allowHalfOpen: true }) as Socket;
    try {
      return await established(open());
    } catch (error) {
      throw errorOf(error);
    }
  };

async function established(socket: Socket): Promise<Connection> {
  socket.closed.catch(() => {});
  await socket.opened;
  return new PlatformConnection(socket);
}

const BUFFER = 65_536; // bytes

class PlatformConnection implements Connection {
  readonly ofRequest = true;
  private readonly socket: Socket;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  private reading: Promise<void> | undefined;
  private writing: Promise<void> = Promise.resolve();
  /** Bytes that have not been sent. */
  private unsent = 0;
  private chunk: Uint8Array | undefined;
  private ended = false;
  private error: SocketError | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.reader = socket.readable.getReader();
    this.writer = socket.writable.getWriter();
    for (const { closed } of [this.reader, this.writer]) closed.catch(() => {});
  }

  get readable(): boolean {
    return this.chunk !== undefined || this.ended || this.error !== undefined;
  }

  get writable(): boolean {
    return this.error !== undefined || this.unsent < BUFFER;
  }

  async untilReadable(): Promise<void> {
    if (this.readable) return;
    this.reading ??= this.read();
    await this.reading;
  }

  private async read(): Promise<void> {
    try {
      const { done, value } = await this.reader.read();
      if (done) this.ended = true;
      else this.chunk = value;
    } catch (error) {
      this.error = errorOf(error);
    }
    this.reading = undefined;
  }

  async untilWritable(): Promise<void> {
    while (!this.writable) await this.writing;
  }

  receive(): Uint8Array | undefined {
    const { chunk } = this;
    this.chunk = undefined;
    if (chunk === undefined && this.error !== undefined) throw this.error;
    return chunk;
  }

  send(data: Uint8Array): void {
    if (this.error !== undefined) throw this.error;
    this.unsent += data.length;
    this.writing = this.writer.write(data).then(
      () => {
        this.unsent -= data.length;
      },
      (error: unknown) => {
        this.error ??= errorOf(error);
      },
    );
  }

  finish(): void {
    this.writer.close().catch(() => {});
  }

  close(): void {
    // It throws in another request than its own, with which it has ended.
    (async () => this.socket.close())().catch(() => {});
  }

  async startTls({ hostname, ca, minVersion }: TlsSettings): Promise<Connection> {
    if (ca !== undefined) throw new SocketError('TLS', 'wsgi-edge: Workers trust only the certificates that they know');
    if (minVersion !== 'TLSv1.2')
      throw new SocketError('TLS', 'wsgi-edge: Workers choose the version of TLS themselves');
    this.reader.releaseLock();
    this.writer.releaseLock();
    const options = hostname === undefined ? {} : { expectedServerHostname: hostname };
    try {
      return await established(this.socket.startTls(options));
    } catch (error) {
      const reason = 'the certificate was refused or the handshake failed (Workers do not tell which)';
      throw new SocketError('TLS', `${reason}: ${error}`);
    }
  }
}

/** Errors of workerd differ only in their texts. An unknown host has the same text as a refused connection. */
function errorOf(error: unknown): SocketError {
  const text = error instanceof Error ? error.message : String(error);
  if (/cannot connect/.test(text)) return new SocketError('ECONNREFUSED', text);
  if (/connection lost|closed|reset/i.test(text)) return new SocketError('ECONNRESET', text);
  return new SocketError('EIO', text);
}
