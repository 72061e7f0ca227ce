import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { refuseWith } from '../../src/admission.js';
import { quote, WsgiError } from '../../src/errors.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { statusPage } from '../../src/pages.js';
import type { Application } from '../../src/types.js';
import { checkMilliseconds, createListener, MAX_STATUS, type NodeEnviron, type NodeOptions } from './handler.js';

export interface ServeOptions extends NodeOptions {
  /** 0, the default, takes a free port. A string of digits will do, as environment variables have it. */
  port?: number | string;
  /** `127.0.0.1` by default. */
  hostname?: string;
  /** The most connections, and the most requests in flight; 10,000 by default. Further connections are closed at once.
   *  Further requests, which one connection may send by pipelining, are answered with 503. */
  maxConnections?: number;
  /** Milliseconds from SIGTERM until connections that are still open are closed, and requests in flight and
   *  `wsgi_edge.wait_until` are no longer waited for. 30,000 by default; 0 waits for nothing. */
  gracefulTimeout?: number;
  /** A path, such as "/healthz", that `serve` answers itself: with 200, and with 503 once SIGTERM has told it to stop. It works
   *  beyond `maxConnections` requests too, and `observe` is not told of it. */
  healthPath?: string;
  /** Prints the URL when the server listens. */
  printUrl?: boolean;
}

// The compiler refuses this object if an option of ServeOptions is missing.
const OPTIONS = {
  port: true,
  hostname: true,
  maxConnections: true,
  gracefulTimeout: true,
  healthPath: true,
  printUrl: true,
  sendTimeout: true,
  scriptName: true,
  onError: true,
  errors: true,
  observe: true,
  trustRequestId: true,
  maxBody: true,
} satisfies Record<keyof ServeOptions, true>;

const BUSY = /* @__PURE__ */ refuseWith(
  '503 Service Unavailable',
  'node: more than maxConnections requests are in flight',
);

// After SIGTERM, idle connections stay open for this time (ms), because a client may just have sent a request.
const LINGER = 1000;

/** Serves an application over HTTP/1.1, with Node's own limits: 16 KiB of headers within 60 seconds, a request within 300.
 *  SIGTERM stops it: it accepts only connections that wait already, answers pending requests with `Connection: close`, closes
 *  connections that send no request within a second, and waits for the promises given to `wsgi_edge.wait_until`. Then, or
 *  after `gracefulTimeout`, the process ends.
 *  @returns the server, listening; `server.close()` stops it
 *  @throws {WsgiError} (as a rejection) when `app` is not a function, an option has the wrong type, or the port is in use
 *    or may not be used
 *  @example
 *  ```ts
 *  import { demoApp } from 'wsgi-edge';
 *  import { serve } from 'wsgi-edge/node';
 *
 *  const server = await serve(demoApp, { port: 0 });
 *  server.listening; //=> true
 *  server.close();
 *  ``` */
export async function serve(app: Application<NodeEnviron>, options: ServeOptions = {}): Promise<Server> {
  checkCall(options);
  const { port: given = 0, hostname = '127.0.0.1', maxConnections = 10_000, printUrl = false, ...others } = options;
  const { gracefulTimeout = 30_000, sendTimeout = 60_000, healthPath, ...rest } = others;
  const port = typeof given === 'string' && /^[0-9]+$/.test(given) ? Number(given) : given;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new WsgiError(
      `serve: port must be a number from 0 to 65535, not ${typeof given === 'string' ? quote(given) : given}`,
    );
  if (!Number.isInteger(maxConnections) || maxConnections < 1)
    throw new WsgiError(`serve: maxConnections must be a number above 0, not ${maxConnections}`);
  if (healthPath !== undefined && !(typeof healthPath === 'string' && healthPath.startsWith('/')))
    throw new WsgiError(`serve: healthPath must be like "/healthz", not ${quote(healthPath)}`);
  checkMilliseconds('serve', { gracefulTimeout, sendTimeout });
  const gateway = createGateway('serve', app, rest, MAX_STATUS);
  // An import as a module would load everything that it exports, including a WebSocket client, which takes 60 ms.
  const server = process.getBuiltinModule('node:http').createServer();
  const load = new Load(server);
  const listener = createListener(gateway, sendTimeout, load);
  const busy = createListener(gateway, sendTimeout, undefined, BUSY);
  const probe = createListener({ ...gateway, application: load.health, observe: undefined }, sendTimeout);
  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    const inFlight = load.begin(req, res);
    const probed = healthPath !== undefined && req.url?.split('?', 1)[0] === healthPath;
    const served = probed ? probe : inFlight <= maxConnections ? listener : busy;
    // The connection is closed, because the requests behind it would be refused too.
    if (served === busy) res.shouldKeepAlive = false;
    served(req, res);
  };
  server.on('request', handle);
  // Node would answer 417 to an Expect other than 100-continue. Here the application decides, as on other servers.
  server.on('checkExpectation', handle);
  server.maxConnections = maxConnections;
  logRefusals(server, gateway);
  await listen(server, port, hostname);
  stopOnSigterm(server, load, gracefulTimeout);
  if (printUrl) {
    const { address, family, port: bound } = server.address() as AddressInfo;
    console.log(`http://${family === 'IPv6' ? `[${address}]` : address}:${bound}/`);
  }
  return server;
}

/** Checks the platform and the names of options.
 *  @throws {WsgiError} in a Worker, on options that are not an object, and on an unknown one */
function checkCall(options: ServeOptions): void {
  if ((globalThis.navigator as { userAgent?: string } | undefined)?.userAgent === 'Cloudflare-Workers')
    throw new WsgiError('serve: it is for Node; in a Worker, export default toCloudflareHandler(app)');
  if (typeof options !== 'object' || options === null)
    throw new WsgiError(`serve: options must be an object such as { port: 8000 }, not ${quote(options)}`);
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined)
    throw new WsgiError(`serve: there is no option ${unknown}; known are ${Object.keys(OPTIONS).join(', ')}`);
}

/** Logs the requests that Node's parser refuses, and the connections beyond `maxConnections`. */
function logRefusals(server: Server, { log }: Gateway): void {
  const warn = (message: string) => log({ level: 'warn', message });
  server.on('drop', () => warn('node: closed a connection beyond maxConnections'));
  const { emit } = server;
  // A listener for this event would take the answer away from Node, which knows if a response is under way.
  server.emit = (event: string | symbol, ...args: unknown[]) => {
    if (event === 'clientError') {
      const [{ code }, { remoteAddress }] = args as [NodeJS.ErrnoException, Socket];
      // Others, such as ECONNRESET, are clients that have left.
      if (/^HPE_(?!INVALID_EOF_STATE)|^ERR_HTTP_/.test(code ?? ''))
        warn(`client: ${remoteAddress} sent no valid HTTP, or too slowly (${code})`);
    }
    return emit.apply(server, [event, ...args] as Parameters<typeof emit>);
  };
}

/** The connections of a server, and the work that it has to finish before the process may end. */
class Load {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #inFlight = new Map<ServerResponse, Socket>();
  readonly #background = new Set<Promise<unknown>>();
  #stopping = false;
  #accepted = 0;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#accepted++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Tells if the server takes requests. */
  readonly health: Application = (environ, startResponse) =>
    statusPage(this.#stopping ? '503 Service Unavailable' : '200 OK')(environ, startResponse);

  waitUntil(promise: Promise<unknown>): void {
    const background = this.#background;
    background.add(promise);
    promise.finally(() => background.delete(promise));
  }

  /** Notes a request.
   *  @returns the number of requests in flight */
  begin(req: IncomingMessage, res: ServerResponse): number {
    const inFlight = this.#inFlight;
    const { socket } = req;
    inFlight.set(res, socket);
    if (this.#stopping) res.shouldKeepAlive = false;
    res.on('close', () => {
      inFlight.delete(res);
      // After server.close(), no connection is kept for another request.
      if (this.#server.listening || this.#stopping) return;
      if (!Array.from(inFlight.values()).includes(socket)) socket.destroySoon();
    });
    return inFlight.size;
  }

  /** Begins to stop: takes no more connections, and lets each one end with the last response that it waits for. */
  async stop(): Promise<void> {
    const inFlight = this.#inFlight;
    this.#stopping = true;
    const last = new Map<Socket, ServerResponse>();
    for (const [res, socket] of inFlight) last.set(socket, res);
    for (const res of last.values()) res.shouldKeepAlive = false;
    // A response may already have promised to keep its connection.
    this.#server.keepAliveTimeout = LINGER;
    await this.#emptyQueue();
    this.close();
    const waiting = Array.from(this.#sockets, (socket) => ({ socket, read: socket.bytesRead }));
    setTimeout(() => {
      const busy = new Set(inFlight.values());
      for (const { socket, read } of waiting) if (socket.bytesRead === read && !busy.has(socket)) socket.destroy();
    }, LINGER).unref();
  }

  /** Accepts the connections that the system has queued, because it would reset them. Node accepts one at a time. */
  async #emptyQueue(): Promise<void> {
    const until = performance.now() + LINGER;
    for (let before = -1; before !== this.#accepted && performance.now() < until; ) {
      before = this.#accepted;
      // Node asks the system between two immediates.
      for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Takes no more connections. */
  close(): void {
    // The close() of an HTTP server would end idle connections now, even if a response is not completely sent.
    if (this.#server.listening) process.getBuiltinModule('node:net').Server.prototype.close.call(this.#server);
  }

  /** Waits for background work and for the end of bodies. */
  async finished(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }
}

function listen(server: Server, port: number, hostname: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'is already in use; stop what listens there, or choose another port'
          : `can't be listened on: ${cause.message}`;
      reject(new WsgiError(`node: ${hostname}:${port} ${why}`, { cause }));
    };
    server.once('error', refuse);
    server.listen(port, hostname, () => {
      server.off('error', refuse);
      resolve();
    });
  });
}

// Servers that SIGTERM has told to stop, and that have not stopped yet.
const stopping = new Set<Server>();

function stopOnSigterm(server: Server, load: Load, gracefulTimeout: number): void {
  const stop = async () => {
    stopping.add(server);
    const closed = new Promise((resolve) => server.once('close', resolve));
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise((resolve) => {
      timer = setTimeout(resolve, gracefulTimeout);
    });
    load.stop();
    await Promise.race([closed.then(() => load.finished()), overdue]);
    clearTimeout(timer);
    load.close();
    server.closeAllConnections();
    await closed;
    stopping.delete(server);
    // When the last server has stopped, the process ends as by the signal, unless somebody else listens for it.
    if (stopping.size > 0 || process.listenerCount('SIGTERM') > 0) return;
    // Linux drops a signal that process 1, which a container may have started as, sends to itself.
    if (process.pid === 1) process.exit(128 + 15);
    process.kill(process.pid, 'SIGTERM');
  };
  process.once('SIGTERM', stop);
  server.once('close', () => process.off('SIGTERM', stop));
}
