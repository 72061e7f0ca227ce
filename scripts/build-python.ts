// Builds Python assets, unless they exist and are up to date.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type BuildOptions, buildPython } from 'wsgi-edge/python/build';

const root = resolve(import.meta.dirname, '..');
const CACHE = join(root, 'node_modules/.cache/wsgi-edge');

/** Builds the assets, unless the record in the cache says that nothing has changed since.
 *  @param options  `application` and `out` are paths from the root of this repository
 *  @throws {WsgiError} as `buildPython` does */
export async function ensureBuilt(
  options: BuildOptions & { out: string },
  progress: (line: string) => void = () => {},
): Promise<void> {
  const { application, packages = [], out } = options;
  const hash = createHash('sha256').update(JSON.stringify(options));
  const [file = ''] = application.split(':');
  for (const folder of ['python', dirname(file)]) hashFolder(hash, join(root, folder));
  // scripts/python-packages.ts records the versions beside each folder of packages.
  for (const folder of packages) hash.update(readFileSync(join(root, dirname(folder), 'packages.txt')));
  const key = hash.digest('hex');
  const record = join(CACHE, `built-from-${out.replaceAll('/', '-')}.txt`);
  // The manifest has the digests of the assets, so it shows if other assets have been built there since.
  const manifest = join(root, out, 'manifest.mjs');
  const built = () => (existsSync(manifest) ? `${key} ${readFileSync(manifest, 'utf8')}` : '');
  if (existsSync(record) && readFileSync(record, 'utf8') === built()) return;
  await buildPython({ ...options, cwd: root, cache: CACHE, progress });
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(record, built());
}

function hashFolder(hash: ReturnType<typeof createHash>, folder: string): void {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of entries.map(({ parentPath, name }) => join(parentPath, name)).sort())
    if (!path.includes('__pycache__')) hash.update(path).update(readFileSync(path));
}
