import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { developWorker } from 'wsgi-edge/python/build';
import { WsgiError } from '../src/errors.js';
import type { Named } from './application.js';
import type { Around } from './around.js';
import { CACHE } from './cache.js';
import type { Started, StartOptions } from './start.js';
import { COMPATIBILITY_DATE } from './version.js';

const CONFIGURATIONS = ['wrangler.toml', 'wrangler.json', 'wrangler.jsonc'];

/** Starts an application on workerd, with `wrangler dev`: with the configuration of the current folder, or with one made for this run.
 *  @throws {WsgiError} (as a rejection) when wrangler is not installed, or ends before it serves */
export async function startWorkerd(
  named: Named,
  { port, host, around = {}, reload = false, signal, onOutput }: StartOptions,
): Promise<Started> {
  const wrangler = findWrangler();
  const folder = resolve(CACHE, 'cloudflare');
  mkdirSync(folder, { recursive: true });
  const own = CONFIGURATIONS.find((name) => existsSync(name));
  const entry = await writeEntry(named, around, folder, own === undefined);
  const config = own ?? writeConfiguration(folder);
  const args = [
    'dev',
    entry,
    '--config',
    config,
    '--ip',
    host,
    '--port',
    String(port),
    '--show-interactive-dev-session=false',
  ];
  // Otherwise the placeholder of request.cf would be fetched from Cloudflare.
  const env = { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' };
  const child = spawn(process.execPath, [wrangler, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
    ...(signal !== undefined && { signal }),
  });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const { promise, resolve: found, reject } = Promise.withResolvers<string>();
  const print = onOutput ?? ((text: string) => process.stdout.write(text));
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      const [url] = /(?<=Ready on )http:\S+/.exec(line) ?? [];
      if (url !== undefined) return found(url);
      // Before it serves, wrangler would wait for a change.
      if (!reload && /Build failed/.test(line)) setTimeout(() => child.kill('SIGTERM'), 500);
      if (!CHATTER.test(line)) print(`${line}\n`);
    });
  child.once('error', reject);
  exited.then(() =>
    reject(new WsgiError('wsgi-edge: the Worker could not be served; the messages of wrangler are above')),
  );
  const url = await promise;
  return {
    url,
    port: Number(new URL(url).port),
    ended: exited,
    async close() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

const CHATTER = /^\s*$|wrangler \d|^─+$|Your Worker has access|^Binding\s|Starting local server|update available/;

function findWrangler(): string {
  for (const from of [join(process.cwd(), 'package.json'), fileURLToPath(import.meta.url)])
    try {
      return join(dirname(createRequire(from).resolve('wrangler/package.json')), 'bin/wrangler.js');
    } catch {}
  throw new WsgiError('wsgi-edge: --target cloudflare needs wrangler: npm install --save-dev wrangler');
}

/** Writes the Worker of an application. Its imports are absolute, because it lies outside of the project.
 *  @param withStatic  leaves static files of Python to the configuration */
async function writeEntry(named: Named, around: Around, folder: string, withStatic: boolean): Promise<string> {
  const path = (subpath: string) => JSON.stringify(fileURLToPath(import.meta.resolve(subpath)));
  const lines = [`import { toCloudflareHandler } from ${path('wsgi-edge/cloudflare')};`];
  if (named.language === 'typescript') {
    const { file, name } = named;
    lines.push(`import * as exported from ${JSON.stringify(file)};`);
    const found = name === undefined ? 'exported.default ?? exported.app ?? exported.application' : `exported.${name}`;
    lines.push(`const application = ${found};`);
  } else {
    const out = join(folder, 'python_assets');
    console.error(`building ${named.entry} for Workers`);
    const progress = (line: string) => console.error(line);
    await developWorker({ application: named.entry, out, cache: CACHE, static: withStatic, progress });
    lines.push(
      `import { fromPython } from ${path('wsgi-edge/python')};`,
      `import assets from ${JSON.stringify(join(out, 'assets.mjs'))};`,
      'const application = fromPython(assets);',
      'await application.boot();',
    );
  }
  const middleware: string[] = [];
  if (around.validate) {
    lines.push(`import { validator } from ${path('wsgi-edge/validator')};`);
    middleware.push('validator');
  }
  if (around.accessLog !== undefined) {
    lines.push(`import { accessLog } from ${path('wsgi-edge/middleware')};`);
    middleware.push(`accessLog({ format: '${around.accessLog}', log: (line) => console.log(line) })`);
  }
  const handled = middleware.reduce((app, put) => `${put}(${app})`, 'application');
  lines.push(`export default toCloudflareHandler(${handled});`, '');
  const entry = join(folder, named.language === 'typescript' ? 'worker.ts' : 'worker.mjs');
  writeFileSync(entry, lines.join('\n'));
  return entry;
}

const FLAGS = 'compatibility_flags = ["nodejs_compat", "enable_request_signal"]';

function writeConfiguration(folder: string): string {
  const rules = join(folder, 'python_assets/wrangler-rules.toml');
  const lines = ['name = "local"', `compatibility_date = "${COMPATIBILITY_DATE}"`, FLAGS, ''];
  // Paths start from the configuration, and those of the build from the working folder.
  if (existsSync(rules))
    lines.push(readFileSync(rules, 'utf8').replace(/^directory = .*$/m, 'directory = "python_assets/public"'));
  const file = join(folder, 'wrangler.toml');
  writeFileSync(file, lines.join('\n'));
  return file;
}
