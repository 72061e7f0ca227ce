import { WsgiError } from '../src/errors.js';
import { statusPage } from '../src/gateway.js';
import type { Application, Body, Environ, StartResponse } from '../src/types.js';
import type { Bridge } from './bridge/bridge.js';
import { INTERPRETER } from './bridge/pack.js';
import type { PythonInput } from './bridge/wire.js';
import type { PythonAssets } from './interpreter/assets.js';
import { type InterpreterOptions, superviseOnce } from './supervisor.js';

export { PythonError } from './bridge/python-error.js';
export type { PythonAssets, PythonManifest } from './interpreter/assets.js';
export type { InterpreterOptions } from './supervisor.js';

/** Options of `fromPython`. */
export interface PythonOptions extends InterpreterOptions {
  /** The application in the assets, as "module:name"; by default the one that the build was given. */
  application?: string;
  /** Bytes of a request body that are held in memory where Python can't wait for it; a longer one is answered with 413.
   *  16 MiB by default. */
  maxBody?: number;
}

/** A Python application as an ordinary one. */
export interface PythonApplication extends Application {
  /** Starts the interpreter and imports the application now, for the top level of a Worker's module or of a Lambda
   *  function; then goes the way of a request once, without the application. Without it the first request starts.
   *  @throws {PythonError} (as a rejection) when the application can not be imported */
  boot(): Promise<void>;
}

const MAX_BODY = 16 * 1024 * 1024; // bytes
const SMALL_BODY = 65_536; // bytes; a longer one is streamed where Python can wait

/** Makes an application of a Python one (PEP 3333) in assets that `wsgi-edge build-python` has written.
 *  @throws {WsgiError} on wrong options; in a request, on assets that do not fit this package */
export function fromPython(assets: PythonAssets, options: PythonOptions = {}): PythonApplication {
  const { application = assets.manifest.application, ...rest } = options;
  return pythonApplication(assets, rest, application, (bridge) => bridge.load(application));
}

let middlewares = 0;

/** Makes middleware of a Python factory "module:name", a callable that takes a WSGI application and returns one: to
 *  Python, the application of TypeScript that it is put around is one of Python. Where that one is asynchronous, the
 *  runtime must have JSPI.
 *  @throws {WsgiError} on wrong options; in a request, on assets that do not fit this package */
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
  { maxBody = MAX_BODY, ...options }: Omit<PythonOptions, 'application'>,
  application: string | number,
  load: (bridge: Bridge) => Promise<void>,
): PythonApplication {
  if (!Number.isInteger(maxBody) || maxBody < 0)
    throw new WsgiError(`python: maxBody must be a whole number of bytes, not ${maxBody}`);
  const supervisor = superviseOnce(assets, options);

  const app = async (environ: Environ, startResponse: StartResponse): Promise<Body> => {
    // The body first: a slow client must not hold the interpreter.
    let input: PythonInput = true;
    if (environ.CONTENT_LENGTH === '0') input = undefined;
    else if (isSmall(environ)) input = await environ['wsgi.input'].read();
    else if (!(await supervisor.start()).promising) {
      input = await environ['wsgi.input'].read(maxBody + 1);
      if (input.length > maxBody) return statusPage('413 Content Too Large')(environ, startResponse);
    }
    const { bridge, release } = await supervisor.acquire(environ['wsgi_edge.signal'], environ[INTERPRETER]);
    try {
      await load(bridge);
    } catch (error) {
      release();
      throw error;
    }
    if (!bridge.promising) return bridge.serve(application, environ, startResponse, input, release);
    // Python may wait for a promise when the client has gone away: the platform must not drop it there.
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

// A client that expects a 100 may never send what nobody has read.
function isSmall({ CONTENT_LENGTH: length, HTTP_EXPECT: expect }: Environ): boolean {
  return expect === undefined && length !== undefined && length !== '0' && Number(length) <= SMALL_BODY;
}
