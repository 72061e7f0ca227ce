import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildPython } from 'wsgi-edge/python/build';
import { WsgiError } from '../src/errors.js';
import type { Named } from './application.js';
import { CACHE } from './cache.js';
import type { Started, StartOptions } from './start.js';

const CONFIGURATIONS = ['wrangler.toml', 'wrangler.json', 'wrangler.jsonc'];
const DATE = '2026-11-17'; // since when the runtime tells of clients that leave

/** Starts an application on workerd, with `wrangler dev`: with the configuration of the current folder, or with one made for this run.
 *  @throws {WsgiError} (as a rejection) when wrangler is not installed, or ends before it serves */
export async function startWorkerd(named: Named, { port, host, onOutput }: StartOptions): Promise<Started> {
  const wrangler = findWrangler();
  const folder = resolve(CACHE, 'cloudflare');
  mkdirSync(folder, { recursive: true });
  const entry = await writeEntry(named, folder);
  const config = CONFIGURATIONS.find((name) => existsSync(name)) ?? writeConfiguration(folder);
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
  const child = spawn(process.execPath, [wrangler, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const { promise, resolve: found, reject } = Promise.withResolvers<string>();
  const print = onOutput ?? ((text: string) => process.stdout.write(text));
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      const [url] = /(?<=Ready on )http:\S+/.exec(line) ?? [];
      if (url !== undefined) return found(url);
      last.push(line);
      last.splice(0, last.length - LAST);
      // wrangler waits for a change then.
      if (/Build failed/.test(line)) setTimeout(() => child.kill('SIGTERM'), 500);
      if (!CHATTER.test(line)) print(`${line}\n`);
    });
  child.once('error', reject);
  exited.then(() => reject(new WsgiError(`wsgi-edge: the Worker could not be served:\n${last.join('\n')}`)));
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

const LAST = 20; // lines of wrangler's output that an error quotes
const CHATTER = /^\s*$|wrangler \d|^─+$|Your Worker has access|^Binding\s|Starting local server|update available/;

function findWrangler(): string {
  for (const from of [join(process.cwd(), 'package.json'), fileURLToPath(import.meta.url)])
    try {
      return join(dirname(createRequire(from).resolve('wrangler/package.json')), 'bin/wrangler.js');
    } catch {}
  throw new WsgiError('wsgi-edge: --target cloudflare needs wrangler: npm install --save-dev wrangler');
}

/** Writes the Worker of an application. Its imports are absolute, because it lies outside of the project. */
async function writeEntry(named: Named, folder: string): Promise<string> {
  const path = (subpath: string) => JSON.stringify(fileURLToPath(import.meta.resolve(subpath)));
  const lines = [`import { toCloudflareHandler } from ${path('wsgi-edge/cloudflare')};`];
  if (named.language === 'typescript') {
    const { file, name } = named;
    lines.push(`import * as exported from ${JSON.stringify(file)};`);
    const found = name === undefined ? 'exported.default ?? exported.app ?? exported.application' : `exported.${name}`;
    lines.push(`const application = ${found};`);
  } else {
    const out = join(folder, 'python_assets');
    const requirements = existsSync('requirements.txt') ? { requirements: 'requirements.txt' } : {};
    console.log(`building ${named.entry} for Workers`);
    await buildPython({ application: named.entry, out, target: 'worker', cache: CACHE, ...requirements });
    lines.push(
      `import { fromPython } from ${path('wsgi-edge/python')};`,
      `import assets from ${JSON.stringify(join(out, 'assets.mjs'))};`,
      'const application = fromPython(assets);',
      'await application.boot();',
    );
  }
  lines.push('export default toCloudflareHandler(application);', '');
  const entry = join(folder, named.language === 'typescript' ? 'worker.ts' : 'worker.mjs');
  writeFileSync(entry, lines.join('\n'));
  return entry;
}

function writeConfiguration(folder: string): string {
  const rules = join(folder, 'python_assets/wrangler-rules.toml');
  const lines = ['name = "local"', `compatibility_date = "${DATE}"`, 'compatibility_flags = ["nodejs_compat"]', ''];
  if (existsSync(rules)) lines.push(readFileSync(rules, 'utf8'));
  const file = join(folder, 'wrangler.toml');
  writeFileSync(file, lines.join('\n'));
  return file;
}
