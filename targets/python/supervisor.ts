import { WsgiError } from '../../src/errors.js';
import type { PythonAssets } from './assets.js';
import { bootPython } from './boot.js';
import { type Bridge, createBridge } from './bridge.js';

/** How an interpreter runs. */
export interface InterpreterOptions {
  /** Environment variables, set before the application is imported unless a snapshot holds it already. */
  env?: Record<string, string>;
  /** Requests that one interpreter serves at a time, 1 by default. More need assets that were built with `--concurrent`. */
  concurrency?: number;
  /** False: Python is entered so that it can't wait for promises (`run_sync`); by default it can where the runtime has
   *  JSPI. */
  jspi?: boolean;
  /** Gives the memory of the snapshot back when it has been restored. A new interpreter, after a fatal error, then starts
   *  without it. */
  freeSnapshot?: boolean;
}

/** Keeps one interpreter alive, and gives it to one request at a time. */
export interface Supervisor {
  /** Starts the interpreter, where it does not run. */
  start(signal: AbortSignal): Promise<Bridge>;
  /** Resolves with the interpreter when it is this request's turn. `release` must be called once.
   *  @param signal  of the request; without one nothing random is done, which Workers forbid outside of requests
   *  @param held  the interpreter that the request comes out of: it has its turn already
   *  @throws the reason of the signal (as a rejection) when it fires before */
  acquire(signal?: AbortSignal, held?: unknown): Promise<{ bridge: Bridge; release: () => void }>;
}

interface Interpreter {
  bridge: Bridge;
  free: number;
  queue: Array<(alive: boolean) => void>;
  lost: boolean;
  seeded: boolean;
}

const supervisors = new WeakMap<PythonAssets, { supervisor: Supervisor; options: string }>();

/** The supervisor of some assets: there is one for each, and so one interpreter for all applications in it.
 *  @throws {WsgiError} on wrong options, and when the assets have been given other ones before */
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

function supervise(assets: PythonAssets, options: InterpreterOptions): Supervisor {
  const { env = {}, concurrency = 1, jspi = true, freeSnapshot = false } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new WsgiError(`python: concurrency must be a whole number above 0, not ${concurrency}`);
  if (concurrency > 1 && !assets.manifest.concurrent)
    throw new WsgiError('python: concurrency needs assets that were built with wsgi-edge build-python --concurrent');
  let current: Promise<Interpreter> | undefined;
  let alive: Interpreter | undefined; // what `current` resolves with
  let usable = assets;

  const boot = async (): Promise<Interpreter> => {
    const booted = await bootPython(usable);
    if (freeSnapshot && usable.snapshot !== undefined) {
      usable = withoutSnapshot(usable);
      free(assets);
    }
    const interpreter: Interpreter = {
      bridge: createBridge(booted, usable.manifest.snapshot?.loaded ?? [], jspi, () => lose(interpreter)),
      free: concurrency,
      queue: [],
      lost: false,
      seeded: usable.snapshot === undefined && !freeSnapshot,
    };
    interpreter.bridge.setEnvironment(env);
    alive = interpreter;
    return interpreter;
  };

  const lose = (interpreter: Interpreter) => {
    interpreter.lost = true;
    current = alive = undefined;
    for (const turn of interpreter.queue.splice(0)) turn(false);
  };

  const turnOf = (interpreter: Interpreter): boolean | Promise<boolean> => {
    if (interpreter.lost) return false;
    if (interpreter.free > 0) {
      interpreter.free--;
      return true;
    }
    return new Promise((resolve) => interpreter.queue.push(resolve));
  };

  const giveBack = (interpreter: Interpreter) => {
    const next = interpreter.queue.shift();
    if (next !== undefined) next(true);
    else interpreter.free++;
  };

  const running = (): Promise<Interpreter> => {
    current ??= boot().catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    return current;
  };

  return {
    start: async (signal) => (alive ?? (await awaited(running(), signal))).bridge,

    async acquire(signal, held) {
      for (;;) {
        const interpreter = alive ?? (await awaited(running(), signal));
        if (held === interpreter.bridge) return { bridge: interpreter.bridge, release: () => {} };
        const turn = turnOf(interpreter);
        if (!(turn instanceof Promise ? await awaited(turn, signal) : turn)) continue;
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
    },
  };
}

// A Worker's request that waits for nothing but another request counts as hung, and is ended: it gets a timer of its own to
// wait for. Outside of requests there are no timers.
async function awaited<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const timer = setInterval(() => {}, 1000);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

const withoutSnapshot = ({ snapshot: _, ...assets }: PythonAssets): PythonAssets => {
  const { snapshot: __, ...manifest } = assets.manifest;
  const { snapshot: ___, ...files } = manifest.files;
  return { ...assets, manifest: { ...manifest, files } };
};

function free({ snapshot }: PythonAssets): void {
  const buffer = snapshot instanceof Uint8Array ? snapshot.buffer : snapshot;
  (buffer as { transfer?(length: number): unknown } | undefined)?.transfer?.(0);
}
