// Python applications: the bridge alone, hello of frameworks beside native CPython, the first response of what has just
// started, and memory.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ensureBuilt } from '../scripts/build-python.ts';
import { isFetched, modulesOf, type PackageSet } from '../scripts/python-packages.ts';
import { type Race, race } from './rounds.ts';
import { cpuOf, startWorkerd, type Worker } from './workers.ts';

const root = resolve(import.meta.dirname, '..');
const APPS = join(import.meta.dirname, 'python_apps');
const OUT = join(root, 'build/bench-python');

const SUBJECTS: Record<string, { module: string; packages?: PackageSet }> = {
  'bare WSGI': { module: 'bare' },
  Flask: { module: 'in_flask', packages: 'flask' },
  Django: { module: 'in_django', packages: 'django' },
};

// An environ of 20 keys, as a browser makes it behind a gateway.
const ENVIRON: Record<string, string> = {
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: '',
  PATH_INFO: '/hello',
  QUERY_STRING: 'name=world',
  CONTENT_LENGTH: '0',
  SERVER_NAME: 'www.example.com',
  SERVER_PORT: '443',
  SERVER_PROTOCOL: 'HTTP/1.1',
  REMOTE_ADDR: '192.0.2.17',
  REQUEST_URI: '/hello?name=world',
  'wsgi.url_scheme': 'https',
  HTTPS: 'on',
  HTTP_HOST: 'www.example.com',
  HTTP_USER_AGENT: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  HTTP_ACCEPT: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  HTTP_ACCEPT_LANGUAGE: 'en-US,en;q=0.8,de-DE;q=0.5,de;q=0.3',
  HTTP_ACCEPT_ENCODING: 'gzip, deflate, br, zstd',
  HTTP_COOKIE: 'session=eyJ1c2VyIjoiYWRhIn0.aRxk4g.VJp2kX4Zx3k0WnCq0o6m1Yb0Z9Q; theme=dark; consent=all',
  HTTP_REFERER: 'https://www.example.com/a/page/before?with=a&query=1',
  HTTP_UPGRADE_INSECURE_REQUESTS: '1',
};

// In Node and in a Worker: calls the application so many times, as a gateway that sends nothing.
const DRIVER = `
  const ENVIRON = ${JSON.stringify(ENVIRON)};
  const noop = () => {};
  const signal = new AbortController().signal;
  const extra = { 'wsgi_edge.wait_until': noop, 'wsgi_edge.signal': signal, 'wsgi.errors': { write: console.error, flush: noop } };
  async function drive(app, times, overrides) {
    for (let i = 0; i < times; i++) {
      let status;
      const body = await app({ ...ENVIRON, ...overrides, ...extra }, (given) => { status = given; return noop; });
      for await (const _ of body);
      await body.close?.();
      if (status !== '200 OK') throw new Error('answered ' + status);
    }
  }`;

/** Builds the assets of a subject, unless they are there and up to date. */
async function ensureAssets(module: string, packages: PackageSet | undefined): Promise<string> {
  const out = `build/bench-python/${module}`;
  await ensureBuilt({
    application: `bench/python_apps/${module}.py:app`,
    packages: packages === undefined ? [] : [modulesOf(packages)],
    out,
  });
  return join(root, out);
}

/** A Worker on workerd with the assets of a folder.
 *  @param boot  at the top level; else the first request boots
 *  @param jspi  whether Python is entered so that it can wait */
const worker = (folder: string, boot: boolean, jspi = true): Promise<Worker> =>
  startWorkerd(
    `import assets from './assets.mjs';
     import { toCloudflareHandler } from '../dist/targets/cloudflare/index.js';
     import { fromPython } from '../dist/targets/python/index.js';
     ${DRIVER}
     let memory = 0;
     const { createPyodideModule } = assets;
     assets.createPyodideModule = async (settings) => {
       const module = await createPyodideModule(settings);
       memory = () => module.HEAP8.length;
       return module;
     };
     const app = fromPython(assets, { jspi: ${jspi} });
     const loop = fromPython(assets, { jspi: ${jspi}, application: 'loop:app' });
     ${boot ? 'await app.boot();' : ''}
     const handler = toCloudflareHandler(app);
     export default {
       async fetch(request, env, ctx) {
         const { pathname, search } = new URL(request.url);
         if (pathname === '/hello') return handler.fetch(request, env, ctx);
         if (pathname === '/memory') return new Response(String(memory()));
         if (pathname === '/bridge') await drive(app, Number(search.slice(1)), {});
         if (pathname === '/inside') await drive(loop, 1, { QUERY_STRING: search.slice(1) });
         return new Response('done');
       },
     };`,
    readdirSync(folder).flatMap((path) => {
      const type = TYPES[path.split('.').at(-1) ?? ''];
      if (type === undefined || path === 'node.mjs') return [];
      const bytes = readFileSync(join(folder, path));
      return [{ type, path, contents: type === 'ESModule' ? bytes.toString() : bytes }];
    }),
  );

const TYPES: Record<string, 'ESModule' | 'CompiledWasm' | 'Data'> = {
  mjs: 'ESModule',
  wasm: 'CompiledWasm',
  zip: 'Data',
  bin: 'Data',
};

async function get(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
  return text;
}

/** Costs of a request in µs, of so many calls. */
type Cost = (times: number) => Promise<number>;

/** µs of CPU of workerd for each call, those of an empty request left aside. */
const cpuIn =
  ({ port, pid }: Worker, path: (times: number) => string): Cost =>
  async (times) => {
    const before = cpuOf(pid);
    await get(port, path(times));
    const between = cpuOf(pid);
    await get(port, path(1));
    return (2 * between - before - cpuOf(pid)) / (times - 1);
  };

/** µs of CPU of this process for each call. */
const cpuHere =
  (run: (times: number) => Promise<unknown>): Cost =>
  async (times) => {
    const before = process.cpuUsage();
    await run(times);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  };

interface Driven {
  bridge: Cost;
  inside: Cost;
}

/** In this process. */
async function inNode(folder: string, module: string, jspi: boolean): Promise<Driven> {
  const file = join(OUT, `${module}-${jspi}.mjs`);
  await bundle(
    file,
    `import assets from '${join(folder, 'node.mjs')}?${jspi}';
     import { fromPython } from './dist/targets/python/index.js';
     ${DRIVER}
     const app = fromPython(assets, { jspi: ${jspi} });
     const loop = fromPython(assets, { jspi: ${jspi}, application: 'loop:app' });
     export const bridge = (times) => drive(app, times, {});
     export const inside = (times) => drive(loop, 1, { QUERY_STRING: '${module}&' + times });`,
  );
  const driven = await import(pathToFileURL(file).href);
  return { bridge: cpuHere(driven.bridge), inside: cpuHere(driven.inside) };
}

const bundle = (outfile: string, contents: string) =>
  build({
    stdin: { contents, resolveDir: root, loader: 'js' },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
    plugins: [
      {
        name: 'assets',
        setup: (plugin) => plugin.onResolve({ filter: /node\.mjs/ }, ({ path }) => ({ path, external: true })),
      },
    ],
  });

// The name of the row has the version, as another Python may be at hand on another day.
function nativePython(module: string, packages: PackageSet | undefined): { name: string; cost: Cost } | undefined {
  const run = (times: number): [string, string] => {
    const PYTHONPATH = [APPS, ...(packages === undefined ? [] : [join(root, modulesOf(packages))])].join(':');
    const options = {
      env: { ...process.env, PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1' },
      input: JSON.stringify(ENVIRON),
      encoding: 'utf8' as const,
    };
    const printed = execFileSync('python3', [join(APPS, 'loop.py'), module, String(times)], options);
    return printed.trim().split(' ') as [string, string];
  };
  try {
    const [, version] = run(1);
    return { name: `native CPython ${version}, wsgiref.handlers`, cost: async (times) => Number(run(times)[0]) };
  } catch (error) {
    console.log(`left out: native CPython on ${module}: ${String(error).split('\n')[0]}`);
    return undefined;
  }
}

async function warm(title: string, module: string, packages: PackageSet | undefined, rounds: number, times: number) {
  const folder = await ensureAssets(module, packages);
  const workers: Record<string, Worker> = {
    'wsgi-edge in workerd': await worker(folder, true),
    'wsgi-edge in workerd, jspi: false': await worker(folder, true, false),
  };
  const costs: Record<string, Cost> = {};
  const inside: Record<string, Cost> = {};
  for (const [name, jspi] of [
    ['wsgi-edge in Node', true],
    ['wsgi-edge in Node, jspi: false', false],
  ] as const) {
    const driven = await inNode(folder, module, jspi);
    costs[name] = driven.bridge;
    inside[name] = driven.inside;
  }
  for (const [name, each] of Object.entries(workers)) {
    costs[name] = cpuIn(each, (n) => `/bridge?${n}`);
    inside[name] = cpuIn(each, (n) => `/inside?${module}&${n}`);
  }
  const native = nativePython(module, packages);
  const contenders: Record<string, () => Promise<number>> = {};
  if (native !== undefined) contenders[native.name] = () => native.cost(times);
  for (const name in costs) {
    contenders[`${name}, called in Python alone`] = () => (inside[name] as Cost)(times);
    contenders[name] = () => (costs[name] as Cost)(times);
  }
  // Warm: V8 optimizes the interpreter's functions for some ten thousand requests.
  for (let i = 0; i < 3; i++) for (const run of Object.values(contenders)) await run();
  const result = await race(`Python: ${title}`, 'µs of CPU', contenders, rounds);
  for (const each of Object.values(workers)) await each.dispose();
  const races = [result];
  if (module === 'bare')
    races.push({
      title: 'Python: the bridge alone, bare WSGI over its own time (at most 40 in workerd)',
      unit: 'µs of CPU',
      base: 'wsgi-edge in workerd',
      costs: Object.fromEntries(
        Object.keys(costs).map((name) => [
          name,
          (result.costs[name] ?? []).map(
            (cost, round) => cost - (result.costs[`${name}, called in Python alone`]?.[round] ?? Number.NaN),
          ),
        ]),
      ),
    });
  return races;
}

/** Starts anew each time: how long it takes, and the CPU time of it, which does not grow on a busy machine. */
async function first(subjects: typeof SUBJECTS, rounds: number): Promise<Race[]> {
  const contenders: Record<string, () => Promise<number>> = {};
  const cpu: Record<string, number[]> = {};
  for (const [title, { module, packages }] of Object.entries(subjects)) {
    const folder = await ensureAssets(module, packages);
    for (const boot of [false, true]) {
      const name = `wsgi-edge in workerd, ${title}, boot ${boot ? 'at the top level' : 'in the request'}`;
      const cpuOfFirst: number[] = [];
      cpu[name] = cpuOfFirst;
      contenders[name] = async () => {
        const started = await worker(folder, boot);
        const [before, cpuBefore] = [performance.now(), cpuOf(started.pid)];
        await get(started.port, '/hello?name=world');
        const cost = performance.now() - before;
        cpuOfFirst.push((cpuOf(started.pid) - cpuBefore) / 1000);
        await started.dispose();
        return cost;
      };
    }
    const file = join(OUT, `first-${module}.mjs`);
    await bundle(
      file,
      `import { writeSync } from 'node:fs';
       import assets from '${join(folder, 'node.mjs')}';
       import { fromPython } from './dist/targets/python/index.js';
       import { toLambdaHandler } from './dist/targets/aws-lambda/index.js';
       import { lambdaEvent } from './dist/testing/index.js';
       const app = fromPython(assets);
       await app.boot();
       const handler = toLambdaHandler(app);
       const { statusCode } = await handler(lambdaEvent('apigw-http-v2', { target: '/hello?name=world' }), {});
       const { user, system } = process.cpuUsage();
       writeSync(1, statusCode + ' ' + (user + system));`,
    );
    const name = `wsgi-edge in Node, ${title}, from the start of the process`;
    const cpuOfProcess: number[] = [];
    cpu[name] = cpuOfProcess;
    contenders[name] = async () => {
      const before = performance.now();
      const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
      const closed = once(child, 'close');
      const [printed] = await Promise.race([once(child.stdout, 'data'), closed.then(() => ['nothing'])]);
      const cost = performance.now() - before;
      await closed;
      const [status, used] = String(printed).split(' ');
      if (status !== '200') throw new Error(`${title} answers ${printed}`);
      cpuOfProcess.push(Number(used) / 1000);
      return cost;
    };
  }
  const title = 'Python: the first response (Flask at most 300 in the request, 50 at the top level, 500 in Node)';
  const result = await race(title, 'ms', contenders, rounds);
  return [
    result,
    { ...result, title: 'Python: the first response, the CPU time of it', unit: 'ms of CPU', costs: cpu },
  ];
}

/** Of an isolate, once it has answered. */
async function memory(subjects: typeof SUBJECTS): Promise<Race> {
  const contenders: Record<string, () => Promise<number>> = {};
  for (const [title, { module, packages }] of Object.entries(subjects)) {
    const folder = await ensureAssets(module, packages);
    contenders[`wsgi-edge in workerd, ${title}`] = async () => {
      const started = await worker(folder, true);
      for (let i = 0; i < 50; i++) await get(started.port, '/hello?name=world');
      const wasm = Number(await get(started.port, '/memory'));
      const { totalSize, backingStorageSize } = await started.heapUsage();
      await started.dispose();
      return (totalSize + backingStorageSize + wasm) / 2 ** 20;
    };
  }
  return race('Python: memory of an isolate (Flask at most 80, Django 100)', 'MiB', contenders, 1);
}

export async function python(rounds: number, times: number, smoke: boolean): Promise<Race[]> {
  mkdirSync(OUT, { recursive: true });
  const subjects: typeof SUBJECTS = {};
  for (const [title, subject] of Object.entries(SUBJECTS)) {
    if (smoke && subject.packages !== undefined) console.log(`left out of a smoke run: ${title}`);
    else if (subject.packages !== undefined && !isFetched(subject.packages))
      console.log(`left out: ${title}, which npm run python-packages fetches`);
    else subjects[title] = subject;
  }
  const races: Race[] = [];
  for (const [title, { module, packages }] of Object.entries(subjects))
    races.push(...(await warm(title, module, packages, rounds, times)));
  return [...races, ...(await first(subjects, rounds)), await memory(subjects)];
}
