import type { Application } from 'wsgi-edge';
import { html, view } from 'wsgi-edge/http';
import { link, page } from '../page.ts';

/** Throws. Without any middleware, the gateway writes the error with its stack to wsgi.errors, the log, and answers with a 500
 *  that reveals nothing about it. */
export const error: Application = (environ) => {
  environ['wsgi.errors'].write('showcase: /error was asked for, so here it comes\n');
  throw new Error('this text is for the log, not for the client');
};

/** The page that the middleware errorPages answers with: the site's own, and as silent about the error. The log has the same
 *  request id. */
export const errorPage = view((environ) =>
  page(environ, {
    title: 'An error',
    content: html`<p>The application has thrown an exception. This page does not tell which; the log does.</p>
<p>Request id: ${String(environ['wsgi_edge.request_id'])}
</p>
<p><a href="${link(environ, '/')}">Back to the home page</a></p>
`,
  }),
);
