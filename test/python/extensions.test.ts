// Extension modules for Pyodide (PEP 783), on Node and as CompiledWasm on workerd: imported before the snapshot and after it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { trim } from '../../python/builder/trim.js';
import { ensureBuilt } from '../../scripts/build-python.ts';
import { modulesOf } from '../../scripts/python-packages.ts';
import { APPS, notFetched } from './assets.ts';
import { type Served, servers } from './served.ts';

const BUILDS = { 'a snapshot': 'app', 'no snapshot': 'none' } as const;
const outOf = (snapshot: string) => `build/python-extended-${snapshot}-assets`;

const EXPECTED = {
  packed: "('msgpack._cmsgpack', {'é': [1, 2.5, None]})",
  validated: `(2, '{"name":"é","price":2.5,"day":"2026-01-31"}')`,
  again: "('msgpack._cmsgpack', b'\\x91\\x01')",
  recursion: "'RecursionError'",
};

describe.skipIf(notFetched(['extensions'], 'extension modules'))('extension modules', () => {
  describe.each(Object.entries(BUILDS))('with %s', (_, snapshot) => {
    beforeAll(async () => {
      const packages = [modulesOf('extensions')];
      await ensureBuilt({ application: `${APPS}/extended.py:app`, packages, out: outOf(snapshot), snapshot });
    }, 120_000);

    it.each(Object.entries(servers))(
      'run on %s',
      async (_, start) => {
        const { port, stop }: Served = await start({}, outOf(snapshot));
        try {
          const answers: Record<string, string> = {};
          for (const path of Object.keys(EXPECTED))
            answers[path] = await (await fetch(`http://127.0.0.1:${port}/${path}`)).text();
          expect(answers).toEqual(EXPECTED);
        } finally {
          await stop();
        }
      },
      120_000,
    );
  });

  it('keep what they import exported, and only theirs', async () => {
    const wasm = new Uint8Array(readFileSync('node_modules/pyodide/pyodide.asm.wasm'));
    const script = readFileSync('node_modules/pyodide/pyodide.asm.mjs').toString();
    const file = 'msgpack/_cmsgpack.cpython-314-wasm32-emscripten.so';
    const extension = new WebAssembly.Module(readFileSync(join(modulesOf('extensions'), file)));
    const trimmed = (extensions: WebAssembly.Module[]) => trim(script, wasm, [], extensions);
    const exported = (bytes: Uint8Array<ArrayBuffer>) =>
      WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name);
    const [without, extended] = [trimmed([]), trimmed([extension])];
    const [names, more] = [exported(without.wasm), exported(extended.wasm)];
    const imported = WebAssembly.Module.imports(extension).map(({ name }) => name);
    expect(more.filter((name) => !names.includes(name) && !imported.includes(name))).toEqual([]);
    expect(more.length).toBeGreaterThan(names.length + 20);
    expect(without.script).not.toMatch(/Module\.extensions/);
  });
});
