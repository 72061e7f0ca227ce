import type { Application } from 'wsgi-edge';

/** Throws. The gateway writes the error with its stack to wsgi.errors, the log, and answers with a 500 that tells
 *  nothing of it: no middleware is needed for that. */
export const error: Application = (environ) => {
  environ['wsgi.errors'].write('showcase: /error was asked for, so here it comes\n');
  throw new Error('this text is for the log, not for the client');
};
