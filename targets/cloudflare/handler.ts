import { refuse } from '../../src/admission.js';
import { Connection } from '../../src/connection.js';
import { idOf, setRequestId } from '../../src/environ.js';
import { fetchEnviron } from '../../src/fetch/environ.js';
import { MAX_STATUS, whileConnected } from '../../src/fetch/response.js';
import { createGateway } from '../../src/gateway.js';
import { encodeNative } from '../../src/native-string.js';
import { answer } from '../../src/run.js';
import type { Application, Environ, GatewayOptions } from '../../src/types.js';
import { WorkersPlatform } from './response.js';
import type { CloudflareHandler, WorkersEnviron } from './types.js';

/** Makes a Cloudflare Workers handler of an application; its `fetch` also serves in a Durable Object and behind a
 *  service binding. The response's body and `close()` go on in `ctx.waitUntil`.
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type
 *  https://developers.cloudflare.com/workers/runtime-apis/handlers/fetch/
 *  @example
 *  ```ts
 *  import type { Application } from 'wsgi-edge';
 *  import { toCloudflareHandler, type WorkersEnviron } from 'wsgi-edge/cloudflare';
 *
 *  const app: Application<WorkersEnviron<{ GREETING: string }>> = (environ, startResponse) => {
 *    startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *    return [new TextEncoder().encode(environ['workers.env'].GREETING)];
 *  };
 *  export default toCloudflareHandler(app);
 *  ``` */
export function toCloudflareHandler<Env = unknown>(
  app: Application<WorkersEnviron<Env>>,
  options: GatewayOptions = {},
): CloudflareHandler<Env> {
  const gateway = createGateway('toCloudflareHandler', app, options, MAX_STATUS);
  return {
    fetch: async function workersFetch(request, env, ctx) {
      const connection = new Connection(gateway.log, ctx);
      const platform = new WorkersPlatform(connection);
      const protocol = httpProtocol(request);
      const { environ, transferEncoding } = fetchEnviron(request, gateway, connection, protocol, addressOf, true);
      // Cloudflare sets the header on every request from outside.
      setRequestId(environ, gateway, idOf(environ.HTTP_CF_RAY));
      // Cloudflare always replaces the header by "br, gzip".
      const { clientAcceptEncoding: accepted } = (request as { cf?: { clientAcceptEncoding?: unknown } }).cf ?? {};
      if (typeof accepted === 'string') environ.HTTP_ACCEPT_ENCODING = encodeNative(accepted);
      environ['workers.env'] = env;
      environ['workers.ctx'] = ctx;
      environ['workers.request'] = request;
      environ['workers.upgrade'] = (response: Response) => platform.upgrade(response);
      const refusal = refuse(gateway, environ, { transferEncoding });
      const input = environ['wsgi.input'];
      const { out, done } = answer(gateway, environ, platform, refusal);
      // Without waitUntil the runtime drops running work when the client goes away, close() included. The signal fires only
      // if the runtime has `enable_request_signal`, the default from compatibility date 2026-11-17.
      if (done !== undefined) whileConnected(request, input, connection, done, ctx);
      return out;
    },
  };
}

// Cloudflare sets the header on every request from outside; the caller behind a service binding has no address.
const addressOf = (environ: Environ): string | undefined => environ.HTTP_CF_CONNECTING_IP;

function httpProtocol(request: Request): string {
  const cf = (request as { cf?: { httpProtocol?: unknown } }).cf;
  return typeof cf?.httpProtocol === 'string' && cf.httpProtocol !== '' ? encodeNative(cf.httpProtocol) : 'HTTP/1.1';
}
