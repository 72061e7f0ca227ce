import { type Connection, type Open, SocketError, type TlsSettings } from './connection.js';

/** The parts of node:net and node:tls that are used. */
interface Net {
  readonly rootCertificates: string[];
  connect(options: Record<string, unknown>): Socket;
  checkServerIdentity(host: string, certificate: unknown): Error | undefined;
}
interface Socket {
  readonly readableLength: number;
  readonly readableEnded: boolean;
  readonly writableNeedDrain: boolean;
  read(): Uint8Array | null;
  write(data: Uint8Array): boolean;
  end(): void;
  destroySoon(): void;
  ref(): void;
  unref(): void;
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
}
type Listeners = Record<string, (value: unknown) => void>;

/** A module of Node. An import would keep a Worker from being bundled. */
const builtin = (name: string): Net =>
  (globalThis as unknown as { process: { getBuiltinModule(name: string): Net } }).process.getBuiltinModule(name);

/** Opens a connection of Node. */
export const openOnNode: Open = (host, port) =>
  established(builtin('node:net').connect({ host, port, noDelay: true, allowHalfOpen: true }), 'connect');

function established(socket: Socket, event: 'connect' | 'secureConnect'): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const listeners = {
      error: (error: unknown) => reject(errorOf(error)),
      close: () => reject(new SocketError('ECONNRESET', 'the connection was closed')),
      [event]() {
        listen(socket, 'off', listeners);
        socket.unref();
        resolve(new NodeConnection(socket));
      },
    };
    listen(socket, 'on', listeners);
  });
}

function listen(socket: Socket, how: 'on' | 'off', listeners: Listeners): void {
  for (const [event, listener] of Object.entries(listeners)) socket[how](event, listener);
}

// A pooled connection must not keep a process alive, so it is referenced only while Python waits for it.
class NodeConnection implements Connection {
  readonly ofRequest = false;
  private readonly socket: Socket;
  private readonly listeners: Listeners;
  private error: SocketError | undefined;
  private ended = false;
  private waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    const wake = (): void => {
      socket.unref();
      for (const resolve of this.waiting.splice(0)) resolve();
    };
    const end = (): void => {
      this.ended = true;
      wake();
    };
    const error = (error: unknown): void => {
      this.error = errorOf(error);
      wake();
    };
    this.listeners = { error, readable: wake, drain: wake, end, close: end };
    listen(socket, 'on', this.listeners);
  }

  get readable(): boolean {
    return this.socket.readableLength > 0 || this.ended || this.error !== undefined;
  }

  get writable(): boolean {
    return !this.socket.writableNeedDrain || this.ended || this.error !== undefined;
  }

  async untilReadable(): Promise<void> {
    while (!this.readable) await this.event();
  }

  async untilWritable(): Promise<void> {
    while (!this.writable) await this.event();
  }

  private event(): Promise<void> {
    this.socket.ref();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  receive(): Uint8Array | undefined {
    const data = this.socket.read();
    if (data !== null) return data;
    if (this.error !== undefined) throw this.error;
    return undefined;
  }

  send(data: Uint8Array): void {
    if (this.error !== undefined) throw this.error;
    this.socket.write(data);
  }

  finish(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroySoon();
  }

  startTls(settings: TlsSettings): Promise<Connection> {
    const { hostname, checkHostname, onOtherName, ca, roots, minVersion, maxVersion } = settings;
    const { socket } = this;
    socket.on('error', () => {}); // TLS reports it, too
    listen(socket, 'off', this.listeners);
    const named =
      hostname === undefined ? {} : { host: hostname, ...(isName(hostname) ? { servername: hostname } : {}) };
    const tls = builtin('node:tls');
    const trusted = ca === undefined ? {} : { ca: roots ? [...tls.rootCertificates, ca] : ca };
    const checkServerIdentity = (host: string, certificate: unknown) => {
      const error = tls.checkServerIdentity(host, certificate);
      if (error === undefined || checkHostname) return error;
      onOtherName();
      return undefined;
    };
    const options = { socket, minVersion, maxVersion, ...named, ...trusted, checkServerIdentity };
    return established(tls.connect(options), 'secureConnect');
  }
}

/** True if a host may be named to the server in the handshake (RFC 6066, section 3). */
const isName = (host: string): boolean => !/^[\d.]+$|:/.test(host);

// Codes of OpenSSL's verification, and Node's own for a wrong host.
const CERTIFICATE = /CERT|ISSUER|CRL|SIGNATURE|_CA$|CHAIN|HOSTNAME_MISMATCH/;

function errorOf(error: unknown): SocketError {
  if (error instanceof SocketError) return error;
  const { code = '', message, errors } = error as Error & { code?: string; errors?: Error[] };
  // An AggregateError of all addresses of a name.
  if (errors?.[0] !== undefined) return errorOf(errors[0]);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return new SocketError('ENOTFOUND', message);
  if (/^E[A-Z]+$/.test(code)) return new SocketError(code, message);
  return new SocketError(CERTIFICATE.test(code) ? 'CERTIFICATE' : 'TLS', message);
}
