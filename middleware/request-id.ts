import { headerValue } from '../src/headers.js';
import type { Environ, Middleware } from '../src/types.js';
import { mapResponse } from './map-response.js';

/** The options of `requestId`. */
export interface RequestIdOptions {
  /** The header of the request and of the response; `X-Request-Id` by default. */
  header?: string;
  /** Takes the id of the request if it has up to 128 letters, digits and `-_.:=+/@`; true by default. False where clients
   *  connect without a proxy that sets the header. */
  trust?: boolean;
}

// Anything else could forge a line of a log or a header.
const SAFE = /^[\w.:=+/@-]{1,128}$/;

/** Gives each request an id, as `wsgi_edge.request_id` of environ and as a header of the response: the one of the request's
 *  header, the gateway's, or a random UUID. The gateway's log has the same id. Place it outside of `accessLog`.
 *  @example
 *  ```ts
 *  import { compose } from 'wsgi-edge';
 *  import { text } from 'wsgi-edge/http';
 *  import { accessLog, requestId } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = compose(requestId(), accessLog({ log: () => {} }))(text('hello'));
 *  const { headers } = await client(app).get('/', { headers: { 'X-Request-Id': 'abc' } });
 *  headers.get('x-request-id'); //=> 'abc'
 *  ``` */
export function requestId<E extends Environ = Environ>({
  header = 'X-Request-Id',
  trust = true,
}: RequestIdOptions = {}): Middleware<E> {
  const key = `HTTP_${header.toUpperCase().replaceAll('-', '_')}`;
  return (app) => (environ, startResponse) => {
    const { [key]: given, 'wsgi_edge.request_id': platform } = environ;
    const usable = [trust ? given : undefined, platform].find((id) => typeof id === 'string' && SAFE.test(id));
    const id = (usable as string | undefined) ?? crypto.randomUUID();
    const labelled = mapResponse(app, {
      head({ headers }) {
        if (headerValue(headers, header.toLowerCase()) === undefined) headers.push([header, id]);
      },
    });
    // In place, because the gateway's log takes the id from its own environ.
    Object.assign(environ, { 'wsgi_edge.request_id': id });
    return labelled(environ, startResponse);
  };
}
