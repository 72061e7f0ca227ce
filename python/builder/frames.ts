import { WsgiError } from '../../src/errors.js';
import { encode, encodeSigned, Reader, replaceSection, sectionsOf } from './wasm.js';

/** The numbers of sections. */
const [TYPES, FUNCTIONS, EXPORTS, CODE] = [1, 3, 7, 10] as const;

/** The global that points to the end of C's stack. */
export const STACK_POINTER = '__stack_pointer';

const BLOCK = 0x02;
/** block, loop, if, try */
const OPENING = new Set([BLOCK, 0x03, 0x04, 0x06]);
const END = 0x0b;
const DELEGATE = 0x18;
const BR = 0x0c;
const BR_TABLE = 0x0e;
const RETURN = 0x0f;
const CALL = 0x10;
const CALL_INDIRECT = 0x11;
const SELECT = 0x1c;
const LOCAL_GET = 0x20;
const LOCAL_TEE = 0x22;
const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;
const I32_CONST = 0x41;
const F32_CONST = 0x43;
const F64_CONST = 0x44;
const I32_SUB = 0x6b;
const PREFIX = 0xfc;
const I32 = 0x7f;
const NO_RESULT = 0x40;

// Bytes of native stack for a call: the size of each frame, with room for the frames of functions in between that are left as
// they are, and a place for each parameter and local. The frames that V8 makes were measured as smaller in all kinds of
// recursion that were tried.
const FRAME = 256;
const PLACE = 8;
/** The compiler relies on it. */
const ALIGNMENT = 16;

/** Makes recursion take at least as much of C's stack as it takes of the native one.
 *
 *  CPython raises RecursionError when the stack of C, which is in linear memory, is nearly full. A function of wasm puts only
 *  those locals there whose address is taken; its frame is on the native stack, which Python can't see. json.loads of nested
 *  lists takes 16 bytes of the one and 200 of the other for each list, and deallocation takes none of the one. So the native
 *  stack overflowed first, after which the interpreter is lost.
 *
 *  Only the functions that recursion has to pass through are changed: those that call a function pointer or JavaScript, and
 *  those that reach themselves by direct calls. Python takes some 5 % more time by it, and 13 % if all functions are changed.
 *  @param imported  how many functions the module imports: its own functions are numbered after them
 *  @throws {WsgiError} when the module has something that Pyodide's has not */
export function showFrames(wasm: Uint8Array, imported: number): Uint8Array<ArrayBuffer> {
  const sections = new Map(sectionsOf(wasm).map(({ id, start }) => [id, start]));
  const open = (id: number): Reader => new Reader(wasm, sections.get(id));
  const types = readTypes(open(TYPES));
  const pointer = findStackPointer(open(EXPORTS));
  const functions = open(FUNCTIONS);
  const code = open(CODE);

  functions.number(); // as many as there are bodies
  const scanned = Array.from({ length: code.number() }, () => {
    const type = types[functions.number()] as Type;
    const length = code.number();
    code.at += length;
    return scan(wasm.subarray(code.at - length, code.at), type, imported);
  });
  const recursive = findCycles(scanned.map(({ calls }) => calls));
  const content = scanned.flatMap((each, index) => {
    const body = each.indirect || recursive.has(index) ? showFrame(each, pointer) : each.body;
    return [encode(body.length), body];
  });
  return replaceSection(wasm, CODE, [encode(scanned.length), ...content]);
}

/** Makes a function lower the stack pointer for the time of its call. */
function showFrame({ body, start, groups, places, result, returns }: Scanned, pointer: number): Uint8Array {
  const missing = FRAME + PLACE * places - ownFrame(new Reader(body, start), pointer);
  const size = Math.ceil(missing / ALIGNMENT) * ALIGNMENT;
  if (size <= 0) return body;

  // One more local keeps the pointer.
  const locals = [encode(groups + 1), body.subarray(encode(groups).length, start), Uint8Array.of(1, I32)];
  const [kept, global] = [encode(places), encode(pointer)];
  const lower = [GLOBAL_GET, ...global, LOCAL_TEE, ...kept, I32_CONST, ...encodeSigned(size), I32_SUB];
  const enter = Uint8Array.from([...lower, GLOBAL_SET, ...global, BLOCK, result]);
  const leave = Uint8Array.from([LOCAL_GET, ...kept, GLOBAL_SET, ...global, END]);

  // Each return becomes a branch to the end of the block that the function's instructions are in now.
  const instructions: Uint8Array[] = [];
  let from = start;
  for (const { at, depth } of returns) {
    instructions.push(body.subarray(from, at), Uint8Array.of(BR), encode(depth));
    from = at + 1;
  }
  return Buffer.concat([...locals, enter, ...instructions, body.subarray(from), leave]);
}

/** The bytes of C's stack that a function takes: its first instructions subtract this number from the pointer. */
function ownFrame(reader: Reader, pointer: number): number {
  if (reader.byte() !== GLOBAL_GET || reader.number() !== pointer || reader.byte() !== I32_CONST) return 0;
  const size = reader.number();
  return reader.byte() === I32_SUB ? size : 0;
}

interface Type {
  parameters: number;
  /** The type of a block with the result of the function. */
  result: number;
}

function readTypes(reader: Reader): Type[] {
  const list = (): number[] => Array.from({ length: reader.number() }, () => reader.byte());
  return Array.from({ length: reader.number() }, () => {
    reader.byte(); // the form: a function
    const parameters = list().length;
    const [result = NO_RESULT, ...more] = list();
    if (more.length > 0) throw new WsgiError('build-python: pyodide.asm.wasm has a function with several results');
    return { parameters, result };
  });
}

function findStackPointer(reader: Reader): number {
  for (let left = reader.number(); left > 0; left--) {
    const name = reader.string();
    reader.byte(); // the kind
    const index = reader.number();
    if (name === STACK_POINTER) return index;
  }
  throw new WsgiError(`build-python: pyodide.asm.wasm does not export ${STACK_POINTER}`);
}

interface Scanned {
  body: Uint8Array;
  /** The place of the first instruction. */
  start: number;
  /** The groups that its locals are declared in. */
  groups: number;
  /** Parameters and locals. */
  places: number;
  /** The type of a block with its result. */
  result: number;
  /** The functions of this module that it calls. */
  calls: number[];
  /** True if it calls function pointers or JavaScript. */
  indirect: boolean;
  /** Its return instructions, each with the number of blocks that are open there. */
  returns: Array<{ at: number; depth: number }>;
}

/** Reads the instructions of a function. */
function scan(body: Uint8Array, { parameters, result }: Type, imported: number): Scanned {
  const reader = new Reader(body);
  let places = parameters;
  const groups = reader.number();
  for (let left = groups; left > 0; left--) {
    places += reader.number();
    reader.byte();
  }
  const start = reader.at;
  const returns: Scanned['returns'] = [];
  const calls = new Set<number>();
  let indirect = false;
  let depth = 0;
  while (depth >= 0) {
    const { at } = reader;
    const operation = reader.byte();
    if (operation === CALL) {
      const called = reader.number() - imported;
      if (called < 0) indirect = true;
      else calls.add(called);
      continue;
    }
    if (operation === CALL_INDIRECT) indirect = true;
    else if (operation === RETURN) returns.push({ at, depth });
    else if (operation === END || operation === DELEGATE) depth--;
    else if (OPENING.has(operation)) depth++;
    skipImmediates(reader, operation);
  }
  if (reader.at !== body.length)
    throw new WsgiError('build-python: pyodide.asm.wasm has an instruction that is not known');
  return { body, start, groups, places, result, calls: [...calls], indirect, returns };
}

/** Returns the nodes that can reach themselves: Tarjan's algorithm, without recursion. */
function findCycles(edges: number[][]): Set<number> {
  const found = new Set<number>();
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const open: number[] = [];
  const opened = new Set<number>();
  const lower = (node: number, to: number) => low.set(node, Math.min(low.get(node) as number, to));
  const enter = (node: number) => {
    low.set(node, order.size);
    order.set(node, order.size);
    open.push(node);
    opened.add(node);
    return { node, next: 0 };
  };
  for (const root of edges.keys()) {
    const path = order.has(root) ? [] : [enter(root)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { node } = top;
      const to = edges[node]?.[top.next++];
      if (to === undefined) {
        path.pop();
        const parent = path.at(-1);
        if (parent !== undefined) lower(parent.node, low.get(node) as number);
        if (low.get(node) !== order.get(node)) continue;
        const cycle = open.splice(open.lastIndexOf(node));
        for (const each of cycle) {
          opened.delete(each);
          if (cycle.length > 1 || edges[each]?.includes(each)) found.add(each);
        }
      } else if (!order.has(to)) path.push(enter(to));
      else if (opened.has(to)) lower(node, order.get(to) as number);
    }
  }
  return found;
}

// The numbers in LEB128 and single bytes that follow an instruction, by the instruction and by that after PREFIX.
const IMMEDIATES = new Map<number, number>([
  ...[...OPENING, 0x07, 0x08, 0x09, BR, 0x0d, DELEGATE].map((each): [number, number] => [each, 1]),
  ...[LOCAL_GET, 0x21, LOCAL_TEE, GLOBAL_GET, GLOBAL_SET, 0x25, 0x26].map((each): [number, number] => [each, 1]),
  ...[0x3f, 0x40, I32_CONST, 0x42, 0xd0, 0xd2].map((each): [number, number] => [each, 1]),
  [CALL_INDIRECT, 2],
  ...Array.from({ length: 23 }, (_, i): [number, number] => [0x28 + i, 2]), // loads and stores
]);
const PREFIXED = new Map<number, number>([
  ...[8, 10, 12, 14].map((each): [number, number] => [each, 2]),
  ...[9, 11, 13, 15, 16, 17].map((each): [number, number] => [each, 1]),
]);

function skipImmediates(reader: Reader, operation: number): void {
  if (operation === BR_TABLE) reader.skip(reader.number() + 1);
  else if (operation === SELECT) reader.skip(reader.number());
  else if (operation === F32_CONST) reader.at += 4;
  else if (operation === F64_CONST) reader.at += 8;
  else if (operation === PREFIX) reader.skip(PREFIXED.get(reader.number()) ?? 0);
  else reader.skip(IMMEDIATES.get(operation) ?? 0);
}
