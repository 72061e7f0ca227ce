// Recursion in C that comes near the end of the native stack raises RecursionError, as it does in any CPython, and the
// interpreter lives on.
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fromPython } from '../../python/index.js';
import { serve } from '../../targets/node/index.js';
import { loadAssets } from './assets.ts';
import { startWorker } from './workerd.ts';

const servers = {
  async Node(jspi: boolean) {
    const server = await serve(fromPython(await loadAssets(), { application: 'recursion:app', jspi }));
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    return { port: (server.address() as AddressInfo).port, stop };
  },
  workerd: (jspi: boolean) =>
    startWorker(`
      import assets from './assets.mjs';
      import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
      import { fromPython } from '../../python/index.js';
      export default toCloudflareHandler(fromPython(assets, { application: 'recursion:app', jspi: ${jspi} }));`),
};

const FLAT = [
  'deallocation of tuples',
  'deallocation of dictionaries',
  'deallocation of iterators',
  'deallocation of elements',
  'unpickling',
  'ordinary JSON',
  'ordinary sorting',
  'ordinary copying',
  'ordinary functions',
];
const DEEP = [
  'json.loads',
  'json.loads of objects',
  'json.dumps',
  'pickle.dumps',
  'repr',
  'repr by __repr__',
  '==',
  'XML',
  'deepcopy',
  '__getattr__',
  'sorted',
  'compile',
];
const expected = Object.fromEntries([
  ...DEEP.map((name) => [name, 'RecursionError']),
  ...FLAT.map((name) => [name, true]),
]);

describe.each(Object.entries(servers))('on %s', (_where, start) => {
  it.each([true, false])(
    'data nested too deep raises RecursionError, and the state in memory survives: jspi %s',
    async (jspi) => {
      const { port, stop } = await start(jspi);
      try {
        for (const served of [1, 2, 3])
          expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toEqual([served, expected]);
      } finally {
        await stop();
      }
    },
  );
});
