// The first response of the Django example in a fresh process, the login page of its admin, on Node and on native CPython with
// Django from PyPI: `node bench/django-admin.ts [rounds]`. On Node the response waits for a look at the database, whether there are
// migrations to apply; native CPython has the application that Django's own template makes, without that.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { assetsOf, buildExample } from '../scripts/python-examples.ts';
import { fetchPackages } from '../scripts/python-packages.ts';
import { race, tableOf } from './rounds.ts';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'build/bench-django-admin');
const packages = join(out, 'packages');
const rounds = Number(process.argv[2] ?? 9);
const env: Record<string, string | undefined> = { ...process.env, SECRET_KEY: 'only a benchmark' };

await fetchPackages();
await buildExample('django', () => {});
mkdirSync(join(out, 'data'), { recursive: true });
const requirements = join(root, 'test/python/frameworks/django.txt');
if (!existsSync(packages))
  execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--target', packages, '-r', requirements]);

await build({
  stdin: {
    contents: `import { writeSync } from 'node:fs';
      import { toLambdaHandler } from 'wsgi-edge/aws-lambda';
      import { folder, fromPython } from 'wsgi-edge/python';
      import { lambdaEvent } from 'wsgi-edge/testing';
      import assets from '${join(root, assetsOf('django'), 'node.mjs')}';
      const { SECRET_KEY } = process.env;
      const app = fromPython(assets, { env: { SECRET_KEY }, files: { '/data': folder('${join(out, 'data')}') } });
      await app.boot();
      const handler = toLambdaHandler(app);
      const { statusCode, body } = await handler(lambdaEvent('apigw-http-v2', { target: '/admin/login/' }), {});
      const { user, system } = process.cpuUsage();
      if (!body.includes('csrfmiddlewaretoken')) throw new Error(body);
      writeSync(1, statusCode + ' ' + (user + system));`,
    resolveDir: root,
  },
  outfile: join(out, 'first.mjs'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  plugins: [
    {
      name: 'assets',
      setup: ({ onResolve }) => onResolve({ filter: /node\.mjs$/ }, ({ path }) => ({ path, external: true })),
    },
  ],
});

const cpu: Record<string, number[]> = {};

/** Starts a process that prints a status and µs of CPU. Returns the ms until it has printed them. */
async function first(name: string, command: string, args: string[]): Promise<number> {
  const before = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const closed = once(child, 'close');
  const [printed] = await Promise.race([once(child.stdout, 'data'), closed.then(() => ['nothing'])]);
  const cost = performance.now() - before;
  await closed;
  const [status, used] = String(printed).split(' ');
  if (status !== '200') throw new Error(`${name} answers ${printed}`);
  cpu[name] = [...(cpu[name] ?? []), Number(used) / 1000];
  return cost;
}

Object.assign(env, {
  DATA_FOLDER: join(out, 'data'),
  DJANGO_SETTINGS_MODULE: 'board.settings',
  PYTHONPATH: [packages, join(root, 'examples/django/python')].join(':'),
  // Python has compiled everything before, as on a server.
  PYTHONPYCACHEPREFIX: join(out, 'pycache'),
  PYTHONDONTWRITEBYTECODE: '',
});
const version = execFileSync('python3', ['-c', 'import sys; print(".".join(map(str, sys.version_info[:3])))']);
const contenders = {
  [`native CPython ${String(version).trim()}`]: ['python3', join(root, 'bench/python_apps/admin_once.py')],
  'wsgi-edge in Node': [process.execPath, join(out, 'first.mjs')],
};
const runs = Object.fromEntries(
  Object.entries(contenders).map(([name, [command = '', ...args]]) => [name, () => first(name, command, args)]),
);
// The first runs migrate the database, and write the .pyc files.
for (const run of Object.values(runs)) await run();
for (const name of Object.keys(cpu)) cpu[name] = [];
console.log(`load before: ${loadavg().map((load) => load.toFixed(1))}`);
const elapsed = await race('Django with its admin: the first response of a fresh process', 'ms', runs, rounds);
console.log(tableOf(elapsed));
console.log(tableOf({ ...elapsed, title: `${elapsed.title}, CPU time`, unit: 'ms of CPU', costs: cpu }));
console.log(`load after: ${loadavg().map((load) => load.toFixed(1))}`);
