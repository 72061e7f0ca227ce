import { accepts, eventStream, html, json, jsonBody, requestOf, respond, router } from 'wsgi-edge/http';
import { link, PARTS, page } from '../page.ts';

/** An API: a router that the site mounts. An HttpError, such as the one that jsonBody throws for bad JSON, is answered. */
export const api = router()
  .get('/parts', (environ) => {
    const parts = PARTS.map(([path, name]) => ({ name, path: link(environ, path) }));
    if (accepts(environ, 'text/html', 'application/json') === 'application/json') return json(parts);
    return page(environ, {
      title: 'API',
      content: html`<p>You see this because your client prefers HTML. With <code>Accept: application/json</code> the answer is:</p>
<pre tabindex="0"><code>${JSON.stringify(parts, null, 2)}</code></pre>
<p>Further paths: POST JSON to <code>/api/echo</code>; <a href="${link(environ, '/api/events')}">/api/events</a>;
<a href="${link(environ, '/api/fetch')}">/api/fetch</a>.</p>
`,
    });
  })
  .post('/echo', async (environ) => json({ received: await jsonBody(environ) }))
  .get('/events', () => eventStream(['one', { event: 'last', data: 'two\nlines' }]))
  // A response is an application, so the handler may return one that is written by hand.
  .get(
    '/fetch',
    () => (environ, startResponse) => respond(Response.json({ url: requestOf(environ).url }), startResponse),
  );
