import { WsgiError } from '../../src/errors.js';
import { PYODIDE_VERSION } from '../interpreter/assets.js';
import { STACK_POINTER, showFrames } from './frames.js';
import { encode, Reader, replaceSection, sectionsOf } from './wasm.js';

// Pyodide exports every symbol of CPython and of the C and C++ libraries, so that extension modules can be linked with them.
// Extension modules can't run here, and each symbol costs time at every start: a function object, a global, a place in the
// function table, and an assignment. These assignments are a third of the script.

/** Drops the parts of Pyodide's two files that only extension modules need, and makes CPython's check of recursion work.
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
  const used = new Set([...wordsOf(trimmed), ...linked, STACK_POINTER]);
  return { script: trimmed, wasm: showFrames(keepExports(wasm, (name) => used.has(name))) };
}

/** Code that enters all exports and all functions of the table for linking. It takes a tenth of a start. */
const LINKING = ['updateGOT(origExports);', 'updateTableMap(0,wasmTable.length)'];
/** A turn of the event loop in callPromising(), so that Python is not entered from within Python. It takes half the time of a
 *  small request, and the bridge takes care of that rule itself. */
const TURN = ',await new Promise(d=>API.scheduleCallback(d,0))';
/** Lets a task that waits for a promise take its frames of Python with it. Its stack of C is copied away, and CPython's garbage
 *  collector would follow the frames into the stack of another task (pyodide#6464, mended by pyodide#6466, which no release
 *  has yet). */
const FRAMES: Array<[from: string, to: string]> = [
  [
    'const stackState=new StackState;return{threadState,',
    'const stackState=new StackState,frame=HEAP32[threadState+52>>2];HEAP32[threadState+52>>2]=0;return{frame,threadState,',
  ],
  [
    'state.stackState.restore();_restoreThreadState(',
    'state.stackState.restore();HEAP32[state.threadState+52>>2]=state.frame;_restoreThreadState(',
  ],
];
/** Lets each task have the whole of C's stack, when it begins to run and when it begins to wait (`inner`). Pyodide puts tasks that
 *  wait one below the other, to save copies, and boot.ts leaves no room for that. */
const STACKS: Array<[from: string, to: string]> = [
  [
    'stackTop=stackSave();return}const threshold',
    'stackTop=stackSave();return}return setStackPosition(stackTop);const threshold',
  ],
];
/** Lets the bridge interrupt a wait (python/turn.ts). It sets `nextTurn` before it calls a function of Python. */
const WAITS: Array<[from: string, to: string]> = [
  ['function enterTask(){', 'function enterTask(){Module.turn=Module.nextTurn;Module.nextTurn=undefined;'],
  ['suspenderGlobal.value}}saveState', 'suspenderGlobal.value,turn:Module.turn}}saveState'],
  ['validSuspender.value=true}restoreState', 'validSuspender.value=true;Module.turn=state.turn}restoreState'],
  [
    'async function inner(x,y){try{return await(x??y)}',
    'async function inner(x,y){const{turn}=Module;enterTask();try{return await(turn?turn.wait(x??y):x??y)}',
  ],
];
/** One channel for the event loops of all tasks. Workers would run the tasks of one request in the context of another, where they
 *  can't use their own streams and end with the other. Without it, each task is a timer of its request; Node has setImmediate(). */
const CHANNEL = 'ho();function bo(';
const CHANGED: Array<[from: string, to: string]> = [
  ...[...LINKING, TURN].map((part): [string, string] => [part, '']),
  [CHANNEL, 'function bo('],
  ...FRAMES,
  ...STACKS,
  ...WAITS,
];

/** boot.ts sets the size of C's stack with these. */
const STACK = ['_emscripten_stack_get_base', '_emscripten_stack_set_limits'];

const REINSTALL = `remove node_modules/pyodide, and npm install pyodide@${PYODIDE_VERSION}`;

const ASSIGN = 'function assignWasmExports(wasmExports){';
const DECLARE = ';var ';

/** Drops unused exports from the script, which declares a variable for each and assigns them all in one function. */
function trimScript(original: string, alsoUsed: string[]): string {
  const script = CHANGED.reduce((text, [from, to]) => text.replace(from, () => to), original);
  const assign = script.indexOf(ASSIGN);
  const declare = script.lastIndexOf(DECLARE, assign);
  const end = script.indexOf('}', assign);
  if (declare < 0 || end < 0 || CHANGED.some(([from]) => original.split(from).length !== 2))
    throw new WsgiError(`build-python: pyodide.asm.mjs is not that of Pyodide ${PYODIDE_VERSION}: ${REINSTALL}`);
  const [before, after] = [script.slice(0, declare), script.slice(end)];
  const used = new Set([...wordsOf(before), ...wordsOf(after), ...alsoUsed, ...STACK]);
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

function keepExports(wasm: Uint8Array, keep: (name: string) => boolean): Uint8Array<ArrayBuffer> {
  const section = sectionsOf(wasm).find(({ id }) => id === EXPORTS);
  if (section === undefined) throw new WsgiError(`build-python: pyodide.asm.wasm exports nothing: ${REINSTALL}`);
  const reader = new Reader(wasm, section.start);
  const kept: Uint8Array[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const from = reader.at;
    const name = reader.string();
    reader.skip(2); // kind and index
    if (keep(name)) kept.push(wasm.subarray(from, reader.at));
  }
  return replaceSection(wasm, EXPORTS, [encode(kept.length), ...kept]);
}
