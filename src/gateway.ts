import { nameOf, quote, WsgiError } from './errors.js';
import { createLog, type Log } from './log.js';
import { notFound } from './pages.js';
import type { Application, Environ, GatewayOptions, Observer } from './types.js';
import { enterMount } from './url.js';

/** An application bound to its options and to the limits of its platform. */
export interface Gateway {
  application: Application;
  onError: GatewayOptions['onError'];
  log: Log;
  observe: Observer | undefined;
  trustRequestId: boolean;
  /** The longest request body in bytes. */
  maxBody: number;
  /** Returns the reason why the platform can't send a status code, or null. */
  expressible: (code: number) => string | null;
}

/** Binds an application and the options that every target has.
 *  @param name  the function the user called, for the error message
 *  @param maxStatus  the highest status code that the platform can send
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type */
export function createGateway<E extends Environ>(
  name: string,
  app: Application<E>,
  options: GatewayOptions,
  maxStatus: number,
): Gateway {
  const { scriptName = '', onError, errors, observe, trustRequestId = false } = options;
  const { maxBody = Number.POSITIVE_INFINITY } = options;
  if (typeof app !== 'function')
    throw new WsgiError(`${name}: the application must be a function (environ, startResponse), not ${nameOf(app)}`);
  const log = createLog(name, errors);
  checkFunctions(name, { onError });
  if (typeof trustRequestId !== 'boolean')
    throw new WsgiError(`${name}: trustRequestId must be true or false, not ${quote(trustRequestId)}`);
  checkObserver(name, observe);
  if (typeof maxBody !== 'number' || !(maxBody >= 0))
    throw new WsgiError(`${name}: maxBody must be a number of bytes, not ${quote(maxBody)}`);
  if (scriptName !== '' && !/^(\/[^/]+)+$/.test(scriptName))
    throw new WsgiError(`${name}: scriptName must be like "/app", not ${JSON.stringify(scriptName)}`);
  const mounted: Application = (environ, startResponse) =>
    (enterMount(environ, scriptName) ? (app as Application) : notFound)(environ, startResponse);
  return {
    // The target adds the keys that its applications expect.
    application: scriptName === '' ? (app as Application) : mounted,
    onError,
    maxBody,
    log,
    observe,
    trustRequestId,
    expressible: (code) =>
      code < 200
        ? 'is informational or below, which WSGI has no way to send'
        : code > maxStatus
          ? `is above ${maxStatus}, which this platform can't send`
          : null,
  };
}

/** Checks options that are functions.
 *  @throws {WsgiError} when an option is given and is not a function */
export function checkFunctions(name: string, options: Record<string, unknown>): void {
  for (const [option, value] of Object.entries(options))
    if (value !== undefined && typeof value !== 'function')
      throw new WsgiError(`${name}: ${option} must be a function, not ${nameOf(value)}`);
}

function checkObserver(name: string, observe: Observer | undefined): void {
  if (observe === undefined) return;
  if (typeof observe !== 'object' || observe === null)
    throw new WsgiError(
      `${name}: observe must be an object with onRequest, onResponse or onError, not ${nameOf(observe)}`,
    );
  const { onRequest, onResponse, onError } = observe;
  checkFunctions(`${name}: observe`, { onRequest, onResponse, onError });
}
