import type { Application, Environ } from 'wsgi-edge';
import { html } from 'wsgi-edge/http';
import { link, page, sitePath } from '../page.ts';

/** The site's own 404. */
export const missing = (environ: Environ): Application =>
  page(environ, {
    status: 404,
    title: 'Not found',
    content: html`<p>There is nothing at <code>${sitePath(environ)}</code>. The <a href="${link(environ, '/')}">home
page</a> leads to every page.</p>`,
  });
