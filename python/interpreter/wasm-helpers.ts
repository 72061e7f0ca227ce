import type { WasmModule } from './assets.js';

/** The name under which a module of the build is found again: its length and FNV-1a hash. */
export function wasmKey(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return `${bytes.length}:${(hash >>> 0).toString(16)}`;
}

/** The key of the module that answers for every other wrapper. */
export const ANY_WRAPPER = '*';

/** Lets `new WebAssembly.Module(bytes)` find modules that were compiled before, until the function that it returns is
 *  called. Workers forbid to compile from bytes, and Pyodide does so while it boots: a probe, the call trampoline, and 259
 *  wrappers of JavaScript functions. All but one of those are for WebGL and the console and are never called; they are
 *  answered with a stub, so that the function table gets the same layout everywhere, as a snapshot needs. */
export function provideModules(helpers: Array<[key: string, module: WasmModule]>): () => void {
  const Real = WebAssembly.Module;
  const known = new Map(helpers);
  function Module(bytes: BufferSource): WasmModule {
    const view = ArrayBuffer.isView(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes);
    // Wrappers have 39 bytes and one for each argument.
    const wrapper = view.length > 30 && view.length < 60 ? known.get(ANY_WRAPPER) : undefined;
    return known.get(wasmKey(view)) ?? wrapper ?? new Real(bytes);
  }
  // For instanceof, and for what else is asked of the constructor.
  Object.setPrototypeOf(Module, Real);
  Module.prototype = Real.prototype;
  WebAssembly.Module = Module as unknown as typeof WebAssembly.Module;
  return () => {
    WebAssembly.Module = Real;
  };
}
