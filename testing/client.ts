import { WsgiError } from '../src/errors.js';
import { toFetchHandler } from '../src/fetch/gateway.js';
import type { Application, Environ, GatewayOptions } from '../src/types.js';
import { validator } from '../src/validator/index.js';
import type { AwsEnviron, LambdaKind } from '../targets/aws-lambda/types.js';
import { lambdaEvent } from './lambda/event.js';
import { frontEndOf } from './lambda/front-ends.js';
import { readLambdaResult } from './lambda/result.js';

/** The options of `client` and of every gateway. */
export interface ClientOptions extends GatewayOptions {
  /** The front end of Lambda that the requests go through, as its events and results. Without it they go through the gateway of
   *  `toFetchHandler`. "lambda:alb" is a load balancer with single values. */
  target?: `lambda:${LambdaKind | 'alb'}`;
  /** The most redirects that are followed, 20 by default; 0 for none. A redirect to another host is not followed. */
  redirects?: number;
  /** If true, the default, the application runs inside `validator`. */
  validate?: boolean;
}

/** The headers, cookies and body of a request. Give one of `form`, `json` and `body`. */
export interface ClientRequest {
  headers?: Record<string, string> | [name: string, value: string][];
  /** Cookies for this request, beside the ones that the client keeps. Ordinary text. */
  cookies?: Record<string, string>;
  /** Sent as `multipart/form-data` if it is a FormData, else urlencoded. */
  form?: Record<string, string> | URLSearchParams | FormData;
  json?: unknown;
  body?: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array>;
}

type Send = (path: string, request?: ClientRequest) => Promise<Response>;

/** A client of one application. It keeps cookies and follows redirects. `url` of a response is the last one. */
export interface Client {
  get: Send;
  head: Send;
  post: Send;
  put: Send;
  patch: Send;
  delete: Send;
  request(method: string, path: string, request?: ClientRequest): Promise<Response>;
}

const MOVED = [301, 302, 303, 307, 308];
const BODILESS = [204, 205, 304];

/** Makes a client that tests an application without a server. The responses are `Response` objects of the Fetch API; their bodies
 *  arrive as the application makes them, except through Lambda. If the application fails before its head has gone out, the
 *  request rejects with its error, unless `onError` is given.
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type; as a rejection, on a breach of the
 *    interface, and when redirects do not end
 *  @example
 *  ```ts
 *  import { form, redirect, router, text, cookies, setCookie } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = router()
 *    .get('/', (environ) => text(`Hello, ${cookies(environ).name}`))
 *    .post('/', async (environ) =>
 *      redirect('/', { headers: [setCookie('name', String((await form(environ)).get('name')))] }),
 *    );
 *  const browser = client(app, { target: 'lambda:alb' });
 *  await (await browser.post('/', { form: { name: 'Zoë' } })).text(); //=> 'Hello, Zoë'
 *  ``` */
export function client<E extends Environ = Environ>(app: Application<E>, options: ClientOptions = {}): Client {
  const { target, redirects = 20, validate = true, ...gateway } = options;
  const kind = kindOf(target);
  const origin = kind === undefined ? 'http://localhost' : `https://${frontEndOf(kind).domain}`;
  const application = (validate ? validator(app) : app) as Application;
  toFetchHandler(application, gateway); // checks the options
  const jar = new Map<string, { value: string; path: string }>();

  const request = async (method: string, path: string, given: ClientRequest = {}): Promise<Response> => {
    let url = new URL(path, origin);
    let sent = { method, ...contentOf(given) };
    for (let followed = 0; ; followed++) {
      const cookie = cookieHeader(jar, url, given.cookies);
      const headers = new Headers([
        ...sent.headers,
        ['Host', url.host],
        ...(cookie === '' ? [] : [['Cookie', cookie]]),
      ] as [string, string][]);
      const { body } = sent;
      const init = { method: sent.method, headers, ...(body === undefined ? {} : { body, duplex: 'half' }) };
      const response = await send(application, new Request(url, init as RequestInit), kind, gateway);
      keepCookies(jar, response, url);
      Object.defineProperty(response, 'url', { value: url.href });
      const location = MOVED.includes(response.status) ? response.headers.get('Location') : null;
      const next = location === null ? url : new URL(location, url);
      if (location === null || redirects === 0 || next.host !== url.host) return response;
      if (followed === redirects) throw new WsgiError(`client: ${path} redirects more than ${redirects} times`);
      await response.body?.cancel();
      // Fetch Standard, "HTTP-redirect fetch".
      const toGet = response.status === 303 ? sent.method !== 'HEAD' : response.status < 303 && sent.method === 'POST';
      if (toGet)
        sent = { method: 'GET', headers: sent.headers.filter(([name]) => !/^content-/i.test(name)), body: undefined };
      url = next;
    }
  };
  const sender =
    (method: string): Send =>
    (path, given) =>
      request(method, path, given);
  return {
    get: sender('GET'),
    head: sender('HEAD'),
    post: sender('POST'),
    put: sender('PUT'),
    patch: sender('PATCH'),
    delete: sender('DELETE'),
    request,
  };
}

function kindOf(target: ClientOptions['target']): LambdaKind | undefined {
  if (target === undefined) return undefined;
  if (typeof target !== 'string' || !target.startsWith('lambda:'))
    throw new WsgiError(`client: target must be like "lambda:function-url", not ${JSON.stringify(target)}`);
  const kind = target.slice('lambda:'.length);
  return kind === 'alb' ? 'alb-single' : (kind as LambdaKind);
}

interface Content {
  headers: [name: string, value: string][];
  body: ClientRequest['body'] | URLSearchParams | FormData;
}

function contentOf({ headers = [], form, json, body }: ClientRequest): Content {
  const list = Array.isArray(headers) ? headers : Object.entries(headers);
  if ([form, json, body].filter((each) => each !== undefined).length > 1)
    throw new WsgiError('client: give one of form, json and body');
  if (json !== undefined)
    return { headers: [['Content-Type', 'application/json'], ...list], body: JSON.stringify(json) };
  if (form === undefined) return { headers: list, body };
  return { headers: list, body: form instanceof FormData ? form : new URLSearchParams(form) };
}

async function send(
  app: Application,
  request: Request,
  kind: LambdaKind | undefined,
  options: GatewayOptions,
): Promise<Response> {
  let failure: { error: unknown } | undefined;
  const onError = (error: unknown) => {
    failure = { error };
  };
  const bound = { onError, ...options };
  const response =
    kind === undefined ? await toFetchHandler(app, bound)(request) : await throughLambda(app, request, kind, bound);
  if (failure !== undefined) throw failure.error;
  return response;
}

async function throughLambda(
  app: Application<AwsEnviron>,
  request: Request,
  kind: LambdaKind,
  options: GatewayOptions,
): Promise<Response> {
  const { toLambdaHandler } = await import('../targets/aws-lambda/index.js');
  const event: unknown = await lambdaEvent(kind, request);
  const result = readLambdaResult(kind, await toLambdaHandler(app, options)(event, {}));
  const body = BODILESS.includes(result.status) ? null : new Uint8Array(result.body);
  return new Response(body, { status: result.status, headers: result.headers });
}

function keepCookies(jar: Map<string, { value: string; path: string }>, response: Response, url: URL): void {
  for (const line of response.headers.getSetCookie()) {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const [name = '', ...value] = pair.split('=');
    const of = new Map(attributes.map((each) => each.toLowerCase().split('=', 2) as [string, string]));
    const expired = of.has('max-age')
      ? Number(of.get('max-age')) <= 0
      : Date.parse(of.get('expires') ?? '') <= Date.now();
    const path = of.get('path') ?? url.pathname.replace(/\/[^/]*$/, '');
    if (expired) jar.delete(name);
    else jar.set(name, { value: value.join('='), path: path.replace(/\/$/, '') });
  }
}

function cookieHeader(
  jar: Map<string, { value: string; path: string }>,
  { pathname }: URL,
  given: Record<string, string> = {},
): string {
  const kept = [...jar].filter(
    ([name, { path }]) => `${pathname}/`.startsWith(`${path}/`) && !Object.hasOwn(given, name),
  );
  return [
    ...kept.map(([name, { value }]) => `${name}=${value}`),
    ...Object.entries(given).map(([name, value]) => `${name}=${encodeURIComponent(value)}`),
  ].join('; ');
}
