import { WsgiError } from '../src/errors.js';
import type { Environ } from '../src/types.js';
import type { Bridge } from './bridge/bridge.js';
import { INTERPRETER } from './bridge/pack.js';
import type { PythonAssets } from './interpreter/assets.js';
import { type InterpreterOptions, type Settings, settingsOf } from './options.js';
import { canTake, forgetCancelled, keepAwake, Queue, type Turns } from './queue.js';
import { createStarter } from './start.js';
import { ownerOf } from './storage/index.js';
import { Turn } from './turn.js';

/** The place of a request in an interpreter, from its first turn to its last. */
export interface Seat {
  readonly bridge: Bridge;
  /** True if the request comes out of the interpreter, and so has its turn already. */
  readonly held: boolean;
  /** True if the interpreter is still there. */
  usable(): boolean;
  /** Waits for a turn of the request, and makes a call in it.
   *  @throws {WsgiError} (as a rejection) when the interpreter is lost, and when the call takes longer than `timeout` */
  turn<T>(call: (turn: Turn) => PromiseLike<T>): Promise<T>;
  /** Ends the stay of the request. */
  leave(): void;
}

/** Keeps interpreters alive, and lets requests take turns in them. */
export interface Supervisor {
  /** Tells if Python can wait for promises. Starts an interpreter unless one runs. */
  promising(environ: Environ): Promise<boolean>;
  /** Resolves when it is this request's first turn.
   *  @throws the reason of `wsgi_edge.signal` (as a rejection) when it fires before the turn */
  enter(environ: Environ): Promise<Seat>;
  /** Starts all interpreters, without anything random and without timers, which Workers forbid outside of requests.
   *  @param prepare  called for each */
  start(prepare: (bridge: Bridge) => Promise<void>): Promise<void>;
}

/** The keys are the Durable Objects that the interpreters belong to, or the assets. */
type Supervisors = WeakMap<object, { supervisor: Supervisor; options: unknown[] }>;
const supervisors = new WeakMap<PythonAssets, Supervisors>();

/** Returns the supervisor of some assets. Applications of the same assets, and of the same Durable Object if they have its files,
 *  share it, and so its interpreters.
 *  @throws {WsgiError} on wrong options, and when the assets already run with other options */
export function superviseOnce(assets: PythonAssets, options: InterpreterOptions): Supervisor {
  const owner = ownerOf(options.files ?? {}) ?? assets;
  const owned: Supervisors = supervisors.get(assets) ?? new WeakMap();
  supervisors.set(assets, owned);
  const known = owned.get(owner);
  const own = comparable(options);
  if (known !== undefined) {
    if (own.some((value, i) => value !== known.options[i]))
      throw new WsgiError('python: these assets run with other options already; give all their applications the same');
    return known.supervisor;
  }
  const supervisor = new Pool(assets, settingsOf(assets, options));
  owned.set(owner, { supervisor, options: own });
  return supervisor;
}

/** Options as a list of values that are the same for the same options, in whatever order they were written. */
function comparable({ sockets, ...others }: InterpreterOptions): unknown[] {
  const { connect, allow } = typeof sockets === 'object' ? sockets : { connect: sockets, allow: undefined };
  return [JSON.stringify(Object.entries(others).sort()), connect, allow];
}

interface Interpreter extends Turns {
  bridge: Bridge;
  /** The turns that are taken. */
  running: Set<Turn>;
  /** Turns that will never be given back. */
  stuck: number;
  /** Requests that are in it. */
  seats: number;
  served: number;
  /** It no longer has the random numbers of the snapshot. */
  seeded: boolean;
  /** It takes no new requests. */
  retired: boolean;
  /** It can't be used any more. */
  lost: WsgiError | undefined;
}

class Pool implements Supervisor {
  readonly #settings: Settings;
  readonly #start: ReturnType<typeof createStarter>;
  /** The interpreters that take new requests. */
  readonly #interpreters: Interpreter[] = [];
  /** The running interpreters, and the retired ones that requests are in. */
  readonly #alive = new Set<Interpreter>();
  readonly #booting = new Set<Promise<void>>();
  readonly #queue = new Queue<Interpreter>();
  readonly #bridges = new WeakSet<object>();

  constructor(assets: PythonAssets, settings: Settings) {
    this.#settings = settings;
    this.#start = createStarter(assets, settings);
  }

  async promising(environ: Environ): Promise<boolean> {
    for (;;) {
      const [interpreter] = this.#interpreters;
      if (interpreter !== undefined) return interpreter.bridge.promising;
      await this.#boot(environ);
    }
  }

  async start(prepare: (bridge: Bridge) => Promise<void>): Promise<void> {
    const missing = Math.max(1, this.#settings.workers) - this.#interpreters.length - this.#booting.size;
    await Promise.all([...this.#booting, ...Array.from({ length: missing }, () => this.#bootAnother())]);
    const prepareOne = async (interpreter: Interpreter) => {
      await this.#take(interpreter);
      try {
        await prepare(interpreter.bridge);
      } finally {
        this.#giveBack(interpreter);
      }
    };
    await Promise.all(this.#interpreters.map(prepareOne));
  }

  async enter(environ: Environ): Promise<Seat> {
    const { 'wsgi_edge.signal': signal, [INTERPRETER]: held } = environ;
    if (typeof held === 'object' && held !== null && this.#bridges.has(held)) return heldSeat(held as Bridge);
    const interpreter = await this.#takeAny(environ);
    const seat = this.#seat(interpreter);
    if (signal.aborted) {
      seat.leave();
      throw signal.reason;
    }
    if (!interpreter.seeded) interpreter.bridge.reseed();
    interpreter.seeded = true;
    return seat;
  }

  #seat(interpreter: Interpreter): Seat {
    let taken = true; // the first turn
    let left = false;
    return {
      bridge: interpreter.bridge,
      held: false,
      usable: () => interpreter.lost === undefined,
      turn: async (call) => {
        if (!taken) await this.#take(interpreter);
        taken = false;
        const turn = new Turn(this.#settings.timeout);
        interpreter.running.add(turn);
        try {
          return await turn.run(call, (error) => this.#abandon(interpreter, error));
        } finally {
          interpreter.running.delete(turn);
          if (!turn.abandoned) this.#giveBack(interpreter);
        }
      },
      leave: () => {
        if (left) return;
        left = true;
        if (taken) this.#giveBack(interpreter);
        this.#leave(interpreter);
      },
    };
  }

  #leave(interpreter: Interpreter): void {
    interpreter.seats--;
    if (interpreter.bridge.memory() > this.#settings.maxMemory) this.#retire(interpreter);
    this.#drop(interpreter);
  }

  /** Ends a retired interpreter that no request is in. */
  #drop(interpreter: Interpreter): void {
    if (!interpreter.retired || interpreter.seats > 0) return;
    this.#alive.delete(interpreter);
    interpreter.bridge.stop();
  }

  /** Waits for the first turn of a request, in any interpreter. */
  async #takeAny(environ: Environ): Promise<Interpreter> {
    const { workers, maxRequests } = this.#settings;
    let mayTake = this.#queue.isEmpty(undefined);
    for (let first = false; ; mayTake = true) {
      const interpreter = mayTake ? this.#interpreters.find(canTake) : undefined;
      if (interpreter !== undefined) {
        interpreter.free--;
        // Before anything else runs: an interpreter without requests may be ended.
        interpreter.seats++;
        if (++interpreter.served >= maxRequests) this.#retire(interpreter);
        return interpreter;
      }
      if (this.#interpreters.length === 0) {
        await this.#boot(environ);
        continue;
      }
      if (this.#interpreters.length + this.#booting.size < workers) this.#bootFor(environ);
      first = await this.#wait(undefined, first);
    }
  }

  /** Waits for a turn in an interpreter.
   *  @throws {WsgiError} (as a rejection) when it is lost */
  async #take(interpreter: Interpreter): Promise<void> {
    let mayTake = this.#queue.isEmpty(interpreter);
    for (let first = false; interpreter.lost === undefined; mayTake = true) {
      if (mayTake && canTake(interpreter)) {
        interpreter.free--;
        return;
      }
      first = await this.#wait(interpreter, first);
    }
    throw interpreter.lost;
  }

  /** Waits in the queue for a while, then acts on deadlines that have passed. */
  async #wait(interpreter: Interpreter | undefined, first: boolean): Promise<boolean> {
    const woken = await this.#queue.wait(interpreter, first);
    for (const each of this.#alive) {
      forgetCancelled(each);
      for (const turn of each.running) turn.check();
    }
    return woken;
  }

  #giveBack(interpreter: Interpreter): void {
    interpreter.free++;
    this.#queue.wakeFor(interpreter, !interpreter.retired);
  }

  /** Lets an interpreter take no new requests. */
  #retire(interpreter: Interpreter): void {
    const place = this.#interpreters.indexOf(interpreter);
    if (place < 0) return;
    this.#interpreters.splice(place, 1);
    interpreter.retired = true;
    this.#drop(interpreter);
    this.#queue.wakeAll();
  }

  /** Gives a call up that does not end. Its turn is never given back. */
  #abandon(interpreter: Interpreter, error: WsgiError): void {
    this.#retire(interpreter);
    if (interpreter.bridge.abandon() || ++interpreter.stuck === this.#settings.concurrency)
      this.#lose(interpreter, error);
  }

  #lose(interpreter: Interpreter, error: WsgiError): void {
    interpreter.lost = error;
    interpreter.bridge.stop();
    this.#retire(interpreter);
    this.#alive.delete(interpreter);
    this.#queue.wakeAll();
  }

  /** Waits until an interpreter has been started. */
  #boot(environ: Environ): Promise<void> {
    const [booting] = this.#booting;
    return keepAwake(booting ?? this.#bootFor(environ));
  }

  /** Starts one also if the client of the request leaves meanwhile: other requests wait for it. If it fails, a request that finds
   *  no interpreter hears of the error. */
  #bootFor(environ: Environ): Promise<void> {
    const booting = this.#bootAnother();
    environ['wsgi_edge.wait_until'](booting.catch(() => {}));
    return booting;
  }

  #bootAnother(): Promise<void> {
    const booting: Promise<void> = this.#bootOne().finally(() => {
      this.#booting.delete(booting);
      this.#queue.wakeAll();
    });
    this.#booting.add(booting);
    return booting;
  }

  async #bootOne(): Promise<void> {
    let interpreter: Interpreter | undefined;
    let lost: WsgiError | undefined;
    const onFatal = (error: WsgiError) => {
      lost = error;
      if (interpreter !== undefined) this.#lose(interpreter, error);
    };
    const bridge = await this.#start(onFatal);
    this.#bridges.add(bridge);
    interpreter = {
      bridge,
      free: this.#settings.concurrency,
      reserved: 0,
      wokenAt: 0,
      running: new Set(),
      stuck: 0,
      seats: 0,
      served: 0,
      seeded: false,
      retired: false,
      lost,
    };
    if (lost !== undefined) throw lost;
    this.#interpreters.push(interpreter);
    this.#alive.add(interpreter);
  }
}

function heldSeat(bridge: Bridge): Seat {
  const turn: Seat['turn'] = async (call) => call(new Turn(Number.POSITIVE_INFINITY));
  return { bridge, held: true, usable: () => true, turn, leave() {} };
}
