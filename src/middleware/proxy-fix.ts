import { WsgiError } from '../errors.js';
import type { Environ, Middleware } from '../types.js';
import { splitAuthority } from '../url.js';

/** The number of trusted proxies that set each X-Forwarded-* header. 0 means that the header is not trusted. The default is 1 for
 *  `for` and `proto`, and 0 for the others. */
export interface ProxyHops {
  for?: number;
  proto?: number;
  host?: number;
  port?: number;
  prefix?: number;
}

/** Takes client address, scheme, host, port and mount point from the X-Forwarded-* values of trusted proxies, counted from
 *  the right. Malformed values are ignored, and the replaced ones are kept in `wsgi_edge.proxy_fix.orig`. As Werkzeug's
 *  `ProxyFix`.
 *  @throws {WsgiError} when a count is not a whole number of proxies
 *  @example
 *  ```ts
 *  import { type Application, proxyFix } from 'wsgi-edge';
 *  import { callApp, testEnviron } from 'wsgi-edge/testing';
 *
 *  const app: Application = (environ, startResponse) => {
 *    startResponse('200 OK', [['X-Client', environ.REMOTE_ADDR ?? '']]);
 *    return [];
 *  };
 *  const environ = testEnviron({ HTTP_X_FORWARDED_FOR: '203.0.113.7' });
 *  (await callApp(proxyFix({ for: 1 })(app), environ)).headers[0]; //=> ['X-Client', '203.0.113.7']
 *  ``` */
export function proxyFix<E extends Environ = Environ>(hops: ProxyHops = {}): Middleware<E> {
  const { for: forHops = 1, proto = 1, host = 0, port = 0, prefix = 0 } = hops;
  for (const count of [forHops, proto, host, port, prefix])
    if (!Number.isInteger(count) || count < 0) throw new WsgiError(`proxyFix: ${count} is not a number of proxies`);
  return (app) => (outer, startResponse) => {
    const inner = { ...outer };
    const environ: Environ = inner;
    const { REMOTE_ADDR, HTTP_HOST, SERVER_NAME, SERVER_PORT, SCRIPT_NAME } = environ;
    environ['wsgi_edge.proxy_fix.orig'] = {
      REMOTE_ADDR,
      'wsgi.url_scheme': environ['wsgi.url_scheme'],
      HTTP_HOST,
      SERVER_NAME,
      SERVER_PORT,
      SCRIPT_NAME,
    };
    const address = trusted(environ.HTTP_X_FORWARDED_FOR, forHops);
    if (address) environ.REMOTE_ADDR = address;
    const scheme = trusted(environ.HTTP_X_FORWARDED_PROTO, proto)?.toLowerCase();
    if (scheme === 'http' || scheme === 'https') {
      environ['wsgi.url_scheme'] = scheme;
      if (scheme === 'https') environ.HTTPS = 'on';
      else delete environ.HTTPS;
    }
    const forwarded = trusted(environ.HTTP_X_FORWARDED_HOST, host) ?? '';
    const authority = splitAuthority(forwarded);
    if (authority !== null) {
      environ.HTTP_HOST = forwarded;
      environ.SERVER_NAME = authority.name;
      if (authority.port !== undefined) environ.SERVER_PORT = authority.port;
    }
    const outerPort = trusted(environ.HTTP_X_FORWARDED_PORT, port);
    if (outerPort !== undefined && splitAuthority(`h:${outerPort}`)?.port === outerPort) {
      const name = splitAuthority(environ.HTTP_HOST ?? '')?.name;
      if (name !== undefined) environ.HTTP_HOST = `${name}:${outerPort}`;
      environ.SERVER_PORT = outerPort;
    }
    const script = trusted(environ.HTTP_X_FORWARDED_PREFIX, prefix);
    if (script?.startsWith('/')) environ.SCRIPT_NAME = withoutSlashes(script);
    return app(inner, startResponse);
  };
}

// Removes slashes at the end. A regular expression would take quadratic time on a long run of slashes inside.
function withoutSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end--;
  return path.slice(0, end);
}

// The value that the outermost trusted proxy wrote, or undefined when fewer proxies wrote one.
function trusted(header: string | undefined, hops: number): string | undefined {
  if (hops === 0 || header === undefined) return undefined;
  return header.split(',').at(-hops)?.trim();
}
