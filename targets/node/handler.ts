import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { ClientDisconnected } from '../../src/errors.js';
import { admit, createGateway } from '../../src/gateway.js';
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
const MAX_STATUS = 999;

/** Makes a listener of an application, for the servers of `node:http`, `node:https` and `node:http2`.
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type */
export function toNodeHandler(
  app: Application,
  options: GatewayOptions = {},
): (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse) => void {
  const gateway = createGateway('toNodeHandler', app, options, MAX_STATUS);
  return (req, res) => {
    const gone = new AbortController();
    res.on('close', () => {
      if (!res.writableFinished) gone.abort(new ClientDisconnected());
    });
    // What fails here is the connection, which 'close' tells as well.
    res.on('error', () => {});
    const body = requestSource(req, () => closeAfter(res));
    res.on('finish', () => void body.cancel(undefined).catch(() => {}));
    const environ = nodeEnviron(req, body, gateway, gone.signal);
    run(admit(gateway, environ, req.headers['transfer-encoding']), environ, nodeResponder(res));
  };
}

// The client may go on sending for as long as it likes: nobody listens any more once the response has gone out.
function closeAfter(res: ServerResponse | Http2ServerResponse): void {
  if ('stream' in res) res.stream.once('finish', () => res.stream.close());
  else res.shouldKeepAlive = false;
}
