import { logRecord } from '../src/error-stream.js';
import { BodyTooLarge, recordOf, WsgiError } from '../src/errors.js';
import { lowerName } from '../src/headers.js';
import type { Application, Environ, HeaderList, Middleware } from '../src/types.js';
import { mapResponse } from './map-response.js';

/** Pages by status: "404", or "4xx" and "5xx" for the others of their class. */
export type ErrorPages = Record<string, Application>;

// These describe the body that is replaced, and for how long it may be kept.
const OF_BODY = /^(content-(?!security-policy).*|etag|last-modified|accept-ranges|cache-control|expires)$/;

/** Answers errors with pages: applications, which are called with the environ of the request and replace the response's
 *  body. The status stays, and so do headers that do not describe the body, such as WWW-Authenticate and Set-Cookie, unless
 *  the page sets them. An error that the application throws before its head has gone out is logged, and answered with the
 *  page for 500 (413 for a body longer than `maxBody`). A page that fails is answered by the gateway.
 *  @throws {WsgiError} when a key is not a status of 400 to 599 or a class, or a page is not a function
 *  @example
 *  ```ts
 *  import { html, notFound } from 'wsgi-edge/http';
 *  import { errorPages } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = errorPages({ 404: html`<h1>Not here</h1>`, '5xx': html`<h1>Our fault</h1>` })(notFound());
 *  await (await client(app).get('/')).text(); //=> '<h1>Not here</h1>'
 *  ``` */
export function errorPages<E extends Environ = Environ>(pages: ErrorPages): Middleware<E> {
  for (const [key, page] of Object.entries(pages)) {
    if (!/^[45](\d\d|xx)$/.test(key)) throw new WsgiError(`errorPages: "${key}" is not like "404" or "4xx"`);
    if (typeof page !== 'function') throw new WsgiError(`errorPages: the page for "${key}" is not a function`);
  }
  const pageFor = (status: string, headers: HeaderList): Application | undefined => {
    const page = pages[status.slice(0, 3)] ?? pages[`${status[0]}xx`];
    return page && withHead(page, status, headers);
  };
  return (app) =>
    mapResponse(app, ({ 'wsgi.errors': errors, 'wsgi_edge.signal': signal }) => ({
      head: ({ status, headers }) => pageFor(status, headers),
      error(error, sent) {
        if (sent || signal.aborted) return undefined;
        const page = pageFor(error instanceof BodyTooLarge ? '413 Content Too Large' : '500 Internal Server Error', []);
        // The gateway does not see an error that is answered here.
        if (page !== undefined) logRecord({ 'wsgi.errors': errors }, recordOf(error));
        return page;
      },
    }));
}

const withHead =
  (page: Application, status: string, given: HeaderList): Application =>
  (environ, startResponse) =>
    page(environ, (_status, headers, excInfo) => {
      const own = new Set(headers.map(([name]) => lowerName(name)));
      const kept = given.filter(([name]) => !own.has(lowerName(name)) && !OF_BODY.test(lowerName(name)));
      return startResponse(status, [...kept, ...headers], excInfo);
    });
