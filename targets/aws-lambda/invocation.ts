import { type Refusal, refuseLength, refuseWith } from '../../src/admission.js';
import { isThenable, settlesSoon } from '../../src/body.js';
import { Connection, type ExecutionContextLike } from '../../src/connection.js';
import { setRequestId } from '../../src/environ.js';
import { nameOf, quote, WsgiError } from '../../src/errors.js';
import { checkFunctions, createGateway, type Gateway } from '../../src/gateway.js';
import type { Platform } from '../../src/outgoing.js';
import { answer } from '../../src/run.js';
import type { Application, Environ } from '../../src/types.js';
import { enterMount } from '../../src/url.js';
import type { FrontEnd } from './front-ends/index.js';
import type { EdgeChanges, HttpEvent, LambdaContext, LambdaOptions, LambdaResult } from './types.js';

// The highest status code that a front end documents.
const MAX_STATUS = 599;
// Time (ms) reserved to answer with an error before Lambda ends the function; half of it is for ending work that still
// runs.
const RESERVE = 500;
// setTimeout() counts ms in 32 bits. A function has 15 minutes at most.
const LONGEST_TIMER = 2 ** 31;

// "v1", "/v1", "/v1/": one or more segments, which are captured without the slashes around them.
const BASE_PATH = /^(?!\s)\/?([^/]+(?:\/[^/]+)*)\/?$/;

/** An application bound to the options of the Lambda targets. */
export interface LambdaGateway extends Gateway {
  /** The prefixes that move from the path to SCRIPT_NAME, in order. */
  prefixes: string[];
  /** The trace of the process's only invocation, for runtimes whose context lacks it. */
  traceOfProcess: () => string | undefined;
  isText: LambdaOptions['isText'];
  onOtherEvent: LambdaOptions['onOtherEvent'];
}

/** Binds an application and the options of the Lambda targets.
 *  @param name  the function the user called, for the error message
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type */
export function createLambdaGateway<E extends Environ>(
  name: string,
  app: Application<E>,
  options: LambdaOptions,
): LambdaGateway {
  const gateway = createGateway(name, app, options, MAX_STATUS);
  const { isText, onOtherEvent, basePath = '', stage = '' } = options;
  checkFunctions(name, { isText, onOtherEvent });
  const segments = basePath === '' ? '' : typeof basePath === 'string' ? BASE_PATH.exec(basePath)?.[1] : undefined;
  if (segments === undefined) throw new WsgiError(`${name}: basePath must be like "/v1", not ${quote(basePath)}`);
  if (typeof stage !== 'string' || stage.includes('/'))
    throw new WsgiError(`${name}: stage must be like "prod", not ${quote(stage)}`);
  const prefixes = [segments, stage].filter((prefix) => prefix !== '').map((prefix) => `/${prefix}`);
  // Read the variable only on Lambda, because each access to process.env costs as much as a tenth of a small request.
  const traceOfProcess =
    process.env.AWS_LAMBDA_FUNCTION_NAME === undefined ? () => undefined : () => process.env._X_AMZN_TRACE_ID;
  return { ...gateway, prefixes, traceOfProcess, isText: isText && decided(name, isText), onOtherEvent };
}

// A promise is truthy, so an asynchronous isText would make every body text.
function decided(name: string, isText: NonNullable<LambdaOptions['isText']>): typeof isText {
  return (mediaType) => {
    const given: unknown = isText(mediaType);
    if (!isThenable(given)) return Boolean(given);
    // A rejection that nobody handles would end the process.
    Promise.resolve(given).catch(() => {});
    throw new TypeError(`${name}: isText must return true or false, not ${nameOf(given)}; nobody waits for it`);
  };
}

/** The id of a trace in the header of X-Ray: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".
 *  https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader */
function traceOf(header: string | undefined): string | undefined {
  const start = header?.indexOf('Root=') ?? -1;
  if (header === undefined || start < 0) return undefined;
  const end = header.indexOf(';', start);
  return header.slice(start + 5, end < 0 ? undefined : end);
}

/** One invocation: its connection, and the work that has to end before Lambda freezes the process. */
export class Invocation implements ExecutionContextLike {
  readonly connection: Connection;
  readonly frontEnd: FrontEnd;
  /** The result that lets the front end go on with the request, if the application has requested that. */
  forwarded: LambdaResult | undefined;
  readonly #gateway: LambdaGateway;
  readonly #context: LambdaContext;
  #background: Promise<unknown>[] | undefined;

  constructor(gateway: LambdaGateway, frontEnd: FrontEnd, context: LambdaContext) {
    this.#gateway = gateway;
    this.frontEnd = frontEnd;
    this.#context = context;
    this.connection = new Connection(gateway.log, this);
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#background ??= [];
    this.#background.push(promise);
  }

  /** Runs the application and sends its response to `platform`.
   *  @returns a promise resolved when the response, `close()` and background work are done, or the function's time is up;
   *    undefined if nothing has to be waited for
   *  @throws {WsgiError} when the event lacks a field that its kind always has */
  run(event: HttpEvent, platform: Platform<unknown>): Promise<void> | undefined {
    const gateway = this.#gateway;
    const environ = this.#read(event);
    const { done } = answer(gateway, environ, platform, this.#refuse(event, environ));
    return done === undefined && this.#background === undefined ? undefined : this.#settle(done);
  }

  #read(event: HttpEvent): Environ {
    const { frontEnd, connection } = this;
    const gateway = this.#gateway;
    try {
      const environ = frontEnd.environ(event, gateway, connection);
      this.#identify(environ);
      environ['aws.event'] = event;
      environ['aws.context'] = this.#context;
      if (frontEnd.forward !== undefined)
        environ['aws.forward'] = (changes?: EdgeChanges) => {
          this.forwarded = frontEnd.forward?.(event, changes);
        };
      for (const prefix of gateway.prefixes) enterMount(environ, prefix);
      return environ;
    } catch (cause) {
      // Events may be written by hand, so a field may be missing.
      throw new WsgiError(`aws-lambda: this event of ${frontEnd.name} is malformed (${String(cause)})`, { cause });
    }
  }

  #identify(environ: Environ): void {
    const { awsRequestId, xRayTraceId, tenantId }: LambdaContext = this.#context ?? {};
    setRequestId(environ, this.#gateway, awsRequestId);
    if (awsRequestId !== undefined) environ['aws.request_id'] = awsRequestId;
    const trace = traceOf(xRayTraceId ?? this.#gateway.traceOfProcess());
    if (trace !== undefined) environ['aws.trace_id'] = trace;
    if (tenantId !== undefined) environ['aws.tenant_id'] = tenantId;
  }

  // The front end has already parsed the request, so only the length of its body must be checked.
  #refuse(event: HttpEvent, environ: Environ): Refusal | null {
    const { frontEnd } = this;
    const gateway = this.#gateway;
    // The application must not mistake a truncated body for a complete one.
    if (frontEnd.isCut?.(event))
      return refuseWith('413 Content Too Large', `aws-lambda: ${frontEnd.name} has cut the request body`);
    return refuseLength(gateway, environ);
  }

  async #settle(done: Promise<void> | undefined): Promise<void> {
    // A timer costs as much as a small request, so it is set only if the response has to wait.
    if (
      this.#background === undefined &&
      done !== undefined &&
      (await settlesSoon(done)) &&
      this.#background === undefined
    )
      return;
    const work = this.#work(done);
    const remaining: unknown = this.#context?.getRemainingTimeInMillis?.();
    // A mocked context gives NaN, null or Infinity, which setTimeout() treats as 1 ms.
    await (typeof remaining === 'number' && remaining < LONGEST_TIMER ? this.#inTime(work, remaining) : work);
  }

  async #work(done: Promise<void> | undefined): Promise<void> {
    await done;
    while (this.#background !== undefined) {
      const promises = this.#background;
      this.#background = undefined;
      await Promise.all(promises);
    }
  }

  /** Waits for work, but only while the function has time (ms) left. */
  async #inTime(work: Promise<void>, remaining: number): Promise<void> {
    const timers: ReturnType<typeof setTimeout>[] = [];
    const before = (reserve: number, act: () => void) => timers.push(setTimeout(act, Math.max(0, remaining - reserve)));
    before(RESERVE, () => this.connection.abort(new WsgiError("aws-lambda: the function's time is nearly up")));
    // Work that does not settle must not break a finished response.
    const outOfTime = new Promise<void>((resolve) => {
      before(RESERVE / 2, () => {
        const late = new WsgiError(
          "aws-lambda: the function's time is up before the response, close() or wait_until was done",
        );
        this.connection.report(late, 'close', { level: 'error', message: late.message, error: late });
        resolve();
      });
    });
    try {
      await Promise.race([work, outOfTime]);
    } finally {
      timers.forEach(clearTimeout);
    }
  }
}
