import { cleanupMiddlewares } from '@aws-lambda-powertools/commons';
import type { MiddlewareLikeObj, MiddyLikeRequest } from '@aws-lambda-powertools/commons/types';
import { WsgiError } from '../../src/errors.js';
import { watchBody } from '../../src/middleware/watch-body.js';
import type { Environ, Middleware, StartResponse } from '../../src/types.js';
import type { AwsEnviron } from './types.js';

export type { MiddlewareLikeObj, MiddyLikeRequest };

/** Makes middleware of objects with `before`, `after` and `onError`, such as the middlewares of Powertools for AWS Lambda
 *  and of middy. `before` runs ahead of the application, in order. When the body has been closed, the others run in reverse
 *  order: `after`, or `onError` if the application or a `before` has thrown. If the client has left or the time is up, Powertools'
 *  `cleanupMiddlewares` runs instead. `request.response` has `statusCode` and `headers`; a body is never collected.
 *  @throws {WsgiError} in a request, when the target is not Lambda, and when a `before` returns a result
 *  https://docs.aws.amazon.com/powertools/typescript/latest/
 *  @example
 *  ```ts
 *  import { compose, demoApp } from 'wsgi-edge';
 *  import { toLambdaHandler } from 'wsgi-edge/aws-lambda';
 *  import { fromMiddy, type MiddlewareLikeObj } from 'wsgi-edge/aws-lambda/powertools';
 *
 *  // Such as injectLambdaContext(logger), captureLambdaHandler(tracer), logMetrics(metrics).
 *  export const handlerWith = (...middlewares: MiddlewareLikeObj[]) =>
 *    toLambdaHandler(compose(fromMiddy(...middlewares))(demoApp));
 *  ``` */
export function fromMiddy(...middlewares: MiddlewareLikeObj[]): Middleware {
  return (app) => async (environ, startResponse) => {
    const run = new Run(middlewares, environ);
    try {
      await run.begin();
      const body = await app(environ, run.noting(startResponse));
      return watchBody(body, { failed: (error) => run.fail(error), closed: () => run.end() });
    } catch (error) {
      run.fail(error);
      await run.end();
      throw error;
    }
  };
}

/** The middlewares of one request. */
class Run {
  readonly #middlewares: readonly MiddlewareLikeObj[];
  readonly #environ: Environ;
  readonly #request: MiddyLikeRequest;

  constructor(middlewares: readonly MiddlewareLikeObj[], environ: Environ) {
    const { 'aws.event': event, 'aws.context': context } = environ as Partial<AwsEnviron>;
    if (context === undefined)
      throw new WsgiError('fromMiddy: there is no aws.context in environ; its middlewares run on AWS Lambda only');
    this.#middlewares = middlewares;
    this.#environ = environ;
    this.#request = { event, context: context as never, response: undefined, error: undefined, internal: {} };
  }

  async begin(): Promise<void> {
    for (const { before } of this.#middlewares)
      if ((await before?.(this.#request as never)) !== undefined)
        throw new WsgiError('fromMiddy: a before() returned a result; only an application can answer a request');
  }

  /** Keeps status and headers for the middlewares. */
  noting(startResponse: StartResponse): StartResponse {
    return (status, headers, excInfo) => {
      const write = startResponse(status, headers, excInfo);
      this.#request.response = { statusCode: Number(status.slice(0, 3)), headers: Object.fromEntries(headers) };
      return write;
    };
  }

  fail(error: unknown): void {
    this.#request.error = error as Error;
  }

  /** Ends the request: the application has returned or thrown, and its body is closed. */
  async end(): Promise<void> {
    const request = this.#request;
    const hook = request.error === undefined ? 'after' : 'onError';
    if (hook === 'after' && this.#environ['wsgi_edge.signal'].aborted) return cleanupMiddlewares(request);
    for (const middleware of this.#middlewares.toReversed()) await middleware[hook]?.(request as never);
  }
}
