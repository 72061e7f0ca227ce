// Middleware plays both sides: to the gateway it is an application, to the application it is a gateway. On the way in it may
// change environ. On the way out it may pass a startResponse of its own, to see or change status and headers, and wrap the
// body; `mapResponse` of wsgi-edge/middleware does that safely. Each one that the showcase uses adds its name to
// environ['showcase.middleware'], which the page /environ shows.
import type { Environ, Middleware } from 'wsgi-edge';
import { html } from 'wsgi-edge/http';
import { mapResponse, secureHeaders } from 'wsgi-edge/middleware';

/** The middleware that a request came through, outermost first. */
export function stackOf(environ: Environ): string[] {
  return (environ['showcase.middleware'] as string[] | undefined) ?? [];
}

/** Gives a middleware the name by which /environ lists it. The environ is copied, so that the caller keeps its own. */
export const named =
  (name: string, middleware: Middleware): Middleware =>
  (app) => {
    const wrapped = middleware(app);
    return (environ, startResponse) =>
      wrapped({ ...environ, 'showcase.middleware': [...stackOf(environ), name] }, startResponse);
  };

/** In: remembers the path of the site, before `mount` adds to SCRIPT_NAME; links begin with it. */
export const siteRoot: Middleware = (app) => (environ, startResponse) =>
  app({ ...environ, 'showcase.root': environ.SCRIPT_NAME }, startResponse);

/** Out: the headers that make browsers careful, from the package, with the policy of this site. */
export const careful = secureHeaders({
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'same-origin',
});

/** Out: tells how long the application took until its startResponse. It is written by hand, without `mapResponse`. The clock of
 *  a Worker stands still while it computes, so it shows only the time spent waiting. */
export const serverTiming: Middleware = (app) => (environ, startResponse) => {
  const started = Date.now();
  return app(environ, (status, headers, excInfo) =>
    startResponse(status, [...headers, ['Server-Timing', `app;dur=${Date.now() - started}`]], excInfo),
  );
};

/** Out: counts the bytes of the body, and adds a chunk of its own. */
export const byteCount: Middleware = (app) =>
  mapResponse(app, () => {
    let bytes = 0;
    return {
      chunk(chunk) {
        bytes += chunk.length;
        return chunk;
      },
      end() {
        const note = html`<p class="note">Added by the middleware <code>byteCount</code>: the page up to here has
${bytes} bytes.</p>`;
        return new TextEncoder().encode(note.markup);
      },
    };
  });
