import { relative, resolve } from 'node:path';
import type { PythonAssets } from '../interpreter/assets.js';
import { bareAssets, withSite } from './bare.js';
import { type Dropped, parseEntry } from './collect.js';
import { compileAll, compileEngine, startOnStdlib, type Uncompiled } from './compile.js';
import { type Content, checkWorkerSize, contentsOf } from './contents.js';
import { checkRestore, freeze } from './freeze.js';
import { gather, packageFolders } from './gather.js';
import { type Extension, takeExtensions } from './native.js';
import { noticeOf } from './notice.js';
import { checkOut } from './out-folder.js';
import { withProject } from './project.js';
import { installedIn, type PyodideFiles, readPyodide } from './pyodide-files.js';
import { checkSecrets } from './secrets.js';
import { collectStatics, type StaticReport } from './static.js';
import { partsOf, type Target, type WrittenFile, workerSize, writeAssets } from './written.js';

/** Options of `buildPython`. */
export interface BuildOptions {
  /** "app.py:app", or "pkg.module:app" from `cwd`. */
  application: string;
  /** The folder that relative paths start from, and whose node_modules have `pyodide`; the current one by default. */
  cwd?: string;
  /** Folders of installed packages, such as `pip install --target` makes; "python_modules" by default, if it exists. */
  packages?: string[];
  /** A requirements.txt, which uv or pip installs. If neither is there, pip runs in WebAssembly (on Node 24 or later). */
  requirements?: string;
  /** The package index for `requirements`. The default is the index of uv or pip, $PIP_INDEX_URL, or https://pypi.org/simple. */
  indexUrl?: string;
  /** Patterns of files to leave out, as in .gitignore, but only with `*`, `?` and `**`, from the folder of the application;
   *  "packages/NAME" is a package. They add to [tool.wsgi-edge] in pyproject.toml, which is looked for in the folder of
   *  the application and in `cwd`. */
  exclude?: string[];
  /** Patterns of files to ship although they are excluded. A key or a file of credentials must be named without wildcards. */
  include?: string[];
  /** The languages whose translations (.mo) of packages are shipped, such as "de" or "pt_BR"; all by default. */
  languages?: string[];
  /** Collects the static files of Django (as collectstatic does) and Flask into the folder `public` of the assets, laid out by
   *  URL, for the platform to serve. The interpreter has only their names, except those that `include` names. */
  static?: boolean;
  /** The folder for the assets, "python_assets" by default. The files of an earlier build in it are replaced. */
  out?: string;
  /** The contents of the snapshot: the application (by default), or only the packages that it imports. 'none' takes no
   *  snapshot. */
  snapshot?: 'app' | 'framework' | 'none';
  /** The platform of the assets: only Workers, only Lambda and Node, or both (the default). */
  target?: Target;
  /** Environment variables for the import of the application. They become part of the assets. */
  env?: Record<string, string>;
  /** Names in `env` that are accepted although they look like secrets. */
  allowSecrets?: string[];
  /** Makes `threading.local` belong to the request, for the option `concurrency` of `fromPython`. */
  concurrent?: boolean;
  /** Removes docstrings and asserts. */
  optimize?: boolean;
  /** A folder that keeps the compiled standard library between builds. */
  cache?: string;
  /** Receives lines about the progress. */
  progress?: (line: string) => void;
}

/** The result of a build. */
export interface BuildReport {
  out: string;
  application: string;
  files: WrittenFile[];
  /** The packages and the folders of the application in the site zip, the largest first. */
  contents: Content[];
  /** The static files, if they were asked for. */
  static?: StaticReport;
  /** The paths of the files and folders that were left out, by reason. */
  dropped: Record<string, string[]>;
  uncompiled: Uncompiled[];
  /** Bytes of wasm memory that the interpreter has after the import of the application. */
  memory: number;
  assets: PythonAssets;
}

/** Builds the assets of a Python application for `fromPython`. The interpreter that will run the application compiles and
 *  tries everything, so the machine needs no Python.
 *  @param unkept  environment variables that do not become part of the assets; only without the application in the snapshot
 *  @throws {WsgiError} on wrong options and on an application that can't be built; if it can't be imported, the message has
 *    Python's traceback */
export async function buildPython(options: BuildOptions, unkept: Record<string, string> = {}): Promise<BuildReport> {
  const { env = {}, allowSecrets = [], snapshot = 'app', target = 'all' } = options;
  const { concurrent = false, progress = () => {} } = options;
  const cwd = resolve(options.cwd ?? '.');
  const out = resolve(cwd, options.out ?? 'python_assets');
  const { root, application } = parseEntry(options.application, cwd);
  checkSecrets(env, allowSecrets);
  const packages = packageFolders(options.packages, cwd);
  checkOut(out, [
    [cwd, 'the working folder'],
    [root, 'the folder of the application'],
    ...packages.map((folder): [string, string] => [folder, 'a folder of packages']),
  ]);

  const homes = [cwd, ...(options.cache === undefined ? [] : [installedIn(resolve(cwd, options.cache))])];
  const pyodide = await readPyodide(homes);
  const engine = await compileEngine(pyodide);
  const { stdlib, compiler } = await startOnStdlib(engine, pyodide.stdlib, options);
  const choice = { ...withProject(options, [root, cwd], compiler.parseToml), maps: options.static === true };
  const dropped: Dropped = new Map();
  const sources = { ...options, root, out, cwd, packages, progress, bare: bareAssets(engine, stdlib) };
  const gathered = await gather(sources, choice, dropped);
  const { files: collected, extensions } = await takeExtensions(gathered);
  const { files, uncompiled } = compileAll(collected, compiler);
  for (const { path, reason } of uncompiled)
    progress(`could not be compiled, and is shipped as it is: ${path}: ${reason}`);
  progress(`compiled ${files.filter(({ name }) => name.endsWith('.pyc')).length} modules`);

  const linked = await linkedWith(extensions, pyodide, homes);
  const own = linked === pyodide ? engine : await compileEngine(linked);
  const bare = {
    ...bareAssets(own, stdlib, { application, env, concurrent }),
    extensions: extensions.map(({ path, module }): [string, WebAssembly.Module] => [path, module]),
  };
  const statics = options.static ? await collectStatics(bare, files, choice, relative(cwd, out)) : undefined;
  const unfrozen = statics?.assets ?? withSite(bare, files);
  const { assets, memory } = await freeze(unfrozen, snapshot, progress, unkept);
  await checkRestore(assets, progress);

  const contents = contentsOf(assets.site as Uint8Array);
  const parts = partsOf(assets, linked, extensions, noticeOf(collected), target, statics?.report.wrangler);
  if (target !== 'node') checkWorkerSize(workerSize(parts), contents);
  const written = writeAssets(out, parts, statics?.parts);
  return {
    out,
    application,
    files: written,
    contents,
    ...(statics !== undefined && { static: statics.report }),
    dropped: Object.fromEntries(dropped),
    uncompiled,
    memory,
    assets,
  };
}

/** Returns Pyodide with the symbols that extensions need. */
const linkedWith = async (extensions: Extension[], pyodide: PyodideFiles, homes: string[]): Promise<PyodideFiles> =>
  extensions.length === 0
    ? pyodide
    : readPyodide(
        homes,
        extensions.map(({ module }) => module),
      );
