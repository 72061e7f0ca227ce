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
    external: ['./assets.mjs', 'cloudflare:workers'],
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

export interface PlainWorker {
  port: number;
  /** The time that it has computed, in seconds (on Linux). */
  cpuTime(): number;
  stop(): void;
  /** Ends it at once, and waits until it has ended. */
  kill(): Promise<void>;
}

/** How to run a plain Worker. */
export interface PlainOptions {
  /** A folder for the storage of Durable Objects, which a later Worker can go on with. */
  state?: string;
  /** PEM, trusted in addition to those of workerd. */
  certificates?: string[];
  /** A folder beside the assets, because the build accepts no other files among them. */
  scratch?: string;
}

/** Starts a Worker whose only binding is SITE, the Durable Object class Site if it exports that, and whose code imports the
 *  assets from './assets.mjs'. It can connect to this machine. Miniflare copies its modules often enough to take a minute over
 *  the assets of a large application; workerd reads their files itself. */
export async function startPlainWorker(
  contents: string,
  folder: string,
  { state, certificates = [], scratch = `${folder}-worker` }: PlainOptions = {},
): Promise<PlainWorker> {
  await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    outfile: join(scratch, 'worker.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker'],
    external: ['./assets.mjs', 'cloudflare:workers', 'cloudflare:sockets'],
  });
  const modules = readdirSync(folder).flatMap((name) => {
    const type = TYPES[name.split('.').at(-1) ?? ''];
    return type === undefined || name === 'node.mjs'
      ? []
      : [`(name = "${name}", ${KINDS[type]} = embed "../${basename(folder)}/${name}")`];
  });
  const objects = `durableObjectNamespaces = [(className = "Site", uniqueKey = "site", enableSql = true)],
        durableObjectStorage = (localDisk = "disk"),
        bindings = [(name = "SITE", durableObjectNamespace = "Site")],`;
  const config = `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "main", worker = (
        modules = [(name = "worker.js", esModule = embed "worker.js"), ${modules.join(', ')}],
        compatibilityDate = "2026-10-20",
        ${state === undefined ? '' : objects}
      )), (name = "internet", network = (
         allow = ["public", "private"],
         tlsOptions = (trustBrowserCas = true, trustedCertificates = ${JSON.stringify(certificates)}),
       ))${state === undefined ? '' : `, (name = "disk", disk = (path = "${state}", writable = true))`}],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
    );`;
  writeFileSync(join(scratch, 'config.capnp'), config);
  const child = spawn(workerd, ['serve', '--control-fd=3', 'config.capnp', 'config'], {
    cwd: resolve(scratch),
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const ended = once(child, 'exit');
  const [started] = await once(child.stdio[3] as NodeJS.ReadableStream, 'data');
  const { port } = JSON.parse(String(started)) as { port: number };
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const cpuTime = () => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ');
    return (Number(fields[13]) + Number(fields[14])) / 100;
  };
  return { port, cpuTime, stop: () => void child.kill(), kill };
}
