import type { HiwireConfig, PyodideFactory } from './pyodide.js';

/** The release of Pyodide that this package knows from inside. Boot and snapshot use its private parts, so that another
 *  one is refused. */
export const PYODIDE_VERSION = '314.0.7';

/** Changes with every change of what `wsgi-edge build-python` writes. */
export const FORMAT = 3;

/** A compiled `WebAssembly.Module`: an object, as not every set of platform types has its name. */
export type WasmModule = object;

/** A file of the assets that is read when it is needed, and straight to where it is needed. */
export interface AssetFile {
  byteLength: number;
  /** Fills `target` from `position` on, in bytes.
   *  @throws {Error} when the file ends before */
  read(target: Uint8Array, position: number): void;
}

/** A file of the assets. */
export type AssetData = ArrayBuffer | Uint8Array | AssetFile;

/** The Python application as `wsgi-edge build-python` wrote it, with what it needs to run. */
export interface PythonAssets {
  manifest: PythonManifest;
  /** The default export of Pyodide's pyodide.asm.mjs. */
  createPyodideModule: PyodideFactory;
  /** pyodide.asm.wasm, compiled or being so. */
  wasm: WasmModule | Promise<WasmModule>;
  /** The modules that Pyodide compiles from bytes, which Workers forbid: the key of the bytes and the module. */
  helpers: Array<[key: string, module: WasmModule]>;
  /** The module for error values of JavaScript. */
  jsverror: WasmModule;
  /** Python's standard library, compiled, as a zip. */
  stdlib: AssetData;
  /** The application and its packages as a stored zip of app/ and packages/. */
  site: AssetData;
  /** The memory of an interpreter that has imported them. */
  snapshot?: AssetData;
}

/** What the build tells the runtime. */
export interface PythonManifest {
  format: number;
  /** The version of Pyodide. */
  pyodide: string;
  /** "app:app": the module and the name of the application in it. */
  application: string;
  /** The environment variables that the build saw. */
  env: Record<string, string>;
  /** Whether `threading.local` belongs to the request, so that several can be served at a time. */
  concurrent: boolean;
  files: { stdlib: Sign; site: Sign; snapshot?: Sign };
  snapshot?: SnapshotManifest;
}

/** What tells a file from that of another build, and costs nothing to check. */
export interface Sign {
  bytes: number;
  /** Its last 32 bytes in hexadecimal, in which the build has written the SHA-256 of the others. */
  end: string;
}

/** What tells a memory from another one: its length in bytes and a hash over every 1024th 32-bit word. */
export interface Sample {
  bytes: number;
  hash: string;
}

export interface SnapshotManifest {
  /** What the interpreter had imported: the application too, or the packages alone. */
  level: 'app' | 'framework';
  /** The applications that were loaded: "module:name". */
  loaded: string[];
  /** Bytes of wasm memory. */
  size: number;
  /** Where the pages of the snapshot belong: offset and length in bytes. */
  runs: Array<[offset: number, length: number]>;
  /** Entries of the function table: another number means another wasm, asm.mjs or helpers. */
  table: number;
  /** The sample of the data segments of the wasm module. */
  data: Sample;
  config: HiwireConfig;
}

const STEP = 1024; // words

/** The sample of some bytes. FNV-1a, not a protection from anybody. */
export function sampleOf(bytes: Uint8Array): Sample {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hash = 0x811c9dc5;
  for (let at = 0; at + 4 <= bytes.length; at += STEP * 4)
    hash = Math.imul(hash ^ view.getUint32(at, true), 0x01000193);
  return { bytes: bytes.length, hash: (hash >>> 0).toString(16) };
}

const END = 32; // bytes

export function signOf(data: AssetData): Sign {
  const { byteLength: bytes } = data;
  const end = bytesOf(data, Math.max(0, bytes - END), Math.min(END, bytes));
  return { bytes, end: Array.from(end, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}

/** Some bytes of a file. Of one in memory they are a view. */
export function bytesOf(data: AssetData, position: number, length: number): Uint8Array {
  if (data instanceof Uint8Array) return data.subarray(position, position + length);
  if (!('read' in data)) return new Uint8Array(data, position, length);
  const bytes = new Uint8Array(length);
  data.read(bytes, position);
  return bytes;
}

/** Fills `target` with bytes of a file. */
export function copyBytes(data: AssetData, position: number, target: Uint8Array): void {
  if ('read' in data) data.read(target, position);
  else target.set(bytesOf(data, position, target.length));
}
