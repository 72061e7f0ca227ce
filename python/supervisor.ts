import { WsgiError } from '../src/errors.js';
import { type Bridge, createBridge } from './bridge/bridge.js';
import type { PythonAssets } from './interpreter/assets.js';
import { bootPython } from './interpreter/boot.js';

/** How an interpreter runs. */
export interface InterpreterOptions {
  /** Environment variables. They are set before the application is imported, unless a snapshot already holds it. */
  env?: Record<string, string>;
  /** The number of requests that one interpreter serves at a time: they take turns when one waits for a promise. By default 32
   *  if the assets were built with `--concurrent`, else 1, and then it can't be more. */
  concurrency?: number;
  /** False: Python can't wait for promises (`run_sync`), which makes each request cheaper. By default it can if the runtime
   *  has JSPI. */
  jspi?: boolean;
  /** Frees the memory of the snapshot after the start, if the assets hold it in memory (Workers). A start after a fatal error
   *  then takes longer, because it has no snapshot. */
  freeSnapshot?: boolean;
}

/** Keeps one interpreter alive, and lets requests take turns in it. */
export interface Supervisor {
  /** Starts the interpreter unless it runs. Call it only in a request. */
  start(): Promise<Bridge>;
  /** Resolves with the interpreter when it is this request's turn. `release` must be called once.
   *  @param signal  of the request; without one nothing random is done, which Workers forbid outside of requests
   *  @param held  the interpreter that the request comes out of: it already has its turn there
   *  @throws the reason of the signal (as a rejection) when it fires before the turn */
  acquire(signal?: AbortSignal, held?: unknown): Promise<{ bridge: Bridge; release: () => void }>;
}

interface Interpreter {
  bridge: Bridge;
  free: number;
  queue: Array<() => void>;
  lost: boolean;
  seeded: boolean;
}

const supervisors = new WeakMap<PythonAssets, { supervisor: Supervisor; options: string }>();

/** Returns the supervisor of some assets. All applications of the same assets share it, and so one interpreter.
 *  @throws {WsgiError} on wrong options, and when the assets already run with other options */
export function superviseOnce(assets: PythonAssets, options: InterpreterOptions): Supervisor {
  const known = supervisors.get(assets);
  const text = JSON.stringify(options);
  if (known !== undefined) {
    if (known.options !== text)
      throw new WsgiError('python: these assets run with other options already; give all their applications the same');
    return known.supervisor;
  }
  const supervisor = supervise(assets, options);
  supervisors.set(assets, { supervisor, options: text });
  return supervisor;
}

const CONCURRENCY = 32;

function supervise(assets: PythonAssets, options: InterpreterOptions): Supervisor {
  const {
    env = {},
    concurrency = assets.manifest.concurrent ? CONCURRENCY : 1,
    jspi = true,
    freeSnapshot = false,
  } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new WsgiError(`python: concurrency must be a whole number above 0, not ${concurrency}`);
  if (concurrency > 1 && !assets.manifest.concurrent)
    throw new WsgiError('python: concurrency needs assets that were built with wsgi-edge build-python --concurrent');
  let booting: Promise<Interpreter> | undefined;
  let current: Interpreter | undefined;
  let usable = assets;

  const boot = async (): Promise<Interpreter> => {
    const booted = await bootPython(usable);
    const { snapshot } = usable;
    if (freeSnapshot && snapshot !== undefined && !('read' in snapshot)) {
      usable = withoutSnapshot(usable);
      free(snapshot);
    }
    const onFatal = () => {
      if (current === interpreter) current = undefined;
      lose(interpreter);
    };
    const interpreter: Interpreter = {
      bridge: createBridge(booted, usable.manifest.snapshot?.loaded ?? [], jspi, onFatal),
      free: concurrency,
      queue: [],
      lost: false,
      seeded: usable.snapshot === undefined && !freeSnapshot,
    };
    interpreter.bridge.setEnvironment(env);
    current = interpreter;
    return interpreter;
  };

  const running = async (inRequest: boolean): Promise<Interpreter> => {
    if (current !== undefined) return current;
    if (booting !== undefined) return inRequest ? keepAwake(booting) : booting;
    booting = boot().finally(() => {
      booting = undefined;
    });
    return booting;
  };

  return {
    start: async () => (await running(true)).bridge,
    async acquire(signal, held) {
      for (;;) {
        const interpreter = await running(signal !== undefined);
        if (held === interpreter.bridge) return { bridge: interpreter.bridge, release: () => {} };
        if (await takeTurn(interpreter)) return inTurn(interpreter, signal);
      }
    },
  };
}

/** Gives the interpreter to a request that has just taken its turn. */
function inTurn(interpreter: Interpreter, signal: AbortSignal | undefined): { bridge: Bridge; release: () => void } {
  if (signal?.aborted) {
    giveBack(interpreter);
    throw signal.reason;
  }
  if (signal !== undefined && !interpreter.seeded) {
    interpreter.bridge.reseed();
    interpreter.seeded = true;
  }
  return { bridge: interpreter.bridge, release: () => giveBack(interpreter) };
}

/** Waits for a turn. Returns false if the interpreter is lost before it.
 *
 *  A woken request takes the turn itself. A turn that was handed to a request would be lost if that request had been
 *  cancelled meanwhile. */
async function takeTurn(interpreter: Interpreter): Promise<boolean> {
  const { queue } = interpreter;
  if (queue.length === 0 && tryTake(interpreter)) return true;
  for (let woken = false; !interpreter.lost; ) {
    woken = await wakeable((wake) => {
      // A request that was woken in vain keeps its place.
      if (woken) queue.unshift(wake);
      else queue.push(wake);
      return () => {
        const place = queue.indexOf(wake);
        if (place >= 0) queue.splice(place, 1);
      };
    });
    if (tryTake(interpreter)) return true;
  }
  return false;
}

/** Takes a turn if one is free. */
function tryTake(interpreter: Interpreter): boolean {
  if (interpreter.lost || interpreter.free === 0) return false;
  interpreter.free--;
  return true;
}

function giveBack(interpreter: Interpreter): void {
  interpreter.free++;
  interpreter.queue.shift()?.();
}

function lose(interpreter: Interpreter): void {
  interpreter.lost = true;
  for (const wake of interpreter.queue.splice(0)) wake();
}

const AWAKE = 50; // ms

/** Waits for a promise that another request settles. Workers cancel a request as hung when it waits only for another request,
 *  so this one waits for a timer too. */
async function keepAwake<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, AWAKE);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

/** Waits to be woken, but at most `AWAKE`, for the reason of `keepAwake`. Returns whether it was woken.
 *  @param enlist  gets the function that wakes, and returns one that forgets it */
async function wakeable(enlist: (wake: () => void) => () => void): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let forget = () => {};
  const woken = await new Promise<boolean>((resolve) => {
    forget = enlist(() => resolve(true));
    timer = setTimeout(() => resolve(false), AWAKE);
  });
  clearTimeout(timer);
  forget();
  return woken;
}

const withoutSnapshot = ({ snapshot: _, ...assets }: PythonAssets): PythonAssets => {
  const { snapshot: __, ...manifest } = assets.manifest;
  const { snapshot: ___, ...files } = manifest.files;
  return { ...assets, manifest: { ...manifest, files } };
};

function free(snapshot: ArrayBuffer | Uint8Array): void {
  const buffer = snapshot instanceof Uint8Array ? snapshot.buffer : snapshot;
  (buffer as { transfer?(length: number): unknown }).transfer?.(0);
}
