import { type Application, WsgiError } from 'wsgi-edge';
import { staticFiles } from 'wsgi-edge/middleware';
import { fromPython, type PythonAssets } from 'wsgi-edge/python';
import { collectStatic, developPython } from 'wsgi-edge/python/build';
import { ownFrames } from '../python/bridge/python-error.js';
import { CACHE } from './cache.js';

/** Makes an application of one in Python, which is built for development.
 *  @param debug  lets errors reach the gateway that a framework would answer itself */
export async function pythonApplication(entry: string, debug: boolean): Promise<Application> {
  // Python has a file system of its own, and a home in it.
  const env = { ...process.env, HOME: undefined, ...(debug && { FLASK_DEBUG: '1' }) };
  const assets = await developPython({
    application: entry,
    cache: CACHE,
    env,
    progress: (line) => console.error(line),
  });
  const application = fromPython(assets, { env });
  await application.boot().catch((error: Error) => {
    if (error.name !== 'PythonError') throw error;
    const traceback = ownFrames(error.stack ?? error.message);
    throw new WsgiError(`wsgi-edge: ${entry} can't be imported:\n${traceback}`, { cause: error });
  });
  return withStatic(application, assets, env);
}

/** Serves the static files of Django, which itself serves none; its runserver does. Flask serves its own. */
async function withStatic(
  application: Application,
  assets: PythonAssets,
  env: Record<string, string | undefined>,
): Promise<Application> {
  // The names in a zip are not compressed.
  if (!Buffer.from(assets.site as Uint8Array).includes('packages/django/contrib/staticfiles/')) return application;
  try {
    const { folder, files, remarks } = await collectStatic(assets, CACHE, env);
    for (const remark of remarks) console.error(`static files: ${remark}`);
    return files === 0 ? application : staticFiles({ folder })(application);
  } catch (error) {
    console.error(`static files are not served: ${(error as Error).message}`);
    return application;
  }
}
