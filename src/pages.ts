import { BodyTooLarge } from './errors.js';
import { textToBytes } from './native-string.js';
import type { Application, HeaderList } from './types.js';

/** A page of the gateway, which contains only the status. PEP 3333, "Error Handling".
 *  @param status  "404 Not Found"
 *  @param more  further headers */
export const statusPage =
  (status: string, ...more: HeaderList): Application =>
  (_environ, startResponse) => {
    startResponse(status, [['Content-Type', 'text/plain; charset=utf-8'], ...more]);
    return [textToBytes(`${status.slice(4)}\n`)];
  };

/** Answers 404. */
export const notFound = /* @__PURE__ */ statusPage('404 Not Found');

/** The page for an error before the head has gone out: 413 for a body that is too large, else 500. */
export function errorPage(error: unknown): Application {
  return statusPage(error instanceof BodyTooLarge ? '413 Content Too Large' : '500 Internal Server Error');
}
