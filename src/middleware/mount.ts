import { WsgiError } from '../errors.js';
import { notFound } from '../pages.js';
import type { Application, Environ } from '../types.js';
import { enterMount } from '../url.js';

/** Dispatches to the application with the longest prefix of PATH_INFO that ends at a "/" boundary. The application gets a
 *  copy of environ with the prefix moved to SCRIPT_NAME.
 *  @param apps  applications by prefix, ordinary text such as "/api"
 *  @param fallback  answers requests that match no prefix; by default with 404
 *  @throws {WsgiError} when a prefix does not start with "/" or ends with one, or an application is not a function
 *  @example
 *  ```ts
 *  import { demoApp, mount } from 'wsgi-edge';
 *  import { callApp } from 'wsgi-edge/testing';
 *
 *  const site = mount({ '/demo': demoApp });
 *  (await callApp(site, '/demo/a')).status; //=> '200 OK'
 *  (await callApp(site, '/other')).status; //=> '404 Not Found'
 *  ``` */
export function mount<E extends Environ = Environ>(
  apps: Record<string, Application<E>>,
  fallback: Application<E> = notFound,
): Application<E> {
  const mounts = Object.entries(apps).sort(([a], [b]) => b.length - a.length);
  for (const [prefix, app] of mounts) {
    if (!/^\/.*[^/]$/s.test(prefix))
      throw new WsgiError(`mount: a prefix must be like "/api", not ${JSON.stringify(prefix)}`);
    if (typeof app !== 'function') throw new WsgiError(`mount: the application at "${prefix}" is not a function`);
  }
  return (environ, startResponse) => {
    const inner = { ...environ };
    for (const [prefix, app] of mounts) if (enterMount(inner, prefix)) return app(inner, startResponse);
    return fallback(environ, startResponse);
  };
}
