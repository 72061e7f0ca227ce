import { createEnviron } from '../../src/environ.js';
import { WsgiError } from '../../src/errors.js';
import { type ExecutionContextLike, type Gateway, loggedWaitUntil } from '../../src/gateway.js';
import { type Responder, run } from '../../src/run.js';
import { enterStage, eventFields, toHttpEvent } from './event.js';
import type { LambdaContext } from './types.js';

// Time (ms) kept back to answer with an error before Lambda ends the function; half of it to end what runs.
const RESERVE = 500;

/** Runs one invocation to its end: response, `close()` and what `wsgi_edge.wait_until` was given. Lambda freezes the
 *  process when the handler's promise settles.
 *  @throws {WsgiError} when the event is not an HTTP request that this target takes */
export async function invoke(
  gateway: Gateway,
  received: unknown,
  context: LambdaContext,
  responder: Responder,
): Promise<void> {
  const event = toHttpEvent(received);
  const gone = new AbortController();
  const background: Promise<unknown>[] = [];
  const ctx: ExecutionContextLike = { waitUntil: (promise) => background.push(promise) };
  const environ = createEnviron({
    ...eventFields(event),
    signal: gone.signal,
    waitUntil: loggedWaitUntil(gateway, ctx),
    errors: gateway.errors,
  });
  enterStage(environ, event);
  environ['aws.event'] = event;
  environ['aws.context'] = context;
  const work = async (): Promise<void> => {
    await run(gateway, environ, responder);
    while (background.length > 0) await Promise.all(background.splice(0));
  };
  const remaining = context?.getRemainingTimeInMillis?.();
  if (remaining === undefined) return work();
  const timers: ReturnType<typeof setTimeout>[] = [];
  const inTime = (reserve: number, act: () => void) => timers.push(setTimeout(act, Math.max(0, remaining - reserve)));
  inTime(RESERVE, () => gone.abort(new WsgiError("aws-lambda: the function's time is nearly up")));
  // What does not settle must not take a response with it that is there.
  const outOfTime = new Promise<void>((resolve) => {
    inTime(RESERVE / 2, () => {
      gateway.errors("aws-lambda: the function's time is up before the response, close() or wait_until was done");
      resolve();
    });
  });
  try {
    await Promise.race([work(), outOfTime]);
  } finally {
    timers.forEach(clearTimeout);
  }
}
