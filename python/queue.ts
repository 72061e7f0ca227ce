/** The turns of an interpreter, which requests take and give back. */
export interface Turns {
  /** Turns that can be taken. */
  free: number;
  /** The part of them for requests that have been woken and have not taken theirs yet, and when that was (ms). */
  reserved: number;
  wokenAt: number;
}

interface Waiter<T extends Turns> {
  wanted: T | undefined;
  /** @param reserving  those that have a turn for it */
  wake(reserving: T | undefined): void;
}

/** The requests that wait for a turn, in their order. A request that is woken takes its turn itself, because a turn that was
 *  handed to it would be lost if it had been cancelled meanwhile. */
export class Queue<T extends Turns> {
  readonly #waiters: Waiter<T>[] = [];

  /** True if nobody waits for these turns, or for any if it is undefined. */
  isEmpty(wanted: T | undefined): boolean {
    return wanted === undefined ? this.#waiters.length === 0 : !this.#waiters.some((each) => each.wanted === wanted);
  }

  /** Waits to be woken, but no longer than `AWAKE`. Returns whether it was woken.
   *  @param wanted  the turns of the interpreter that the request is in; undefined for a new request, which takes any
   *  @param first  whether it keeps its place before all others, because it was woken in vain */
  async wait(wanted: T | undefined, first: boolean): Promise<boolean> {
    const { promise, resolve } = ownPromise<{ reserving: T | undefined } | undefined>();
    const waiter: Waiter<T> = { wanted, wake: (reserving) => resolve({ reserving }) };
    if (first) this.#waiters.unshift(waiter);
    else this.#waiters.push(waiter);
    const timer = setTimeout(() => resolve(undefined), AWAKE);
    const woken = await promise;
    clearTimeout(timer);
    const place = this.#waiters.indexOf(waiter);
    if (place >= 0) this.#waiters.splice(place, 1);
    const reserving = woken?.reserving;
    if (reserving !== undefined && reserving.reserved > 0) reserving.reserved--;
    return woken !== undefined;
  }

  /** Wakes the first that can take one of these turns.
   *  @param open  whether new requests can */
  wakeFor(turns: T, open: boolean): void {
    const next = this.#waiters.findIndex(({ wanted }) => (wanted === undefined ? open : wanted === turns));
    if (next < 0) return;
    turns.reserved++;
    turns.wokenAt = performance.now();
    this.#waiters.splice(next, 1)[0]?.wake(turns);
  }

  wakeAll(): void {
    for (const { wake } of this.#waiters.splice(0)) wake(undefined);
  }
}

/** True if one can be taken. */
export const canTake = ({ free, reserved }: Turns): boolean => free > reserved;

/** Frees the turns that were reserved for requests that were cancelled after they had been woken. */
export function forgetCancelled(turns: Turns): void {
  if (performance.now() - turns.wokenAt > AWAKE) turns.reserved = 0;
}

const AWAKE = 50; // ms

/** Makes a promise that other requests may settle. workerd runs the continuation of a promise in the context of the request that
 *  has made it. After some 6,000 requests it did not for a `new Promise`, presumably because code that V8 has optimized makes
 *  that promise without a context; the request failed with "Cannot perform I/O on behalf of a different request", and its turn
 *  was lost. `npm run soak -- --target python` shows it. */
export const ownPromise = <T>() => Promise.withResolvers<T>();

/** Waits for a promise of another request. Workers cancel a request as hung when it waits only for another request, so this one
 *  waits for a timer too. */
export async function keepAwake<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, AWAKE);
  try {
    const own = ownPromise<T>();
    promise.then(own.resolve, own.reject);
    return await own.promise;
  } finally {
    clearInterval(timer);
  }
}
