import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inflateRawSync } from 'node:zlib';
import { WsgiError } from '../../src/errors.js';
import { definedIn, type Environment } from '../environment.js';
import { FORMAT, PYODIDE_VERSION, type PythonAssets } from '../interpreter/assets.js';
import { readZip } from '../interpreter/zip.js';
import { withSite } from './bare.js';
import { collect, parseEntry } from './collect.js';
import { type BuildOptions, buildPython } from './index.js';
import { findPyodide, installedIn, installPyodide } from './pyodide-files.js';

/** Options of `developPython`. */
export interface DevelopOptions extends Pick<BuildOptions, 'application' | 'cwd' | 'progress' | 'concurrent'> {
  /** The folder that keeps the built packages. */
  cache: string;
  /** Environment variables that the application needs for its import. They are not part of the assets, so give them to
   *  `fromPython` too. One that is undefined is not set. */
  env?: Environment;
}

/** Options of `developWorker`. */
export interface DevelopWorkerOptions extends Omit<DevelopOptions, 'env'>, Pick<BuildOptions, 'static'> {
  /** The folder for the assets. */
  out: string;
}

/** Makes assets for development on Node: the packages of an application are built and frozen once, and its own files are read
 *  again at each call. The packages come from python_modules, from requirements.txt beside the application or in `cwd`, from the
 *  script's own list of dependencies, or from the virtual environment.
 *  @throws {WsgiError} when the packages can't be built, or the application can't be imported in the first build
 *  https://packaging.python.org/en/latest/specifications/inline-script-metadata/ */
export async function developPython(options: DevelopOptions): Promise<PythonAssets> {
  const { cache, application, concurrent = true } = options;
  const cwd = resolve(options.cwd ?? '.');
  const { root, application: entry } = parseEntry(application, cwd);
  const sources = packagesOf(application, root, cwd);
  const key = createHash('sha256').update(JSON.stringify([FORMAT, root, entry, concurrent, sources.marks]));
  const folder = join(resolve(cwd, cache), `develop-${key.digest('hex').slice(0, 16)}`);
  if (!existsSync(join(folder, 'node.mjs'))) await buildBase(folder, { ...options, cwd, concurrent }, sources);
  const { default: base } = (await import(pathToFileURL(join(folder, 'node.mjs')).href)) as { default: PythonAssets };
  return withFiles(base, root, [folder, join(cwd, 'python_modules')]);
}

/** Writes the assets of an application for workerd, with the packages that `developPython` would find.
 *  @throws {WsgiError} when the application can't be built */
export async function developWorker(options: DevelopWorkerOptions): Promise<void> {
  const cwd = resolve(options.cwd ?? '.');
  const { root } = parseEntry(options.application, cwd);
  await buildFound({ ...options, cwd, target: 'worker' }, packagesOf(options.application, root, cwd));
}

interface PackageSources {
  packages?: string[];
  /** A requirements.txt, or the text of one. */
  requirements?: string;
  text?: string;
  /** Whatever tells that the packages are others. */
  marks: unknown[];
}

function packagesOf(application: string, root: string, cwd: string): PackageSources {
  const installed = join(cwd, 'python_modules');
  if (existsSync(installed)) return { packages: [installed], marks: ['installed', ...distributions(installed)] };
  const requirements = [root, cwd].map((folder) => join(folder, 'requirements.txt')).find((file) => existsSync(file));
  if (requirements !== undefined) return { requirements, marks: ['requirements', readFileSync(requirements, 'utf8')] };
  const text = scriptDependencies(application, cwd);
  if (text !== undefined) return { text, marks: ['script', text] };
  const environment =
    process.env.VIRTUAL_ENV ?? ['.venv', 'venv'].map((name) => join(cwd, name)).find((path) => existsSync(path));
  const [site] = environment === undefined ? [] : globSync(join(environment, 'lib/python3*/site-packages'));
  if (site === undefined) return { marks: [] };
  return { packages: [site], marks: ['environment', ...distributions(site)] };
}

const distributions = (folder: string): unknown[] =>
  globSync('*.dist-info', { cwd: folder })
    .sort()
    .map((name) => [name, statSync(join(folder, name)).mtimeMs]);

/** The dependencies in a script's own metadata (PEP 723), one on a line. */
function scriptDependencies(application: string, cwd: string): string | undefined {
  const [, script] = /^(.+\.py)(?::.*)?$/.exec(application) ?? [];
  if (script === undefined) return undefined;
  const [, block] =
    /^# \/\/\/ script$\n((?:^#(?: .*)?$\n)+?)^# \/\/\/$/m.exec(readFileSync(resolve(cwd, script), 'utf8')) ?? [];
  const [, list] =
    /^dependencies\s*=\s*\[((?:"[^"]*"|'[^']*'|[^\]"'])*)\]/m.exec(block?.replaceAll(/^# ?/gm, '') ?? '') ?? [];
  if (list === undefined) return undefined;
  return Array.from(list.matchAll(/"([^"]*)"|'([^']*)'/g), ([, double, single]) => `${double ?? single}\n`).join('');
}

async function buildBase(
  folder: string,
  { env = {}, ...options }: DevelopOptions & { cwd: string },
  sources: PackageSources,
): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const scratch = mkdtempSync(`${folder}-`);
  try {
    const out = join(scratch, 'assets');
    options.progress?.('building the packages of the application (once)');
    // collectstatic with hashed names looks for the source map of each script.
    const include = ['packages/**/*.map'];
    await buildFound({ ...options, out, snapshot: 'framework', target: 'node', include }, sources, definedIn(env));
    // Another process may have built the same at the same time.
    if (!existsSync(folder)) renameSync(out, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Builds an application with the packages that were found, and with a Pyodide in the cache if the project has none. */
async function buildFound(
  options: BuildOptions & { cwd: string; cache: string },
  { packages, requirements, text }: PackageSources,
  env: Record<string, string> = {},
): Promise<void> {
  const { cwd, progress = () => {} } = options;
  const cache = resolve(cwd, options.cache);
  if (findPyodide([cwd, installedIn(cache)]) === undefined) {
    progress(`installing pyodide ${PYODIDE_VERSION}, CPython for WebAssembly (once)`);
    await installPyodide(cache);
  }
  const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-dependencies-'));
  try {
    const list = join(scratch, 'dependencies of the script');
    if (text !== undefined) writeFileSync(list, text);
    const required = text === undefined ? requirements : list;
    const found = {
      ...(packages !== undefined && { packages }),
      ...(required !== undefined && { requirements: required }),
    };
    await buildPython({ ...options, ...found, progress: () => {} }, env).catch((error: Error) => {
      const [, module] = /^ModuleNotFoundError: No module named '([^'.]+)/m.exec(error.message) ?? [];
      if (module === undefined || packages !== undefined || required !== undefined) throw error;
      throw new WsgiError(`${error.message.trimEnd()}\n${adviceOn(module)}`, { cause: error });
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const adviceOn = (module: string): string =>
  `There is no list of packages: name the package of ${module} in requirements.txt beside the application, or at the top of the script (PEP 723):
# /// script
# dependencies = ["${module.toLowerCase()}"]
# ///`;

/** Replaces the files of the application in the site zip by those that are there now, as sources. */
function withFiles(base: PythonAssets, root: string, skip: string[]): PythonAssets {
  const kept = readZip(base.site)
    .filter(({ name }) => !name.startsWith('app/'))
    .map(({ name, method, modified, read }) => ({
      name,
      data: method === 8 ? new Uint8Array(inflateRawSync(read())) : read(),
      mtime: modified / 1000,
    }));
  const own = collect(root, 'app', skip, { exclude: [], include: [], languages: [], maps: true }, new Map());
  const files = own.map(({ path, bytes, mtime }) => ({
    name: path,
    data: bytes,
    ...(mtime !== undefined && { mtime }),
  }));
  return withSite(base, [...kept, ...files], false);
}
