import type { Environ, Middleware } from '../types.js';

/** Stacks middleware, the first one outermost: `compose(a, b, c)(app)` is `a(b(c(app)))`. PEP 3333, "Middleware".
 *  @example
 *  ```ts
 *  import { compose, demoApp, proxyFix } from 'wsgi-edge';
 *  import { validator } from 'wsgi-edge/validator';
 *  import { callApp } from 'wsgi-edge/testing';
 *
 *  const app = compose(proxyFix({ for: 1 }), validator)(demoApp);
 *  (await callApp(app)).status; //=> '200 OK'
 *  ``` */
export function compose<E extends Environ = Environ>(...middleware: Middleware<E>[]): Middleware<E> {
  return (app) => middleware.reduceRight((inner, outer) => outer(inner), app);
}
