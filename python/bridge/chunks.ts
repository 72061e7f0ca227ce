import type { Body } from '../../src/types.js';
import type { Exchange } from './calls.js';
import { checked } from './python-error.js';
import { CHUNK, EMPTY, type Started } from './wire.js';

/** Makes a body of the first answer of Python and the functions that give the others.
 *  @param next  the next chunk, undefined at the end, or a failure
 *  @param close  ends the body in Python; called once
 *  @param asynchronous  whether `next` returns promises
 *  @param exchange  is told how to wait for the chunks that have not been sent
 *  @param ahead  the most bytes that Python gives before the gateway asks for them */
export function chunksOf(
  first: Started,
  next: () => unknown,
  close: () => Promise<void>,
  asynchronous: boolean,
  exchange: Exchange,
  ahead: number,
): Body {
  return asynchronous ? new Chunks(first, next, close, exchange, ahead) : synchronous(first, next, close);
}

function synchronous(first: Started, next: () => unknown, close: () => Promise<void>): Body {
  let held: Started | undefined = first;
  let closed: Promise<void> | undefined;
  const step = (): unknown => {
    if (held === undefined) return next();
    const answer = answerOf(held);
    held = undefined;
    return answer;
  };
  return {
    [Symbol.iterator]: () => ({ next: () => toResult(step()) }),
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** Each chunk is kept at the price of its length and this, in bytes: a flood of small chunks must not be kept. */
const PRICE = 4096;

/** The chunks of a body. Some come before the gateway asks: a client that reads slowly must not keep Python from
 *  the end of its body. */
class Chunks implements AsyncIterable<Uint8Array> {
  private readonly next: () => unknown;
  private readonly finish: () => Promise<void>;
  private readonly exchange: Exchange;
  /** Answers that have come: chunks, and at last the end or a failure. */
  private readonly ready: unknown[];
  /** The number of bytes that may still come before the gateway asks. */
  private room: number;
  /** Bytes that have come. */
  private given = 0;
  private ended = false;
  private begun = false;
  private running = false;
  private fetching: Promise<void> | undefined;
  /** Set while the gateway waits for an answer, when all that has come has been sent. */
  private onAnswer: (() => void) | undefined;
  private onSent: (() => void) | undefined;
  private closed: Promise<void> | undefined;

  constructor(first: Started, next: () => unknown, finish: () => Promise<void>, exchange: Exchange, ahead: number) {
    this.next = next;
    this.finish = finish;
    this.exchange = exchange;
    this.room = ahead;
    this.ready = [];
    this.take(answerOf(first));
    exchange.sent = () => this.sent();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.give() };
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async give(): Promise<IteratorResult<Uint8Array>> {
    while (this.ready.length === 0) {
      if (this.ended) return { done: true, value: undefined };
      const answered = new Promise<void>((resolve) => {
        this.onAnswer = resolve;
      });
      this.onSent?.();
      this.fetch(true);
      await answered;
    }
    const answer = this.ready.shift();
    if (answer instanceof Rejection) throw answer.error;
    const result = toResult(answer);
    if (result.done) return result;
    // Before the gateway has asked again after a chunk that was not empty, the application may still replace the head.
    if (this.begun) {
      this.room += result.value.length + PRICE;
      this.fetch(false);
    }
    this.begun ||= result.value.length > 0;
    return result;
  }

  /** Lets Python give chunks, unless it does.
   *  @param one  whether the gateway waits for a chunk */
  private fetch(one: boolean): void {
    if (!this.running) this.fetching = this.fetchAll(one);
  }

  private async fetchAll(one: boolean): Promise<void> {
    this.running = true;
    for (let asked = one; !this.ended && this.closed === undefined && (asked || this.mayRunAhead()); asked = false) {
      const answer = await (this.next() as Promise<unknown>).catch((error: unknown) => new Rejection(error));
      if (answer instanceof Uint8Array && this.begun) this.room -= answer.length + PRICE;
      this.take(answer);
    }
    this.running = false;
  }

  private take(answer: unknown): void {
    if (answer instanceof Uint8Array) this.given += answer.length;
    else this.ended = true;
    this.ready.push(answer);
    this.onAnswer?.();
    this.onAnswer = undefined;
  }

  private mayRunAhead(): boolean {
    return this.begun && this.room > 0 && this.given < (this.exchange.length ?? Number.POSITIVE_INFINITY);
  }

  /** Waits until the gateway has sent the chunks that have come; undefined if it has. */
  private sent(): Promise<void> | undefined {
    if (this.onAnswer !== undefined || this.closed !== undefined) return undefined;
    return new Promise((resolve) => {
      this.onSent = resolve;
    });
  }

  private async end(): Promise<void> {
    this.onSent?.();
    // Python can neither be interrupted nor be entered again in a body that waits for a promise.
    await this.fetching;
    await this.finish();
  }
}

/** An error that is not a failure of Python: the interpreter is lost, or a turn has taken too long. */
class Rejection {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

const answerOf = (started: Started): unknown =>
  started[0] === CHUNK ? started[1] : started[0] === EMPTY ? undefined : started;

function toResult(answer: unknown): IteratorResult<Uint8Array> {
  const chunk = checked(answer);
  return chunk === undefined ? { done: true, value: undefined } : { done: false, value: chunk as Uint8Array };
}
