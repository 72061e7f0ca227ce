import { settlesSoon } from './body.js';
import { createEnviron } from './environ.js';
import { ClientDisconnected, nameOf, WsgiError } from './errors.js';
import { admit, createGateway, type ExecutionContextLike, loggedWaitUntil } from './gateway.js';
import { isHopByHop } from './headers.js';
import { inputStream, streamSource } from './input-stream.js';
import { decodeNativeOrKeep, encodeNative, percentDecode, textToBytes } from './native-string.js';
import { type Responder, run } from './run.js';
import type { Head } from './start-response.js';
import type { Application, Environ, GatewayOptions, HeaderList } from './types.js';
import { escapeRaw, rawPathInfo, splitAuthority } from './url.js';

/** A Fetch API handler: a Worker's, Hono's `app.fetch`, itty-router's or h3's. */
// biome-ignore lint/suspicious/noExplicitAny: each framework has types of its own for env and ctx
export type FetchHandler = (request: Request, env?: any, ctx?: any) => Response | Promise<Response>;

/** The highest status that a Response can have (Fetch Standard, "Response class"). */
export const MAX_STATUS = 599;

let textHeaders: boolean | undefined;

// Header values are byte strings by the Fetch Standard, which are native strings as they are; workerd makes them text.
// Told by the reason, which is a byte string too: text in a header makes workerd print a warning.
function headersAreText(): boolean {
  if (textHeaders === undefined) {
    try {
      new Response(null, { statusText: '\u20ac' });
      textHeaders = true;
    } catch {
      textHeaders = false;
    }
  }
  return textHeaders;
}

const fromPlatform = (value: string): string => (headersAreText() ? encodeNative(value) : value);
const toPlatform = (value: string): string => (headersAreText() ? decodeNativeOrKeep(value) : value);

/** What the environ of a Fetch request needs beside the request. */
interface FetchContext {
  remoteAddr: string | undefined;
  protocol: string;
  signal: AbortSignal;
  waitUntil: (promise: PromiseLike<unknown>) => void;
  errors: (lines: string) => void;
  maxBody: number;
}

/** Makes the environ of a Fetch API request. */
export function fetchEnviron(request: Request, context: FetchContext): Environ {
  const { headers } = request;
  const { scheme, authority, target } = splitUrl(request.url, headers.get('host'));
  const rawUri = encodeNative(target);
  const mark = rawUri.indexOf('?');
  return createEnviron({
    method: request.method,
    path: percentDecode(mark < 0 ? rawUri : rawUri.slice(0, mark)),
    query: mark < 0 ? '' : rawUri.slice(mark + 1),
    rawUri,
    scheme,
    host: encodeNative(authority),
    fallbackHost: 'localhost',
    protocol: context.protocol,
    remoteAddr: context.remoteAddr,
    eachHeader: (add) =>
      headers.forEach((value, name) => {
        add(name, fromPlatform(name === 'cookie' ? separateCookies(value) : value));
      }),
    body: streamSource(() => request.body),
    signal: context.signal,
    waitUntil: context.waitUntil,
    errors: context.errors,
    maxBody: context.maxBody,
  });
}

// Not `new URL`, which would resolve dot segments and turn "\" into "/" where the platform has kept them. workerd
// builds the URL as scheme, Host header, target: a Host with a "/" in it must not add to the path.
function splitUrl(url: string, host: string | null): { scheme: string; authority: string; target: string } {
  const from = url.indexOf('://') + 3;
  const scheme = url.slice(0, from - 3);
  if (host && url.startsWith(host, from) && /^([/?#]|\*?$)/.test(url.slice(from + host.length)))
    return { scheme, authority: host, target: toTarget(url.slice(from + host.length)) };
  const end = url.slice(from).search(/[/?#]|$/) + from;
  const authority = url.slice(from, end);
  return { scheme, authority: authority.slice(authority.lastIndexOf('@') + 1), target: toTarget(url.slice(end)) };
}

// workerd puts the target of `OPTIONS *` behind the host as it is.
function toTarget(rest: string): string {
  if (rest === '*') return rest;
  const hash = rest.indexOf('#');
  const target = hash < 0 ? rest : rest.slice(0, hash);
  return target.startsWith('/') ? target : `/${target}`;
}

// workerd joins several Cookie headers with ", ", which would make one cookie of two (RFC 9113, section 8.2.3).
function separateCookies(value: string): string {
  return value.replace(/, (?=[^\s;,="]+=)/g, '; ');
}

function statusInit({ code, status }: Head): ResponseInit {
  const reason = toPlatform(status.slice(4));
  return reason === '' ? { status: code } : { status: code, statusText: reason };
}

/** Makes the Response of a head; a body's Content-Type is the application's alone. */
export function createResponse(
  head: Head,
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  init?: ResponseInit,
): Response {
  const response =
    head.status === '200 OK' && init === undefined && headersAreText()
      ? new Response(body as BodyInit | null) // the quicker way in workerd, which alone says "OK" by itself
      : new Response(body as BodyInit | null, { ...init, ...statusInit(head) });
  // One by one: an array of pairs costs several times as much in workerd, an object would lose Set-Cookie lines.
  for (const [name, value] of head.headers) response.headers.append(name, toPlatform(value));
  return response;
}

/** Calls `disconnect` when the client of a request is found to be gone before `done` has settled. A listener that stays would
 *  keep the request in memory. */
export async function whileConnected(request: Request, disconnect: () => void, done: Promise<void>): Promise<void> {
  if (await settlesSoon(done)) return; // no need of the signal, which workerd makes when it is asked for
  const { signal } = request;
  if (signal.aborted) disconnect();
  signal.addEventListener('abort', disconnect);
  await done;
  signal.removeEventListener('abort', disconnect);
}

/** Makes a Fetch API handler of an application, for Deno, Bun, Hono's `mount` and whatever else speaks Fetch. A third
 *  argument with `waitUntil` is used for `wsgi_edge.wait_until`.
 *  @throws {WsgiError} when `app` is not a function */
export function toFetchHandler(
  app: Application,
  options: GatewayOptions = {},
): (request: Request, env?: unknown, ctx?: unknown) => Promise<Response> {
  const gateway = createGateway('toFetchHandler', app, options, MAX_STATUS);
  return (request, _env, ctx) => {
    const gone = new AbortController();
    const disconnect = () => gone.abort(new ClientDisconnected());
    const environ = fetchEnviron(request, {
      remoteAddr: undefined,
      protocol: 'HTTP/1.1',
      signal: gone.signal,
      waitUntil: loggedWaitUntil(gateway, isExecutionContext(ctx) ? ctx : undefined),
      errors: gateway.errors,
      maxBody: gateway.maxBody,
    });
    if (request.signal.aborted) disconnect();
    return new Promise((resolve, reject) => {
      const admitted = admit(gateway, environ, request.headers.get('transfer-encoding'));
      const done = run(admitted, environ, streamResponder(resolve, reject, disconnect));
      if (done !== undefined) whileConnected(request, disconnect, done);
    });
  };
}

function isExecutionContext(ctx: unknown): ctx is ExecutionContextLike {
  return typeof (ctx as ExecutionContextLike | null | undefined)?.waitUntil === 'function';
}

function streamResponder(
  resolve: (response: Response) => void,
  reject: (error: unknown) => void,
  disconnect: () => void,
): Responder {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let wanted = false;
  let cancelled = false;
  let wake: (() => void) | undefined;
  const demand = () => {
    wanted = true;
    wake?.();
  };
  return {
    head(head, body) {
      if (body !== undefined) {
        resolve(createResponse(head, body));
        return;
      }
      const stream = new ReadableStream<Uint8Array>(
        {
          start(own) {
            controller = own;
          },
          pull: demand,
          cancel() {
            cancelled = true;
            disconnect();
            demand();
          },
        },
        { highWaterMark: 0 },
      );
      resolve(createResponse(head, stream));
    },
    async write(chunk) {
      if (!wanted)
        await new Promise<void>((resume) => {
          wake = resume;
        });
      if (cancelled) throw new ClientDisconnected();
      if (chunk.length === 0) return;
      wanted = false;
      // A copy: the application may use its buffer again. Not slice(), which shares the memory of a Buffer of Node's.
      controller?.enqueue(new Uint8Array(chunk));
    },
    end() {
      if (!cancelled) controller?.close();
    },
    abort(error) {
      if (controller === undefined) reject(error);
      else controller.error(error);
    },
  };
}

/** Makes an application of a Fetch API handler. The handler's URL has PATH_INFO for its path: below a mount it does not
 *  see SCRIPT_NAME. `env` and `ctx` are those of Workers, or `{}` and a `waitUntil` elsewhere. Hop-by-hop headers of its
 *  Response are dropped. TRACE and CONNECT, which a Request can't have, are answered with 501.
 *  @throws {WsgiError} when `handler` is not a function */
export function fromFetchHandler(handler: FetchHandler): Application {
  if (typeof handler !== 'function')
    throw new WsgiError(`fromFetchHandler: the handler must be a function (request), not ${nameOf(handler)}`);
  return async (environ, startResponse) => {
    if (/^(TRACE|CONNECT|TRACK)$/i.test(environ.REQUEST_METHOD)) {
      startResponse('501 Not Implemented', [['Content-Type', 'text/plain; charset=utf-8']]);
      return [textToBytes('Not Implemented\n')];
    }
    const ctx = environ['workers.ctx'] ?? {
      waitUntil: environ['wsgi_edge.wait_until'],
      passThroughOnException() {},
    };
    const response = await handler(toRequest(environ), environ['workers.env'] ?? {}, ctx);
    if (typeof response?.status !== 'number' || typeof response.headers?.get !== 'function')
      throw new WsgiError(`fetch handler: must return a Response, not ${nameOf(response)}`);
    if (response.status === 101) {
      const upgrade = environ['workers.upgrade'];
      if (typeof upgrade !== 'function')
        throw new WsgiError('fetch handler: answered 101 (an upgrade), which this target has no way to do');
      upgrade(response);
    }
    startResponse(`${response.status} ${fromPlatform(response.statusText)}`, responseHeaders(response));
    const { body } = response;
    if (body === null) return [];
    fetchBodies.add(body);
    return environ['wsgi.file_wrapper'](body);
  };
}

const fetchBodies = new WeakSet<ReadableStream<Uint8Array>>();

/** Whether a stream is the body of a Fetch handler's Response. workerd takes its Content-Encoding for an order: it
 *  compresses such a body itself, where an application's bytes are encoded already. */
export function isFetchBody(stream: ReadableStream<Uint8Array>): boolean {
  return fetchBodies.has(stream);
}

function responseHeaders(response: Response): HeaderList {
  const headers: HeaderList = [];
  // What `fetch` got from the network (it has a URL) has been decoded on the way; its length changed with that.
  const decoded = response.url !== '' && response.headers.has('content-encoding');
  response.headers.forEach((value, name) => {
    if (name === 'set-cookie' || isHopByHop(name)) return;
    if (decoded && (name === 'content-encoding' || name === 'content-length')) return;
    headers.push([name, fromPlatform(value)]);
  });
  for (const cookie of response.headers.getSetCookie()) headers.push(['set-cookie', fromPlatform(cookie)]);
  return headers;
}

function toRequest(environ: Environ): Request {
  const { REQUEST_METHOD: method, CONTENT_LENGTH: length } = environ;
  // A Request knows these methods in lower case, too.
  const bodiless = /^(GET|HEAD)$/i.test(method) || length === '0';
  const headers = new Headers();
  for (const key of Object.keys(environ)) {
    const value = environ[key];
    if (typeof value !== 'string' || !/^(HTTP_.|CONTENT_(TYPE|LENGTH)$)/.test(key)) continue;
    const name = key.replace('HTTP_', '').replaceAll('_', '-').toLowerCase();
    // Those that bear on the connection stay on this side of it, but for an upgrade that the platform can do.
    if (isHopByHop(name) && !(name === 'upgrade' && environ['workers.upgrade'] !== undefined)) continue;
    // A Request has no body with these methods, whatever the client sent.
    if (name === 'content-length' && bodiless && length !== '0') continue;
    headers.append(name, toPlatform(value));
  }
  const path = rawPathInfo(environ);
  const query = environ.QUERY_STRING === '' ? '' : `?${escapeRaw(environ.QUERY_STRING)}`;
  // By parts: a path such as "//evil.example" must not become the authority, nor a Host such as "user@h/evil" one that
  // SERVER_NAME does not tell of.
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
