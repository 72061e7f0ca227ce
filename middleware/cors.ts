import { isThenable } from '../src/body.js';
import { WsgiError } from '../src/errors.js';
import { headerView } from '../src/header-view.js';
import { isToken } from '../src/headers.js';
import { addVary } from '../src/http-semantics.js';
import type { Application, Environ, HeaderList, Middleware } from '../src/types.js';
import { mapResponse } from './map-response.js';

/** The options of `cors`. */
export interface CorsOptions {
  /** The origins that may read responses: "*" (the default), one, several, or a function that returns the origin to allow,
   *  or undefined for none. */
  origin?: string | string[] | ((origin: string, environ: Environ) => string | undefined | Promise<string | undefined>);
  /** GET, HEAD, PUT, POST, DELETE, PATCH and QUERY by default. */
  allowMethods?: string[];
  /** The request headers that are allowed; by default the ones that a preflight asks for. */
  allowHeaders?: string[];
  exposeHeaders?: string[];
  /** Seconds for which a browser may keep the answer to a preflight. */
  maxAge?: number;
  /** Allows cookies and Authorization; `origin` must then name the origins. */
  credentials?: boolean;
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'QUERY'];

/** Lets scripts of other origins read responses, and answers preflights. Fetch Standard, "CORS protocol". A response that
 *  depends on the origin has `Vary: Origin`, even if the request has no origin.
 *  @throws {WsgiError} when `credentials` is combined with the origin "*": browsers refuse that, and to mirror every origin
 *    would give every site the user's data
 *  @example
 *  ```ts
 *  import { json } from 'wsgi-edge/http';
 *  import { cors } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = cors({ origin: ['https://app.example.com'], credentials: true })(json({}));
 *  const { headers } = await client(app).get('/', { headers: { Origin: 'https://app.example.com' } });
 *  headers.get('access-control-allow-origin'); //=> 'https://app.example.com'
 *  ``` */
export function cors<E extends Environ = Environ>(options: CorsOptions = {}): Middleware<E> {
  const { origin: allowed = '*', allowMethods = METHODS, allowHeaders, exposeHeaders, maxAge, credentials } = options;
  if (credentials && (allowed === '*' || (Array.isArray(allowed) && allowed.includes('*'))))
    throw new WsgiError(
      'cors: credentials need origins by name, not "*" (Fetch Standard, "CORS protocol and credentials")',
    );
  const find = (origin: string, environ: Environ) =>
    typeof allowed === 'function'
      ? allowed(origin, environ)
      : [allowed].flat().find((each) => each === '*' || each === origin);
  const allow = (found: string | undefined): HeaderList => {
    if (!found || (credentials && found === '*')) return [];
    return [
      ['Access-Control-Allow-Origin', found],
      ...(credentials ? ([['Access-Control-Allow-Credentials', 'true']] as HeaderList) : []),
    ];
  };
  const preflight = async (environ: Environ): Promise<HeaderList> => {
    const headers = allow(await find(environ.HTTP_ORIGIN ?? '', environ));
    const asked = (allowHeaders ?? (environ.HTTP_ACCESS_CONTROL_REQUEST_HEADERS ?? '').split(',')).map((name) =>
      name.trim(),
    );
    if (headers.length > 0) {
      headers.push(['Access-Control-Allow-Methods', allowMethods.join(',')]);
      // The client chose the value, which goes into the response.
      if (asked.every(isToken)) headers.push(['Access-Control-Allow-Headers', asked.join(',')]);
      if (maxAge !== undefined) headers.push(['Access-Control-Max-Age', String(maxAge)]);
    }
    if (allowed !== '*') addVary(headers, 'Origin');
    if (allowHeaders === undefined) addVary(headers, 'Access-Control-Request-Headers');
    return headers;
  };
  return (app) => {
    const label = (headers: HeaderList, found: string | undefined): void => {
      const view = headerView(headers);
      for (const [name, value] of allow(found)) view.set(name, value);
      if (exposeHeaders?.length) view.set('Access-Control-Expose-Headers', exposeHeaders.join(','));
      if (allowed !== '*') addVary(headers, 'Origin');
    };
    const labelled = mapResponse(app, (outer) => {
      const environ = { ...outer }; // The application may change its own.
      return {
        head({ headers }) {
          const found = find(environ.HTTP_ORIGIN ?? '', environ);
          return isThenable(found) ? found.then((origin) => label(headers, origin)) : label(headers, found);
        },
      };
    });
    const answer: Application = async (environ, startResponse) => {
      startResponse('204 No Content', await preflight(environ));
      return [];
    };
    return (environ, startResponse) => (isPreflight(environ) ? answer : labelled)(environ, startResponse);
  };
}

const isPreflight = (environ: Environ): boolean =>
  environ.REQUEST_METHOD === 'OPTIONS' &&
  environ.HTTP_ORIGIN !== undefined &&
  environ.HTTP_ACCESS_CONTROL_REQUEST_METHOD !== undefined;
