import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { WsgiError } from '../../src/errors.js';
import { createGateway } from '../../src/gateway.js';
import { statusPage } from '../../src/pages.js';
import type { Application, GatewayOptions } from '../../src/types.js';
import { createListener, MAX_STATUS } from './handler.js';

export interface ServeOptions extends GatewayOptions {
  /** 0, the default, takes a free port. */
  port?: number;
  /** `127.0.0.1` by default. */
  hostname?: string;
  /** Connections beyond this number are closed at once, and requests beyond it, which one connection may send without
   *  waiting for an answer (pipelining), are answered with 503; 10,000 by default. */
  maxConnections?: number;
}

/** Serves an application over HTTP/1.1, with Node's own limits: 16 KiB of headers within 60 seconds, a request within
 *  300. SIGTERM stops it as `server.close()` does: it takes no more connections, finishes the requests in flight and what
 *  `wsgi_edge.wait_until` was given; then the process ends.
 *  @returns the server, listening; `server.close()` stops it
 *  @throws {WsgiError} (as a rejection) when `app` is not a function, an option has the wrong type, or the port is in use
 *    or may not be used */
export async function serve(app: Application, options: ServeOptions = {}): Promise<Server> {
  const { port = 0, hostname = '127.0.0.1', maxConnections = 10_000, ...rest } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new WsgiError(`serve: port must be a number from 0 to 65535, not ${port}`);
  if (!Number.isInteger(maxConnections) || maxConnections < 1)
    throw new WsgiError(`serve: maxConnections must be a number above 0, not ${maxConnections}`);
  const background = new Set<Promise<unknown>>();
  const gateway = createGateway('serve', app, rest, MAX_STATUS);
  const listener = createListener(gateway, {
    waitUntil(promise) {
      background.add(promise);
      promise.finally(() => background.delete(promise));
    },
  });
  const busy = createListener(gateway, undefined, statusPage('503 Service Unavailable'));
  // Its import as a module would load all that it exports, a WebSocket client among it, at 60 ms.
  const server = process.getBuiltinModule('node:http').createServer();
  let inFlight = 0;
  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    const served = inFlight++ < maxConnections ? listener : busy;
    // The requests behind it on its connection would be refused as well.
    if (served === busy) res.shouldKeepAlive = false;
    res.on('close', () => {
      inFlight--;
      // A server that is closing keeps no connection for a next request.
      if (!server.listening) server.closeIdleConnections();
    });
    served(req, res);
  };
  server.on('request', handle);
  // Node would answer 417 to an Expect other than 100-continue; as with other servers, it is the application's to judge.
  server.on('checkExpectation', handle);
  server.maxConnections = maxConnections;
  await listen(server, port, hostname);
  stopOnSigterm(server, async () => {
    while (background.size > 0) await Promise.all(background);
  });
  return server;
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

function stopOnSigterm(server: Server, settled: () => Promise<void>): void {
  const stop = () => {
    stopping.add(server);
    server.close(async () => {
      await settled();
      stopping.delete(server);
      // The signal has its way when the last one is done, unless somebody else listens for it.
      if (stopping.size === 0 && process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
    });
  };
  process.once('SIGTERM', stop);
  server.once('close', () => process.off('SIGTERM', stop));
}
