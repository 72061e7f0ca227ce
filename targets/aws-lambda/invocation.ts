import { createEnviron, type RequestFields } from '../../src/environ.js';
import { nameOf, quote, WsgiError } from '../../src/errors.js';
import {
  admitLength,
  createGateway,
  type ExecutionContextLike,
  type Gateway,
  loggedWaitUntil,
  statusPage,
} from '../../src/gateway.js';
import { encodeNative } from '../../src/native-string.js';
import { type Responder, run } from '../../src/run.js';
import type { Application, Environ } from '../../src/types.js';
import { enterMount } from '../../src/url.js';
import { detect } from './detect.js';
import { FRONT_ENDS, type FrontEnd } from './front-ends.js';
import type { HttpEvent, LambdaContext, LambdaKind, LambdaOptions } from './types.js';

// The highest status code that a front end documents.
const MAX_STATUS = 599;
// Time (ms) kept back to answer with an error before Lambda ends the function; half of it to end what runs.
const RESERVE = 500;

/** What a Lambda target is run with. */
export interface LambdaGateway extends Gateway {
  /** The prefixes that move from the path to SCRIPT_NAME, in order. */
  prefixes: string[];
  isText: LambdaOptions['isText'];
  onOtherEvent: LambdaOptions['onOtherEvent'];
}

/** An event whose front end is known. */
export interface Received {
  event: HttpEvent;
  kind: LambdaKind;
  frontEnd: FrontEnd;
}

/** Binds an application and the options of the Lambda targets.
 *  @param name  the function the user called, for the error message
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type */
export function createLambdaGateway(name: string, app: Application, options: LambdaOptions): LambdaGateway {
  const gateway = createGateway(name, app, options, MAX_STATUS);
  const { isText, onOtherEvent, basePath = '', stage = '' } = options;
  for (const [option, value] of Object.entries({ isText, onOtherEvent }))
    if (value !== undefined && typeof value !== 'function')
      throw new WsgiError(`${name}: ${option} must be a function, not ${nameOf(value)}`);
  if (typeof basePath !== 'string' || !/^(\/[^/]+)*$/.test(basePath))
    throw new WsgiError(`${name}: basePath must be like "/v1", not ${quote(basePath)}`);
  if (typeof stage !== 'string' || stage.includes('/'))
    throw new WsgiError(`${name}: stage must be like "prod", not ${quote(stage)}`);
  const prefixes = [basePath, stage === '' ? '' : `/${stage}`].filter((prefix) => prefix !== '');
  return { ...gateway, prefixes, isText, onOtherEvent };
}

/** Tells an HTTP event from others.
 *  @returns the error that names the event when it is another one */
export function receive(event: unknown): Received | WsgiError {
  const kind = detect(event);
  if (kind instanceof WsgiError) return kind;
  return { event: event as HttpEvent, kind, frontEnd: FRONT_ENDS[kind] as FrontEnd };
}

/** Runs one invocation to its end: response, `close()` and what `wsgi_edge.wait_until` was given. Lambda freezes the
 *  process when the handler's promise settles. Where nothing has to be waited for, it is done when it returns.
 *  @throws {WsgiError} when the event lacks what its kind always has */
export function invoke(
  gateway: LambdaGateway,
  received: Received,
  context: LambdaContext,
  responder: Responder,
): void | Promise<void> {
  const gone = new AbortController();
  const background: Promise<unknown>[] = [];
  const ctx: ExecutionContextLike = { waitUntil: (promise) => background.push(promise) };
  const { environ, truncated } = read(received, {
    signal: gone.signal,
    waitUntil: loggedWaitUntil(gateway, ctx),
    errors: gateway.errors,
    maxBody: gateway.maxBody,
  });
  for (const prefix of gateway.prefixes) enterMount(environ, prefix);
  environ['aws.context'] = context;
  const done = run(truncated ? refusing(gateway, received) : admitLength(gateway, environ), environ, responder);
  return done === undefined && background.length === 0 ? undefined : inTime(gateway, context, gone, done, background);
}

/** Waits for a response and for what outlives it, as long as the function's time lasts. */
async function inTime(
  gateway: Gateway,
  context: LambdaContext,
  gone: AbortController,
  done: void | Promise<void>,
  background: Promise<unknown>[],
): Promise<void> {
  const work = async (): Promise<void> => {
    await done;
    while (background.length > 0) await Promise.all(background.splice(0));
  };
  const remaining = context?.getRemainingTimeInMillis?.();
  if (remaining === undefined) return work();
  const timers: ReturnType<typeof setTimeout>[] = [];
  const before = (reserve: number, act: () => void) => timers.push(setTimeout(act, Math.max(0, remaining - reserve)));
  before(RESERVE, () => gone.abort(new WsgiError("aws-lambda: the function's time is nearly up")));
  // What does not settle must not take a response with it that is there.
  const outOfTime = new Promise<void>((resolve) => {
    before(RESERVE / 2, () => {
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

type OwnFields = Pick<RequestFields, 'signal' | 'waitUntil' | 'errors' | 'maxBody'>;

function read({ event, kind, frontEnd }: Received, own: OwnFields): { environ: Environ; truncated: boolean } {
  try {
    const { scriptName = '', user, truncated = false, ...fields } = frontEnd.fields(event, kind);
    const environ = createEnviron({ ...fields, ...own });
    environ.SCRIPT_NAME = scriptName;
    if (user !== undefined) environ.AUTH_TYPE = user.authType;
    // A token may say anything of its owner: a line break is no part of a name, and would forge lines of a log.
    if (user?.name !== undefined && !/[\x00-\x1f\x7f]/.test(user.name)) environ.REMOTE_USER = encodeNative(user.name);
    environ['aws.event'] = event;
    return { environ, truncated };
  } catch (cause) {
    // Events are written by hand, too.
    throw new WsgiError(`aws-lambda: this event of ${frontEnd.name} is malformed (${String(cause)})`, { cause });
  }
}

// The application must not take a part of a body for the whole.
function refusing(gateway: LambdaGateway, { frontEnd }: Received): Gateway {
  gateway.errors(`aws-lambda: ${frontEnd.name} has cut the request body; the request is refused`);
  return { ...gateway, application: statusPage('413 Content Too Large') };
}
