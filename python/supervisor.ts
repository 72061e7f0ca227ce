import { WsgiError } from '../src/errors.js';
import { type Bridge, createBridge } from './bridge/bridge.js';
import type { PythonAssets } from './interpreter/assets.js';
import { bootPython } from './interpreter/boot.js';

/** How an interpreter runs. */
export interface InterpreterOptions {
  /** Environment variables, set before the application is imported unless a snapshot holds it already. */
  env?: Record<string, string>;
  /** Requests that one interpreter serves at a time, 1 by default. More need assets that were built with `--concurrent`. */
  concurrency?: number;
  /** False: Python is entered so that it can't wait for promises (`run_sync`); by default it can where the runtime has
   *  JSPI. */
  jspi?: boolean;
  /** Gives the memory of the snapshot back when it has been restored, where it is in memory (Workers). A new interpreter,
   *  after a fatal error, then starts without it. */
  freeSnapshot?: boolean;
}

/** Keeps one interpreter alive, and gives it to one request at a time. */
export interface Supervisor {
  /** Starts the interpreter, where it does not run. For requests alone. */
  start(): Promise<Bridge>;
  /** Resolves with the interpreter when it is this request's turn. `release` must be called once.
   *  @param signal  of the request; without one nothing random is done, which Workers forbid outside of requests
   *  @param held  the interpreter that the request comes out of: it has its turn already
   *  @throws the reason of the signal (as a rejection) when it fires before */
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
    const interpreter: Interpreter = {
      bridge: createBridge(booted, usable.manifest.snapshot?.loaded ?? [], jspi, () => lose(interpreter)),
      free: concurrency,
      queue: [],
      lost: false,
      seeded: usable.snapshot === undefined && !freeSnapshot,
    };
    interpreter.bridge.setEnvironment(env);
    current = interpreter;
    return interpreter;
  };

  const lose = (interpreter: Interpreter) => {
    interpreter.lost = true;
    if (current === interpreter) current = undefined;
    for (const wake of interpreter.queue.splice(0)) wake();
  };

  // The turn is taken by the request itself: one that is handed to a request which has been cancelled would be lost.
  const turnOf = async (interpreter: Interpreter): Promise<boolean> => {
    const { queue } = interpreter;
    if (!interpreter.lost && interpreter.free > 0 && queue.length === 0) {
      interpreter.free--;
      return true;
    }
    for (let woken = false; !interpreter.lost; ) {
      woken = await wakeable((wake) => {
        if (woken) queue.unshift(wake);
        else queue.push(wake);
        return () => {
          const place = queue.indexOf(wake);
          if (place >= 0) queue.splice(place, 1);
        };
      });
      if (!interpreter.lost && interpreter.free > 0) {
        interpreter.free--;
        return true;
      }
    }
    return false;
  };

  const giveBack = (interpreter: Interpreter) => {
    interpreter.free++;
    interpreter.queue.shift()?.();
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
        if (!(await turnOf(interpreter))) continue;
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

const AWAKE = 50; // ms

/** Workers cancel a request as hung that waits for nothing but what another request does. A timer is something. */
async function keepAwake<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, AWAKE);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

/** Waits to be woken, or for `AWAKE`. Returns whether it was woken.
 *  @param enlist  is given how to wake, and returns how to forget that */
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
