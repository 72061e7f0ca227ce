import { createServer, type Server } from 'node:http';
import { WsgiError } from '../../src/errors.js';
import type { Application, GatewayOptions } from '../../src/types.js';
import { toNodeHandler } from './handler.js';

export interface ServeOptions extends GatewayOptions {
  /** 0, the default, takes a free port. */
  port?: number;
  /** `127.0.0.1` by default: this server is for development, as `wsgiref.simple_server` is. */
  hostname?: string;
}

/** Serves an application over HTTP/1.1.
 *  @returns the server, listening; `server.close()` stops it
 *  @throws {WsgiError} (as a rejection) when `app` is not a function, or the port is in use or may not be used */
export async function serve(app: Application, options: ServeOptions = {}): Promise<Server> {
  const { port = 0, hostname = '127.0.0.1', ...rest } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new WsgiError(`serve: port must be a number from 0 to 65535, not ${port}`);
  const handler = toNodeHandler(app, rest);
  const server = createServer(handler);
  // Node would answer 417 to an Expect other than 100-continue; as with other servers, it is the application's to judge.
  server.on('checkExpectation', handler);
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
      resolve(server);
    });
  });
}
