import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { PYODIDE_VERSION } from '../interpreter/assets.js';
import { bootPython } from '../interpreter/boot.js';
import { readZip } from '../interpreter/zip.js';
import { bareAssets, type Engine, withSite } from './bare.js';
import type { Collected } from './collect.js';
import { UNPACK } from './lz4.js';
import { JSVERROR, type PyodideFiles } from './pyodide-files.js';
import { readPythonHalf } from './python-half.js';
import { writeZip, type ZipFile } from './zip-writer.js';

/** The options of `buildPython` for this step. */
export interface CompileOptions {
  cache?: string;
  optimize?: boolean;
  progress?: (line: string) => void;
}

export async function compileEngine({ createPyodideModule, wasm, helpers }: PyodideFiles): Promise<Engine> {
  return {
    createPyodideModule,
    wasm: await WebAssembly.compile(wasm as BufferSource),
    helpers: helpers.map(({ key, bytes }): [string, WebAssembly.Module] => [
      key,
      new WebAssembly.Module(bytes as BufferSource),
    ]),
    jsverror: new WebAssembly.Module(JSVERROR),
    unpack: new WebAssembly.Module(UNPACK),
  };
}

/** An interpreter that works for the build. */
export interface Compiler {
  /** Compiles a module. Returns the bytes of a .pyc, or the reason why it can't be compiled. */
  compile(source: Uint8Array, filename: string): Uint8Array | string;
  /** Parses TOML.
   *  @throws {Error} on a text that is not TOML */
  parseToml(text: string): unknown;
}

async function startCompiler(engine: Engine, stdlib: Uint8Array, optimize: number): Promise<Compiler> {
  const half = readPythonHalf().map(({ path, bytes }) => ({ name: path, data: bytes }));
  // Leaves out the columns for tracebacks: a tenth of the size, and packages are shipped without their sources.
  const bare = bareAssets(engine, stdlib, { env: { PYTHONNODEBUGRANGES: '1' } });
  const { python } = await bootPython(withSite(bare, half));
  const { compile_source, parse_toml } = python.pyimport('wsgi_edge.compiler');
  return {
    compile: (source, filename) => compile_source?.(source, filename, optimize) as Uint8Array | string,
    parseToml: (text) => JSON.parse(parse_toml?.(text) as string),
  };
}

/** A module that can't be compiled. */
export interface Uncompiled {
  path: string;
  reason: string;
}

/** Compiles all modules among the collected files. */
export function compileAll(collected: Collected[], compiler: Compiler): { files: ZipFile[]; uncompiled: Uncompiled[] } {
  const uncompiled: Uncompiled[] = [];
  const files = collected.flatMap(({ path, bytes, mtime }): ZipFile[] => {
    const file = (name: string, data: Uint8Array): ZipFile => ({ name, data, ...(mtime !== undefined && { mtime }) });
    if (!path.endsWith('.py')) return [file(path, bytes)];
    const compiled = compiler.compile(new Uint8Array(bytes), `/${path}`);
    if (typeof compiled === 'string') {
      // This is not an error, because it may never be imported: a template, or a module for another version of Python.
      uncompiled.push({ path, reason: compiled });
      return [file(path, bytes)];
    }
    if (path.startsWith('packages/')) return [file(`${path}c`, compiled)];
    // Tracebacks quote the sources of the application, and Pyramid's decorators read them.
    return [file(path, bytes), file(path.replace(/([^/]+)\.py$/, '__pycache__/$1.cpython-314.pyc'), compiled)];
  });
  return { files, uncompiled };
}

/** Starts a compiler, and compiles the standard library unless the cache has it. A compiler on the compiled library starts
 *  faster. */
export async function startOnStdlib(
  engine: Engine,
  sources: Uint8Array,
  { cache, optimize = false, progress = () => {} }: CompileOptions,
): Promise<{ stdlib: Uint8Array; compiler: Compiler }> {
  const level = optimize ? 2 : 0;
  const kept = cache && join(cache, `stdlib-${PYODIDE_VERSION}${optimize ? '-optimized' : ''}.zip`);
  if (kept && existsSync(kept)) {
    const stdlib = readFileSync(kept);
    return { stdlib, compiler: await startCompiler(engine, stdlib, level) };
  }
  progress('compiling the standard library (once)');
  const compiler = await startCompiler(engine, sources, level);
  const files = readZip(sources).map(({ name, method, read }): ZipFile => {
    const bytes = method === 8 ? new Uint8Array(inflateRawSync(read())) : read();
    const compiled = name.endsWith('.py') ? compiler.compile(bytes, `/lib/python314.zip/${name}`) : name;
    return typeof compiled === 'string' ? { name, data: bytes } : { name: `${name}c`, data: compiled };
  });
  const stdlib = writeZip(files);
  if (kept) {
    mkdirSync(cache, { recursive: true });
    // Another build may read the cache at the same time, so it gets the whole file at once.
    const partial = `${kept}.${process.pid}`;
    writeFileSync(partial, stdlib);
    renameSync(partial, kept);
  }
  return { stdlib, compiler };
}
