import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WsgiError } from '../../src/errors.js';
import { PYODIDE_VERSION, type PythonAssets } from '../interpreter/assets.js';
import { ANY_WRAPPER, wasmKey } from '../interpreter/wasm-helpers.js';
import { trim } from './trim.js';

/** What the build takes from the package `pyodide`. */
export interface PyodideFiles {
  wasm: Uint8Array<ArrayBuffer>;
  asm: string;
  stdlib: Uint8Array;
  /** Files to ship beside them, by name. */
  helpers: Array<{ name: string; key: string; bytes: Uint8Array }>;
  createPyodideModule: PythonAssets['createPyodideModule'];
}

/** Reads the installed package `pyodide`.
 *  @param from  the folder whose node_modules count
 *  @throws {WsgiError} when it is not there or of another version */
export async function readPyodide(from: string): Promise<PyodideFiles> {
  const require = createRequire(join(from, 'package.json'));
  let folder: string;
  try {
    folder = dirname(require.resolve('pyodide/package.json'));
  } catch {
    throw new WsgiError(`build-python: the package pyodide is not installed: npm install pyodide@${PYODIDE_VERSION}`);
  }
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  if (version !== PYODIDE_VERSION)
    throw new WsgiError(
      `build-python: the package pyodide is ${version}, and this version of wsgi-edge knows ${PYODIDE_VERSION} alone`,
    );
  const read = (name: string) => readFileSync(join(folder, name));
  const { script: asm, wasm } = trim(
    read('pyodide.asm.mjs').toString(),
    new Uint8Array(read('pyodide.asm.wasm')),
    USED_FROM_OUTSIDE,
  );
  const trampoline = /hexStringToUTF8Array\("([0-9a-f]+)"\)/.exec(asm)?.[1];
  if (trampoline === undefined) throw new WsgiError('build-python: pyodide.asm.mjs has no call trampoline');
  const found = (name: string, bytes: Uint8Array, key = wasmKey(bytes)) => ({ name, key, bytes });
  return {
    wasm,
    asm,
    stdlib: read('python_stdlib.zip'),
    helpers: [
      found('probe', EMPTY_MODULE),
      found('trampoline', Buffer.from(trampoline, 'hex')),
      found('wrapper', WRAPPER),
      found('stub', STUB, ANY_WRAPPER),
    ],
    createPyodideModule: await factoryOf(asm),
  };
}

// By boot.ts, by the build, and by whoever measures memory.
const USED_FROM_OUTSIDE = ['_Py_Version', '_emscripten_stack_get_end', '_mallinfo'];

async function factoryOf(script: string): Promise<PythonAssets['createPyodideModule']> {
  // Not a data: URL, of which the script can't make a require().
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
  try {
    const file = join(folder, 'pyodide.asm.mjs');
    writeFileSync(file, script);
    return (await import(pathToFileURL(file).href)).default;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** Pyodide's test whether modules can be compiled at all. */
const EMPTY_MODULE = Uint8Array.from(HEADER);
/** (module (import "e" "f" (func (param i32))) (export "f" (func 0))), with the lengths in two bytes as Emscripten writes
 *  them: the one wrapper that is called. */
const WRAPPER = Uint8Array.from(
  HEADER.concat(
    [1, 0x87, 0, 1, 0x60, 0x81, 0, 0x7f, 0x80, 0],
    [2, 7, 1, 1, 0x65, 1, 0x66, 0, 0, 7, 5, 1, 1, 0x66, 0, 0],
  ),
);
/** (module (func (export "f") unreachable)) */
const STUB = Uint8Array.from(
  HEADER.concat([1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0, 10, 5, 1, 3, 0, 0, 11]),
);
/** The module that Pyodide's own loader carries for error values of JavaScript. */
export const JSVERROR = Buffer.from(
  'AGFzbQEAAAABDANfAGAAAW9gAW8BfwMDAgECBygCE0pzdl9HZXRFcnJvcl9pbXBvcnQAAA5Kc3ZFcnJvcl9DaGVjawABChMCBwD7AQD7GwsJACAA+xr7FAAL',
  'base64',
);
