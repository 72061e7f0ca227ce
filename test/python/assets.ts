// The Python applications of the tests, built once for all test files.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bareAssets } from '../../python/builder/bare.js';
import { compileEngine, startOnStdlib } from '../../python/builder/compile.js';
import { readPyodide } from '../../python/builder/pyodide-files.js';
import type { PythonAssets } from '../../python/index.js';
import { ensureBuilt } from '../../scripts/build-python.ts';
import { isFetched, type PackageSet } from '../../scripts/python-packages.ts';

export const APPS = 'test/python/apps';
export const CACHE = 'node_modules/.cache/wsgi-edge';
export const ASSETS = 'build/python-assets';
/** Assets that serve several requests at a time. */
export const CONCURRENT_ASSETS = 'build/python-concurrent-assets';

/** Builds the assets that the test files share, unless they exist and are up to date. */
export async function ensureAssets(): Promise<void> {
  await ensureBuilt({ application: `${APPS}/basic.py:hello`, out: ASSETS });
  await ensureBuilt({ application: `${APPS}/users.py:app`, out: CONCURRENT_ASSETS, concurrent: true });
}

let copies = 0;

/** Loads assets as an application on Node does; each call is a new interpreter. */
export async function loadAssets(folder = ASSETS): Promise<PythonAssets> {
  const { href } = pathToFileURL(join(folder, 'node.mjs'));
  return ((await import(/* @vite-ignore */ `${href}?${++copies}`)) as { default: PythonAssets }).default;
}

/** Makes assets with an empty site zip, as the build does before it collects an application. */
export async function makeBare(): Promise<PythonAssets> {
  const pyodide = await readPyodide([process.cwd()]);
  const engine = await compileEngine(pyodide);
  const { stdlib } = await startOnStdlib(engine, pyodide.stdlib, { cache: CACHE });
  return bareAssets(engine, stdlib);
}

/** Tells whether packages are missing. Missing packages are an error under CI, and elsewhere a warning.
 *  @param what  the tests that are skipped */
export function notFetched(sets: PackageSet[], what: string): boolean {
  const missing = sets.filter((set) => !isFetched(set));
  if (missing.length === 0) return false;
  const message = `the packages of ${missing.join(', ')} are missing: npm run python-packages`;
  if (process.env.CI) throw new Error(message);
  console.warn(`skipped, ${what}: ${message}`);
  return true;
}
