import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { type Refusal, refuse, refuseWith } from '../../src/admission.js';
import { Connection, type ExecutionContextLike } from '../../src/connection.js';
import { quote, WsgiError } from '../../src/errors.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { answer } from '../../src/run.js';
import type { Application, Environ, GatewayOptions } from '../../src/types.js';
import { publishing } from './diagnostics.js';
import { nodeEnviron } from './request.js';
import { NodePlatform, whenGone } from './response.js';

/** The environ of a Node server. */
export type NodeEnviron = Environ & {
  /** The request as Node gave it. Its body is `wsgi.input`. */
  'node.req': IncomingMessage | Http2ServerRequest;
};

/** The options of a Node listener. */
export interface NodeOptions extends GatewayOptions {
  /** Milliseconds after which a connection (HTTP/2: a stream) is closed if the client takes no byte of a waiting
   *  response. 60,000 by default; 0 for no limit. The application may take any time between two chunks. */
  sendTimeout?: number;
}

/** The highest status code that Node writes (`ServerResponse.writeHead`). */
export const MAX_STATUS = 999;

/** The longest time of Node's timers, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

type Listener = (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse) => void;

/** Makes a listener of an application, for the servers of `node:http`, `node:https` and `node:http2`.
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type
 *  @example
 *  ```ts
 *  import { createServer } from 'node:http';
 *  import { demoApp } from 'wsgi-edge';
 *  import { toNodeHandler } from 'wsgi-edge/node';
 *
 *  export const server = createServer(toNodeHandler(demoApp));
 *  ``` */
export function toNodeHandler(app: Application<NodeEnviron>, options: NodeOptions = {}): Listener {
  const { sendTimeout = 60_000, ...rest } = options;
  checkMilliseconds('toNodeHandler', { sendTimeout });
  return createListener(createGateway('toNodeHandler', app, rest, MAX_STATUS), sendTimeout);
}

/** Makes the listener of a gateway.
 *  @param sendTimeout  milliseconds, or 0 for no limit
 *  @param ctx  receives the promises given to `wsgi_edge.wait_until`, and learns of the end of each request
 *  @param busy  refuses every request */
export function createListener(
  gateway: Gateway,
  sendTimeout: number,
  ctx?: ExecutionContextLike,
  busy: Refusal | null = null,
): Listener {
  const current = publishing(gateway);
  return function nodeListener(req, res) {
    const connection = new Connection(gateway.log, ctx);
    whenGone(res, () => connection.abort());
    const environ = nodeEnviron(req, res, gateway, connection);
    const transferEncoding = req.headers['transfer-encoding'];
    const refusal = busy ?? refuseSequel(req) ?? refuse(gateway, environ, { transferEncoding, cut: isCut(req) });
    // The framing of such a request is faulty, so a proxy may have seen its end elsewhere (RFC 9112, section 6.1).
    if (transferEncoding !== undefined && req.httpVersion !== '1.1') {
      (res as ServerResponse).shouldKeepAlive = false;
      faulty.add(req.socket);
    }
    const platform = new NodePlatform(connection, res, sendTimeout);
    const { done } = answer(current(), environ, platform, refusal);
    if (done !== undefined) ctx?.waitUntil(done);
  };
}

/** Checks options that are times.
 *  @throws {WsgiError} when one is not a number of milliseconds that a timer of Node's can wait */
export function checkMilliseconds(name: string, options: Record<string, unknown>): void {
  for (const [option, value] of Object.entries(options))
    if (typeof value !== 'number' || !(value >= 0 && value <= LONGEST))
      throw new WsgiError(`${name}: ${option} must be milliseconds from 0 to ${LONGEST}, not ${quote(value)}`);
}

/** Connections with a request whose end is uncertain. */
const faulty = new WeakSet<object>();

// Node parses bytes that follow a request before the answer to that closes the connection.
function refuseSequel({ socket }: IncomingMessage | Http2ServerRequest): Refusal | null {
  if (!faulty.has(socket)) return null;
  return refuseWith('400 Bad Request', 'client: sent bytes after a body in chunks in HTTP/1.0');
}

// Node drops headers past `maxHeadersCount`: 1000 if it is not set, none if it is 0.
function isCut({ socket, rawHeaders }: IncomingMessage | Http2ServerRequest): boolean {
  const { maxHeadersCount } = (socket as { server?: { maxHeadersCount?: number | null } }).server ?? {};
  return maxHeadersCount !== 0 && rawHeaders.length > 2 * (maxHeadersCount ?? 1000);
}
