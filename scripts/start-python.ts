// Serves an example in Python: on workerd (`wrangler dev`), in AWS's runtime client, or on Node.
// node scripts/start-python.ts flask --target cloudflare|lambda|node --port 8790; --inspector-port and --persist-to go to wrangler.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { startFunctionUrl } from 'wsgi-edge/emulation';
import { assetsOf, buildExample, EXAMPLES, type ExampleName } from './python-examples.ts';

const HOST = '127.0.0.1';
const root = resolve(import.meta.dirname, '..');

/** The settings of the examples, which are taken from the environment. */
const SETTINGS = [
  'DATABASE_URL',
  'PACKAGE_INDEX',
  'DJANGO_SUPERUSER_USERNAME',
  'DJANGO_SUPERUSER_EMAIL',
  'DJANGO_SUPERUSER_PASSWORD',
];
const settings: Record<string, string> = {
  SECRET_KEY: 'a secret for development', // signs the sessions, only on this machine
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value = '']) => (SETTINGS.includes(name) ? [[name, value]] : [])),
  ),
};

const { values, positionals } = parseArgs({
  options: {
    target: { type: 'string', default: 'cloudflare' },
    port: { type: 'string', default: '8790' },
    'inspector-port': { type: 'string' },
    'persist-to': { type: 'string' },
  },
  allowPositionals: true,
});
const name = positionals[0] as ExampleName;
const port = Number(values.port);
const { DATA_FOLDER = join(root, 'examples', name ?? '', 'data') } = process.env;

const bundle = (entry: string, outfile: string) =>
  build({
    entryPoints: [join(root, 'examples', name, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: ['*/python_assets/node.mjs'],
    logLevel: 'warning',
  });

/** Bundles an entry. The folder is laid out like examples/, so that the entry finds its assets. */
async function assemble(entry: string): Promise<string> {
  const folder = join(root, 'build/python/examples', `${name}-${entry}`);
  const assets = assetsOf(name).replace('examples/', '');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(join(folder, assets)), { recursive: true });
  symlinkSync(join(root, 'examples', assets), join(folder, assets));
  await bundle(`${entry}.ts`, join(folder, name, `${entry}.mjs`));
  return folder;
}

function ready(): void {
  console.log(`${EXAMPLES[name].title} on ${values.target}: http://${HOST}:${port}/ (Ctrl+C stops it)`);
}

function stopWith(stop: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
}

function run(args: string[], env: Record<string, string>, onLine: (line: string) => void): void {
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', onLine);
  stopWith(() => child.kill('SIGTERM'));
  child.on('exit', (code) => {
    process.exitCode = code ?? 0;
  });
}

const targets = {
  async cloudflare() {
    const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js');
    const passed = (['inspector-port', 'persist-to'] as const).flatMap((option) =>
      values[option] === undefined ? [] : [`--${option}`, values[option]],
    );
    const config = join('examples', name, 'wrangler.toml');
    const args = [wrangler, 'dev', '--config', config, '--ip', HOST, '--port', String(port), ...passed];
    // Otherwise the placeholder of request.cf would be fetched from Cloudflare.
    const env = { CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' };
    const vars = Object.entries(settings).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
    run([...args, '--show-interactive-dev-session=false', ...vars], env, (line) => {
      console.log(line);
      if (line.includes('Ready on ')) ready();
    });
  },

  async lambda() {
    const taskRoot = await assemble('lambda');
    const options = { port, taskRoot, handler: `${name}/lambda.handler`, env: { ...settings, DATA_FOLDER } };
    const functionUrl = await startFunctionUrl({ ...options, invokeMode: 'RESPONSE_STREAM' });
    stopWith(() => functionUrl.close());
    ready();
  },

  async node() {
    const folder = await assemble('node');
    Object.assign(process.env, settings, { PORT: String(port), DATA_FOLDER });
    await import(join(folder, name, 'node.mjs'));
    ready();
  },
};

try {
  if (!(name in EXAMPLES)) throw new Error(`choose an example: ${Object.keys(EXAMPLES).join(', ')}`);
  const start = targets[values.target as keyof typeof targets];
  if (start === undefined) throw new Error(`--target takes ${Object.keys(targets).join(', ')}, not ${values.target}`);
  await buildExample(name, (line) => console.log(line));
  await start();
} catch (error) {
  console.error(`The example can't start: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
