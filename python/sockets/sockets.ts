import type { PyodideModule, PyodideStream } from '../interpreter/pyodide.js';
import { type Connection, type Open, SocketError, type TlsSettings } from './connection.js';

// CPython's socket module calls the functions of Emscripten for sockets. Pyodide lets those with Async in their names return
// promises, which it waits for. Its own sockets (initializeNodeSockFS) take each error for a refused connection or for the
// end, can't be interrupted by a timeout while they connect, and mix hosts up after 255 names.

/** Error numbers of WASI, which Emscripten uses. */
const ERRNO: Record<string, number> = {
  EACCES: 2,
  EAFNOSUPPORT: 5,
  EAGAIN: 6,
  EALREADY: 7,
  ECONNABORTED: 13,
  ECONNREFUSED: 14,
  ECONNRESET: 15,
  EHOSTUNREACH: 23,
  EINPROGRESS: 26,
  EINVAL: 28,
  EIO: 29,
  EISCONN: 30,
  ENETUNREACH: 40,
  ENOTCONN: 53,
  ENOTFOUND: 23,
  EOPNOTSUPP: 138,
  EPIPE: 64,
  EPROTONOSUPPORT: 66,
  ETIMEDOUT: 73,
};

const POLLIN = 0x41;
const POLLOUT = 0x4;
const POLLERR = 0x8;
const POLLHUP = 0x10;
const POLLFD = 8; // bytes: fd, events, revents

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_FLAGS = 0o2004000; // SOCK_CLOEXEC, SOCK_NONBLOCK
const O_NONBLOCK = 0o4000;
const F_GETFL = 3;
const F_SETFL = 4;
const FIONBIO = 0x5421;
const S_IFSOCK = 0o140000;

/** A socket of Python, as Emscripten knows it. */
interface Sock {
  family: number;
  type: number;
  protocol: number;
  readonly sock_ops: unknown;
  stream: PyodideStream;
  /** SO_ERROR. Emscripten sets it to null when Python has read it. */
  error: number | null;
  daddr?: string;
  dport?: number;
  /** The request that has opened the connection. */
  owner: unknown;
  /** The turn in which Python has waited for it last. */
  turn: PyodideModule['turn'];
  /** Settles when the connection is open or has failed. It never rejects. */
  opening?: Promise<void>;
  connection?: Connection;
  /** The last error, for its text. */
  failure?: SocketError;
  /** Received bytes that Python has not taken. */
  rest?: Uint8Array;
  /** Nothing more is received. */
  deaf: boolean;
  closed: boolean;
}

/** The sockets of an interpreter. */
export interface Sockets {
  /** Tells the code and the text of the last error of a socket. */
  failure(fd: number): string | undefined;
  /** Lets TLS begin on a connected socket. Gives the code and the text of an error, or undefined.
   *  @param ms  the time that it may take */
  startTls(fd: number, ms: number | undefined, ...tls: unknown[]): Promise<string | undefined>;
  /** Closes all of them, because the interpreter has ended. */
  close(): void;
}

/** Gives an interpreter sockets.
 *  @param owner  the request that is running */
export function installSockets(module: PyodideModule, open: Open, owner: () => unknown): Sockets {
  const { FS, SOCKFS } = module;
  const all = new Set<Sock>();
  const operations = createOperations(module, open, owner, all);
  const streams = {
    poll: (stream: PyodideStream) => pollOne(stream.node.sock as Sock, owner()),
    ioctl: (stream: PyodideStream, request: number, at: number) =>
      operations.ioctl(stream.node.sock as Sock, request, at),
    write: (stream: PyodideStream, memory: Int8Array, at: number, length: number) =>
      operations.send(stream.node.sock as Sock, memory, at, length),
    close: (stream: PyodideStream) => operations.close(stream.node.sock as Sock),
  };
  // Without recvmsgAsync, bytes that have arrived are received without a promise.
  const ready = { ...operations, recvmsgAsync: undefined };
  let last = 0;
  SOCKFS.createSocket = (family, typeAndFlags, protocol) => {
    const type = typeAndFlags & ~SOCK_FLAGS;
    if (family !== AF_INET && family !== AF_INET6) throw new FS.ErrnoError(ERRNO.EAFNOSUPPORT);
    if (type !== SOCK_STREAM) throw new FS.ErrnoError(ERRNO.EPROTONOSUPPORT);
    const path = `socket[${++last}]`;
    const node = FS.createNode(SOCKFS.root, path, S_IFSOCK, 0);
    const flags = 2 | (typeAndFlags & O_NONBLOCK);
    const stream = FS.createStream({ path, node, flags, seekable: false, stream_ops: streams });
    const state = { error: 0, owner: undefined, turn: undefined, deaf: false, closed: false };
    const sock: Sock = {
      ...{ family, type, protocol, stream, ...state },
      get sock_ops() {
        return pollOne(this, owner()) & POLLIN ? ready : operations;
      },
    };
    node.sock = sock;
    all.add(sock);
    return sock;
  };
  SOCKFS.pollAsync = (at, count, ms) => pollAll(module, owner(), at, count, ms);
  nameHosts(module);
  const sockOf = (fd: number): Sock => SOCKFS.getSocket(fd) as Sock;
  return {
    failure(fd) {
      const { failure } = sockOf(fd);
      return failure && `${failure.code} ${failure.message}`;
    },
    startTls: (fd, ms, hostname, checkHostname, ca, roots, minVersion, maxVersion) =>
      resultOfTls(sockOf(fd), ms, { hostname, checkHostname, ca, roots, minVersion, maxVersion } as TlsSettings),
    close() {
      for (const sock of all) operations.close(sock);
    },
  };
}

/** Starts TLS. Python raises its own exceptions, so it gets the code and message of an error instead of the error. */
async function resultOfTls(sock: Sock, ms: number | undefined, settings: TlsSettings): Promise<string | undefined> {
  let result: string | undefined;
  const onOtherName = () => {
    result = 'OTHER_NAME';
  };
  try {
    await startTls(sock, { ...settings, onOtherName }, ms);
    return result;
  } catch (error) {
    const { code, message } = errorOf(error);
    return `${code} ${message}`;
  }
}

function createOperations(module: PyodideModule, open: Open, owner: () => unknown, all: Set<Sock>) {
  const refuse = (): never => {
    throw new module.FS.ErrnoError(ERRNO.EOPNOTSUPP);
  };
  return {
    ...createTransfers(module, open, owner),
    ...createControls(module, owner, all),
    pollAsync: true, // Emscripten looks whether there is one
    bind: refuse,
    listen: refuse,
    accept: refuse,
  };
}

/** The connection of a socket, or the negative number of an error.
 *  @param current  the request that is running */
function connectionOf(sock: Sock, current: unknown): Connection | number {
  const { connection, turn } = sock;
  if (connection === undefined) return -(ERRNO.ENOTCONN as number);
  // Otherwise the next user of a pooled connection would get the answer to a question of this one.
  if (turn?.interrupted)
    return fail(sock, new SocketError('ECONNRESET', 'a turn that waited for this connection was interrupted'));
  if (!isForeign(sock, current)) return connection;
  return fail(sock, new SocketError('ECONNRESET', 'on Workers a connection ends with the request that opened it'));
}

/** True if the connection has ended with another request. */
const isForeign = ({ connection, owner }: Sock, current: unknown): boolean =>
  connection?.ofRequest === true && owner !== current;

function createTransfers(module: PyodideModule, open: Open, owner: () => unknown) {
  const { FS, DNS } = module;
  const wait = async (sock: Sock, promise: Promise<void>): Promise<void> => {
    waits(sock, module);
    await promise;
  };
  return {
    async connectAsync(sock: Sock, address: string, port: number): Promise<number> {
      if (sock.connection !== undefined) return -(ERRNO.EISCONN as number);
      if (sock.opening !== undefined) return -(ERRNO.EALREADY as number);
      const host = DNS.lookup_addr(address) ?? address;
      Object.assign(sock, { daddr: address, dport: port, owner: owner() });
      sock.opening = open(host, port).then(
        (connection) => {
          if (sock.closed) connection.close();
          else sock.connection = connection;
        },
        (error) => {
          sock.error = -fail(sock, errorOf(error));
        },
      );
      if (sock.stream.flags & O_NONBLOCK) return -(ERRNO.EINPROGRESS as number);
      await sock.opening;
      return -(sock.error ?? 0);
    },

    /** Returns null if `send` can do it. */
    sendmsgAsync(sock: Sock, data: Uint8Array): Promise<number> | null {
      const connection = connectionOf(sock, owner());
      if (typeof connection === 'number' || connection.writable || sock.stream.flags & O_NONBLOCK) return null;
      return wait(sock, connection.untilWritable()).then(() => resultOf(sock, () => send(connection, data)));
    },

    send(sock: Sock, memory: Int8Array, at: number, length: number): number {
      const connection = connectionOf(sock, owner());
      if (typeof connection === 'number') throw new FS.ErrnoError(-connection);
      if (!connection.writable) throw new FS.ErrnoError(ERRNO.EAGAIN);
      const from = memory.byteOffset + at;
      const sent = resultOf(sock, () => send(connection, new Uint8Array(memory.buffer.slice(from, from + length))));
      if (sent < 0) throw new FS.ErrnoError(-sent);
      return sent;
    },

    async recvmsgAsync(sock: Sock, size: number): Promise<Uint8Array | number> {
      const connection = connectionOf(sock, owner());
      if (typeof connection === 'number') return connection;
      if (sock.stream.flags & O_NONBLOCK) return -(ERRNO.EAGAIN as number);
      await wait(sock, connection.untilReadable());
      return sock.turn?.interrupted ? 0 : resultOf(sock, () => receive(sock, connection, size));
    },

    recvmsg(sock: Sock, size: number): { buffer: Uint8Array; addr: string; port: number } | null {
      const connection = sock.rest !== undefined || sock.deaf ? undefined : connectionOf(sock, owner());
      const data = typeof connection === 'number' ? connection : resultOf(sock, () => receive(sock, connection, size));
      if (typeof data !== 'number') return { buffer: data, addr: sock.daddr ?? '', port: sock.dport ?? 0 };
      if (data < 0) throw new FS.ErrnoError(-data);
      return null; // the end
    },
  };
}

function createControls(module: PyodideModule, owner: () => unknown, all: Set<Sock>) {
  return {
    ioctl(sock: Sock, request: number, at: number): number {
      if (request !== FIONBIO) return ERRNO.EINVAL as number;
      const on = module.HEAP32[at >> 2];
      if (on) sock.stream.flags |= O_NONBLOCK;
      else sock.stream.flags &= ~O_NONBLOCK;
      return 0;
    },

    fcntl64(sock: Sock, command: number, at: number): number {
      if (command === F_GETFL) return sock.stream.flags;
      if (command !== F_SETFL) return -(ERRNO.EINVAL as number);
      sock.stream.flags = module.HEAP32[at >> 2] as number;
      return 0;
    },

    shutdown(sock: Sock, how: number): number {
      const connection = connectionOf(sock, owner());
      if (typeof connection === 'number') return connection;
      if (how !== 1) sock.deaf = true;
      if (how !== 0) connection.finish();
      return 0;
    },

    close(sock: Sock): number {
      if (sock.closed) return 0;
      sock.closed = true;
      all.delete(sock);
      module.FS.destroyNode(sock.stream.node);
      sock.connection?.close();
      return 0;
    },
  };
}

function waits(sock: Sock, { turn }: PyodideModule): void {
  if (!sock.turn?.interrupted) sock.turn = turn;
}

/** Keeps an error, and returns its negative number. */
function fail(sock: Sock, error: SocketError): number {
  sock.failure = error;
  return -((ERRNO[error.code] ?? ERRNO.EIO) as number);
}

const errorOf = (error: unknown): SocketError =>
  error instanceof SocketError ? error : new SocketError('EIO', String(error));

function resultOf<T>(sock: Sock, action: () => T): T | number {
  try {
    return action();
  } catch (error) {
    return fail(sock, errorOf(error));
  }
}

function send(connection: Connection, data: Uint8Array): number {
  connection.send(data);
  return data.length;
}

/** Takes the first bytes that have arrived, and keeps the others. Returns 0 at the end. */
function receive(sock: Sock, connection: Connection | undefined, size: number): Uint8Array | number {
  const data = sock.rest ?? connection?.receive();
  if (data === undefined) return 0;
  if (data.length <= size) delete sock.rest;
  else sock.rest = data.subarray(size);
  return data.subarray(0, size);
}

function pollOne(sock: Sock, current: unknown): number {
  const { connection, failure, rest, deaf, error, turn } = sock;
  if (error) return POLLIN | POLLOUT | POLLERR;
  if (connection === undefined) return sock.opening === undefined ? POLLOUT | POLLHUP : 0;
  if (failure !== undefined || turn?.interrupted || isForeign(sock, current)) return POLLIN | POLLHUP;
  return (rest !== undefined || deaf || connection.readable ? POLLIN : 0) | (connection.writable ? POLLOUT : 0);
}

/** poll() of sockets: waits until one of the events has come that Python asks for. Returns null if Emscripten's own can answer,
 *  which does not wait.
 *  @param at  the address of an array of `pollfd`
 *  @param ms  the time to wait; a negative one has no limit */
function pollAll(
  module: PyodideModule,
  current: unknown,
  at: number,
  count: number,
  ms: number,
): Promise<number> | null {
  const entries = Array.from({ length: count }, (_, i) => {
    const fd = at + i * POLLFD;
    const sock = module.SOCKFS.getSocket(module.HEAP32[fd >> 2] as number) as Sock;
    return { sock, events: module.HEAP16[(fd + 4) >> 1] as number, answer: (fd + 6) >> 1 };
  });
  const look = (): number => {
    let ready = 0;
    for (const { sock, events, answer } of entries) {
      const found = pollOne(sock, current) & (events | POLLERR | POLLHUP);
      module.HEAP16[answer] = found;
      if (found !== 0) ready++;
    }
    return ready;
  };
  if (ms === 0 || entries.some(({ sock }) => sock === null) || look() > 0) return null;
  for (const { sock } of entries) waits(sock, module);
  return pollUntil(look, () => entries.map(({ sock, events }) => untilReady(sock, events)), ms);
}

async function pollUntil(look: () => number, waits: () => Promise<unknown>[], ms: number): Promise<number> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = ms < 0 ? undefined : setTimeout(resolve, ms);
  const until = performance.now() + (ms < 0 ? Number.POSITIVE_INFINITY : ms);
  try {
    for (;;) {
      const ready = look();
      if (ready > 0 || performance.now() >= until) return ready;
      await Promise.race([late, ...waits()]);
    }
  } finally {
    clearTimeout(timer);
  }
}

function untilReady({ connection, opening }: Sock, events: number): Promise<unknown> {
  if (connection === undefined) return opening ?? new Promise(() => {});
  const waits: Promise<void>[] = [];
  if (events & POLLIN) waits.push(connection.untilReadable());
  if (events & POLLOUT) waits.push(connection.untilWritable());
  return waits.length === 0 ? new Promise(() => {}) : Promise.race(waits);
}

async function startTls(sock: Sock, tls: TlsSettings, ms: number | undefined): Promise<void> {
  const { connection } = sock;
  if (connection === undefined) throw new SocketError('ENOTCONN', 'the socket is not connected');
  const secure = connection.startTls(tls).then((secure) => {
    if (sock.closed) secure.close();
    else sock.connection = secure;
  });
  if (ms === undefined) return secure;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new SocketError('ETIMEDOUT', 'the handshake timed out')), ms);
  });
  try {
    await Promise.race([secure, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The names that have an address at a time. */
const NAMES = 65_536;

/** Gives hosts the addresses from 240.0.0.0 on, which no host has (RFC 1112, section 4): the platform resolves names when it
 *  connects. Emscripten would give addresses of private networks, and every 256th name the same one. */
function nameHosts({ DNS }: PyodideModule): void {
  const addresses = new Map<string, string>();
  const names = new Map<string, string>();
  let last = 0;
  DNS.lookup_name = (name) => {
    if (isAddress(name)) return name;
    let address = addresses.get(name);
    if (address === undefined) {
      const number = last++ % NAMES;
      address = `240.0.${number >> 8}.${number & 255}`;
      addresses.delete(names.get(address) ?? '');
      addresses.set(name, address);
      names.set(address, name);
    }
    return address;
  };
  DNS.lookup_addr = (address) => names.get(address) ?? null;
}

const isAddress = (host: string): boolean =>
  host.includes(':') || /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/.test(host);
