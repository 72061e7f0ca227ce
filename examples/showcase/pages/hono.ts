import { Hono } from 'hono';
import { type Application, type Environ, fromFetchHandler } from 'wsgi-edge';
import { html } from 'wsgi-edge/http';
import { layout, link } from '../page.ts';

const hono = new Hono<{ Bindings: { environ: Environ } }>();

hono.get('/', (c) => {
  const { environ } = c.env;
  return c.html(
    html`${layout(environ, 'Hono')}<p>This page is made by <a href="https://hono.dev">Hono</a>: an application for the
Fetch API, which <code>fromFetchHandler</code> turns into one for WSGI and <code>mount</code> puts below a path. To Hono
this is <code>${c.req.path}</code>.</p>
<ul>
<li><a href="${link(environ, '/hono/hello/world')}">/hono/hello/world</a>: a parameter in the path</li>
<li><a href="${link(environ, '/hono/json?a=1&b=2')}">/hono/json?a=1&amp;b=2</a>: JSON</li>
<li><a href="${link(environ, '/')}">Back to the home page</a></li>
</ul>
`.markup,
  );
});

hono.get('/hello/:name', (c) => c.text(`Hello, ${c.req.param('name')}!\n`));

hono.get('/json', (c) => c.json({ framework: 'hono', path: c.req.path, query: c.req.query() }));

/** The short form is fromFetchHandler(hono.fetch). Here Hono's bindings hold environ, so that its pages can link to the
 *  rest of the site. */
export const honoApp: Application = (environ, startResponse) =>
  fromFetchHandler((request, _env, ctx) => hono.fetch(request, { environ }, ctx))(environ, startResponse);
