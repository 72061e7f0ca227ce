// The Python applications of the tests, built once for all test files.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isFetched, type PackageSet } from '../../scripts/python-packages.ts';
import { type BuildOptions, buildPython } from '../../targets/python/builder/index.js';
import type { PythonAssets } from '../../targets/python/index.js';

export const APPS = 'test/python/apps';
export const CACHE = 'node_modules/.cache/wsgi-edge';
export const ASSETS = 'build/python-assets';
/** For several requests at a time. */
export const CONCURRENT_ASSETS = 'build/python-concurrent-assets';

/** Builds the assets that the test files share, unless they are there and up to date. */
export async function ensureAssets(): Promise<void> {
  await buildOnce(APPS, { application: 'basic.py:hello', out: ASSETS });
  await buildOnce(APPS, { application: 'users.py:app', out: CONCURRENT_ASSETS, concurrent: true });
}

/** Builds assets unless they are there, of the same sources and options.
 *  @param folder  has the application */
export async function buildOnce(folder: string, options: BuildOptions & { out: string }): Promise<void> {
  const hash = createHash('sha256').update(JSON.stringify(options));
  for (const sources of [folder, 'targets/python', 'targets/python/builder', 'targets/python/lib/wsgi_edge'])
    for (const entry of readdirSync(sources, { withFileTypes: true }))
      if (entry.isFile()) hash.update(entry.name).update(readFileSync(join(sources, entry.name)));
  const record = join(options.out, 'built-from.txt');
  const key = hash.digest('hex');
  if (existsSync(record) && readFileSync(record, 'utf8') === key) return;
  await buildPython({ cache: CACHE, ...options, application: join(folder, options.application) });
  writeFileSync(record, key);
}

let copies = 0;

/** Loads assets as an application on Node does; each call is a new interpreter. */
export async function loadAssets(folder = ASSETS): Promise<PythonAssets> {
  const { href } = pathToFileURL(join(folder, 'node.mjs'));
  return ((await import(/* @vite-ignore */ `${href}?${++copies}`)) as { default: PythonAssets }).default;
}

/** Whether packages are missing, which fails under CI and is said elsewhere.
 *  @param what  is left out then */
export function notFetched(sets: PackageSet[], what: string): boolean {
  const missing = sets.filter((set) => !isFetched(set));
  if (missing.length === 0) return false;
  const message = `the packages of ${missing.join(', ')} are missing: npm run python-packages`;
  if (process.env.CI) throw new Error(message);
  console.warn(`skipped, ${what}: ${message}`);
  return true;
}
