import type { BuildOptions, BuildReport } from './index.js';

export type { BuildOptions, BuildReport };

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
