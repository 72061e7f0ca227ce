import type { Application } from 'wsgi-edge';
import { staticFiles } from 'wsgi-edge/middleware';
import { fromPython, type PythonAssets } from 'wsgi-edge/python';
import { collectStatic, developPython } from 'wsgi-edge/python/build';
import { CACHE } from './cache.js';

/** Makes an application of one in Python, which is built for development.
 *  @param debug  lets errors reach the gateway that a framework would answer itself */
export async function pythonApplication(entry: string, debug: boolean): Promise<Application> {
  const assets = await developPython({ application: entry, cache: CACHE, progress: (line) => console.error(line) });
  const application = fromPython(assets, debug ? { env: { FLASK_DEBUG: '1' } } : {});
  await application.boot();
  return withStatic(application, assets);
}

/** Serves the static files of Django, which itself serves none; its runserver does. Flask serves its own. */
async function withStatic(application: Application, assets: PythonAssets): Promise<Application> {
  // The names in a zip are not compressed.
  if (!Buffer.from(assets.site as Uint8Array).includes('packages/django/contrib/staticfiles/')) return application;
  try {
    const { folder, files, remarks } = await collectStatic(assets, CACHE);
    for (const remark of remarks) console.error(`static files: ${remark}`);
    return files === 0 ? application : staticFiles({ folder })(application);
  } catch (error) {
    console.error(`static files are not served: ${(error as Error).message}`);
    return application;
  }
}
