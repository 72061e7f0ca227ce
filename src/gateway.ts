import { BodyTooLarge, describe, nameOf, quote, WsgiError } from './errors.js';
import { cancelInput } from './input-stream.js';
import { textToBytes } from './native-string.js';
import { refusal } from './refusal.js';
import type { Application, Environ, GatewayOptions } from './types.js';
import { enterMount } from './url.js';

/** What a target is run with. */
export interface Gateway {
  application: Application;
  onError: GatewayOptions['onError'];
  /** Takes whole lines, several at once. */
  errors: (lines: string) => void;
  /** The longest request body in bytes. */
  maxBody: number;
  /** Says of a status code why the platform can't send it, or null. */
  expressible: (code: number) => string | null;
}

/** Binds an application and the options that every target has.
 *  @param name  the function the user called, for the error message
 *  @param maxStatus  the highest status code that the platform can send
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type */
export function createGateway(name: string, app: Application, options: GatewayOptions, maxStatus: number): Gateway {
  if (typeof app !== 'function')
    throw new WsgiError(`${name}: the application must be a function (environ, startResponse), not ${nameOf(app)}`);
  const { scriptName = '', onError, errors, maxBody = Number.POSITIVE_INFINITY } = options;
  if (onError !== undefined && typeof onError !== 'function')
    throw new WsgiError(`${name}: onError must be a function, not ${nameOf(onError)}`);
  if (errors !== undefined && typeof errors !== 'function')
    throw new WsgiError(`${name}: errors must be a function, not ${nameOf(errors)}`);
  if (typeof maxBody !== 'number' || !(maxBody >= 0))
    throw new WsgiError(`${name}: maxBody must be a number of bytes, not ${quote(maxBody)}`);
  if (scriptName !== '' && !/^(\/[^/]+)+$/.test(scriptName))
    throw new WsgiError(`${name}: scriptName must be like "/app", not ${JSON.stringify(scriptName)}`);
  const mounted: Application = (environ, startResponse) =>
    (enterMount(environ, scriptName) ? app : notFound)(environ, startResponse);
  return {
    application: scriptName === '' ? app : mounted,
    onError,
    maxBody,
    // By default an error and its stack are one entry of the platform's log, not one for each line.
    errors: (lines) => {
      if (errors === undefined) return console.error(lines);
      try {
        for (const line of lines.split('\n')) errors(line);
      } catch {
        // A log that fails must not take the response with it.
      }
    },
    expressible: (code) =>
      code < 200
        ? 'is informational or below, which WSGI has no way to send'
        : code > maxStatus
          ? `is above ${maxStatus}, which this platform can't send`
          : null,
  };
}

/** A page of the gateway's own, which tells nothing but the status. PEP 3333, "Error Handling". */
export const statusPage =
  (status: string): Application =>
  (_environ, startResponse) => {
    startResponse(status, [['Content-Type', 'text/plain; charset=utf-8']]);
    return [textToBytes(`${status.slice(4)}\n`)];
  };

/** Answers 404 as a small application. */
export const notFound = /* @__PURE__ */ statusPage('404 Not Found');

/** The page for an error before the head has gone out: the application's fault, or a body that is too large. */
export function errorPage(error: unknown): Application {
  return statusPage(error instanceof BodyTooLarge ? '413 Content Too Large' : '500 Internal Server Error');
}

/** The gateway for one request: the one given, or one that answers in place of the application where the request must
 *  not reach it. */
export function admit(gateway: Gateway, environ: Environ, transferEncoding: string | null | undefined): Gateway {
  const status = refusal(environ, transferEncoding ?? undefined);
  return status === null ? admitLength(gateway, environ) : { ...gateway, application: statusPage(status) };
}

/** Likewise, by the length of the body alone, for a platform that has parsed the request for good. */
export function admitLength(gateway: Gateway, environ: Environ): Gateway {
  const { CONTENT_LENGTH: length = '0' } = environ;
  if (Number(length) <= gateway.maxBody) return gateway;
  const error = new BodyTooLarge(`client: the request body has ${length} bytes, more than maxBody`);
  cancelInput(environ, error);
  return { ...gateway, application: errorPage(error) };
}

/** What the gateway uses of an execution context: a Worker's, a DurableObjectState's, Hono's. */
export interface ExecutionContextLike {
  waitUntil(promise: Promise<unknown>): void;
}

/** `wsgi_edge.wait_until` over an execution context, where there is one: rejections are logged. */
export function loggedWaitUntil(
  gateway: Gateway,
  ctx: ExecutionContextLike | undefined,
): (promise: PromiseLike<unknown>) => void {
  return (promise) => {
    const logged = Promise.resolve(promise).catch((error: unknown) =>
      gateway.errors(`application: a promise given to wsgi_edge.wait_until rejected: ${describe(error)}`),
    );
    ctx?.waitUntil(logged);
  };
}
