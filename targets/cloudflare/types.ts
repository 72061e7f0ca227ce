import type { ExecutionContextLike } from '../../src/connection.js';
import type { Environ } from '../../src/types.js';

/** The handler that `toCloudflareHandler` returns, ready for `export default`. */
export interface CloudflareHandler<Env = unknown> {
  fetch(request: Request, env: Env, ctx: ExecutionContextLike): Promise<Response>;
}

/** The environ of a Worker. */
// An intersection, so that an augmented Environ may give a key a narrower type.
export type WorkersEnviron<Env = unknown> = Environ & {
  /** The bindings. */
  'workers.env': Env;
  /** The execution context. */
  'workers.ctx': ExecutionContextLike;
  /** The Request as the runtime gave it, for `cf`. Its body is `wsgi.input`. */
  'workers.request': Request;
  /** Takes a 101 Response with a WebSocket; status 101 is then allowed and sends it. */
  'workers.upgrade': (response: Response) => void;
};
