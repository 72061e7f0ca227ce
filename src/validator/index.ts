import { isThenable } from '../body.js';
import { nameOf, WsgiError } from '../errors.js';
import type { Application, Body, Environ } from '../types.js';
import { checkedBody, discard } from './body.js';
import { breach, DETAILS, START } from './breach.js';
import { checkEnviron } from './environ.js';
import { checkedStart, createState } from './start-response.js';
import { wrapEnviron } from './streams.js';

// The lines of this folder that start with `//!` are the specification: `npm run spec` prints them to docs/SPEC.md. Each
// stands above the check that enforces it.

/** Wraps an application so that both sides of the interface are checked. The first breach throws an error that says who
 *  broke which rule. Calls that keep the rules pass unchanged. As `wsgiref.validate.validator`.
 *  @throws {WsgiError} when `app` is not a function, and from the wrapped application on a breach by either side
 *  @example
 *  ```ts
 *  import type { Application } from 'wsgi-edge';
 *  import { validator } from 'wsgi-edge/validator';
 *  import { callApp } from 'wsgi-edge/testing';
 *
 *  const app: Application = (environ, startResponse) => {
 *    startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *    return [new TextEncoder().encode(environ.PATH_INFO)];
 *  };
 *  (await callApp(validator(app), '/a')).text(); //=> '/a'
 *  ``` */
export function validator<E extends Environ = Environ>(app: Application<E>): Application<E> {
  if (typeof app !== 'function')
    throw new WsgiError(`validator: the application must be a function (environ, startResponse), not ${nameOf(app)}`);
  return (...args) => {
    //!# The application
    //! A gateway calls the application with exactly two arguments, `environ` and `startResponse`.
    if (args.length !== 2) breach('gateway', `called the application with ${args.length} arguments, not two`, DETAILS);
    const [environ, startResponse] = args;
    //! `startResponse` is a function.
    if (typeof startResponse !== 'function')
      breach('gateway', `startResponse must be a function, not ${nameOf(startResponse)}`, START);
    checkEnviron(environ);

    const state = createState(environ.REQUEST_METHOD);
    const errors = environ['wsgi.errors'];
    const deliver = (body: Body): Body => {
      try {
        return checkedBody(body, errors, state);
      } catch (error) {
        // The gateway never sees this body, so it can't close it.
        discard(body, errors);
        throw error;
      }
    };
    wrapEnviron(environ);
    const result = app(environ, checkedStart(startResponse, environ, state));
    //! The application returns a body, or a promise of one.
    return isThenable(result) ? result.then(deliver) : deliver(result);
  };
}
