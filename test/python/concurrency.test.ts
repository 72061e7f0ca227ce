// One interpreter serves several users at the same time. Nobody gets a byte or a context of another user.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build-python.ts';
import { sleep } from '../conformance/case.js';
import { APPS, CONCURRENT_ASSETS } from './assets.ts';
import { FLASK_ASSETS, withoutFlask } from './flask.ts';
import { servers } from './served.ts';

const UNFROZEN = 'build/python-concurrent-unfrozen-assets';
const CLIENTS = 12;
const ROUNDS = 100;
const USERS = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Tony', 'Frances', 'Niklaus', 'Jean'];

/** @param seen  the text that each line of `name` has after the number of those that wait */
async function stream(port: number, name: string, seen: string): Promise<{ most: number; cookie: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/stream?user=${name}`);
  const lines = (await response.text()).split('\n');
  const rest = lines.slice(0, -1).map((line) => line.slice(line.indexOf(' ') + 1));
  expect(rest, name).toEqual(Array.from({ length: 10 }, () => seen));
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return { most: Math.max(...lines.map((line) => Number.parseInt(line, 10) || 0)), cookie };
}

/** Streams to all users at a time, and returns how many of them waited at a time. */
async function most(port: number): Promise<number> {
  const seen = (name: string) => `${name} ['nobody', 'nobody'] ['${name}', '${name}']`;
  const streams = await Promise.all(USERS.map((name) => stream(port, name, seen(name))));
  return Math.max(...streams.map((each) => each.most));
}

for (const [where, start] of Object.entries(servers)) {
  describe(`on ${where}`, () => {
    let server: Awaited<ReturnType<typeof start>>;
    beforeAll(async () => {
      server = await start({ concurrency: 4 }, CONCURRENT_ASSETS);
    });
    afterAll(() => server?.stop());

    it('contextvars and threading.local are those of the request', async () => {
      expect(await most(server.port), 'requests that wait at a time').toBe(4);
    });

    it('several requests at a time are the default for assets built with --concurrent', async () => {
      const server = await start({}, CONCURRENT_ASSETS);
      try {
        expect(await most(server.port), 'requests that wait at a time').toBe(USERS.length);
      } finally {
        await server.stop();
      }
    });

    it('threading.local is that of the request without a snapshot', async () => {
      await ensureBuilt({ application: `${APPS}/users.py:app`, out: UNFROZEN, concurrent: true, snapshot: 'none' });
      const server = await start({}, UNFROZEN);
      try {
        expect(await most(server.port), 'requests that wait at a time').toBe(USERS.length);
      } finally {
        await server.stop();
      }
    });

    it('threading.local is that of the request after a restart with freeSnapshot', async () => {
      const server = await start({ freeSnapshot: true }, CONCURRENT_ASSETS);
      try {
        expect((await fetch(`http://127.0.0.1:${server.port}/die?user=Ada`)).status).toBe(500);
        expect(await most(server.port), 'requests that wait at a time').toBe(USERS.length);
      } finally {
        await server.stop();
      }
    });

    it('recursion through C that waits at its deepest point keeps its objects', { timeout: 300_000 }, async () => {
      const { port, stop } = await start({ application: 'deep:app', concurrency: CLIENTS }, CONCURRENT_ASSETS);
      const get = async (query: string) => {
        const response = await fetch(`http://127.0.0.1:${port}/?${query}`);
        return [response.status, await response.text()];
      };
      const client = async (number: number) => {
        for (let round = 0; round < ROUNDS; round++) {
          const seed = number * ROUNDS + round;
          expect((await get(`seed=${seed}${round % 4 === 0 ? '&task=1' : ''}`))[0]).toBe(200);
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
      const tasks = (CLIENTS * ROUNDS) / 4;
      let done: unknown;
      for (let poll = 0; poll < 100 && done !== tasks; poll++) {
        done = Number((await get('seed=0'))[1]);
        await sleep(20);
      }
      expect(done, 'tasks of wait_until').toBe(tasks);
      await stop();
    });
  });

  describe.skipIf(withoutFlask)(`Flask on ${where}`, () => {
    let server: Awaited<ReturnType<typeof start>>;
    beforeAll(async () => {
      server = await start({ concurrency: 4 }, FLASK_ASSETS);
    });
    afterAll(() => server?.stop());

    it("request, session, g and stream_with_context are the user's own", async () => {
      const seen = (name: string) =>
        `${name} ['nobody', 'nobody', False, 'nobody'] ['${name}', '${name}', '${name}', '${name}', '${name}']`;
      const streams = await Promise.all(USERS.map((name) => stream(server.port, name, seen(name))));
      expect(Math.max(...streams.map((each) => each.most)), 'requests that wait at a time').toBe(4);
      const names = streams.map(async ({ cookie }) =>
        (await fetch(`http://127.0.0.1:${server.port}/session`, { headers: { cookie } })).text(),
      );
      expect(await Promise.all(names)).toEqual(USERS);
    });
  });
}
