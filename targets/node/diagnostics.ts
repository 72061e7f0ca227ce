import type { Gateway } from '../../src/gateway.js';
import type { Observer } from '../../src/types.js';

/** Publishes the requests of a gateway on channels of `node:diagnostics_channel`: "wsgi-edge.request" with `{ environ }`,
 *  "wsgi-edge.response" with a `ResponseEnd`, "wsgi-edge.error" with `{ error, environ, phase }`.
 *  @returns a function that gives the gateway to serve a request with: the same one while nobody has subscribed
 *  https://nodejs.org/api/diagnostics_channel.html */
export function publishing(gateway: Gateway): () => Gateway {
  // An import as a module would load it for everybody.
  const { channel } = process.getBuiltinModule('node:diagnostics_channel');
  const request = channel('wsgi-edge.request');
  const response = channel('wsgi-edge.response');
  const failure = channel('wsgi-edge.error');
  const { observe } = gateway;
  const publisher: Observer = {
    onRequest(environ) {
      request.publish({ environ });
      return observe?.onRequest?.(environ);
    },
    onResponse(end) {
      response.publish(end);
      return observe?.onResponse?.(end);
    },
    onError(error, where) {
      failure.publish({ error, ...where });
      return observe?.onError?.(error, where);
    },
  };
  const published = { ...gateway, observe: publisher };
  return () => (request.hasSubscribers || response.hasSubscribers || failure.hasSubscribers ? published : gateway);
}
