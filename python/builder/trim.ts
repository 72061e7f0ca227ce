import { WsgiError } from '../../src/errors.js';
import { PYODIDE_VERSION } from '../interpreter/assets.js';

// Pyodide exports every symbol of CPython and of the C and C++ libraries, so that extension modules can be linked with them.
// Extension modules can't run here, and each symbol costs time at every start: a function object, a global, a place in the
// function table, and an assignment. These assignments are a third of the script.

/** Drops the parts of Pyodide's two files that only extension modules need.
 *  @param alsoUsed  names in the script, such as `_malloc`, that are used from outside of it
 *  @throws {WsgiError} when the files are not those of the known Pyodide */
export function trim(
  script: string,
  wasm: Uint8Array<ArrayBuffer>,
  alsoUsed: string[],
): { script: string; wasm: Uint8Array<ArrayBuffer> } {
  const trimmed = trimScript(script, alsoUsed);
  const linked = WebAssembly.Module.imports(new WebAssembly.Module(wasm)).flatMap(({ module, name }) =>
    module.startsWith('GOT.') ? [name] : [],
  );
  const used = new Set([...wordsOf(trimmed), ...linked]);
  return { script: trimmed, wasm: keepExports(wasm, (name) => used.has(name)) };
}

/** Code that enters all exports and all functions of the table for linking. It takes a tenth of a start. */
const LINKING = ['updateGOT(origExports);', 'updateTableMap(0,wasmTable.length)'];
/** A turn of the event loop in callPromising(), so that Python is not entered from within Python. It takes half the time of a
 *  small request, and the bridge takes care of that rule itself. */
const TURN = ',await new Promise(d=>API.scheduleCallback(d,0))';
const DROPPED = [...LINKING, TURN];

const REINSTALL = `remove node_modules/pyodide, and npm install pyodide@${PYODIDE_VERSION}`;

const ASSIGN = 'function assignWasmExports(wasmExports){';
const DECLARE = ';var ';

/** Drops unused exports from the script, which declares a variable for each and assigns them all in one function. */
function trimScript(original: string, alsoUsed: string[]): string {
  const script = DROPPED.reduce((text, part) => text.replace(part, ''), original);
  const assign = script.indexOf(ASSIGN);
  const declare = script.lastIndexOf(DECLARE, assign);
  const end = script.indexOf('}', assign);
  if (declare < 0 || end < 0 || DROPPED.some((part) => !original.includes(part)))
    throw new WsgiError(`build-python: pyodide.asm.mjs is not that of Pyodide ${PYODIDE_VERSION}: ${REINSTALL}`);
  const [before, after] = [script.slice(0, declare), script.slice(end)];
  const used = new Set([...wordsOf(before), ...wordsOf(after), ...alsoUsed]);
  const names = script
    .slice(declare + DECLARE.length, assign)
    .replace(/;$/, '')
    .split(',');
  const assignments = script.slice(assign + ASSIGN.length, end).split(';');
  const declared = names.filter((name) => used.has(name));
  const assigned = assignments.filter((text) => used.has(text.slice(0, text.indexOf('='))));
  return `${before}${DECLARE}${declared.join(',')};${ASSIGN}${assigned.join(';')}${after}`;
}

const wordsOf = (script: string): string[] => script.match(/[\w$]+/g) ?? [];

const EXPORTS = 7; // the number of the section

function keepExports(wasm: Uint8Array<ArrayBuffer>, keep: (name: string) => boolean): Uint8Array<ArrayBuffer> {
  let at = 8; // bytes: magic and version
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++] as number;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const decoder = new TextDecoder();
  while (at < wasm.length) {
    const start = at++;
    const end = number() + at;
    if (wasm[start] !== EXPORTS) {
      at = end;
      continue;
    }
    const kept: Uint8Array[] = [];
    for (let left = number(); left > 0; left--) {
      const from = at;
      const length = number();
      const name = decoder.decode(wasm.subarray(at, at + length));
      at += length + 1; // the kind
      number();
      if (keep(name)) kept.push(wasm.subarray(from, at));
    }
    const content = Buffer.concat([encode(kept.length), ...kept]);
    const section = [Uint8Array.of(EXPORTS), encode(content.length), content];
    return new Uint8Array(Buffer.concat([wasm.subarray(0, start), ...section, wasm.subarray(end)]));
  }
  throw new WsgiError(`build-python: pyodide.asm.wasm exports nothing: ${REINSTALL}`);
}

/** LEB128, unsigned. */
function encode(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Uint8Array.from([...bytes, rest]);
}
