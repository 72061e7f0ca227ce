import { headerView } from '../src/header-view.js';
import type { Environ, Middleware } from '../src/types.js';
import { mapResponse } from './map-response.js';

// The values of Helmet and Hono, except a policy for content, which only the application knows.
const DEFAULTS: SecureHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=15552000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-DNS-Prefetch-Control': 'off',
  'X-Download-Options': 'noopen',
  'X-Frame-Options': 'SAMEORIGIN',
  'X-Permitted-Cross-Domain-Policies': 'none',
  'X-XSS-Protection': '0',
};

/** Headers by name: a value, a function that makes it for each request (a nonce), or false to leave the header out. */
export type SecureHeaders = Record<string, string | false | ((environ: Environ) => string)>;

/** Adds the headers that make browsers careful, and removes `X-Powered-By`. A header that the application has set stays.
 *  `Strict-Transport-Security` goes out only over https (RFC 6797, section 7.2). Place it outside of `errorPages`, and wrap
 *  the page of `onError`, too, which is outside of all middleware.
 *  @param headers  more headers, other values, or false
 *  @example
 *  ```ts
 *  import { text } from 'wsgi-edge/http';
 *  import { secureHeaders } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = secureHeaders({ 'Content-Security-Policy': "default-src 'self'" })(text('hello'));
 *  (await client(app).get('/')).headers.get('content-security-policy'); //=> "default-src 'self'"
 *  ``` */
export function secureHeaders<E extends Environ = Environ>(headers: SecureHeaders = {}): Middleware<E> {
  // Names are compared in any case.
  const byName = new Map<string, [name: string, value: SecureHeaders[string]]>();
  for (const pair of [...Object.entries(DEFAULTS), ...Object.entries(headers)]) byName.set(pair[0].toLowerCase(), pair);
  return (app) =>
    mapResponse(app, (environ) => {
      const { 'wsgi.url_scheme': scheme } = environ;
      return {
        head(head) {
          const view = headerView(head.headers);
          view.delete('X-Powered-By');
          for (const [folded, [name, value]] of byName) {
            if (value === false || (folded === 'strict-transport-security' && scheme !== 'https')) continue;
            view.setDefault(name, typeof value === 'function' ? value(environ) : value);
          }
        },
      };
    });
}
