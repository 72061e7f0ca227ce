// A Worker with Python in it, on a real workerd.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { ASSETS } from './assets.ts';

export interface PythonWorker {
  port: number;
  miniflare: Miniflare;
  stop(): Promise<void>;
}

const TYPES: Record<string, 'ESModule' | 'CompiledWasm' | 'Data'> = {
  mjs: 'ESModule',
  wasm: 'CompiledWasm',
  zip: 'Data',
  bin: 'Data',
};

/** Starts a Worker whose code imports the assets from './assets.mjs'.
 *  @param options  more options of miniflare */
export async function startWorker(
  contents: string,
  options: Record<string, unknown> = {},
  folder = ASSETS,
): Promise<PythonWorker> {
  const bundle = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker'],
    external: ['./assets.mjs'],
    write: false,
  });
  const files = readdirSync(folder).flatMap((path) => {
    const type = TYPES[path.split('.').at(-1) ?? ''];
    if (type === undefined || path === 'node.mjs') return [];
    const bytes = readFileSync(join(folder, path));
    return [{ type, path, contents: type === 'ESModule' ? bytes.toString() : bytes }];
  });
  const name = 'python';
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name,
      modules: [{ type: 'ESModule', path: 'worker.js', contents: bundle.outputFiles[0]?.text ?? '' }, ...files],
      compatibilityDate: '2026-10-20',
      host: '127.0.0.1',
      cf: false,
      logRequests: false,
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      ...options,
    } as Parameters<typeof convertV4MiniflareOptions>[0]),
  );
  await miniflare.ready;
  const port = Number((await miniflare.unsafeGetDirectURL(name)).port);
  return { port, miniflare, stop: () => miniflare.dispose() };
}
