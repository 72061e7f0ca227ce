// Responses. In WSGI a response is an application, as Werkzeug's and WebOb's are: calling it sends it.
import { isThenable } from '../src/body.js';
import { nameOf, WsgiError } from '../src/errors.js';
import { headerView } from '../src/header-view.js';
import { lowerName } from '../src/headers.js';
import { encodeNative, percentEncode, textToBytes } from '../src/native-string.js';
import type { Application, Body, Environ, HeaderList, StartResponse } from '../src/types.js';

/** The status and the headers of a response. */
export interface Init {
  /** A code such as 201, or a code and its reason, such as "201 Created". */
  status?: number | string;
  /** Pairs, or an object. Values are native strings. A Content-Type replaces the default one. */
  headers?: readonly (readonly [name: string, value: string])[] | Readonly<Record<string, string>>;
}

const STATUSES =
  ',200 OK,201 Created,202 Accepted,204 No Content,206 Partial Content,301 Moved Permanently,302 Found,303 See Other,304 Not Modified,307 Temporary Redirect,308 Permanent Redirect,400 Bad Request,401 Unauthorized,403 Forbidden,404 Not Found,405 Method Not Allowed,406 Not Acceptable,409 Conflict,410 Gone,412 Precondition Failed,413 Content Too Large,415 Unsupported Media Type,416 Range Not Satisfiable,422 Unprocessable Content,429 Too Many Requests,500 Internal Server Error,502 Bad Gateway,503 Service Unavailable,504 Gateway Timeout,';

/** A status as `startResponse` takes it. A code without a known reason gets an empty one (RFC 9112, section 4). */
export function statusLine(status: number | string): string {
  if (typeof status === 'string') return status;
  const at = STATUSES.indexOf(`,${status} `) + 1;
  return at === 0 ? `${status} ` : STATUSES.slice(at, STATUSES.indexOf(',', at));
}

/** A new list of headers, with the defaults that `given` does not name. */
export function headerList(given: Init['headers'] = [], ...defaults: HeaderList): HeaderList {
  const own = (Array.isArray(given) ? [...given] : Object.entries(given)) as HeaderList;
  return [...defaults.filter(([name]) => !own.some(([other]) => lowerName(other) === lowerName(name))), ...own];
}

/** A response of bytes that are known.
 *  @param type  undefined for a response without content */
export function whole(content: Uint8Array, type: string | undefined, { status = 200, headers }: Init): Application {
  return (_environ, startResponse) => {
    // The list belongs to the gateway from here on, so each request gets its own (PEP 3333, "The start_response() Callable").
    startResponse(statusLine(status), headerList(headers, ...(type === undefined ? [] : [CONTENT_TYPE(type)])));
    return [content];
  };
}

export const CONTENT_TYPE = (type: string): [string, string] => ['Content-Type', type];

/** Answers with text, as `text/plain` in UTF-8.
 *  @throws {WsgiError} when `content` is not a string
 *  @example
 *  ```ts
 *  import { text } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = text('I am a teapot', { status: 418, headers: { 'X-Tea': 'green' } });
 *  (await client(app).get('/')).status; //=> 418
 *  ``` */
export function text(content: string, init: Init = {}): Application {
  if (typeof content !== 'string') throw new WsgiError(`text: the content must be a string, not ${nameOf(content)}`);
  return whole(textToBytes(content), 'text/plain; charset=utf-8', init);
}

/** Answers with a value as JSON (RFC 8259).
 *  @throws {WsgiError} when the value has no form in JSON, such as undefined or a function
 *  @example
 *  ```ts
 *  import { json, view } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = view((environ) => json({ path: environ.PATH_INFO }));
 *  await (await client(app).get('/a')).json(); //=> { path: '/a' }
 *  ``` */
export function json(value: unknown, init: Init = {}): Application {
  const content: string | undefined = JSON.stringify(value);
  if (content === undefined) throw new WsgiError(`json: ${nameOf(value)} has no form in JSON`);
  return whole(textToBytes(content), 'application/json', init);
}

/** Sends the client to another URL, with status 302 unless `init` has another. Characters that a URL can't have are escaped;
 *  so is a backslash, which browsers take for a slash. Check a location that comes from the client: "//evil.example" and
 *  "https://evil.example" lead to another site.
 *  @param location  ordinary text: a URL, or a path relative to the request (RFC 9110, section 10.2.2)
 *  @throws {WsgiError} when `location` is not a string
 *  @example
 *  ```ts
 *  import { redirect } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = redirect('/café', { status: 303 });
 *  const response = await client(app, { redirects: 0 }).post('/');
 *  response.headers.get('location'); //=> '/caf%C3%A9'
 *  ``` */
export function redirect(location: string, { status = 302, headers = [] }: Init = {}): Application {
  if (typeof location !== 'string')
    throw new WsgiError(`redirect: the location must be a string, not ${nameOf(location)}`);
  const escaped = percentEncode(encodeNative(location), URL_SAFE);
  return whole(EMPTY, undefined, { status, headers: [...headerList(headers), ['Location', escaped]] });
}

const EMPTY = /* @__PURE__ */ new Uint8Array(0);
// The reserved characters of RFC 3986 (section 2.2), and escapes that are there already.
const URL_SAFE = ":/?#[]@!$&'()*+,;=%";

/** Answers 204, without content.
 *  @example
 *  ```ts
 *  import { noContent } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  (await client(noContent()).delete('/')).status; //=> 204
 *  ``` */
export function noContent(init: Init = {}): Application {
  return whole(EMPTY, undefined, { status: 204, ...init });
}

const failure = (status: number, content: string | undefined, init: Init): Application =>
  text(content ?? `${statusLine(status).slice(4)}\n`, { status, ...init });

/** Answers 400.
 *  @param content  the reason of the status by default
 *  @example
 *  ```ts
 *  import { badRequest } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  await (await client(badRequest('no name')).get('/')).text(); //=> 'no name'
 *  ``` */
export function badRequest(content?: string, init: Init = {}): Application {
  return failure(400, content, init);
}

/** Answers 403.
 *  @param content  the reason of the status by default
 *  @example
 *  ```ts
 *  import { forbidden } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  (await client(forbidden()).get('/')).status; //=> 403
 *  ``` */
export function forbidden(content?: string, init: Init = {}): Application {
  return failure(403, content, init);
}

/** Answers 404.
 *  @param content  the reason of the status by default
 *  @example
 *  ```ts
 *  import { notFound } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  await (await client(notFound()).get('/')).text(); //=> 'Not Found\n'
 *  ``` */
export function notFound(content?: string, init: Init = {}): Application {
  return failure(404, content, init);
}

/** Makes the header that offers a response as a download. Control characters and slashes in the name become "_"; a name
 *  that is not ASCII is encoded (RFC 6266, RFC 8187).
 *  @param filename  ordinary text
 *  @example
 *  ```ts
 *  import { attachment } from 'wsgi-edge/http';
 *
 *  attachment('links.csv'); //=> ['Content-Disposition', 'attachment; filename="links.csv"']
 *  ``` */
export function attachment(filename: string): [name: string, value: string] {
  const list: HeaderList = [];
  headerView(list).add('Content-Disposition', 'attachment', { filename: filename.replace(/[\x00-\x1f\x7f/\\]/g, '_') });
  return list[0] as [string, string];
}

/** An error that has a response: `view` and `router` answer with it. The readers throw it for a request that they refuse.
 *  As Werkzeug's `HTTPException`.
 *  @example
 *  ```ts
 *  import { HttpError, notFound, text, view } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const find = (id: string) => {
 *    if (id !== '1') throw new HttpError(notFound('no such link'));
 *    return id;
 *  };
 *  const app = view((environ) => text(find(environ.PATH_INFO.slice(1))));
 *  (await client(app).get('/2')).status; //=> 404
 *  ``` */
export class HttpError extends Error {
  override name = 'HttpError';
  readonly response: Application;
  constructor(response: Application, message = 'ended by a response') {
    super(message);
    this.response = response;
  }
}

/** The function of a view: takes a request and returns the response, or a promise of it. */
export type View<E extends Environ = Environ> = (environ: E) => Application<E> | Promise<Application<E>>;

/** Makes an application of a function that returns one, usually a response. An `HttpError` is answered with its response.
 *  @example
 *  ```ts
 *  import { query, text, view } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = view(async (environ) => text(`Hello, ${query(environ).get('name')}!`));
 *  await (await client(app).get('/?name=Zo%C3%AB')).text(); //=> 'Hello, Zoë!'
 *  ``` */
export function view<E extends Environ = Environ>(make: View<E>): Application<E> {
  return (environ, startResponse) => answerWith(() => make(environ), environ, startResponse);
}

/** Calls the response that `make` returns. */
export function answerWith<E extends Environ>(
  make: () => Application<E> | Promise<Application<E>>,
  environ: E,
  startResponse: StartResponse,
): Body | Promise<Body> {
  let made: Application<E> | Promise<Application<E>>;
  try {
    made = make();
  } catch (error) {
    made = responseOf(error);
  }
  const call = (app: Application<E>) => {
    if (typeof app === 'function') return app(environ, startResponse);
    throw new WsgiError(`view: must return a response such as text('…'), not ${nameOf(app)}; is a return missing?`);
  };
  return isThenable(made) ? made.then(call, (error) => responseOf(error)(environ, startResponse)) : call(made);
}

function responseOf(error: unknown): Application {
  if (error instanceof HttpError) return error.response;
  throw error;
}
