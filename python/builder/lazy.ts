import type { Environment } from '../environment.js';
import type { PythonAssets } from '../interpreter/assets.js';
import type { DevelopOptions, DevelopWorkerOptions } from './develop.js';
import type { BuildOptions, BuildReport } from './index.js';
import type { StaticReport } from './static.js';

export type { BuildOptions, BuildReport, DevelopOptions, DevelopWorkerOptions, StaticReport };

/** Builds the assets of a Python application for `fromPython`: everything is compiled and tried by the interpreter that
 *  will run it, so that no Python is needed on the machine.
 *  @throws {WsgiError} on wrong options and if the build fails; if the application can not be imported, the message has
 *    Python's traceback
 *  @example
 *  ```ts
 *  import { buildPython } from 'wsgi-edge/python/build';
 *
 *  export const build = () => buildPython({ application: 'app.py:app', out: 'assets' });
 *  ``` */
export async function buildPython(options: BuildOptions): Promise<BuildReport> {
  // The builder imports node:crypto, node:fs and node:zlib, which take 11 ms.
  const builder = await import('./index.js');
  return builder.buildPython(options);
}

/** Makes assets for development on Node: the packages of an application are built and frozen once, and its own files are read
 *  again at each call.
 *  @throws {WsgiError} when the packages can't be built, or the application can't be imported in the first build
 *  @example
 *  ```ts
 *  import { fromPython } from 'wsgi-edge/python';
 *  import { developPython } from 'wsgi-edge/python/build';
 *
 *  export const load = async () =>
 *    fromPython(await developPython({ application: 'app.py:app', cache: 'node_modules/.cache/wsgi-edge' }));
 *  ``` */
export async function developPython(options: DevelopOptions): Promise<PythonAssets> {
  const develop = await import('./develop.js');
  return develop.developPython(options);
}

/** Collects the static files of an application of Django or Flask, as `buildPython` does with its option `static`, into a folder
 *  below `cache`. The `folder` of the report is laid out by URL. The same files get the same folder.
 *  @param env  the environment variables that the application needs for its import
 *  @throws {WsgiError} when the application can't be imported, or its collectstatic fails
 *  @example
 *  ```ts
 *  import { staticFiles } from 'wsgi-edge/middleware';
 *  import { fromPython } from 'wsgi-edge/python';
 *  import { collectStatic, developPython } from 'wsgi-edge/python/build';
 *
 *  export async function load() {
 *    const cache = 'node_modules/.cache/wsgi-edge';
 *    const assets = await developPython({ application: 'app.py:app', cache });
 *    const { folder } = await collectStatic(assets, cache);
 *    return staticFiles({ folder })(fromPython(assets));
 *  }
 *  ``` */
export async function collectStatic(assets: PythonAssets, cache: string, env: Environment = {}): Promise<StaticReport> {
  const builder = await import('./static.js');
  return builder.collectStatic(assets, cache, env);
}

/** Writes the assets of an application for workerd, with the packages that `developPython` would find.
 *  @throws {WsgiError} when the application can't be built
 *  @example
 *  ```ts
 *  import { developWorker } from 'wsgi-edge/python/build';
 *
 *  export const build = () =>
 *    developWorker({ application: 'app.py:app', out: 'assets', cache: 'node_modules/.cache/wsgi-edge' });
 *  ``` */
export async function developWorker(options: DevelopWorkerOptions): Promise<void> {
  const develop = await import('./develop.js');
  return develop.developWorker(options);
}
