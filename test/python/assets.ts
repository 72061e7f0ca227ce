// The Python applications of the tests, built once for all test files.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isFetched, type PackageSet } from '../../scripts/python-packages.ts';
import { buildPython } from '../../targets/python/builder/index.js';
import type { PythonAssets } from '../../targets/python/index.js';

export const APPS = 'test/python/apps';
export const CACHE = 'node_modules/.cache/wsgi-edge';
export const ASSETS = 'build/python-assets';
const KEY = join(ASSETS, 'built-from.txt');

/** Builds the assets unless they are there and up to date. */
export async function ensureAssets(): Promise<void> {
  const hash = createHash('sha256');
  for (const folder of [APPS, 'targets/python', 'targets/python/builder', 'targets/python/lib/wsgi_edge'])
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isFile()) hash.update(entry.name).update(readFileSync(join(folder, entry.name)));
  const key = hash.digest('hex');
  if (existsSync(KEY) && readFileSync(KEY, 'utf8') === key) return;
  await buildPython({ application: join(APPS, 'basic.py:hello'), out: ASSETS, cache: CACHE });
  writeFileSync(KEY, key);
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
