import { nameOf, WsgiError } from '../src/errors.js';
import { statusPage } from '../src/pages.js';
import type { Application, Body, Environ, StartResponse } from '../src/types.js';
import { takeBody } from './body.js';
import type { Bridge } from './bridge/bridge.js';
import type { Exchange } from './bridge/calls.js';
import { serve } from './bridge/serve.js';
import type { PythonAssets } from './interpreter/assets.js';
import type { InterpreterOptions } from './options.js';
import { type Seat, superviseOnce } from './supervisor.js';

export { PythonError } from './bridge/python-error.js';
export type { PythonAssets, PythonManifest } from './interpreter/assets.js';
export type { InterpreterOptions } from './options.js';
export type { SocketOptions } from './sockets/options.js';
export { durableObject, type Files, folder, type SqlStorage } from './storage/index.js';

/** Options of `fromPython`. */
export interface PythonOptions extends InterpreterOptions {
  /** The application in the assets, as "module:name"; by default the one that the build was given. */
  application?: string;
  /** The most bytes of a request body that are held in memory before the application is called, 16 MiB by default; all bodies
   *  of more than 64 KiB together take no more than four times as much. A longer body is streamed when Python can wait for it
   *  (JSPI). When it can't, it is answered with 413, and with 503 when only the memory for all bodies is used up. */
  maxBuffered?: number;
}

/** A Python application as an application of this package. */
export interface PythonApplication extends Application {
  /** Starts the interpreter, imports the application and serves one made-up request with a small application of this
   *  package. Call it at the top level of a Worker's module or of a Lambda function; otherwise the first request starts the
   *  interpreter.
   *  @throws {PythonError} (as a rejection) when the application can't be imported */
  boot(): Promise<void>;
}

const MAX_BUFFERED = 16 * 1024 * 1024; // bytes

/** How fast the rest of a long body has to come while Python waits for it, in bytes a millisecond. */
const PACE = 256;

/** Makes an application of a Python application (PEP 3333) in assets that `wsgi-edge build-python` has written.
 *  @param assets  the default export of their assets.mjs or node.mjs
 *  @throws {WsgiError} on anything except assets and on wrong options; in a request, on assets that do not fit this
 *    package
 *  @example
 *  ```ts
 *  import { fromPython, type PythonAssets } from 'wsgi-edge/python';
 *  import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
 *
 *  // The build writes the assets as a module.
 *  export const worker = (assets: PythonAssets) => toCloudflareHandler(fromPython(assets));
 *  ``` */
export function fromPython(assets: PythonAssets, options: PythonOptions = {}): PythonApplication {
  checkAssets(assets);
  const { application = assets.manifest.application, ...rest } = options;
  return pythonApplication(assets, rest, application, (bridge) => bridge.load(application));
}

let middlewares = 0;

/** Makes middleware of a Python factory "module:name", a callable that takes a WSGI application and returns one. Python sees
 *  the wrapped application of TypeScript as one of Python. If it is asynchronous, the runtime must have JSPI.
 *  @param assets  the default export of their assets.mjs or node.mjs
 *  @throws {WsgiError} on anything except assets and on wrong options; in a request, on assets that do not fit this
 *    package
 *  @example
 *  ```ts
 *  import { demoApp } from 'wsgi-edge';
 *  import { type PythonAssets, pythonMiddleware } from 'wsgi-edge/python';
 *
 *  export const checked = (assets: PythonAssets) => pythonMiddleware(assets, 'wsgiref.validate:validator')(demoApp);
 *  ``` */
export function pythonMiddleware(
  assets: PythonAssets,
  factory: string,
  options: Omit<PythonOptions, 'application'> = {},
): (app: Application) => PythonApplication {
  checkAssets(assets);
  return (app) => {
    const key = ++middlewares;
    return pythonApplication(assets, options, key, (bridge) => bridge.loadMiddleware(factory, key, app));
  };
}

function checkAssets(assets: unknown): void {
  if (typeof (assets as { manifest?: unknown } | null | undefined)?.manifest !== 'object')
    throw new WsgiError(
      `python: the assets must be the default export of assets.mjs (Workers) or node.mjs (Node, Lambda), which wsgi-edge build-python writes, not ${nameOf(assets)}: import assets from './python_assets/node.mjs'`,
    );
}

function pythonApplication(
  assets: PythonAssets,
  { maxBuffered = MAX_BUFFERED, ...options }: Omit<PythonOptions, 'application'>,
  application: string | number,
  load: (bridge: Bridge) => Promise<void>,
): PythonApplication {
  if (!Number.isInteger(maxBuffered) || maxBuffered < 0)
    throw new WsgiError(`python: maxBuffered must be a whole number of bytes, not ${maxBuffered}`);
  const supervisor = superviseOnce(assets, options);

  const app = async (environ: Environ, startResponse: StartResponse): Promise<Body> => {
    // The body comes first, because a slow client must not hold the interpreter.
    const body = await takeBody(environ, maxBuffered, () => supervisor.promising(environ));
    if (typeof body === 'string') return statusPage(body)(environ, startResponse);
    const seat = await supervisor.enter(environ).catch((error: unknown) => {
      body.free();
      throw error;
    });
    const exchange: Exchange = { environ, startResponse, input: body.input, pull: body.pull };
    body.onArrival = (bytes) => exchange.turn?.extend(bytes / PACE);
    const leave = (): void => {
      seat.leave();
      body.free();
    };
    const response = await serveToEnd({ ...seat, leave }, environ, (seat) =>
      serve(seat, application, exchange, () => load(seat.bridge)),
    );
    // Python has its own copy by now, unless it pulls the body.
    if (body.pull === undefined) body.free();
    return response;
  };

  return Object.assign(app as Application, {
    boot: () =>
      supervisor.start(async (bridge) => {
        await load(bridge);
        await bridge.warmUp();
      }),
  });
}

/** Serves a request, and keeps the platform from ending it before it has left the interpreter: Python may still wait for a promise
 *  after the client has gone away. */
function serveToEnd(seat: Seat, environ: Environ, serveIn: (seat: Seat) => Promise<Body>): Promise<Body> {
  if (!seat.bridge.asynchronous) return serveIn(seat);
  const { promise: left, resolve: done } = Promise.withResolvers<void>();
  environ['wsgi_edge.wait_until'](left);
  const leave = (): void => {
    seat.leave();
    done();
  };
  return serveIn({ ...seat, leave });
}
