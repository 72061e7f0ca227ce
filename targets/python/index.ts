import { WsgiError } from '../../src/errors.js';
import { statusPage } from '../../src/gateway.js';
import type { Application, Environ, StartResponse } from '../../src/types.js';
import type { PythonAssets } from './assets.js';
import type { PythonInput } from './bridge.js';
import { type InterpreterOptions, superviseOnce } from './supervisor.js';

export type { PythonAssets, PythonManifest } from './assets.js';
export { PythonError } from './python-error.js';
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
   *  function. Without it the first request does.
   *  @throws {PythonError} (as a rejection) when the application can not be imported */
  boot(): Promise<void>;
}

const MAX_BODY = 16 * 1024 * 1024; // bytes
const SMALL_BODY = 65_536; // bytes; a longer one is streamed where Python can wait

/** Makes an application of a Python one (PEP 3333) in assets that `wsgi-edge build-python` has written.
 *  @throws {WsgiError} on wrong options; in a request, on assets that do not fit this package */
export function fromPython(assets: PythonAssets, options: PythonOptions = {}): PythonApplication {
  const { application = assets.manifest.application, maxBody = MAX_BODY, ...rest } = options;
  if (!Number.isInteger(maxBody) || maxBody < 0)
    throw new WsgiError(`python: maxBody must be a whole number of bytes, not ${maxBody}`);
  const supervisor = superviseOnce(assets, rest);
  const never = new AbortController().signal;

  const app = async (environ: Environ, startResponse: StartResponse) => {
    const signal = environ['wsgi_edge.signal'];
    // The body first: a slow client must not hold the interpreter.
    const early = small(environ) ? await environ['wsgi.input'].read() : undefined;
    const { bridge, release } = await supervisor.acquire(signal);
    let input: PythonInput = early ?? (environ.CONTENT_LENGTH === '0' ? undefined : true);
    try {
      if (input === true && !bridge.promising) {
        input = await environ['wsgi.input'].read(maxBody + 1);
        if (input.length > maxBody) {
          release();
          return statusPage('413 Content Too Large')(environ, startResponse);
        }
      }
      await bridge.load(application);
    } catch (error) {
      release();
      throw error;
    }
    return bridge.serve(application, environ, startResponse, input, release);
  };

  return Object.assign(app as Application, {
    async boot() {
      const { bridge, release } = await supervisor.acquire(never);
      try {
        await bridge.load(application);
      } finally {
        release();
      }
    },
  });
}

// A client that expects a 100 may never send what nobody has read.
function small({ CONTENT_LENGTH: length, HTTP_EXPECT: expect }: Environ): boolean {
  return expect === undefined && length !== undefined && length !== '0' && Number(length) <= SMALL_BODY;
}
