// Requests of each kind must leave nothing alive: neither in Python, nor in JavaScript, nor in the table of JavaScript values
// that Python refers to. LEAK_REQUESTS=10000 makes it a long run, which prints the growth.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { fromPython } from '../../python/index.js';
import type { PyodideModule } from '../../python/interpreter/pyodide.js';
import { callApp } from '../../testing/index.js';
import { loadAssets } from './assets.ts';
import { FLASK_ASSETS, withoutFlask } from './flask.ts';
import { type Ask, expectAnswer, kindsOf } from './kinds.ts';

const LONG = process.env.LEAK_REQUESTS !== undefined;
const REQUESTS = Number(process.env.LEAK_REQUESTS ?? 900);
const WARM = 200;
const ROUNDS = 3;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface Alive {
  /** Objects that Python's garbage collector tracks. */
  objects: number;
  /** JavaScript values that Python refers to. */
  references: number;
  /** Bytes in use on C's heap, where all objects of Python are. */
  memory: number;
  /** Bytes of the JavaScript heap. */
  heap: number;
}

interface Module extends PyodideModule {
  _hiwire_num_refs(): number;
  _malloc(bytes: number): number;
  _free(at: number): void;
  _mallinfo(at: number): void;
}

/** Loads assets, with a function that counts what is alive in their interpreter. */
async function observed(folder?: string) {
  const assets = await loadAssets(folder);
  const { createPyodideModule } = assets;
  let module: Module;
  assets.createPyodideModule = async (settings) => {
    module = (await createPyodideModule(settings)) as Module;
    return module;
  };

  const used = (): number => {
    const info = module._malloc(40);
    module._mallinfo(info);
    module._free(info);
    return module.HEAPU32[(info >>> 2) + 7] as number; // uordblks
  };

  const alive = async (): Promise<Alive> => {
    // Finalizers of collected objects run between the collections.
    for (let i = 0; i < 3; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const objects = Number((await callApp(fromPython(assets, { application: 'alive:objects' }))).text());
    collect();
    return { objects, references: module._hiwire_num_refs(), memory: used(), heap: process.memoryUsage().heapUsed };
  };
  return { assets, alive };
}

async function findLeaks(ask: Ask, alive: () => Promise<Alive>): Promise<void> {
  for (let i = 0; i < WARM; i++) await ask();
  await alive(); // its first answer makes objects that stay
  const points = [await alive()];
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < REQUESTS / ROUNDS; i++) {
      await ask();
      await new Promise((resolve) => setImmediate(resolve)); // real requests come from sockets, so Python's event loop gets its turn
    }
    points.push(await alive());
  }
  const [first, last] = [points[0] as Alive, points[ROUNDS] as Alive];
  const grown = (what: keyof Alive) => last[what] - first[what];
  // Caches, tables and compiled code grow once; a leak grows in each round.
  const leaked = (what: keyof Alive) => {
    const steps = points.slice(1).map((point, i) => point[what] - (points[i] as Alive)[what]);
    return Math.min(...steps) / (REQUESTS / ROUNDS);
  };
  if (LONG)
    console.log(
      `${grown('objects')} objects, ${grown('references')} references, ${grown('memory')} bytes of Python, ${grown('heap')} bytes of JavaScript`,
    );
  expect([grown('objects'), grown('references')], 'objects and references').toEqual([0, 0]);
  expect(leaked('memory'), 'bytes of Python for each request').toBeLessThan(64); // free lists grow for some thousand requests
  expect(leaked('heap'), 'bytes of JavaScript for each request').toBeLessThan(200);
}

describe(`nothing is left of ${REQUESTS} requests`, async () => {
  const { assets, alive } = await observed();
  for (const [name, ask] of Object.entries(kindsOf(assets)))
    it(name, { timeout: 600_000 }, () => findLeaks(ask, alive));
});

describe.skipIf(withoutFlask)(`nothing is left of ${REQUESTS} requests of Flask`, async () => {
  const flask = withoutFlask ? undefined : await observed(FLASK_ASSETS);
  for (const [path, status] of [
    ['/hello', 200],
    ['/none', 404],
    ['/fails', 500],
  ] as const)
    it(`${status}`, { timeout: 600_000 }, async () => {
      const { assets, alive } = flask as NonNullable<typeof flask>;
      const app = fromPython(assets);
      await findLeaks(() => expectAnswer(app, { PATH_INFO: path }, status), alive);
    });
});
