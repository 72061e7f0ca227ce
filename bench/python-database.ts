// Django on PostgreSQL: requests a second and the 95th percentile of 8 users, who ask for a page of four queries. The same project
// runs under waitress on native CPython, on Node and on workerd. `node bench/python-database.ts [seconds]`
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fromPython } from '../dist/python/index.js';
import { serve } from '../dist/targets/node/index.js';
import { ensureBuilt } from '../scripts/build-python.ts';
import { fetchPackages, modulesOf } from '../scripts/python-packages.ts';
import { startServices } from '../scripts/services.ts';
import { freePort } from '../test/free-port.ts';
import { startPlainWorker } from '../test/python/workerd.ts';

const USERS = 8;
const seconds = Number(process.argv[2] ?? 10);
const root = resolve(import.meta.dirname, '..');
const apps = join(root, 'test/python/databases/apps');

/** Asks for pages, and prints the figures. */
async function measure(name: string, origin: string): Promise<void> {
  const ask = async (path: string): Promise<void> => {
    const response = await fetch(`${origin}${path}`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${name}: ${response.status} ${text.slice(-500)}`);
  };
  await ask('/migrate?on=default');
  for (let i = 0; i < 50; i++) await ask('/page');
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  const user = async (): Promise<void> => {
    while (performance.now() < end) {
      const begun = performance.now();
      await ask('/page');
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: USERS }, user));
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] ?? 0).toFixed(1);
  const load = loadavg()[0]?.toFixed(1);
  console.log(`| ${name} | ${(times.length / seconds).toFixed(0)} | ${at(0.5)} | ${at(0.95)} | ${load} |`);
}

/** Assets that are imported again run with other options. */
let copies = 0;

/** Builds the project, and returns the folder of its assets. */
async function built(concurrent: boolean): Promise<string> {
  const out = `build/python/bench-database${concurrent ? '-concurrent' : ''}`;
  const packages = [modulesOf('databases')];
  const application = 'test/python/databases/apps/in_django.py:app';
  await ensureBuilt({ application, packages, out, concurrent, env: { ...env, KEEP: concurrent ? '0' : '60' } });
  return out;
}

async function onNode(
  name: string,
  folder: string,
  options: { concurrency?: number; workers?: number },
): Promise<void> {
  const { default: assets } = await import(`${pathToFileURL(join(root, folder, 'node.mjs')).href}?${++copies}`);
  const server = await serve(fromPython(assets, options), { errors: () => {} });
  await measure(name, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.close();
  server.closeAllConnections();
}

async function onWorkerd(name: string, folder: string): Promise<void> {
  const code = `import assets from './assets.mjs';
    import { connect } from 'cloudflare:sockets';
    import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
    import { fromPython } from '../../python/index.js';
    export default toCloudflareHandler(fromPython(assets, { concurrency: 10, sockets: connect }));`;
  const { port, stop } = await startPlainWorker(code, folder);
  await measure(name, `http://127.0.0.1:${port}`);
  stop();
}

async function underWaitress(name: string): Promise<void> {
  const folder = join(root, 'build/python/waitress');
  if (!existsSync(folder)) execFileSync('python3', ['-m', 'pip', 'install', '--target', folder, 'waitress==3.0.2']);
  const port = await freePort();
  const path = [folder, join(root, modulesOf('databases')), apps].join(':');
  const args = ['-m', 'waitress', `--listen=127.0.0.1:${port}`, `--threads=${USERS}`, 'in_django:app'];
  const child = spawn('python3', args, {
    env: { ...process.env, ...env, KEEP: '60', PYTHONPATH: path },
    stdio: 'ignore',
  });
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(`http://127.0.0.1:${port}/page`).catch(() => undefined)) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await measure(name, `http://127.0.0.1:${port}`);
  child.kill();
}

await fetchPackages();
const services = await startServices();
const env: Record<string, string> = {
  PG_USER: 'root',
  PG_PORT: String(services.postgres),
  MARIADB_USER: 'root',
  MARIADB_PORT: String(services.mariadb),
};
try {
  const alone = await built(false);
  const concurrent = await built(true);
  console.log(
    `${USERS} users, ${seconds} s each\n\n| | requests/s | median, ms | p95, ms | load |\n|---|---:|---:|---:|---:|`,
  );
  await underWaitress('waitress, 8 threads, native CPython 3.11');
  await onNode('Node, one request at a time', alone, {});
  await onNode('Node, workers: 2', alone, { workers: 2 });
  await onNode('Node, concurrency: 10', concurrent, { concurrency: 10 });
  await onWorkerd('workerd, concurrency: 10', concurrent);
} finally {
  await services.stop();
}
