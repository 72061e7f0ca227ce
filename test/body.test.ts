import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkBody, OpenBody } from '../src/body.js';
import type { Body } from '../src/types.js';

/** A body that notes what is done to it; `steps` gives its chunks, `ending` what return() does. */
function noted(events: string[], next: () => unknown, ending: () => unknown = () => ({ done: true })): Body {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => next() as Promise<IteratorResult<Uint8Array>>,
      return: () => {
        events.push('return');
        return ending() as Promise<IteratorResult<Uint8Array>>;
      },
    }),
    close: () => {
      events.push('close');
    },
  };
}

const later = <T>(ms: number, value: T) => new Promise<T>((resolve) => setTimeout(resolve, ms, value));
const never = () => new Promise<never>(() => {});

describe('OpenBody', () => {
  const events: string[] = [];
  const logged: unknown[] = [];
  const open = (body: Body) => new OpenBody(body, (error) => logged.push(error));
  beforeEach(() => {
    vi.useFakeTimers();
    events.length = 0;
    logged.length = 0;
  });
  afterEach(() => vi.useRealTimers());

  it('ends a body once, however often it is told to', async () => {
    const body = open(noted(events, () => ({ done: false, value: new Uint8Array(1) })));
    body.next();
    await Promise.all([body.release(), body.release()]);
    expect(events).toEqual(['return', 'close']);
  });

  it('ends one that was never iterated by close() alone', async () => {
    await open(noted(events, () => ({ done: true }))).release();
    expect(events).toEqual(['close']);
  });

  it('does not call return() after the end, synchronous or not', async () => {
    for (const next of [() => ({ done: true }), async () => ({ done: true })]) {
      const body = open(noted(events, next));
      await body.next();
      await body.release();
    }
    expect(events).toEqual(['close', 'close']);
  });

  it('takes the one iterator that is a function', async () => {
    const body = open({
      [Symbol.asyncIterator]: undefined,
      [Symbol.iterator]: () => [new Uint8Array(1)].values(),
    } as never);
    expect(body.next()).toEqual({ done: false, value: new Uint8Array(1) });
  });

  it.each([[undefined], [null], [5]])('says that a step is %s', async (step) => {
    const message = /^application: a step of its body is .*, not an object with done and value/;
    expect(() => open({ [Symbol.iterator]: () => ({ next: () => step as never }) }).next()).toThrow(message);
    const body = open({ [Symbol.asyncIterator]: () => ({ next: async () => step as never }) });
    await expect(body.next()).rejects.toThrow(message);
  });

  it('needs neither close() nor return()', async () => {
    const body = open({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: new Uint8Array(1) }) }) });
    body.next();
    await body.release();
    expect(logged).toEqual([]);
  });

  it('waits for a return() that takes long', async () => {
    for (const next of [
      async () => ({ done: false }),
      () => {
        const failing = Promise.reject(new Error('next() failed'));
        failing.catch(() => {});
        return failing;
      },
    ]) {
      events.length = 0;
      const body = open(noted(events, next, () => later(5000, { done: true })));
      await Promise.resolve(body.next()).catch(() => {});
      const released = body.release();
      await vi.advanceTimersByTimeAsync(4999);
      expect(events).toEqual(['return']);
      await vi.advanceTimersByTimeAsync(1);
      await released;
      expect(events).toEqual(['return', 'close']);
    }
  });

  it('closes after a second where next() hangs and return() with it', async () => {
    const body = open(noted(events, never, never));
    body.next();
    const released = body.release();
    await vi.advanceTimersByTimeAsync(999);
    expect(events).toEqual(['return']);
    await vi.advanceTimersByTimeAsync(1);
    await released;
    expect(events).toEqual(['return', 'close']);
  });

  it('keeps no timer where next() hangs and return() does not', async () => {
    const body = open(noted(events, never));
    body.next();
    await body.release();
    expect(events).toEqual(['return', 'close']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('logs what return() and close() throw, and goes on', async () => {
    const returned = new Error('return() failed');
    const closed = new Error('close() failed');
    const failing = () => Promise.reject(returned);
    for (const next of [async () => ({ done: false }), never]) {
      const body = open(
        Object.assign(noted(events, next, failing), {
          close() {
            throw closed;
          },
        }),
      );
      const step = body.next();
      if (next !== never) await step;
      await body.release();
    }
    expect(logged).toEqual([returned, closed, returned, closed]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('checkBody', () => {
  class Response {}
  it.each([
    [null, 'not null (PEP'],
    [undefined, 'not undefined; is a return missing? An empty body is [] (PEP'],
    ['text', 'not a string; return [new TextEncoder().encode(text)] (PEP'],
    [new Uint8Array(1), 'not a Uint8Array; put it into an array: [bytes] (PEP'],
    [new Response(), 'not a Response; fromFetchHandler() makes an application of a Fetch handler (PEP'],
    [{}, 'not an Object (PEP'],
    [5, 'not a number (PEP'],
    [{ [Symbol.iterator]: 1 }, 'not an Object (PEP'],
  ])('refuses %o', (body, message) => {
    expect(() => checkBody(body)).toThrow(`application: must return an iterable of Uint8Array, ${message}`);
  });

  it.each([[[]], [new Set()], [(function* () {})()], [(async function* () {})()], [new ReadableStream()]])(
    'takes %o',
    (body) => {
      expect(() => checkBody(body)).not.toThrow();
    },
  );
});
