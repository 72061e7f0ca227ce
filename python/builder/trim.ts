import { WsgiError } from '../../src/errors.js';
import { PYODIDE_VERSION } from '../interpreter/assets.js';
import { STACK_POINTER, showFrames } from './frames.js';
import { encode, Reader, replaceSection, sectionsOf } from './wasm.js';

// Pyodide exports every symbol of CPython and of the C and C++ libraries, so that extension modules can be linked with them. Each
// symbol costs time at every start: a function object, a global, a place in the function table, and an assignment. These
// assignments are a third of the script.

/** Drops the parts of Pyodide's two files that only extension modules need, unless there are some, and makes CPython's check of
 *  recursion work.
 *  @param alsoUsed  names in the script, such as `_malloc`, that are used from outside of it
 *  @param extensions  the extension modules of the application, whose imports stay exported
 *  @throws {WsgiError} when the files are not from the known Pyodide */
export function trim(
  script: string,
  wasm: Uint8Array<ArrayBuffer>,
  alsoUsed: string[],
  extensions: WebAssembly.Module[],
): { script: string; wasm: Uint8Array<ArrayBuffer> } {
  const trimmed = trimScript(script, alsoUsed, extensions.length > 0);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
  const linked = imports.flatMap(({ module, name }) => (module.startsWith('GOT.') ? [name] : []));
  const functions = imports.filter(({ kind }) => kind === 'function').length;
  const needed = extensions.flatMap((each) => WebAssembly.Module.imports(each).map(({ name }) => name));
  const used = new Set([...wordsOf(trimmed), ...linked, ...needed, STACK_POINTER]);
  const kept = keepExports(wasm, (name) => used.has(name));
  return { script: trimmed, wasm: showFrames(kept, functions) };
}

/** Code that enters all exports for linking. The addresses of those that are needed are also looked up one by one. */
const EXPORTS_FIRST = 'updateGOT(origExports);';
/** Code that enters all functions of the table, so that extensions get the address that CPython compares with. It takes a tenth of
 *  a start. */
const TABLE_FIRST = 'updateTableMap(0,wasmTable.length)';
/** Lets extensions be compiled modules, which are linked at the start in a fixed order: memory and function table come out the same
 *  as in the snapshot. Their handles in C may come from the snapshot. */
const EXTENSIONS: Array<[from: string, to: string]> = [
  ['LDSO.init();loadDylibs();', 'LDSO.init();loadDylibs().catch(Module.unlinked);'],
  ['var dynamicLibraries=[];', 'var dynamicLibraries=Object.keys(Module.extensions);'],
  [
    'function loadLibData(){',
    'function loadLibData(){if(Module.extensions[libName])return Promise.resolve(Module.extensions[libName]);',
  ],
  [
    'var newSymIndex;var lib=LDSO.loadedLibsByHandle[handle];',
    'var newSymIndex;var lib=LDSO.loadedLibsByHandle[handle]??LDSO.loadedLibsByName[UTF8ToString(handle+36)];',
  ],
];
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
/** The package `ws`, which only Emscripten's sockets over WebSockets use. Bundlers would look for it, and pnpm puts it where only the
 *  package pyodide finds it. */
const WS: Array<[from: string, to: string]> = [
  ['WebSocketConstructor=require("ws")', 'WebSocketConstructor=WebSocket'],
  ['var WebSocketServer=require("ws").Server', 'var WebSocketServer=undefined'],
  ['r=await import("ws"),', 'r=undefined,'],
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
/** Tells file systems of fdatasync(2), by which SQLite commits, and of locks (python/storage). */
const FILES: Array<[from: string, to: string]> = [
  [
    'function ___syscall_fdatasync(fd){try{var stream=SYSCALLS.getStreamFromFD(fd);return 0',
    'function ___syscall_fdatasync(fd){try{var stream=SYSCALLS.getStreamFromFD(fd);return stream.stream_ops.fsync?.(stream)??0',
  ],
  [
    'case 13:case 14:return 0}return-28',
    'case 13:case 14:{var flock=syscallGetVarargP();return stream.stream_ops.lock?.(stream,HEAP16[flock>>>1],HEAPU32[flock+16>>>2])??0}}return-28',
  ],
];
/** One channel for the event loops of all tasks. Workers would run the tasks of one request in the context of another, so they
 *  could not use their own streams and would end with the other. Without it, each task is a timer of its request; Node has
 *  setImmediate(). */
const CHANNEL = 'ho();function bo(';
const without = (part: string): [string, string] => [part, ''];
const CHANGED: Array<[from: string, to: string]> = [
  ...[without(EXPORTS_FIRST), without(TURN)],
  [CHANNEL, 'function bo('],
  ...FRAMES,
  ...STACKS,
  ...WAITS,
  ...WS,
  ...FILES,
];

/** boot.ts sets the size of C's stack with these. */
const STACK = ['_emscripten_stack_get_base', '_emscripten_stack_set_limits'];

const REINSTALL = `remove node_modules/pyodide, and npm install pyodide@${PYODIDE_VERSION}`;

const ASSIGN = 'function assignWasmExports(wasmExports){';
const DECLARE = ';var ';

/** Drops unused exports from the script, which declares a variable for each and assigns them all in one function. */
function trimScript(original: string, alsoUsed: string[], extended: boolean): string {
  const changed = [...CHANGED, ...(extended ? EXTENSIONS : [without(TABLE_FIRST)])];
  const script = changed.reduce((text, [from, to]) => text.replace(from, () => to), original);
  const assign = script.indexOf(ASSIGN);
  const declare = script.lastIndexOf(DECLARE, assign);
  const end = script.indexOf('}', assign);
  if (declare < 0 || end < 0 || changed.some(([from]) => original.split(from).length !== 2))
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
