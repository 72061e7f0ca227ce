import { checkBody, isThenable, OpenBody } from '../src/body.js';
import { logRecord } from '../src/error-stream.js';
import { quote, recordOf, WsgiError } from '../src/errors.js';
import { asFile, FileWrapper } from '../src/file-wrapper.js';
import { statusPage } from '../src/pages.js';
import type { Application, Body, Environ, Middleware } from '../src/types.js';
import { mapResponse } from './map-response.js';

const LONGEST = 2 ** 31 - 1; // of the timers of every platform, in milliseconds

/** Answers 504 if the application has not given the head of its response in time. Its `wsgi_edge.signal` is aborted, its
 *  body is closed, and its later calls and chunks are dropped. JavaScript and Python can't be interrupted: an application that
 *  computes without waiting is not stopped. A stream may take any time once its head has gone out.
 *  @param ms  milliseconds until the head
 *  @param page  answers instead of the 504
 *  @throws {WsgiError} when `ms` is not a number of milliseconds above 0
 *  @example
 *  ```ts
 *  import { text, view } from 'wsgi-edge/http';
 *  import { timeout } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const slow = view(() => new Promise<ReturnType<typeof text>>(() => {}));
 *  (await client(timeout(20)(slow)).get('/')).status; //=> 504
 *  ``` */
export function timeout<E extends Environ = Environ>(
  ms: number,
  page: Application = statusPage('504 Gateway Timeout'),
): Middleware<E> {
  if (typeof ms !== 'number' || !(ms > 0 && ms <= LONGEST))
    throw new WsgiError(`timeout: takes milliseconds above 0, not ${quote(ms)}`);
  return (app) => (environ, startResponse) => {
    const expiry = new WsgiError(`timeout: the application gave no head in ${ms} ms`);
    const controller = new AbortController();
    const wait: Wait = { late: undefined, expired: false };
    let timer: ReturnType<typeof setTimeout> | undefined;
    wait.late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        wait.expired = true;
        controller.abort(expiry);
        reject(expiry);
      }, ms);
    });
    wait.late.catch(() => {}); // Nobody waits for it if the application answers at once.
    const stop = () => {
      clearTimeout(timer);
      wait.late = undefined;
    };
    const errors = environ['wsgi.errors'];
    const log = (error: unknown) => logRecord({ 'wsgi.errors': errors }, recordOf(error));
    const mapped = mapResponse(raced(app, wait, log), {
      head: stop,
      error(error) {
        stop();
        if (error !== expiry) return undefined;
        log(error);
        return page;
      },
      close: stop,
    });
    const signal = AbortSignal.any([environ['wsgi_edge.signal'], controller.signal]);
    return mapped({ ...environ, 'wsgi_edge.signal': signal }, startResponse);
  };
}

/** The wait for a head. */
interface Wait {
  /** Rejects when the time is up; undefined once nobody waits any more. */
  late: Promise<never> | undefined;
  expired: boolean;
}

/** The application, but every wait for it ends when the time is up. */
function raced<E extends Environ>(app: Application<E>, wait: Wait, log: (error: unknown) => void): Application<E> {
  const race = <T>(step: T | PromiseLike<T>): T | PromiseLike<T> =>
    wait.late !== undefined && isThenable(step) ? Promise.race([wait.late, step]) : step;
  const deliver = (body: Body): Body => {
    checkBody(body);
    // A list does not wait, and a file is not read before its head has gone out.
    if (Array.isArray(body) || body instanceof FileWrapper || asFile(body) !== undefined) return body;
    const open = new OpenBody(body, log);
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => (await race(open.next())) as IteratorResult<Uint8Array>,
      return: () => open.release().then(() => ({ done: true, value: undefined })),
    };
    return { [Symbol.asyncIterator]: () => iterator, close: () => open.release() };
  };
  return (environ, startResponse) => {
    const result = app(environ, startResponse);
    if (!isThenable(result)) return deliver(result);
    // The gateway never gets a body that comes later.
    const drop = (body: Body) => (wait.expired && body ? new OpenBody(asFile(body) ?? body, log).release() : undefined);
    result.then(drop).catch(() => {});
    return Promise.resolve(race(result)).then(deliver);
  };
}
