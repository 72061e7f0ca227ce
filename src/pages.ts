import { BodyTooLarge } from './errors.js';
import { textToBytes } from './native-string.js';
import type { Application, Environ, HeaderList } from './types.js';

/** A page of the gateway, which contains only the status, and on a 500 the id of the request. PEP 3333, "Error Handling".
 *  @param status  "404 Not Found"
 *  @param more  further headers */
export const statusPage =
  (status: string, ...more: HeaderList): Application =>
  (environ, startResponse) => {
    startResponse(status, [['Content-Type', 'text/plain; charset=utf-8'], ...more]);
    const text = `${status.slice(4)}\n`;
    return [textToBytes(status.startsWith('500') ? withId(text, environ) : text)];
  };

/** The text of an error page with the id by which the log names the request. */
export function withId(text: string, environ: Environ | undefined): string {
  const id = environ?.['wsgi_edge.request_id'];
  return id === undefined || id === '' ? text : `${text}Request id: ${id}\n`;
}

/** Answers 404. */
export const notFound = /* @__PURE__ */ statusPage('404 Not Found');

/** The page for an error before the head has gone out: 413 for a body that is too large, else 500. */
export function errorPage(error: unknown): Application {
  return statusPage(error instanceof BodyTooLarge ? '413 Content Too Large' : '500 Internal Server Error');
}
