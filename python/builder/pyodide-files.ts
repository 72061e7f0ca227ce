import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { WsgiError } from '../../src/errors.js';
import { PYODIDE_VERSION, type PythonAssets } from '../interpreter/assets.js';
import { ANY_WRAPPER, wasmKey } from '../interpreter/wasm-helpers.js';
import { trim } from './trim.js';

/** The files of the package `pyodide` that the build uses. */
export interface PyodideFiles {
  wasm: Uint8Array<ArrayBuffer>;
  asm: string;
  stdlib: Uint8Array;
  /** Modules that Pyodide would compile at run time, and the names of their files. */
  helpers: Array<{ name: string; key: string; bytes: Uint8Array }>;
  createPyodideModule: PythonAssets['createPyodideModule'];
}

/** Finds the installed package `pyodide`.
 *  @param from  the folders whose node_modules are searched
 *  @returns its folder, or undefined */
export function findPyodide(from: string[]): string | undefined {
  for (const folder of from)
    try {
      return dirname(createRequire(join(folder, 'package.json')).resolve('pyodide/package.json'));
    } catch {}
  return undefined;
}

/** The folder of a cache that `installPyodide` installs into. */
export const installedIn = (cache: string): string => join(cache, `pyodide-${PYODIDE_VERSION}`);

/** Installs the package `pyodide` into a cache, with npm.
 *  @throws {WsgiError} when npm can't install it */
export async function installPyodide(cache: string): Promise<void> {
  const folder = installedIn(cache);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const args = [
    'install',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    `pyodide@${PYODIDE_VERSION}`,
  ];
  await promisify(execFile)('npm', args, { cwd: folder, timeout: 300_000, shell: process.platform === 'win32' }).catch(
    (cause) => {
      const reason = String(cause.stderr || cause.message)
        .trim()
        .split('\n')
        .slice(-3)
        .join('\n');
      throw new WsgiError(
        `build-python: pyodide could not be installed; npm install pyodide@${PYODIDE_VERSION} shows why:\n${reason}`,
        { cause },
      );
    },
  );
}

/** Reads the installed package `pyodide`.
 *  @param from  the folders whose node_modules are searched
 *  @param extensions  the extension modules of the application
 *  @throws {WsgiError} when it is not installed, or is another version */
export async function readPyodide(from: string[], extensions: WebAssembly.Module[] = []): Promise<PyodideFiles> {
  const folder = findPyodide(from);
  if (folder === undefined)
    throw new WsgiError(`build-python: the package pyodide is not installed: npm install pyodide@${PYODIDE_VERSION}`);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  if (version !== PYODIDE_VERSION)
    throw new WsgiError(
      `build-python: the package pyodide is ${version}, and this version of wsgi-edge knows only ${PYODIDE_VERSION}: npm install pyodide@${PYODIDE_VERSION}`,
    );
  const read = (name: string) => readFileSync(join(folder, name));
  const { script: asm, wasm } = trim(
    read('pyodide.asm.mjs').toString(),
    new Uint8Array(read('pyodide.asm.wasm')),
    USED_FROM_OUTSIDE,
    extensions,
  );
  const trampoline = /hexStringToUTF8Array\("([0-9a-f]+)"\)/.exec(asm)?.[1];
  if (trampoline === undefined)
    throw new WsgiError(
      'build-python: pyodide.asm.mjs has no call trampoline: remove node_modules/pyodide, and install it again',
    );
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

// Used by boot.ts, by the build and by measurements of memory.
const USED_FROM_OUTSIDE = ['_Py_Version', '_emscripten_stack_get_end', '_mallinfo'];

async function factoryOf(script: string): Promise<PythonAssets['createPyodideModule']> {
  // Import from a file: the script calls createRequire(), which rejects data: URLs.
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
/** Pyodide compiles this module to find out whether it can compile any. */
const EMPTY_MODULE = Uint8Array.from(HEADER);
/** (module (import "e" "f" (func (param i32))) (export "f" (func 0))), with lengths in two bytes, as Emscripten writes them. Only
 *  this wrapper is called. */
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
/** The module for error values of JavaScript, which Pyodide's own loader carries. */
export const JSVERROR = Buffer.from(
  'AGFzbQEAAAABDANfAGAAAW9gAW8BfwMDAgECBygCE0pzdl9HZXRFcnJvcl9pbXBvcnQAAA5Kc3ZFcnJvcl9DaGVjawABChMCBwD7AQD7GwsJACAA+xr7FAAL',
  'base64',
);
