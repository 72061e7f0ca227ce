import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { describe, WsgiError } from '../../src/errors.js';
import {
  FORMAT,
  PYODIDE_VERSION,
  type PythonAssets,
  type PythonManifest,
  sampleOfData,
  signOf,
} from '../interpreter/assets.js';
import { type Booted, bootPython, freshMemory, takeSnapshot } from '../interpreter/boot.js';
import { encodeSnapshot } from '../interpreter/snapshot.js';
import { readZip } from '../interpreter/zip.js';
import { type Collected, collect, type Dropped, parseEntry } from './collect.js';
import { JSVERROR, type PyodideFiles, readPyodide } from './pyodide-files.js';
import { readPythonHalf } from './python-half.js';
import { installRequirements } from './requirements.js';
import { assetModule, manifestModule, nodeModule, rules, typesModule } from './written.js';
import { writeZip, type ZipFile } from './zip-writer.js';

/** What `buildPython` is to build. */
export interface BuildOptions {
  /** "app.py:app", or "pkg.module:app" from `cwd`. */
  application: string;
  /** The folder that relative paths start from; the current one by default. */
  cwd?: string;
  /** Folders of installed packages, such as `pip install --target` makes; "python_modules" by default, where there is one. */
  packages?: string[];
  /** A locked requirements.txt, whose wheels are downloaded. */
  requirements?: string;
  /** The package index (PEP 691) that they come from; https://pypi.org/simple by default. */
  indexUrl?: string;
  /** Where the assets go; "python_assets" by default. */
  out?: string;
  /** What the snapshot holds: the application (by default), the packages it imports, or none at all. */
  snapshot?: 'app' | 'framework' | 'none';
  /** Environment variables that the application sees while it is imported. They are in the assets. */
  env?: Record<string, string>;
  /** Names in `env` that look like secrets and are none, or may be in the assets. */
  allowSecrets?: string[];
  /** Makes `threading.local` belong to the request, for the option `concurrency` of `fromPython`. */
  concurrent?: boolean;
  /** Removes docstrings and asserts. */
  optimize?: boolean;
  /** Keeps the compiled standard library between builds. */
  cache?: string;
  /** Takes lines about the progress. */
  progress?: (line: string) => void;
}

/** What has been built. */
export interface BuildReport {
  out: string;
  application: string;
  /** The files that were written, with their sizes in bytes. */
  files: Array<{ name: string; bytes: number; sha256: string }>;
  dropped: Record<string, number>;
  /** Modules that could not be compiled, and why. */
  uncompiled: Array<{ path: string; reason: string }>;
  /** Bytes of wasm memory of the interpreter when the application has been imported. */
  memory: number;
  assets: PythonAssets;
}

const SECRET = /secret|token|passw|credential|private|api_?key|access_?key|_dsn$|database_url/i;

/** Builds the assets of a Python application for `fromPython`: everything is compiled and tried by the interpreter that
 *  will run it, so that no Python is needed on the machine.
 *  @throws {WsgiError} on wrong options and on what can not be built; an application that can not be imported has Python's
 *    traceback in it */
export async function buildPython(options: BuildOptions): Promise<BuildReport> {
  const { env = {}, allowSecrets = [], snapshot = 'app', concurrent = false, progress = () => {} } = options;
  const cwd = resolve(options.cwd ?? '.');
  const out = resolve(cwd, options.out ?? 'python_assets');
  const { root, application } = parseEntry(options.application, cwd);
  checkEnv(env, allowSecrets);

  const pyodide = await readPyodide(cwd);
  const base = {
    createPyodideModule: pyodide.createPyodideModule,
    wasm: await WebAssembly.compile(pyodide.wasm as BufferSource),
    helpers: pyodide.helpers.map(({ key, bytes }): [string, WebAssembly.Module] => [
      key,
      new WebAssembly.Module(bytes as BufferSource),
    ]),
    jsverror: new WebAssembly.Module(JSVERROR),
  };

  const dropped: Dropped = new Map();
  const packages = packageFolders(options.packages, cwd);
  if (options.requirements !== undefined) {
    const folder = join(out, 'packages');
    const { indexUrl = 'https://pypi.org/simple' } = options;
    await installRequirements(resolve(cwd, options.requirements), folder, indexUrl, progress);
    packages.push(folder);
  }
  const collected = [
    ...collect(root, 'app', [out, ...packages], dropped),
    ...packages.flatMap((folder) => collect(folder, 'packages', [], dropped)),
    ...readPythonHalf(),
  ];
  checkNames(collected);
  progress(
    `collected ${collected.length} files: the application below ${root}, packages in ${packages.join(', ') || 'none'}`,
  );

  const { stdlib, compiler } = await startOnStdlib(base, pyodide, options, progress);
  const { files, uncompiled } = compileAll(collected, compiler);
  for (const { path, reason } of uncompiled) progress(`not compiled, and left as it is: ${path}: ${reason}`);
  const site = writeZip(files);
  progress(`compiled ${files.filter(({ name }) => name.endsWith('.pyc')).length} modules`);

  const manifest: PythonManifest = {
    format: FORMAT,
    pyodide: PYODIDE_VERSION,
    application,
    env,
    concurrent,
    files: { stdlib: signOf(stdlib), site: signOf(site) },
  };
  const unfrozen: PythonAssets = { ...base, manifest, stdlib, site };
  const { assets, memory } = await freeze(unfrozen, snapshot, progress);
  await checkRestore(assets, progress);

  const written = write(out, assets, pyodide);
  return { out, application, files: written, dropped: Object.fromEntries(dropped), uncompiled, memory, assets };
}

function checkEnv(env: Record<string, string>, allowed: string[]): void {
  for (const [name, value] of Object.entries(env))
    if (value !== '' && SECRET.test(name) && !allowed.includes(name))
      throw new WsgiError(
        `build-python: the environment variable ${name} looks like a secret and would be in the assets: give it at run time (option env of fromPython), or allow it with --allow-secrets ${name}`,
      );
}

function packageFolders(given: string[] | undefined, cwd: string): string[] {
  if (given === undefined) {
    const folder = join(cwd, 'python_modules');
    return existsSync(folder) ? [folder] : [];
  }
  const folders = given.map((folder) => resolve(cwd, folder));
  for (const folder of folders)
    if (!existsSync(folder)) throw new WsgiError(`build-python: there is no folder of packages ${folder}`);
  return folders;
}

function checkNames(collected: Collected[]): void {
  const taken = new Set<string>();
  for (const { path } of collected) {
    if (taken.has(path)) throw new WsgiError(`build-python: ${path} is there twice, in two folders of packages`);
    taken.add(path);
  }
}

/** Compiles a module: the bytes of a .pyc, or what is wrong. */
type Compiler = (source: Uint8Array, filename: string) => Uint8Array | string;

async function startCompiler(
  base: Omit<PythonAssets, 'manifest' | 'stdlib' | 'site'>,
  stdlib: Uint8Array,
  optimize: number,
): Promise<Compiler> {
  const site = writeZip(readPythonHalf().map(({ path, bytes }) => ({ name: path, data: bytes })));
  const manifest: PythonManifest = {
    format: FORMAT,
    pyodide: PYODIDE_VERSION,
    application: '',
    // Columns for tracebacks: a tenth of the size, and the source that they point into is not there.
    env: { PYTHONNODEBUGRANGES: '1' },
    concurrent: false,
    files: { stdlib: signOf(stdlib), site: signOf(site) },
  };
  const { python } = await bootPython({ ...base, manifest, stdlib, site });
  const { compile_source } = python.pyimport('wsgi_edge.compiler');
  return (source, filename) => compile_source?.(source, filename, optimize) as Uint8Array | string;
}

function compileAll(
  collected: Collected[],
  compiler: Compiler,
): { files: ZipFile[]; uncompiled: BuildReport['uncompiled'] } {
  const uncompiled: BuildReport['uncompiled'] = [];
  const files = collected.flatMap(({ path, bytes }): ZipFile[] => {
    if (!path.endsWith('.py')) return [{ name: path, data: bytes }];
    const compiled = compiler(new Uint8Array(bytes), `/${path}`);
    if (typeof compiled === 'string') {
      // A template of a module, a file for another version: it may never be imported.
      uncompiled.push({ path, reason: compiled });
      return [{ name: path, data: bytes }];
    }
    if (path.startsWith('packages/')) return [{ name: `${path}c`, data: compiled }];
    // Tracebacks quote the sources of the application, and Pyramid's decorators read them.
    return [
      { name: path, data: bytes },
      { name: path.replace(/([^/]+)\.py$/, '__pycache__/$1.cpython-314.pyc'), data: compiled },
    ];
  });
  return { files, uncompiled };
}

/** The compiled standard library, and a compiler that runs on it where it was there before: that one starts faster. */
async function startOnStdlib(
  base: Parameters<typeof startCompiler>[0],
  { stdlib: sources }: PyodideFiles,
  { cache, optimize = false }: BuildOptions,
  progress: (line: string) => void,
): Promise<{ stdlib: Uint8Array; compiler: Compiler }> {
  const level = optimize ? 2 : 0;
  const kept = cache && join(cache, `stdlib-${PYODIDE_VERSION}${optimize ? '-optimized' : ''}.zip`);
  if (kept && existsSync(kept)) {
    const stdlib = readFileSync(kept);
    return { stdlib, compiler: await startCompiler(base, stdlib, level) };
  }
  progress('compiling the standard library (once)');
  const compiler = await startCompiler(base, sources, level);
  const files = readZip(sources).map(({ name, method, read }): ZipFile => {
    const bytes = method === 8 ? new Uint8Array(inflateRawSync(read())) : read();
    const compiled = name.endsWith('.py') ? compiler(bytes, `/lib/python314.zip/${name}`) : name;
    return typeof compiled === 'string' ? { name, data: bytes } : { name: `${name}c`, data: compiled };
  });
  const stdlib = writeZip(files, true);
  if (kept) {
    mkdirSync(cache, { recursive: true });
    // Whole at once: several builds may run side by side.
    const partial = `${kept}.${process.pid}`;
    writeFileSync(partial, stdlib);
    renameSync(partial, kept);
  }
  return { stdlib, compiler };
}

async function freeze(
  unfrozen: PythonAssets,
  level: 'app' | 'framework' | 'none',
  progress: (line: string) => void,
): Promise<{ assets: PythonAssets; memory: number }> {
  const { application, concurrent, env } = unfrozen.manifest;
  const booted = await importing(unfrozen, application, [], concurrent, level === 'app');
  const memory = booted.module.HEAP8.length;
  progress(`imported ${application}`);
  if (level === 'none') return { assets: unfrozen, memory };

  let frozen = booted;
  if (level === 'framework') {
    const names = booted.python.runPython('from wsgi_edge import freeze; freeze.modules_outside("/app")') as string;
    frozen = await importing(unfrozen, undefined, names.split('\n'), concurrent, true);
  }
  const random = frozen.python.runPython('from wsgi_edge import freeze; freeze.variables()') as string;
  const { pristine, fresh } = await freshMemory(unfrozen);
  // What lies below the stack pointer is left over from calls that have ended.
  const { module } = frozen;
  module.HEAPU8.fill(0, module._emscripten_stack_get_end(), module.stackSave());
  const { heap, config, table } = takeSnapshot(frozen);
  const { runs, data: pages } = encodeSnapshot(heap, pristine, fresh);
  const data = Buffer.concat([pages, createHash('sha256').update(pages).digest()]);
  const manifest: PythonManifest = {
    ...unfrozen.manifest,
    files: { ...unfrozen.manifest.files, snapshot: signOf(data) },
    snapshot: {
      level,
      loaded: level === 'app' ? [application] : [],
      size: heap.length,
      runs,
      table,
      data: sampleOfData(pristine),
      config,
    },
  };
  progress(`froze ${level === 'app' ? 'the application' : 'its packages'} as of ${new Date().toISOString()}, with`);
  progress(`  environment variables: ${Object.keys(env).join(', ') || 'none'}`);
  progress('  hash seed 0; the module random gets a new seed at the first request');
  for (const name of random.split('\n'))
    if (name !== '') progress(`  ${name}, a random.Random that will be the same everywhere`);
  progress('  everything else that the import computed: times, settings read from files, connections');
  return { assets: { ...unfrozen, manifest, snapshot: data }, memory };
}

async function importing(
  assets: PythonAssets,
  application: string | undefined,
  modules: string[],
  concurrent: boolean,
  forSnapshot: boolean,
): Promise<Booted> {
  const booted = await bootPython(assets, { forSnapshot });
  const python = (value: unknown) => (value === undefined ? 'None' : JSON.stringify(value));
  try {
    booted.python.runPython(
      `from wsgi_edge import freeze; freeze.prepare(${python(application)}, ${python(modules)}, ${concurrent ? 'True' : 'False'})`,
    );
  } catch (error) {
    const cause = error instanceof Error ? error.message.trimEnd() : describe(error);
    throw new WsgiError(`build-python: ${application} can not be imported:\n${cause}`, { cause: error });
  }
  return booted;
}

async function checkRestore(assets: PythonAssets, progress: (line: string) => void): Promise<void> {
  if (assets.snapshot === undefined) return;
  const started = performance.now();
  const { python } = await bootPython(assets);
  python.runPython('import wsgi_edge.bridge');
  progress(`restored the snapshot in ${Math.round(performance.now() - started)} ms`);
}

function write(out: string, assets: PythonAssets, pyodide: PyodideFiles): BuildReport['files'] {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const helpers = [...pyodide.helpers, { name: 'jsverror', key: 'jsverror', bytes: JSVERROR }];
  const parts: Array<[name: string, data: Uint8Array | string]> = [
    ['pyodide.asm.mjs', pyodide.asm],
    ['pyodide.asm.wasm', pyodide.wasm],
    ...helpers.map(({ name, bytes }): [string, Uint8Array] => [`${name}.wasm`, bytes]),
    ['stdlib.zip', assets.stdlib as Uint8Array],
    ['site.zip', assets.site as Uint8Array],
    ...(assets.snapshot === undefined ? [] : [['snapshot.bin', assets.snapshot as Uint8Array] as [string, Uint8Array]]),
    ['manifest.mjs', manifestModule(assets.manifest)],
    ['assets.mjs', assetModule(helpers, assets.snapshot !== undefined)],
    ['node.mjs', nodeModule(helpers, assets.snapshot !== undefined)],
    ['assets.d.mts', typesModule],
    ['node.d.mts', typesModule],
    ['wrangler-rules.toml', rules],
  ];
  return parts.map(([name, data]) => {
    const bytes = Buffer.from(data as Uint8Array);
    writeFileSync(join(out, name), bytes);
    return {
      name,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
  });
}
