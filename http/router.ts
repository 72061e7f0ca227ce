import { match } from 'path-to-regexp';
import { mount } from '../src/middleware/mount.js';
import { decodeNative } from '../src/native-string.js';
import type { Application, Environ } from '../src/types.js';
import { answerWith, notFound, text } from './response.js';

/** The parameters of a path: `Params<'/users/:id'>` is `{ id: string }`. A path with other syntax has any. */
export type Params<Path extends string> = { [Name in string extends Path ? string : Names<Path>]: string };
type Names<Path extends string> = Path extends `${infer Segment}/${infer Rest}`
  ? Names<Segment> | Names<Rest>
  : Path extends `:${infer Name}` | `*${infer Name}`
    ? Name extends `${string}${Syntax | Other}${string}`
      ? string
      : Name
    : Path extends `${string}${Syntax}${string}`
      ? string
      : never;
type Syntax = ':' | '*' | '{' | '}';
// A name ends before these, and may be quoted.
type Other = '.' | '-' | '@' | '~' | '!' | ',' | ';' | '=' | '&' | "'" | '"' | '%' | '#' | '|' | '^' | '`' | ' ' | '\\';

/** Takes a request and the parameters of its path, and returns the response, or a promise of it. */
export type Handler<E extends Environ, Path extends string> = (
  environ: E,
  params: Params<Path>,
) => Application<E> | Promise<Application<E>>;

type Add<E extends Environ> = <Path extends string>(path: Path, handler: Handler<E, Path>) => Router<E>;

/** An application that dispatches by method and path. Each call adds a route and returns the router. */
export interface Router<E extends Environ = Environ> extends Application<E> {
  /** Answers GET, and HEAD. */
  get: Add<E>;
  post: Add<E>;
  put: Add<E>;
  patch: Add<E>;
  delete: Add<E>;
  /** Answers another method, such as "OPTIONS". */
  on<Path extends string>(method: string, path: Path, handler: Handler<E, Path>): Router<E>;
  /** Gives the paths below a prefix that have no route to an application, with the prefix moved to SCRIPT_NAME; the longest
   *  prefix wins. As `mount`. */
  mount(prefix: string, app: Application<E>): Router<E>;
}

interface Route<E extends Environ> {
  methods: string[];
  matches: ReturnType<typeof match<Record<string, string>>>;
  handler: Handler<E, string>;
}

/** Makes a router. In a path, `:id` stands for a segment and `*rest` for one or more; the first route that matches wins, and a
 *  slash at the end makes no difference. The syntax is path-to-regexp's. Parameters are decoded text. PATH_INFO is decoded
 *  before it is split, so `:id` holds no slash, but `*rest` may hold `..`. A known path with another method is answered with
 *  405. An `HttpError` is answered with its response.
 *  @param fallback  answers a path that has no route; by default with 404
 *  @throws {WsgiError} when the prefix of a mount does not start with "/" or ends with one
 *  @throws {TypeError} when a path is malformed
 *  @example
 *  ```ts
 *  import { json, router } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = router()
 *    .get('/users/:id', (_environ, { id }) => json({ id }))
 *    .post('/users', () => json({}, { status: 201 }));
 *  await (await client(app).get('/users/7')).json(); //=> { id: '7' }
 *  (await client(app).post('/users/7')).headers.get('allow'); //=> 'GET, HEAD'
 *  ``` */
export function router<E extends Environ = Environ>(fallback: Application<E> = notFound()): Router<E> {
  const routes: Route<E>[] = [];
  const mounts: Record<string, Application<E>> = {};
  let elsewhere = fallback;
  const app: Application<E> = (environ, startResponse) => {
    const method = environ.REQUEST_METHOD;
    // Below a mount, the path of the mount itself is empty.
    const path = decodeNative(environ.PATH_INFO) || '/';
    const allowed = new Set<string>();
    for (const { methods, matches, handler } of routes) {
      const found = matches(path);
      if (found && methods.includes(method))
        return answerWith(() => handler(environ, found.params), environ, startResponse);
      if (found) for (const each of methods) allowed.add(each);
    }
    if (allowed.size === 0) return elsewhere(environ, startResponse);
    const Allow = [...allowed].join(', ');
    return text('Method Not Allowed\n', { status: 405, headers: { Allow } })(environ, startResponse);
  };
  const adding =
    (...methods: string[]): Add<E> =>
    (path, handler) => {
      const matches = match<Record<string, string>>(path, { decode: false, sensitive: true });
      routes.push({ methods, matches, handler: handler as Handler<E, string> });
      return self;
    };
  const self: Router<E> = Object.assign(app, {
    get: adding('GET', 'HEAD'),
    post: adding('POST'),
    put: adding('PUT'),
    patch: adding('PATCH'),
    delete: adding('DELETE'),
    on: ((method, path, handler) => adding(method)(path, handler)) as Router<E>['on'],
    mount(prefix: string, mounted: Application<E>) {
      mounts[prefix] = mounted;
      elsewhere = mount(mounts, fallback);
      return self;
    },
  });
  return self;
}
