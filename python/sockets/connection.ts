/** A TCP connection of the platform. Errors have a `code`, such as 'ECONNRESET'. */
export interface Connection {
  /** True if it ends with the request that opened it. */
  readonly ofRequest: boolean;
  /** True if `receive` has an answer: bytes, the end, or an error. */
  readonly readable: boolean;
  /** True if more may be sent without filling memory. */
  readonly writable: boolean;
  untilReadable(): Promise<void>;
  untilWritable(): Promise<void>;
  /** Gives bytes that have arrived, or undefined at the end.
   *  @throws {SocketError} when the connection is broken */
  receive(): Uint8Array | undefined;
  /** Sends bytes, which it may keep.
   *  @throws {SocketError} when the connection is broken */
  send(data: Uint8Array): void;
  /** Says that no more bytes will be sent. */
  finish(): void;
  close(): void;
  /** Lets TLS begin. The connection must not be used any more.
   *  @throws {SocketError} (as a rejection) when the certificate is refused, or the handshake fails */
  startTls(tls: TlsSettings): Promise<Connection>;
}

/** Opens a connection.
 *  @throws {SocketError} (as a rejection) when it can't be opened */
export type Open = (host: string, port: number) => Promise<Connection>;

/** The part of a context of Python's ssl that the platform has to honour. */
export interface TlsSettings {
  hostname: string | undefined;
  checkHostname: boolean;
  /** Called if the certificate is not for `hostname`, and `checkHostname` is false. A platform that always checks never calls it. */
  onOtherName(): void;
  /** Certificates in PEM that are trusted. */
  ca: string | undefined;
  /** True if the authorities of the platform are trusted, too. */
  roots: boolean;
  /** 'TLSv1.2' or 'TLSv1.3'. */
  minVersion: string;
  maxVersion: string;
}

/** An error of a connection. */
export class SocketError extends Error {
  /** The name of an error number, 'ENOTFOUND' for a host that does not exist, 'CERTIFICATE' or 'TLS'. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
