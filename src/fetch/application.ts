import { nameOf, WsgiError } from '../errors.js';
import { FileWrapper } from '../file-wrapper.js';
import { isHopByHop } from '../headers.js';
import { inputStream } from '../input-stream.js';
import { decodeNativeOrKeep } from '../native-string.js';
import { statusPage } from '../pages.js';
import type { Application, Body, Environ, HeaderList, StartResponse } from '../types.js';
import { escapeRaw, rawPathInfo, splitAuthority } from '../url.js';
import { fromPlatform, toPlatform } from './text-headers.js';

/** A Fetch API handler: a Worker's, Hono's `app.fetch`, itty-router's or h3's. */
// biome-ignore lint/suspicious/noExplicitAny: each framework has types of its own for env and ctx
export type FetchHandler = (request: Request, env?: any, ctx?: any) => Response | Promise<Response>;

/** Makes an application of a Fetch API handler. PATH_INFO is the path of the handler's URL, so below a mount it does not see
 *  SCRIPT_NAME. The handler gets `env` and `ctx` from Workers, or `{}` and a `waitUntil` elsewhere. Hop-by-hop headers of
 *  its Response are dropped. TRACE and CONNECT, which a Request can't have, are answered with 501. A Response whose body
 *  has been used is refused with a `WsgiError`.
 *  @throws {WsgiError} when `handler` is not a function
 *  @example
 *  ```ts
 *  import { fromFetchHandler, mount } from 'wsgi-edge';
 *  import { callApp } from 'wsgi-edge/testing';
 *
 *  const site = mount({ '/fetch': fromFetchHandler((request) => new Response(request.url)) });
 *  (await callApp(site, '/fetch/a')).text(); //=> 'http://127.0.0.1/a'
 *  ``` */
export function fromFetchHandler(handler: FetchHandler): Application {
  if (typeof handler !== 'function')
    throw new WsgiError(`fromFetchHandler: the handler must be a function (request), not ${nameOf(handler)}`);
  return async (environ, startResponse) => {
    if (/^(TRACE|CONNECT|TRACK)$/i.test(environ.REQUEST_METHOD))
      return statusPage('501 Not Implemented')(environ, startResponse);
    const ctx = environ['workers.ctx'] ?? {
      waitUntil: environ['wsgi_edge.wait_until'],
      passThroughOnException() {},
    };
    const response = await handler(requestOf(environ), environ['workers.env'] ?? {}, ctx);
    if (response?.status === 101) {
      const upgrade = environ['workers.upgrade'];
      if (typeof upgrade !== 'function')
        throw new WsgiError('fetch handler: answered 101 (an upgrade), which this target has no way to do');
      upgrade(response);
    }
    return respond(response, startResponse);
  };
}

/** Answers with a Response of the Fetch API, in an application. Its hop-by-hop headers are dropped.
 *  @throws {WsgiError} when `response` is not a Response, or its body has been used
 *  @example
 *  ```ts
 *  import type { Application } from 'wsgi-edge';
 *  import { respond } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app: Application = (environ, startResponse) => respond(Response.json({ a: 1 }), startResponse);
 *  await (await client(app).get('/')).json(); //=> { a: 1 }
 *  ``` */
export function respond(response: Response, startResponse: StartResponse): Body {
  if (typeof response?.status !== 'number' || typeof response.headers?.get !== 'function')
    throw new WsgiError(`fetch handler: must return a Response, not ${nameOf(response)}`);
  const { body } = response;
  if (body !== null && (response.bodyUsed || body.locked || fetchBodies.has(body)))
    throw new WsgiError(
      'fetch handler: returned a Response whose body is used already; make a Response for each request, or return a clone()',
    );
  startResponse(`${response.status} ${fromPlatform(response.statusText)}`, responseHeaders(response));
  if (body === null) return [];
  fetchBodies.add(body);
  return new FileWrapper(body);
}

const fetchBodies = new WeakSet<ReadableStream<Uint8Array>>();

/** Tells if a stream is the body of a Fetch handler's Response. workerd compresses such a body according to its
 *  Content-Encoding, while an application's bytes are already encoded. */
export function isFetchBody(stream: ReadableStream<Uint8Array>): boolean {
  return fetchBodies.has(stream);
}

function responseHeaders(response: Response): HeaderList {
  const headers: HeaderList = [];
  // A Response that `fetch` got from the network (it has a URL) has been decoded on the way, which changed its length.
  const decoded = response.url !== '' && response.headers.has('content-encoding');
  response.headers.forEach((value, name) => {
    if (name === 'set-cookie' || isHopByHop(name)) return;
    if (decoded && (name === 'content-encoding' || name === 'content-length')) return;
    headers.push([name, fromPlatform(value)]);
  });
  for (const cookie of response.headers.getSetCookie()) headers.push(['set-cookie', fromPlatform(cookie)]);
  return headers;
}

/** The request as one of the Fetch API. PATH_INFO is its path, and its body is `wsgi.input`; read one of the two.
 *  @throws {TypeError} when the method is one that a Request can't have, such as TRACE
 *  @example
 *  ```ts
 *  import { requestOf } from 'wsgi-edge/http';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  requestOf(testEnviron({ PATH_INFO: '/a' })).url; //=> 'http://127.0.0.1/a'
 *  ``` */
export function requestOf(environ: Environ): Request {
  const { REQUEST_METHOD: method, CONTENT_LENGTH: length } = environ;
  // Request also accepts these methods in lower case.
  const bodiless = /^(GET|HEAD)$/i.test(method) || length === '0';
  const headers = new Headers();
  for (const key of Object.keys(environ)) {
    const value = environ[key];
    if (typeof value !== 'string' || !/^(HTTP_.|CONTENT_(TYPE|LENGTH)$)/.test(key)) continue;
    const name = key.replace('HTTP_', '').replaceAll('_', '-').toLowerCase();
    // Drop hop-by-hop headers, except Upgrade when the platform can perform it.
    if (isHopByHop(name) && !(name === 'upgrade' && environ['workers.upgrade'] !== undefined)) continue;
    // A Request can't have a body with these methods, even if the client sent one.
    if (name === 'content-length' && bodiless && length !== '0') continue;
    headers.append(name, toPlatform(value));
  }
  const path = rawPathInfo(environ);
  const query = environ.QUERY_STRING === '' ? '' : `?${escapeRaw(environ.QUERY_STRING)}`;
  // Built from parts: a path such as "//evil.example" must not become the authority, and a Host such as "user@h/evil" must
  // not smuggle in another one.
  const { origin } = new URL(
    [environ.HTTP_HOST, `${environ.SERVER_NAME}:${environ.SERVER_PORT}`, 'localhost']
      .filter((authority) => splitAuthority(authority ?? '') !== null)
      .map((authority) => `${environ['wsgi.url_scheme']}://${decodeNativeOrKeep(authority ?? '')}`)
      .find((url) => URL.canParse(url)) as string,
  );
  const whole = `${origin}${path.startsWith('/') ? '' : '/'}${path}${query}`;
  const cf = (environ['workers.request'] as { cf?: unknown } | undefined)?.cf;
  return new Request(whole, {
    method,
    headers,
    signal: environ['wsgi_edge.signal'],
    ...(bodiless ? {} : { body: inputStream(environ), duplex: 'half' }),
    ...(cf === undefined ? {} : { cf }),
  } as RequestInit);
}
