import type { Application } from 'wsgi-edge';
import { html } from '../html.ts';
import { link, page, sitePath } from '../page.ts';

/** A status is one string, code and reason. */
export const notFound: Application = (environ, startResponse) =>
  page(environ, startResponse, {
    status: '404 Not Found',
    title: 'Not found',
    content: html`<p>There is nothing at <code>${sitePath(environ)}</code>. The <a href="${link(environ, '/')}">home
page</a> leads to all there is.</p>`,
  });
