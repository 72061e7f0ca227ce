import type { Environ, Middleware } from '../types.js';

/** Stacks middleware, the first one outermost: `compose(a, b, c)(app)` is `a(b(c(app)))`. PEP 3333, "Middleware". */
export function compose<E extends Environ = Environ>(...middleware: Middleware<E>[]): Middleware<E> {
  return (app) => middleware.reduceRight((inner, outer) => outer(inner), app);
}
