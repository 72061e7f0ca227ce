import { refuse } from '../admission.js';
import { Connection, type ExecutionContextLike } from '../connection.js';
import { setRequestId } from '../environ.js';
import { createGateway } from '../gateway.js';
import { answer } from '../run.js';
import type { Application, GatewayOptions } from '../types.js';
import { fetchEnviron } from './environ.js';
import { FetchPlatform, MAX_STATUS, whileConnected } from './response.js';

/** Makes a Fetch API handler of an application, for Deno, Bun, Hono's `mount` and other platforms that speak Fetch. A third
 *  argument with `waitUntil` is used for `wsgi_edge.wait_until`.
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type
 *  @example
 *  ```ts
 *  import { demoApp, toFetchHandler } from 'wsgi-edge';
 *
 *  const handler = toFetchHandler(demoApp);
 *  (await handler(new Request('http://localhost/'))).status; //=> 200
 *  ``` */
export function toFetchHandler(
  app: Application,
  options: GatewayOptions = {},
): (request: Request, env?: unknown, ctx?: unknown) => Promise<Response> {
  const gateway = createGateway('toFetchHandler', app, options, MAX_STATUS);
  return async function fetchHandler(request, _env, ctx) {
    const connection = new Connection(gateway.log, isExecutionContext(ctx) ? ctx : undefined);
    if (request.signal.aborted) connection.abort();
    const { environ, transferEncoding } = fetchEnviron(request, gateway, connection, 'HTTP/1.1', noAddress);
    setRequestId(environ, gateway);
    const refusal = refuse(gateway, environ, { transferEncoding });
    const input = environ['wsgi.input'];
    const { out, done } = answer(gateway, environ, new FetchPlatform(connection), refusal);
    if (done !== undefined) whileConnected(request, input, connection, done, undefined);
    return out;
  };
}

const noAddress = (): undefined => undefined;

function isExecutionContext(ctx: unknown): ctx is ExecutionContextLike {
  return typeof (ctx as ExecutionContextLike | null | undefined)?.waitUntil === 'function';
}
