import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { WsgiError } from '../../src/errors.js';
import type { Collected, Dropped } from './collect.js';
import { NATIVE } from './table.js';

/** Matches native libraries, also those with a version: libpq.so.5.17. */
export const BINARY = /\.(so(\.\d+)*|pyd|dylib|dll|a|o|exe)$/;

/** The name of a library that Python 3.14 in Pyodide looks for; the others are for another Python. */
const IMPORTABLE = /^[^.]+(\.cpython-314-wasm32-emscripten|\.abi3)?\.so$/;
const WASM = Buffer.from('\0asm');

/** Tells whether a native library is a module for Pyodide (PEP 783). */
export function isExtension(file: string): boolean {
  if (!IMPORTABLE.test(basename(file))) return false;
  const start = Buffer.alloc(WASM.length);
  const opened = openSync(file, 'r');
  try {
    readSync(opened, start, 0, WASM.length, 0);
  } finally {
    closeSync(opened);
  }
  return start.equals(WASM);
}

/** An extension module for Pyodide. */
export interface Extension {
  /** Its path in the site zip. */
  path: string;
  bytes: Uint8Array<ArrayBuffer>;
  module: WebAssembly.Module;
}

/** Takes the extension modules out of the collected files. Empty files stay in their places, because Python looks for them.
 *  @throws {WsgiError} when one is not a WebAssembly module */
export async function takeExtensions(collected: Collected[]): Promise<{ files: Collected[]; extensions: Extension[] }> {
  const found = collected.filter(
    ({ path, bytes }) => IMPORTABLE.test(basename(path)) && WASM.equals(bytes.subarray(0, WASM.length)),
  );
  const extensions = await Promise.all(
    found.map(async ({ path, bytes }) => {
      const copy = new Uint8Array(bytes);
      const module = await WebAssembly.compile(copy).catch((cause) => {
        throw new WsgiError(`build-python: ${path} is not a WebAssembly module: ${cause.message}`, { cause });
      });
      return { path, bytes: copy, module };
    }),
  );
  const files = collected.map((file) => (found.includes(file) ? { ...file, bytes: new Uint8Array() } : file));
  return { files, extensions };
}

/** "lib._speedups" of "packages/lib/_speedups.cpython-314-x86_64-linux-gnu.so". */
const MODULE = /^(?:packages\/)?((?:\w+\/)*\w+)(?:\.[\w-]+)?\.(?:so|pyd)$/;

/** Lists the extension modules among the dropped files in a file for wsgi_edge/native.py, which repeats their names when they are
 *  imported. If there are none, no file is written. */
export function listNative(dropped: Dropped): Collected[] {
  const lines = (dropped.get(NATIVE) ?? []).flatMap((path) => {
    const [, module] = MODULE.exec(path) ?? [];
    return module === undefined ? [] : [`${module.replaceAll('/', '.')} ${path}\n`];
  });
  return lines.length === 0 ? [] : [{ path: 'packages/wsgi_edge/dropped.txt', bytes: Buffer.from(lines.join('')) }];
}
