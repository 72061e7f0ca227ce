// A Worker with Python in it, on a real workerd.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
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

const { default: workerd } = createRequire(import.meta.url)('workerd') as { default: string };
const KINDS = { ESModule: 'esModule', CompiledWasm: 'wasm', Data: 'data' };

/** Starts a Worker without bindings, whose code imports the assets from './assets.mjs'. Miniflare copies its modules often
 *  enough to take a minute over the assets of a large application; workerd reads their files itself. The Worker can connect to
 *  this machine.
 *  @param certificates  PEM, trusted in addition to those of workerd
 *  @param scratch  a folder beside the assets, because the build accepts no other files among them */
export async function startPlainWorker(
  contents: string,
  folder: string,
  certificates: string[] = [],
  scratch = `${folder}-worker`,
): Promise<{ port: number; stop(): void }> {
  await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    outfile: join(scratch, 'worker.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker'],
    external: ['./assets.mjs', 'cloudflare:sockets'],
  });
  const modules = readdirSync(folder).flatMap((name) => {
    const type = TYPES[name.split('.').at(-1) ?? ''];
    return type === undefined || name === 'node.mjs'
      ? []
      : [`(name = "${name}", ${KINDS[type]} = embed "../${basename(folder)}/${name}")`];
  });
  const config = `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "main", worker = (
        modules = [(name = "worker.js", esModule = embed "worker.js"), ${modules.join(', ')}],
        compatibilityDate = "2026-10-20",
      )), (name = "internet", network = (
        allow = ["public", "private"],
        tlsOptions = (trustBrowserCas = true, trustedCertificates = ${JSON.stringify(certificates)}),
      ))],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
    );`;
  writeFileSync(join(scratch, 'config.capnp'), config);
  const child = spawn(workerd, ['serve', '--control-fd=3', 'config.capnp', 'config'], {
    cwd: resolve(scratch),
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const [started] = await once(child.stdio[3] as NodeJS.ReadableStream, 'data');
  const { port } = JSON.parse(String(started)) as { port: number };
  return { port, stop: () => void child.kill() };
}
