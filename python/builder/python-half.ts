import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WsgiError } from '../../src/errors.js';
import type { Collected } from './collect.js';

const PACKAGE = 'wsgi-edge';
const FOLDER = 'python/wsgi_edge';

/** Reads the Python half of the gateway, which is shipped among the packages of every application.
 *  @throws {WsgiError} when this module no longer lies in its package */
export function readPythonHalf(): Collected[] {
  const folder = join(packageRoot(), FOLDER);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.py'))
    .sort()
    .map((name) => ({
      path: `packages/wsgi_edge/${name.replaceAll('\\', '/')}`,
      bytes: readFileSync(join(folder, name)),
    }));
}

/** Finds the folder of this package. Sources, compiled files and bundles lie at different depths below it. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === PACKAGE) return folder;
    const parent = dirname(folder);
    if (parent === folder)
      throw new WsgiError(
        `build-python: ${import.meta.url} is outside of the package ${PACKAGE}, whose folder ${FOLDER} the build needs: import ${PACKAGE}/python/build from node_modules instead of bundling it`,
      );
    folder = parent;
  }
}
