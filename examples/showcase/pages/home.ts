import type { Application, Environ } from 'wsgi-edge';
import { html } from 'wsgi-edge/http';
import { link, PARTS, page } from '../page.ts';
import { platformOf } from '../platform.ts';

/** A view: it takes environ and returns a response. A response is an application: called with environ and startResponse, it
 *  sends itself. */
export const home = (environ: Environ): Application =>
  page(environ, {
    title: 'One application, three platforms',
    content: html`<p class="lead">This is a WSGI application in TypeScript. Cloudflare Workers, AWS Lambda and Node serve
it unchanged.</p>
<p class="platform">Served to you by <strong>${platformOf(environ)}</strong></p>
<h2>Its parts</h2>
<ul class="parts">${PARTS.map(
      ([path, name, file, shows]) => html`<li><a href="${link(environ, path)}">${name}</a>
<p>${shows}</p>
<p><code>pages/${file}</code></p></li>
`,
    )}</ul>
<p>Each page shows the lines that made it, and the answers of the three platforms to the same request. You know WSGI from
Python? Then you know this: <code>environ</code>, <code>startResponse(status, headers)</code>, a body of bytes.</p>
`,
  });
