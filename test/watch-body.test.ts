import { describe, expect, it } from 'vitest';
import { FileWrapper } from '../src/file-wrapper.js';
import { watchBody } from '../src/middleware/watch-body.js';
import type { Body } from '../src/types.js';

const bytes = (text: string) => new TextEncoder().encode(text);

/** Watches a body, and notes what is told of it. */
function watched(body: Body) {
  const events: string[] = [];
  const watch = {
    failed: (error: unknown, begun: boolean) => void events.push(`failed ${error} ${begun}`),
    closed: () => void events.push('closed'),
  };
  return { events, watch, result: watchBody(body, watch) };
}

async function drain(body: Body): Promise<void> {
  try {
    for await (const _ of body);
  } finally {
    await body.close?.();
  }
}

describe('a watched body', () => {
  it('is told of its end once its own close() has run', async () => {
    const events: string[] = [];
    const close = () => void events.push('close');
    const { events: told, result } = watched(Object.assign([bytes('a')], { close }));
    expect(Array.isArray(result)).toBe(true);
    await drain(result);
    expect([events, told]).toEqual([['close'], ['closed']]);
  });

  it('is told of errors of its steps, and if one has come before', async () => {
    const failing = async function* (first: boolean) {
      if (first) yield bytes('a');
      throw new Error('x');
    };
    for (const first of [true, false]) {
      const { events, result } = watched(failing(first));
      await expect(drain(result)).rejects.toThrow('x');
      expect(events).toEqual([`failed Error: x ${first}`, 'closed']);
    }
  });

  it('is told of an error of its close()', async () => {
    const close = () => Promise.reject(new Error('in close'));
    const { events, result } = watched(Object.assign([bytes('a')], { close }));
    await expect(drain(result)).rejects.toThrow('in close');
    expect(events).toEqual(['failed Error: in close false', 'closed']);
  });

  it('ends the iterator of the body when it is ended early', async () => {
    const ended: string[] = [];
    const { result } = watched(
      (async function* () {
        try {
          yield bytes('a');
          yield bytes('b');
        } finally {
          ended.push('finally');
        }
      })(),
    );
    for await (const _ of result) break;
    expect(ended).toEqual(['finally']);
  });

  it('is still the same file, and a stream becomes one, which the gateway can cancel and pass by reference', async () => {
    let cancelled = 0;
    const stream = new ReadableStream<Uint8Array>({ cancel: () => void cancelled++ });
    const file = new FileWrapper(stream);
    expect(watched(file).result).toBe(file);
    await file.close();
    expect(cancelled).toBe(1);
    expect(watched(new ReadableStream() as never).result).toBeInstanceOf(FileWrapper);
  });

  it('must be iterable', () => {
    expect(() => watched(undefined as never)).toThrow(/application: must return an iterable of Uint8Array/);
    expect(() => watched('text' as never)).toThrow(/application: must return an iterable of Uint8Array/);
  });
});
