// Files in the SQL storage of Durable Objects, on workerd.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../conformance/case.js';
import { ASSETS } from './assets.ts';
import { type PlainWorker, startPlainWorker } from './workerd.ts';

// An object that is told so computes for ever at a write, until it is killed.
const WORKER = `
  import { DurableObject } from 'cloudflare:workers';
  import assets from './assets.mjs';
  import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
  import { durableObject, fromPython } from '../../python/index.js';
  export class Site extends DurableObject {
    constructor(ctx, env) {
      super(ctx, env);
      const { storage } = ctx;
      this.left = Infinity;
      const sql = {
        exec: (query, ...values) => {
          if (!query.startsWith('SELECT') && --this.left <= 0) for (;;);
          return storage.sql.exec(query, ...values);
        },
      };
      const counted = { sql, transactionSync: (closure) => storage.transactionSync(closure) };
      const files = { '/data': durableObject(counted) };
      this.site = toCloudflareHandler(fromPython(assets, { application: 'stored:app', files }));
    }
    fetch(request) {
      this.left = Number(request.headers.get('X-Writes') ?? Infinity);
      return this.site.fetch(request, this.env, this.ctx);
    }
  }
  export default {
    fetch(request, env) {
      const name = request.headers.get('X-Object') ?? 'main';
      return env.SITE.get(env.SITE.idFromName(name)).fetch(request);
    },
  };`;

describe('files of a Durable Object on workerd', () => {
  const root = mkdtempSync(join(tmpdir(), 'wsgi-edge-objects-'));
  let worker: PlainWorker;
  let state = 0;
  const start = () => startPlainWorker(WORKER, ASSETS, { state: join(root, String(state)) });
  beforeEach(async () => {
    mkdirSync(join(root, String(++state)));
    worker = await start();
  });
  afterEach(() => worker.kill());
  afterAll(() => rmSync(root, { recursive: true }));

  const ask = async (target: string, headers: Record<string, string> = {}): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${worker.port}/${target}`, { headers });
    const text = await response.text();
    return response.status === 200 ? JSON.parse(text) : text;
  };

  it('hold databases of SQLite, with transactions, which survive a restart', async () => {
    expect(await ask('begin?rows=20')).toEqual([20, 0, 0, 'ok']);
    expect(await ask('move?amount=3')).toEqual([20, 0, 24, 'ok']);
    expect(await ask('roll_back')).toEqual([20, 0, 24, 'ok']);
    await worker.kill();
    worker = await start();
    expect(await ask('state')).toEqual([20, 0, 24, 'ok']);
  });

  it.each([
    ['move?amount=2', 16],
    ['move_slowly?amount=2&rows=2', 10],
  ])(
    'have the old state if workerd ends at any write of a transaction (%s)',
    { timeout: 300_000 },
    async (target, sum) => {
      await ask('begin?rows=20');
      await ask('move?amount=1');
      for (let writes = 1, answered = false; !answered; writes++) {
        expect(writes).toBeLessThan(60);
        await ask('count');
        const begun = worker.cpuTime();
        const answer = ask(target, { 'X-Writes': String(writes) }).then(
          () => true,
          () => false,
        );
        const stuck = async () => {
          while (worker.cpuTime() < begun + 0.5) await sleep(20);
          return false;
        };
        answered = await Promise.race([answer, stuck()]);
        await worker.kill();
        worker = await start();
        if (!answered) expect(await ask('state'), `ended at write ${writes}`).toEqual([20, 0, 8, 'ok']);
        else expect(writes).toBeGreaterThan(6);
      }
      expect(await ask('state'), 'after an answer').toEqual([20, 0, sum, 'ok']);
    },
  );

  it('and the interpreter with them belong to one object, although objects share an isolate', async () => {
    const count = (name: string) => ask('count', { 'X-Object': name });
    expect([await count('a'), await count('a'), await count('b'), await count('a')]).toEqual([1, 2, 1, 3]);
    await ask('begin?rows=1', { 'X-Object': 'a' });
    expect(await ask('listed', { 'X-Object': 'b' })).toEqual([]);
  });
});
