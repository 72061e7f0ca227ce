// Serves the showcase on workerd: `wrangler dev` with wrangler.toml, without features that need a network. Further
// arguments go to wrangler: npm start -- --port 9000
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const HOST = '127.0.0.1';
const root = resolve(import.meta.dirname, '..');
const args = process.argv.slice(2);
const { values } = parseArgs({ args, options: { port: { type: 'string', default: '8787' } }, strict: false });
const port = Number(values.port);

function fail(message: string): never {
  console.error(`The showcase on workerd can't start: ${message}`);
  process.exit(1);
}

function findWrangler(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('wrangler/package.json');
    return join(dirname(manifest), 'bin/wrangler.js');
  } catch {
    return fail('wrangler is not installed; run: npm ci');
  }
}

// wrangler also reports this, but below a banner and with a log file.
function checkPort(): Promise<void> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      fail(
        error.code === 'EADDRINUSE'
          ? `${HOST}:${port} is already in use; stop what listens there, or choose another port: npm start -- --port 9000`
          : `${HOST}:${port} can't be listened on: ${error.message}`,
      ),
    );
    probe.listen(port, HOST, () => probe.close(() => done()));
  });
}

if (!Number.isInteger(port) || port < 1 || port > 65_535) fail(`--port takes a number up to 65535, not ${values.port}`);
if (!existsSync(join(root, 'dist/src/index.js'))) fail('the package is not built; run: npm run build');
const wrangler = findWrangler();
await checkPort();

const child = spawn(process.execPath, [wrangler, 'dev', '--show-interactive-dev-session=false', ...args], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  env: {
    FORCE_COLOR: process.stdout.isTTY ? '1' : '0',
    ...process.env,
    // Otherwise the placeholder of request.cf would be fetched from Cloudflare.
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    WRANGLER_SEND_METRICS: 'false',
  },
});

createInterface({ input: child.stdout }).on('line', (line) => {
  console.log(line);
  if (line.includes('Ready on ')) console.log(`The showcase on workerd: http://${HOST}:${port}/ (Ctrl+C stops it)`);
});

// wrangler forwards SIGTERM. It also gets Ctrl+C directly from the terminal; a second signal does no harm.
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    stopping = true;
    child.kill('SIGTERM');
  });
child.on('error', (error) => fail(error.message));
child.on('exit', (code) => {
  process.exitCode = stopping ? 0 : (code ?? 1);
});
