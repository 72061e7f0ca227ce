import { WsgiError } from '../src/errors.js';
import { type Bridge, createBridge } from './bridge/bridge.js';
import type { PythonAssets } from './interpreter/assets.js';
import { bootPython } from './interpreter/boot.js';
import type { Open } from './sockets/connection.js';
import { openerOf, type SocketOptions } from './sockets/options.js';
import { startThread } from './threads/remote.js';
import { Turn } from './turn.js';

/** How an interpreter runs. */
export interface InterpreterOptions {
  /** Environment variables. They are set before the application is imported, unless a snapshot already holds it. */
  env?: Record<string, string>;
  /** The number of requests that one interpreter serves at a time: they take turns when one waits for a promise. By default 32
   *  if the assets were built with `--concurrent`, else 1, and then it can't be more. */
  concurrency?: number;
  /** The time that a turn of a request may take, in milliseconds; 30,000 by default. A turn lasts until the first chunk of the
   *  response, then from chunk to chunk. After it the wait of the application is interrupted by an exception, and the request
   *  is answered with 500; if the application goes on all the same, its interpreter is replaced. */
  timeout?: number;
  /** The number of requests after which an interpreter is replaced; it serves any number by default. */
  maxRequests?: number;
  /** The size of an interpreter's memory, in bytes, from which on it is replaced; it may grow by default. Python's memory never
   *  shrinks. */
  maxMemory?: number;
  /** The number of interpreters in worker threads, on Node. By default one runs in the thread of its application. */
  workers?: number;
  /** False: Python can't wait for promises (`run_sync`), which makes each request cheaper. By default it can if the runtime
   *  has JSPI. */
  jspi?: boolean;
  /** The sockets of Python. By default it has them on Node and Lambda. On Workers give `connect` of `cloudflare:sockets`. */
  sockets?: SocketOptions;
  /** Frees the memory of the snapshot after the start, if the assets hold it in memory (Workers). A start after a fatal error
   *  then takes longer, because it has no snapshot. */
  freeSnapshot?: boolean;
}

/** The place of a request in an interpreter, from its first turn to its last. */
export interface Seat {
  readonly bridge: Bridge;
  /** Whether the request comes out of the interpreter, and so has its turn already. */
  readonly held: boolean;
  /** Whether the interpreter is still there. */
  usable(): boolean;
  /** Waits for a turn of the request, and makes a call in it.
   *  @throws {WsgiError} (as a rejection) when the interpreter is lost, and when the call takes longer than `timeout` */
  turn<T>(call: (turn: Turn) => PromiseLike<T>): Promise<T>;
  /** Ends the stay of the request. */
  leave(): void;
}

/** Keeps interpreters alive, and lets requests take turns in them. */
export interface Supervisor {
  /** Whether Python can wait for promises. Starts an interpreter unless one runs. */
  promising(): Promise<boolean>;
  /** Resolves when it is this request's first turn.
   *  @param held  the interpreter that the request comes out of
   *  @throws the reason of the signal (as a rejection) when it fires before the turn */
  enter(signal: AbortSignal, held: unknown): Promise<Seat>;
  /** Starts all interpreters, without anything random and without timers, which Workers forbid outside of requests.
   *  @param prepare  called for each */
  start(prepare: (bridge: Bridge) => Promise<void>): Promise<void>;
}

const supervisors = new WeakMap<PythonAssets, { supervisor: Supervisor; options: unknown[] }>();

/** Returns the supervisor of some assets. All applications of the same assets share it, and so its interpreters.
 *  @throws {WsgiError} on wrong options, and when the assets already run with other options */
export function superviseOnce(assets: PythonAssets, options: InterpreterOptions): Supervisor {
  const known = supervisors.get(assets);
  const { sockets, ...others } = options;
  const own = [JSON.stringify(others), ...(typeof sockets === 'object' ? Object.values(sockets) : [sockets])];
  if (known !== undefined) {
    if (known.options.length !== own.length || own.some((value, i) => value !== known.options[i]))
      throw new WsgiError('python: these assets run with other options already; give all their applications the same');
    return known.supervisor;
  }
  const supervisor = new Pool(assets, options);
  supervisors.set(assets, { supervisor, options: own });
  return supervisor;
}

const CONCURRENCY = 32;
const TIMEOUT = 30_000; // ms
const LONGEST = 2_147_483_647; // ms; no timer waits longer

function checkOptions(assets: PythonAssets, options: InterpreterOptions): void {
  for (const name of ['concurrency', 'timeout', 'maxRequests', 'maxMemory', 'workers'] as const) {
    const { [name]: value } = options;
    if (value !== undefined && (!Number.isInteger(value) || value < 1))
      throw new WsgiError(`python: ${name} must be a whole number above 0, not ${value}`);
  }
  const { concurrency = 1, timeout = 1, workers, freeSnapshot, sockets } = options;
  if (timeout > LONGEST) throw new WsgiError(`python: timeout must be at most ${LONGEST} ms, not ${timeout}`);
  if (concurrency > 1 && !assets.manifest.concurrent)
    throw new WsgiError('python: concurrency needs assets that were built with wsgi-edge build-python --concurrent');
  if (workers !== undefined && assets.url === undefined)
    throw new WsgiError("python: workers needs the assets of node.mjs, and Node's worker threads");
  if (workers !== undefined && (typeof sockets === 'function' || (typeof sockets === 'object' && sockets.connect)))
    throw new WsgiError('python: connect in sockets is for Workers, and workers is for Node: give one of them');
  if (workers !== undefined && freeSnapshot)
    throw new WsgiError('python: freeSnapshot is for Workers, and workers is for Node: give one of them');
}

interface Interpreter {
  bridge: Bridge;
  /** Turns that can be taken. */
  free: number;
  /** The part of them for requests that have been woken and have not taken theirs yet, and when that was (ms). */
  reserved: number;
  wokenAt: number;
  /** The turns that are taken. */
  turns: Set<Turn>;
  /** Turns that will never be given back. */
  stuck: number;
  /** Requests that are in it. */
  seats: number;
  served: number;
  seeded: boolean;
  /** It takes no new requests. */
  retired: boolean;
  /** It can't be used any more. */
  lost: WsgiError | undefined;
}

/** A request that waits for a turn. */
interface Waiter {
  /** The interpreter that the request is in; undefined for a new request, which takes any. */
  interpreter: Interpreter | undefined;
  /** @param reserving  the interpreter that has a turn for it */
  wake(reserving: Interpreter | undefined): void;
}

class Pool implements Supervisor {
  private assets: PythonAssets;
  private readonly options: InterpreterOptions;
  private readonly size: number;
  private readonly concurrency: number;
  private readonly open: Open | undefined;
  /** Those that take new requests. */
  private readonly interpreters: Interpreter[] = [];
  /** Those, and the retired ones that requests are in. */
  private readonly alive = new Set<Interpreter>();
  private readonly booting = new Set<Promise<void>>();
  private readonly queue: Waiter[] = [];
  private readonly bridges = new WeakSet<object>();

  constructor(assets: PythonAssets, options: InterpreterOptions) {
    checkOptions(assets, options);
    this.assets = assets;
    this.options = options;
    this.open = openerOf(options.sockets);
    this.size = options.workers ?? 1;
    this.concurrency = options.concurrency ?? (assets.manifest.concurrent ? CONCURRENCY : 1);
  }

  async promising(): Promise<boolean> {
    for (;;) {
      const [interpreter] = this.interpreters;
      if (interpreter !== undefined) return interpreter.bridge.promising;
      await keepAwake(this.boot());
    }
  }

  async start(prepare: (bridge: Bridge) => Promise<void>): Promise<void> {
    const missing = this.size - this.interpreters.length - this.booting.size;
    await Promise.all([...this.booting, ...Array.from({ length: missing }, () => this.bootAnother())]);
    const prepareOne = async (interpreter: Interpreter) => {
      await this.take(interpreter);
      try {
        await prepare(interpreter.bridge);
      } finally {
        this.giveBack(interpreter);
      }
    };
    await Promise.all(this.interpreters.map(prepareOne));
  }

  async enter(signal: AbortSignal, held: unknown): Promise<Seat> {
    if (typeof held === 'object' && held !== null && this.bridges.has(held)) return heldSeat(held as Bridge);
    const interpreter = await this.takeAny();
    if (signal.aborted) {
      this.giveBack(interpreter);
      throw signal.reason;
    }
    if (!interpreter.seeded) interpreter.bridge.reseed();
    interpreter.seeded = true;
    const { maxRequests = Number.POSITIVE_INFINITY } = this.options;
    interpreter.seats++;
    if (++interpreter.served >= maxRequests) this.retire(interpreter);
    return this.seat(interpreter);
  }

  private seat(interpreter: Interpreter): Seat {
    const { timeout = TIMEOUT } = this.options;
    let taken = true; // the first turn
    let left = false;
    return {
      bridge: interpreter.bridge,
      held: false,
      usable: () => interpreter.lost === undefined,
      turn: async (call) => {
        if (!taken) await this.take(interpreter);
        taken = false;
        const turn = new Turn(timeout);
        interpreter.turns.add(turn);
        try {
          return await turn.run(call, (error) => this.abandon(interpreter, error));
        } finally {
          interpreter.turns.delete(turn);
          if (!turn.abandoned) this.giveBack(interpreter);
        }
      },
      leave: () => {
        if (left) return;
        left = true;
        if (taken) this.giveBack(interpreter);
        this.leave(interpreter);
      },
    };
  }

  private leave(interpreter: Interpreter): void {
    interpreter.seats--;
    const { maxMemory = Number.POSITIVE_INFINITY } = this.options;
    if (interpreter.bridge.memory() > maxMemory) this.retire(interpreter);
    this.drop(interpreter);
  }

  /** Ends a retired interpreter that no request is in. */
  private drop(interpreter: Interpreter): void {
    if (!interpreter.retired || interpreter.seats > 0) return;
    this.alive.delete(interpreter);
    interpreter.bridge.stop();
  }

  /** Waits for a turn in any interpreter. */
  private async takeAny(): Promise<Interpreter> {
    let mayTake = this.queue.length === 0;
    for (let first = false; ; mayTake = true) {
      const interpreter = mayTake ? this.interpreters.find(canTake) : undefined;
      if (interpreter !== undefined) {
        interpreter.free--;
        return interpreter;
      }
      if (this.interpreters.length === 0) {
        await keepAwake(this.boot());
        continue;
      }
      // Nobody waits for it: if it fails, a request that finds no interpreter hears of the error.
      if (this.interpreters.length + this.booting.size < this.size) this.bootAnother().catch(() => {});
      first = await this.wait(undefined, first);
    }
  }

  /** Waits for a turn in an interpreter.
   *  @throws {WsgiError} (as a rejection) when it is lost */
  private async take(interpreter: Interpreter): Promise<void> {
    let mayTake = !this.queue.some(({ interpreter: wanted }) => wanted === interpreter);
    for (let first = false; interpreter.lost === undefined; mayTake = true) {
      if (mayTake && canTake(interpreter)) {
        interpreter.free--;
        return;
      }
      first = await this.wait(interpreter, first);
    }
    throw interpreter.lost;
  }

  /** Waits to be woken, but no longer than `AWAKE`. The request takes its turn itself, because a turn that was handed to it would
   *  be lost if it had been cancelled meanwhile. Returns whether it was woken.
   *  @param first  whether it keeps its place before all others, because it was woken in vain */
  private async wait(interpreter: Interpreter | undefined, first: boolean): Promise<boolean> {
    const woken = await wakeable<Interpreter | undefined>((wake) => {
      const waiter = { interpreter, wake };
      if (first) this.queue.unshift(waiter);
      else this.queue.push(waiter);
      return () => {
        const place = this.queue.indexOf(waiter);
        if (place >= 0) this.queue.splice(place, 1);
      };
    });
    const reserving = woken?.value;
    if (reserving !== undefined && reserving.reserved > 0) reserving.reserved--;
    this.check();
    return woken !== undefined;
  }

  /** Acts on deadlines that have passed, and on requests that were cancelled after they had been woken. */
  private check(): void {
    const now = performance.now();
    for (const interpreter of this.alive) {
      if (now - interpreter.wokenAt > AWAKE) interpreter.reserved = 0;
      for (const turn of interpreter.turns) turn.check();
    }
  }

  private giveBack(interpreter: Interpreter): void {
    interpreter.free++;
    const next = this.queue.findIndex(({ interpreter: wanted }) =>
      wanted === undefined ? !interpreter.retired : wanted === interpreter,
    );
    if (next < 0) return;
    interpreter.reserved++;
    interpreter.wokenAt = performance.now();
    this.queue.splice(next, 1)[0]?.wake(interpreter);
  }

  private wakeAll(): void {
    for (const { wake } of this.queue.splice(0)) wake(undefined);
  }

  /** Lets an interpreter take no new requests. */
  private retire(interpreter: Interpreter): void {
    const place = this.interpreters.indexOf(interpreter);
    if (place < 0) return;
    this.interpreters.splice(place, 1);
    interpreter.retired = true;
    this.drop(interpreter);
    this.wakeAll();
  }

  /** Gives a call up that does not end. Its turn is never given back. */
  private abandon(interpreter: Interpreter, error: WsgiError): void {
    this.retire(interpreter);
    if (interpreter.bridge.abandon() || ++interpreter.stuck === this.concurrency) this.lose(interpreter, error);
  }

  private lose(interpreter: Interpreter, error: WsgiError): void {
    interpreter.lost = error;
    this.retire(interpreter);
    this.alive.delete(interpreter);
    interpreter.bridge.stop();
    this.wakeAll();
  }

  private boot(): Promise<void> {
    const [booting] = this.booting;
    return booting ?? this.bootAnother();
  }

  private bootAnother(): Promise<void> {
    const booting: Promise<void> = this.bootOne().finally(() => {
      this.booting.delete(booting);
      this.wakeAll();
    });
    this.booting.add(booting);
    return booting;
  }

  private async bootOne(): Promise<void> {
    const { workers, jspi = true, freeSnapshot = false, env = {} } = this.options;
    let interpreter: Interpreter | undefined;
    let lost: WsgiError | undefined;
    const onFatal = (error: WsgiError) => {
      lost = error;
      if (interpreter !== undefined) this.lose(interpreter, error);
    };
    const bridge =
      workers === undefined
        ? await this.bootHere(jspi, freeSnapshot, onFatal)
        : await startThread(this.assets.url as string, jspi, this.options.sockets, onFatal);
    await bridge.setEnvironment(env);
    this.bridges.add(bridge);
    interpreter = {
      bridge,
      free: this.concurrency,
      reserved: 0,
      wokenAt: 0,
      turns: new Set(),
      stuck: 0,
      seats: 0,
      served: 0,
      seeded: this.assets.snapshot === undefined && !freeSnapshot,
      retired: false,
      lost,
    };
    if (lost !== undefined) throw lost;
    this.interpreters.push(interpreter);
    this.alive.add(interpreter);
  }

  private async bootHere(jspi: boolean, freeSnapshot: boolean, onFatal: (error: WsgiError) => void): Promise<Bridge> {
    const { assets } = this;
    const booted = await bootPython(assets);
    const { snapshot } = assets;
    if (freeSnapshot && snapshot !== undefined && !('read' in snapshot)) {
      this.assets = withoutSnapshot(assets);
      free(snapshot);
    }
    return createBridge(booted, assets.manifest, jspi, this.open, onFatal);
  }
}

const canTake = ({ free, reserved }: Interpreter): boolean => free > reserved;

function heldSeat(bridge: Bridge): Seat {
  const turn: Seat['turn'] = async (call) => call(new Turn(Number.POSITIVE_INFINITY));
  return { bridge, held: true, usable: () => true, turn, leave() {} };
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

/** Waits to be woken, but at most `AWAKE`, for the reason of `keepAwake`. Returns the value that it was woken with, or undefined.
 *  @param enlist  gets the function that wakes, and returns one that forgets it */
async function wakeable<T>(enlist: (wake: (value: T) => void) => () => void): Promise<{ value: T } | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let forget = () => {};
  const woken = await new Promise<{ value: T } | undefined>((resolve) => {
    forget = enlist((value) => resolve({ value }));
    timer = setTimeout(() => resolve(undefined), AWAKE);
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
