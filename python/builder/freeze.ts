import { createHash } from 'node:crypto';
import { describe, WsgiError } from '../../src/errors.js';
import { ownFrames } from '../bridge/python-error.js';
import { type PythonAssets, type PythonManifest, sampleOfData, signOf } from '../interpreter/assets.js';
import { type Booted, bootPython, freshMemory, takeSnapshot } from '../interpreter/boot.js';
import { BLOCK, encodeSnapshot } from '../interpreter/snapshot.js';
import { compressBlock } from './lz4.js';

/** Imports the application, and takes a snapshot of the memory after it.
 *  @param level  the contents of the snapshot: the application, only its packages, or nothing (no snapshot is taken)
 *  @param unkept  environment variables that the application finds if it is not in the snapshot
 *  @returns the assets with the snapshot, and the bytes of wasm memory after the import
 *  @throws {WsgiError} when the application can't be imported or can't be frozen */
export async function freeze(
  unfrozen: PythonAssets,
  level: 'app' | 'framework' | 'none',
  progress: (line: string) => void,
  unkept: Record<string, string>,
): Promise<{ assets: PythonAssets; memory: number }> {
  const { application, env } = unfrozen.manifest;
  const booted = await importing(unfrozen, application, [], level === 'app', level === 'app' ? undefined : unkept);
  const memory = booted.module.HEAP8.length;
  progress(`imported ${application}`);
  if (level === 'none') return { assets: unfrozen, memory };

  let frozen = booted;
  if (level === 'framework') {
    const names = booted.python.runPython('from wsgi_edge import freeze; freeze.modules_outside()') as string;
    frozen = await importing(unfrozen, undefined, names.split('\n'), true);
  }
  const random = frozen.python.runPython('from wsgi_edge import freeze; freeze.variables()') as string;
  const assets = await withSnapshot(unfrozen, frozen, level);
  progress(`froze ${level === 'app' ? 'the application' : 'its packages'} as of ${new Date().toISOString()}, with`);
  progress(`  environment variables: ${Object.keys(env).join(', ') || 'none'}`);
  progress('  hash seed 0; the module random gets a new seed at the first request');
  for (const name of random.split('\n'))
    if (name !== '') progress(`  ${name}, a random.Random that will be the same everywhere`);
  progress('  everything else that the import computed: times, settings read from files, connections');
  return { assets, memory };
}

async function withSnapshot(unfrozen: PythonAssets, frozen: Booted, level: 'app' | 'framework'): Promise<PythonAssets> {
  const { pristine, fresh } = await freshMemory(unfrozen);
  // The bytes below the stack pointer are left over from calls that have ended: clear them.
  const { module } = frozen;
  module.HEAPU8.fill(0, module._emscripten_stack_get_end(), module.stackSave());
  checkTable(module.wasmTable, frozen.table);
  const { heap, config, table, added } = takeSnapshot(frozen);
  const { runs, data } = encodeSnapshot(heap, pristine, fresh);
  const blocks = Array.from({ length: Math.ceil(data.length / BLOCK) }, (_, index) =>
    compressBlock(data.subarray(index * BLOCK, (index + 1) * BLOCK)),
  );
  const pages = Buffer.concat(blocks);
  const snapshot = Buffer.concat([pages, createHash('sha256').update(pages).digest()]);
  const manifest: PythonManifest = {
    ...unfrozen.manifest,
    files: { ...unfrozen.manifest.files, snapshot: signOf(snapshot) },
    snapshot: {
      level,
      loaded: level === 'app' ? [unfrozen.manifest.application] : [],
      size: heap.length,
      runs,
      blocks: blocks.map(({ length }) => length),
      table,
      added,
      data: sampleOfData(pristine),
      config,
    },
  };
  return { ...unfrozen, manifest, snapshot };
}

/** Checks the entries that imports have added to the function table. The import of ctypes adds one that stays empty.
 *  @param before  the entries of a new interpreter
 *  @throws {WsgiError} when one is a function, which no snapshot can hold */
function checkTable(table: WebAssembly.Table, before: number): void {
  for (let i = before; i < table.length; i++)
    if (table.get(i) !== null)
      throw new WsgiError(
        'build-python: the import makes a callback of ctypes, which can not be frozen: make it in a request, or give --no-snapshot',
      );
}

/** Sets environment variables of an interpreter. */
export function setEnvironment(python: Booted['python'], env: Record<string, string>): void {
  python.runPython(`import os; os.environ.update(${JSON.stringify(env)})`);
}

/** Starts an interpreter that has imported modules and, unless it is undefined, the application. */
async function importing(
  assets: PythonAssets,
  application: string | undefined,
  modules: string[],
  forSnapshot: boolean,
  env?: Record<string, string>,
): Promise<Booted> {
  const booted = await bootPython(assets, forSnapshot);
  if (env !== undefined) setEnvironment(booted.python, env);
  const python = (value: unknown) => (value === undefined ? 'None' : JSON.stringify(value));
  try {
    booted.python.runPython(`from wsgi_edge import freeze; freeze.prepare(${python(application)}, ${python(modules)})`);
  } catch (error) {
    const cause = error instanceof Error ? ownFrames(error.message.trimEnd()) : describe(error);
    throw new WsgiError(`build-python: ${application} can not be imported:\n${cause}`, { cause: error });
  }
  return booted;
}

/** Starts an interpreter from the snapshot, so that a snapshot that can't be restored fails the build.
 *  @throws when it can't be restored */
export async function checkRestore(assets: PythonAssets, progress: (line: string) => void): Promise<void> {
  if (assets.snapshot === undefined) return;
  const started = performance.now();
  const { python } = await bootPython(assets);
  python.runPython('import wsgi_edge.bridge');
  progress(`restored the snapshot in ${Math.round(performance.now() - started)} ms`);
}
