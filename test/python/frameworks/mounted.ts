import { fromPython, type PythonAssets } from '../../../python/index.js';
import { mount } from '../../../src/middleware/mount.js';
import type { Application } from '../../../src/types.js';

export const FRAMEWORKS = ['flask', 'django', 'bottle', 'falcon', 'pyramid'] as const;

/** The application of each framework, at /flask and so on. */
export function mounted(assets: PythonAssets): Application {
  return mount(
    Object.fromEntries(
      FRAMEWORKS.map((name) => [`/${name}`, fromPython(assets, { application: `everything:${name}` })]),
    ),
  );
}
