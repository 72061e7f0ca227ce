import type { WasmModule } from './assets.js';

/** Returns the key of a module: the length and the FNV-1a hash of its bytes. */
export function wasmKey(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return `${bytes.length}:${(hash >>> 0).toString(16)}`;
}

/** The key of the stub that stands for all other wrappers. */
export const ANY_WRAPPER = '*';

/** Makes `new WebAssembly.Module(bytes)` return modules that were compiled before, until the returned function is called.
 *
 *  Pyodide compiles from bytes while it boots, which Workers forbid: a probe, the call trampoline, and 259 wrappers of
 *  JavaScript functions. Only one of the wrappers is ever called. The others, for WebGL and the console, get a stub, because
 *  a snapshot needs the same layout of the function table everywhere. */
export function provideModules(helpers: Array<[key: string, module: WasmModule]>): () => void {
  const Real = WebAssembly.Module;
  const known = new Map(helpers);
  function Module(bytes: BufferSource): WasmModule {
    const view = ArrayBuffer.isView(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes);
    // A wrapper has 39 bytes, and one more for each argument.
    const wrapper = view.length > 30 && view.length < 60 ? known.get(ANY_WRAPPER) : undefined;
    return known.get(wasmKey(view)) ?? wrapper ?? new Real(bytes);
  }
  // `instanceof` and the static functions of the constructor keep working.
  Object.setPrototypeOf(Module, Real);
  Module.prototype = Real.prototype;
  WebAssembly.Module = Module as unknown as typeof WebAssembly.Module;
  return () => {
    WebAssembly.Module = Real;
  };
}
