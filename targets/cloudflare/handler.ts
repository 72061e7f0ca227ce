import { ClientDisconnected } from '../../src/errors.js';
import { fetchEnviron, MAX_STATUS, whileConnected } from '../../src/fetch.js';
import { admit, createGateway, loggedWaitUntil } from '../../src/gateway.js';
import { encodeNative } from '../../src/native-string.js';
import { run } from '../../src/run.js';
import type { Application, GatewayOptions } from '../../src/types.js';
import { workersResponder } from './response.js';
import type { CloudflareHandler } from './types.js';

/** Makes a Cloudflare Workers handler of an application; its `fetch` also serves in a Durable Object and behind a
 *  service binding. The response's body and `close()` go on in `ctx.waitUntil`.
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type
 *  https://developers.cloudflare.com/workers/runtime-apis/handlers/fetch/ */
export function toCloudflareHandler<Env = unknown>(
  app: Application,
  options: GatewayOptions = {},
): CloudflareHandler<Env> {
  const gateway = createGateway('toCloudflareHandler', app, options, MAX_STATUS);
  return {
    fetch(request, env, ctx) {
      const gone = new AbortController();
      const disconnect = () => gone.abort(new ClientDisconnected());
      const environ = fetchEnviron(request, {
        // Set by Cloudflare on every request from outside; a service binding's caller has no address.
        remoteAddr: request.headers.get('cf-connecting-ip') ?? undefined,
        protocol: httpProtocol(request),
        signal: gone.signal,
        waitUntil: loggedWaitUntil(gateway, ctx),
        errors: gateway.errors,
        maxBody: gateway.maxBody,
      });
      let upgrade: Response | undefined;
      environ['workers.env'] = env;
      environ['workers.ctx'] = ctx;
      environ['workers.request'] = request;
      environ['workers.upgrade'] = (response: Response) => {
        upgrade = response;
      };
      return new Promise((resolve, reject) => {
        const responder = workersResponder({ resolve, reject, disconnect, upgrade: () => upgrade });
        const done = run(admit(gateway, environ, request.headers.get('transfer-encoding')), environ, responder);
        // Without waitUntil the runtime drops what runs on when the client goes away, close() included. The signal fires
        // only where the runtime has `enable_request_signal`, the default from compatibility date 2026-11-17.
        if (done !== undefined) ctx?.waitUntil(whileConnected(request, disconnect, done));
      });
    },
  };
}

function httpProtocol(request: Request): string {
  const cf = (request as { cf?: { httpProtocol?: unknown } }).cf;
  return typeof cf?.httpProtocol === 'string' && cf.httpProtocol !== '' ? encodeNative(cf.httpProtocol) : 'HTTP/1.1';
}
