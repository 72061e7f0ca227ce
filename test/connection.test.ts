import { setTimeout as later } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { Connection } from '../src/connection.js';
import { ClientDisconnected } from '../src/errors.js';

const quiet = () => new Connection(() => {}, undefined);
const pending = () => new Promise<never>(() => {});

describe('a connection', () => {
  it('makes its signal when it is asked, before or after the end', () => {
    const before = quiet();
    const { signal } = before;
    expect(signal.aborted).toBe(false);
    before.abort();
    expect(signal.reason).toBeInstanceOf(ClientDisconnected);
    const after = quiet();
    after.abort('gone');
    expect(after.signal).toMatchObject({ aborted: true, reason: 'gone' });
    expect(after.signal).toBe(after.signal);
  });

  it('ends once: the first reason counts', () => {
    const connection = quiet();
    const listener = vi.fn();
    connection.signal.addEventListener('abort', listener);
    connection.abort('first');
    connection.abort('second');
    expect(connection.reason).toBe('first');
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('ends a wait, and the promise that settles later changes nothing', async () => {
    const connection = quiet();
    const done = vi.fn();
    const waited = connection.until(later(5), done, (error) => `failed: ${error}`);
    connection.abort('gone');
    expect(await waited).toBe('failed: gone');
    await later(10);
    expect(done).not.toHaveBeenCalled();
    await expect(connection.whileOpen(pending())).rejects.toBe('gone');
  });

  it('hands the value or the rejection on if it lasts', async () => {
    const connection = quiet();
    expect(await connection.until(Promise.resolve(1), (value) => `got ${value}`, String)).toBe('got 1');
    expect(await connection.until(Promise.reject('no'), String, (error) => `failed: ${error}`)).toBe('failed: no');
    const thrown = connection.until(
      Promise.resolve(),
      () => {
        throw new Error('in the step after');
      },
      String,
    );
    await expect(thrown).rejects.toThrow('in the step after');
    expect(await connection.whileOpen(Promise.resolve(3))).toBe(3);
  });

  it('logs a rejection of background work, and tells the platform of the work', async () => {
    const log: string[] = [];
    const kept: Promise<unknown>[] = [];
    const connection = new Connection(({ message }) => log.push(message), {
      waitUntil: (promise) => void kept.push(promise),
    });
    connection.waitUntil(Promise.reject(new Error('disk on fire')));
    await Promise.all(kept);
    expect(log).toEqual([
      expect.stringMatching(/^application: a promise given to wsgi_edge\.wait_until rejected: Error: disk on fire/),
    ]);
  });
});
