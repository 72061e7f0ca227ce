import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { refuse } from '../../src/admission.js';
import { Connection, type ExecutionContextLike } from '../../src/connection.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { answer } from '../../src/run.js';
import type { Application, Environ, GatewayOptions } from '../../src/types.js';
import { nodeEnviron } from './request.js';
import { NodePlatform, whenGone } from './response.js';

/** The environ of a Node server. */
export interface NodeEnviron extends Environ {
  /** The request as Node gave it. Its body is `wsgi.input`. */
  'node.req': IncomingMessage | Http2ServerRequest;
}

/** The highest status code that Node writes (`ServerResponse.writeHead`). */
export const MAX_STATUS = 999;

type Listener = (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse) => void;

/** Makes a listener of an application, for the servers of `node:http`, `node:https` and `node:http2`.
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type */
export function toNodeHandler(app: Application, options: GatewayOptions = {}): Listener {
  return createListener(createGateway('toNodeHandler', app, options, MAX_STATUS), undefined);
}

/** Makes the listener of a gateway.
 *  @param ctx  is told of the promises that `wsgi_edge.wait_until` is given
 *  @param application  answers instead of the gateway's */
export function createListener(
  gateway: Gateway,
  ctx: ExecutionContextLike | undefined,
  application?: Application,
): Listener {
  return function nodeListener(req, res) {
    const connection = new Connection(gateway.errors, ctx);
    whenGone(res, () => connection.abort());
    const environ = nodeEnviron(req, res, gateway, connection);
    const transferEncoding = req.headers['transfer-encoding'];
    const refused = refuse(gateway, environ, { transferEncoding, cut: isCut(req) ? 'headers' : undefined });
    answer(gateway, environ, new NodePlatform(connection, res), refused ?? application);
  };
}

// Node drops headers past `maxHeadersCount`: 1000 if it is not set, none if it is 0.
function isCut({ socket, rawHeaders }: IncomingMessage | Http2ServerRequest): boolean {
  const { maxHeadersCount } = (socket as { server?: { maxHeadersCount?: number | null } }).server ?? {};
  return maxHeadersCount !== 0 && rawHeaders.length > 2 * (maxHeadersCount ?? 1000);
}
