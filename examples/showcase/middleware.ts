// Middleware plays both sides: to the gateway it is an application, to the application it is a gateway. On the way in it
// may change environ; on the way out it may put its own startResponse in place of the gateway's, to see or change status
// and headers, and wrap the body. Each one here also adds its name to environ['showcase.middleware'], which the page
// /environ shows.
import type { Body, Environ, Middleware } from 'wsgi-edge';
import { html } from 'wsgi-edge/http';

/** The middleware that a request came through, outermost first. */
export function stackOf(environ: Environ): string[] {
  return (environ['showcase.middleware'] as string[] | undefined) ?? [];
}

// A copy of environ with one more name in the stack: whoever called us keeps its own.
function entered(environ: Environ, name: string): Environ {
  return { ...environ, 'showcase.middleware': [...stackOf(environ), name] };
}

/** In: remembers where the site stands, before `mount` adds to SCRIPT_NAME; links start there. */
export const siteRoot: Middleware = (app) => (environ, startResponse) =>
  app({ ...entered(environ, 'siteRoot'), 'showcase.root': environ.SCRIPT_NAME }, startResponse);

/** Out: adds headers to every response, by a startResponse of its own around the one it was given. */
export const securityHeaders: Middleware = (app) => (environ, startResponse) =>
  app(entered(environ, 'securityHeaders'), (status, headers, excInfo) =>
    startResponse(status, [...headers, ...SECURITY_HEADERS], excInfo),
  );

const SECURITY_HEADERS: ReadonlyArray<[name: string, value: string]> = [
  [
    'Content-Security-Policy',
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  ],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'same-origin'],
];

/** In and out: takes the id that the client sent, or makes one, and tells it to the application and to the client. */
export const requestId: Middleware = (app) => (environ, startResponse) => {
  const sent = environ.HTTP_X_REQUEST_ID;
  const id = sent && /^[\w-]{1,64}$/.test(sent) ? sent : crypto.randomUUID();
  return app({ ...entered(environ, 'requestId'), 'showcase.request_id': id }, (status, headers, excInfo) =>
    startResponse(status, [...headers, ['X-Request-Id', id]], excInfo),
  );
};

/** Out: tells how long the application took until its startResponse. A Worker's clock stands still while it computes;
 *  there this is the time spent waiting. */
export const serverTiming: Middleware = (app) => (environ, startResponse) => {
  const started = Date.now();
  return app(entered(environ, 'serverTiming'), (status, headers, excInfo) =>
    startResponse(status, [...headers, ['Server-Timing', `app;dur=${Date.now() - started}`]], excInfo),
  );
};

/** Out: counts the body's bytes as they go by and adds a chunk of its own. It is for pages whose length nobody has
 *  promised: with a Content-Length there would be no room for more. */
export const byteCount: Middleware = (app) => async (environ, startResponse) => {
  const body = await app(entered(environ, 'byteCount'), startResponse);
  async function* counted(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      yield chunk;
    }
    const note = html`<p class="note">Added by the middleware <code>byteCount</code>: the page up to here has
${bytes} bytes.</p>`;
    yield new TextEncoder().encode(note.markup);
  }
  return closing(counted(), () => body.close?.());
};

/** Gives a body a close(), which the gateway calls once, however the request ends. Who wraps a body passes it on. */
export function closing(body: AsyncIterable<Uint8Array>, close: () => void | Promise<void>): Body {
  return Object.assign(body, { close });
}
