import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { ClientDisconnected } from '../../src/errors.js';
import {
  admit,
  createGateway,
  type ExecutionContextLike,
  type Gateway,
  loggedWaitUntil,
  statusPage,
} from '../../src/gateway.js';
import { run } from '../../src/run.js';
import type { Application, Environ, GatewayOptions } from '../../src/types.js';
import { nodeEnviron, requestSource } from './request.js';
import { nodeResponder } from './response.js';

/** The environ of a Node server. */
export interface NodeEnviron extends Environ {
  /** The request as Node gave it. Its body is `wsgi.input`. */
  'node.req': IncomingMessage | Http2ServerRequest;
}

/** The highest status code that Node writes (`ServerResponse.writeHead`). */
export const MAX_STATUS = 999;

// What fails on a response is its connection, which 'close' tells as well.
const ignore = (): void => {};

type Listener = (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse) => void;

/** Makes a listener of an application, for the servers of `node:http`, `node:https` and `node:http2`.
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type */
export function toNodeHandler(app: Application, options: GatewayOptions = {}): Listener {
  return createListener(createGateway('toNodeHandler', app, options, MAX_STATUS), undefined);
}

/** Makes the listener of a gateway.
 *  @param ctx  is told of what `wsgi_edge.wait_until` is given */
export function createListener(gateway: Gateway, ctx: ExecutionContextLike | undefined): Listener {
  const waitUntil = loggedWaitUntil(gateway, ctx);
  return (req, res) => {
    const gone = new AbortController();
    res.on('close', () => {
      if (!res.writableFinished) gone.abort(new ClientDisconnected());
    });
    res.on('error', ignore);
    const environ = nodeEnviron(req, { body: requestSource(req, res), signal: gone.signal, waitUntil, gateway });
    const admitted = isCut(req)
      ? { ...gateway, application: statusPage('431 Request Header Fields Too Large') }
      : admit(gateway, environ, req.headers['transfer-encoding']);
    run(admitted, environ, nodeResponder(res));
  };
}

// Beyond `maxHeadersCount`, 1000 where it is not set and none where it is 0, older Nodes leave headers out: a client could
// push out those that a proxy has added.
function isCut({ socket, rawHeaders }: IncomingMessage | Http2ServerRequest): boolean {
  const { maxHeadersCount } = (socket as { server?: { maxHeadersCount?: number | null } }).server ?? {};
  return maxHeadersCount !== 0 && rawHeaders.length > 2 * (maxHeadersCount ?? 1000);
}
