import { WsgiError } from '../src/errors.js';
import { statusPage } from '../src/pages.js';
import type { Application, Body, Environ, StartResponse } from '../src/types.js';
import type { Bridge } from './bridge/bridge.js';
import { INTERPRETER } from './bridge/pack.js';
import type { PythonInput } from './bridge/wire.js';
import type { PythonAssets } from './interpreter/assets.js';
import { type InterpreterOptions, type Supervisor, superviseOnce } from './supervisor.js';

export { PythonError } from './bridge/python-error.js';
export type { PythonAssets, PythonManifest } from './interpreter/assets.js';
export type { InterpreterOptions } from './supervisor.js';

/** Options of `fromPython`. */
export interface PythonOptions extends InterpreterOptions {
  /** The application in the assets, as "module:name"; by default the one that the build was given. */
  application?: string;
  /** The most bytes of a request body that are held in memory, 16 MiB by default. A longer body is streamed when Python can
   *  wait for it (JSPI), and answered with 413 when it can't. */
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
const SMALL_BODY = 65_536; // bytes; a longer body is streamed when Python can wait

/** Makes an application of a Python application (PEP 3333) in assets that `wsgi-edge build-python` has written.
 *  @throws {WsgiError} on wrong options; in a request, on assets that do not fit this package
 *  @example
 *  ```ts
 *  import { fromPython, type PythonAssets } from 'wsgi-edge/python';
 *  import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
 *
 *  // The build writes the assets as a module.
 *  export const worker = (assets: PythonAssets) => toCloudflareHandler(fromPython(assets));
 *  ``` */
export function fromPython(assets: PythonAssets, options: PythonOptions = {}): PythonApplication {
  const { application = assets.manifest.application, ...rest } = options;
  return pythonApplication(assets, rest, application, (bridge) => bridge.load(application));
}

let middlewares = 0;

/** Makes middleware of a Python factory "module:name", a callable that takes a WSGI application and returns one. Python sees
 *  the wrapped application of TypeScript as one of Python. If it is asynchronous, the runtime must have JSPI.
 *  @throws {WsgiError} on wrong options; in a request, on assets that do not fit this package
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
  return (app) => {
    const key = ++middlewares;
    return pythonApplication(assets, options, key, (bridge) => bridge.loadMiddleware(factory, key, app));
  };
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
    const input = await takeInput(environ, supervisor, maxBuffered);
    if (input === TOO_LONG) return statusPage('413 Content Too Large')(environ, startResponse);
    const { bridge, release } = await supervisor.acquire(environ['wsgi_edge.signal'], environ[INTERPRETER]);
    try {
      await load(bridge);
    } catch (error) {
      release();
      throw error;
    }
    if (!bridge.promising) return bridge.serve(application, environ, startResponse, input, release);
    // Python may still wait for a promise after the client has gone away, and the platform must let it finish.
    return new Promise((resolve, reject) => {
      const released = new Promise<void>((done) => {
        const end = () => {
          release();
          done();
        };
        bridge.serve(application, environ, startResponse, input, end).then(resolve, reject);
      });
      environ['wsgi_edge.wait_until'](released);
    });
  };

  return Object.assign(app as Application, {
    async boot() {
      const { bridge, release } = await supervisor.acquire();
      try {
        await load(bridge);
        await bridge.warmUp();
      } finally {
        release();
      }
    },
  });
}

const TOO_LONG = Symbol('a body of more than maxBuffered bytes');

/** Reads a body that is small, or that Python can't wait for. Returns `true` for one that Python pulls. */
async function takeInput(
  environ: Environ,
  supervisor: Supervisor,
  maxBuffered: number,
): Promise<PythonInput | typeof TOO_LONG> {
  if (environ.CONTENT_LENGTH === '0') return undefined;
  const input = environ['wsgi.input'];
  if (isSmall(environ, Math.min(SMALL_BODY, maxBuffered))) return input.read();
  if ((await supervisor.start()).promising) return true;
  const bytes = await input.read(maxBuffered + 1);
  return bytes.length > maxBuffered ? TOO_LONG : bytes;
}

// A client that expects a 100 may never send its body if the application does not read it.
function isSmall({ CONTENT_LENGTH: length, HTTP_EXPECT: expect }: Environ, most: number): boolean {
  return expect === undefined && length !== undefined && Number(length) <= most;
}
