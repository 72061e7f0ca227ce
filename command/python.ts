import type { Application } from 'wsgi-edge';
import { fromPython } from 'wsgi-edge/python';
import { developPython } from 'wsgi-edge/python/build';
import { CACHE } from './cache.js';

/** Makes an application of one in Python, which is built for development.
 *  @param debug  lets errors reach the gateway that a framework would answer itself */
export async function pythonApplication(entry: string, debug: boolean): Promise<Application> {
  const assets = await developPython({ application: entry, cache: CACHE, progress: (line) => console.error(line) });
  const application = fromPython(assets, debug ? { env: { FLASK_DEBUG: '1' } } : {});
  await application.boot();
  return application;
}
