import type { Body } from '../../src/types.js';
import type { Seat } from '../supervisor.js';
import type { Turn } from '../turn.js';
import type { Exchange } from './calls.js';
import { chunksOf } from './chunks.js';
import { checked, errorOf } from './python-error.js';
import { FAILED, type Started } from './wire.js';

/** Serves a request with an application of Python, in a turn for the first chunk, one for each further chunk, and one for
 *  `close()`.
 *  @param load  loads the application into the interpreter */
export async function serve(
  seat: Seat,
  application: string | number,
  exchange: Exchange,
  load: () => Promise<void>,
): Promise<Body> {
  const { bridge } = seat;
  const { asynchronous } = bridge;
  const request = bridge.open(exchange);
  let current: Turn | undefined;

  /** Makes a call in a turn. If nobody waits for it any more when it ends, nobody will close the body either. */
  const inTurn = <T>(call: (turn: Turn) => T | PromiseLike<T>): Promise<T> =>
    seat.turn(async (turn) => {
      current = turn;
      const answer = await call(turn);
      if (turn.abandoned) await bridge.close(request, undefined);
      return answer;
    });
  const leave = (): void => {
    bridge.end(request);
    seat.leave();
  };
  const close = async (): Promise<void> => {
    try {
      if (!seat.usable() || current?.abandoned) return;
      if (asynchronous) checked(await inTurn((turn) => bridge.close(request, turn)));
      else checked(bridge.close(request, undefined));
    } finally {
      leave();
    }
  };

  let open = false;
  try {
    const started = await inTurn<Uint8Array | Started>(async (turn) => {
      await load();
      return bridge.start(request, application, turn);
    });
    if (started instanceof Uint8Array) return [started];
    if (started[0] === FAILED) throw errorOf(started);
    open = true;
    const next = asynchronous
      ? () => inTurn((turn) => bridge.next(request, turn))
      : () => bridge.next(request, undefined);
    return chunksOf(started, next, close, asynchronous, exchange, seat.held ? 0 : AHEAD);
  } finally {
    if (!open) leave();
  }
}

/** How far Python may run ahead of a client that reads slowly, in bytes. */
const AHEAD = 262_144;
