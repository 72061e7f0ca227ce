// The memory that request bodies for Python take together (python/body.ts).
import { expect, it } from 'vitest';
import { takeBody } from '../../python/body.js';
import { fromPython } from '../../python/index.js';
import { testEnviron } from '../../testing/index.js';
import { loadAssets } from './assets.ts';

const MOST = 100_000; // bytes
const chunked = (bytes: number) =>
  testEnviron(
    {},
    new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(bytes));
        controller.close();
      },
    }),
  );
const take = async (bytes: number, canWait: boolean) => {
  const body = await takeBody(chunked(bytes), MOST, async () => canWait);
  if (typeof body === 'string') throw new Error(body);
  return body;
};

it('is counted for a body that Python pulls, until it has pulled the beginning', async () => {
  const pulled = await Promise.all(Array.from({ length: 4 }, () => take(150_000, true)));
  expect(pulled.map(({ input }) => input)).toEqual([true, true, true, true]);
  await expect(take(70_000, false)).rejects.toThrow('503');
  const [first, ...others] = pulled;
  expect(await first?.pull?.(1, 50_000)).toHaveLength(50_000);
  await expect(take(70_000, false)).rejects.toThrow('503');
  expect(await first?.pull?.(1, 60_000)).toHaveLength(50_001);
  const whole = await take(70_000, false);
  expect(whole.input).toHaveLength(70_000);
  for (const body of [whole, ...others]) body.free();
});

it('is given back once, and for a body that is refused or breaks off', async () => {
  await expect(take(150_000, false)).rejects.toThrow('413');
  const broken = testEnviron(
    {},
    new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(90_000)),
      pull: (controller) => controller.error(new Error('left')),
    }),
  );
  await expect(takeBody(broken, MOST, async () => false)).rejects.toThrow();
  // All of the memory is there, and not more.
  const held = await Promise.all(Array.from({ length: 4 }, () => take(MOST, false)));
  held[0]?.free();
  held[0]?.free();
  held[0] = await take(MOST, false);
  await expect(take(MOST, false)).rejects.toThrow('503');
  for (const body of held) body.free();
});

it('is counted while an application that streams has not read its body', async () => {
  const app = fromPython(await loadAssets(), { application: 'turns:reads_late', maxBuffered: MOST });
  const begin = () => app(chunked(150_000), () => async () => {});
  const bodies = [await begin(), await begin(), await begin(), await begin()];
  await expect(take(70_000, false)).rejects.toThrow('503');
  for (const body of bodies) await body.close?.();
  (await take(MOST, false)).free();
});
