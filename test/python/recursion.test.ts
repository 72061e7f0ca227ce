// Recursion in C that comes near the end of the native stack raises RecursionError, as it does in any CPython, and the
// interpreter lives on.
import { describe, expect, it } from 'vitest';
import { servers } from './served.ts';

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
      const { port, stop } = await start({ application: 'recursion:app', jspi });
      try {
        for (const served of [1, 2, 3])
          expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toEqual([served, expected]);
      } finally {
        await stop();
      }
    },
  );
});
