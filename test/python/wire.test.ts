// The two halves of the gateway have the same constants and know each other's functions, as python/bridge/wire.ts lists them.
import { beforeAll, expect, it } from 'vitest';
import { createCalls } from '../../python/bridge/calls.js';
import { createForeigners } from '../../python/bridge/foreign.js';
import {
  BRIDGE_FUNCTIONS,
  BROKEN,
  CHUNK,
  DISCONNECTED,
  EMPTY,
  FAILED,
  FOREIGN_FUNCTIONS,
  NUL,
  WARM_UP,
} from '../../python/bridge/wire.js';
import { bootPython } from '../../python/interpreter/boot.js';
import type { PyodidePublic } from '../../python/interpreter/pyodide.js';
import { ClientDisconnected } from '../../src/errors.js';
import { loadAssets } from './assets.ts';

let python: PyodidePublic;
beforeAll(async () => {
  ({ python } = await bootPython(await loadAssets()));
});

const read = (expression: string): unknown =>
  JSON.parse(
    python.runPython(`import json; from wsgi_edge import bridge, foreign; json.dumps(${expression})`) as string,
  );

it.each(
  Object.entries({ CHUNK, EMPTY, FAILED, BROKEN, NUL, WARM_UP, CLIENT_DISCONNECTED: new ClientDisconnected().name }),
)('%s is the same in both halves', (name, value) => {
  expect(read(`bridge.${name}`)).toBe(value);
});

it('the exception for a client that went away has the name that TypeScript looks for', () => {
  expect(read('bridge.Disconnected.__name__')).toBe(DISCONNECTED);
});

it('Python has all functions that TypeScript calls', () => {
  const missing = (module: string, names: readonly string[]) =>
    read(`[name for name in ${JSON.stringify(names)} if not callable(getattr(${module}, name, None))]`);
  expect(missing('bridge', BRIDGE_FUNCTIONS)).toEqual([]);
  expect(missing('foreign', FOREIGN_FUNCTIONS)).toEqual([]);
});

it('TypeScript has all functions that Python calls', () => {
  const { add: _, ...foreigners } = createForeigners({} as never);
  const names = [
    ...Object.keys(createCalls(new Map(), true, async (promise) => promise)),
    'kdf',
    ...Object.keys(foreigners),
  ];
  expect(names.sort()).toEqual((read('bridge._Gateway.__slots__') as string[]).sort());
});
