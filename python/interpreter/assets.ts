import type { HiwireConfig, PyodideFactory } from './pyodide.js';

/** The only release of Pyodide that is accepted, because boot and snapshot use its private parts. */
export const PYODIDE_VERSION = '314.0.7';

/** The format of the assets. Raise it whenever older assets would not run, for example when the messages between the two halves
 *  of the gateway change. */
export const FORMAT = 5;

/** A compiled `WebAssembly.Module`. It is typed as an object, because not every set of platform types has that name. */
export type WasmModule = object;

/** A file of the assets that is read only when it is needed, straight into its destination. */
export interface AssetFile {
  byteLength: number;
  /** Fills `target` from `position` on, in bytes.
   *  @throws {Error} when the file ends before */
  read(target: Uint8Array, position: number): void;
}

/** A file of the assets. */
export type AssetData = ArrayBuffer | Uint8Array | AssetFile;

/** The Python application with everything that it needs to run, as `wsgi-edge build-python` wrote it. */
export interface PythonAssets {
  manifest: PythonManifest;
  /** The default export of Pyodide's pyodide.asm.mjs. */
  createPyodideModule: PyodideFactory;
  /** pyodide.asm.wasm, compiled. */
  wasm: WasmModule | Promise<WasmModule>;
  /** The modules that Pyodide would compile from bytes, which Workers forbid, by the key of their bytes. */
  helpers: Array<[key: string, module: WasmModule]>;
  /** The module for error values of JavaScript. */
  jsverror: WasmModule;
  /** The module that decompresses the snapshot. */
  unpack: WasmModule;
  /** Python's standard library, compiled, as a zip. */
  stdlib: AssetData;
  /** Extension modules of packages, by their path in the site zip. They are linked at the start, in this order. */
  extensions?: Array<[path: string, module: WasmModule]>;
  /** The application and its packages as a zip of app/ and packages/. */
  site: AssetData;
  /** The address of the module that has these assets, on Node: worker threads import it again. */
  url?: string;
  /** The memory of an interpreter that has imported them. */
  snapshot?: AssetData;
}

/** The build's description of the assets for the runtime. */
export interface PythonManifest {
  format: number;
  /** The version of Pyodide. */
  pyodide: string;
  /** "app:app": the module and the name of the application in it. */
  application: string;
  /** The environment variables that the build saw. */
  env: Record<string, string>;
  /** True if `threading.local` belongs to the request, so that one interpreter can serve several at a time. */
  concurrent: boolean;
  files: { stdlib: Sign; site: Sign; snapshot?: Sign };
  /** Static files that the platform serves: their path, size in bytes, and the time of their last change in milliseconds. Python
   *  sees that they exist, but can't open them. */
  outside?: Array<[path: string, size: number, modified: number]>;
  snapshot?: SnapshotManifest;
}

/** Tells the files of two builds apart, and is cheap to check. */
export interface Sign {
  bytes: number;
  /** The last 32 bytes in hexadecimal. The build writes the SHA-256 of the bytes before them there. */
  end: string;
}

/** Tells a memory from another one: the length in bytes and a hash over every 1024th 32-bit word. */
export interface Sample {
  bytes: number;
  hash: string;
}

export interface SnapshotManifest {
  /** Tells if the interpreter had imported the application, or only its packages. */
  level: 'app' | 'framework';
  /** The applications that were loaded: "module:name". */
  loaded: string[];
  /** Bytes of wasm memory. */
  size: number;
  /** The places of the pages in memory: offset and length in bytes. */
  runs: Array<[offset: number, length: number]>;
  /** Bytes of the compressed blocks of the pages. */
  blocks: number[];
  /** Entries of the function table of a new interpreter. Another number means another wasm, asm.mjs or helpers. */
  table: number;
  /** Entries that imports have added, for callbacks of ctypes. They are empty. */
  added: number;
  /** The sample of the data segments of the wasm module. */
  data: Sample;
  config: HiwireConfig;
}

const STEP = 1024; // words

// The data segments of the wasm module end below this (bytes); the stack and the heap follow.
const DATA_END = 4_000_000;

/** Samples the data segments of a memory. */
export function sampleOfData(memory: Uint8Array): Sample {
  return sampleOf(memory.subarray(0, DATA_END));
}

/** Samples some bytes. FNV-1a finds mistakes; it does not protect from forgery. */
function sampleOf(bytes: Uint8Array): Sample {
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

/** Returns some bytes of a file: a view if the file is in memory. */
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
