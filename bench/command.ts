// `node bench/command.ts [--rounds 5] [--only PART …]` measures `wsgi-edge serve`, from the packed package in an empty folder, beside
// the commands that people would use otherwise: seconds to the first answer, seconds from an edit to the answer, and requests per
// second. It needs Python with venv, and the registries of npm and PyPI. docs/COMMAND.md has the figures.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { race, tableOf } from './rounds.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, only: { type: 'string', multiple: true } },
});
const ROUNDS = Number(values.rounds);
const LOAD = 5; // seconds of requests
const CONNECTIONS = 32;

const root = resolve(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-bench-'));
const warm = join(scratch, 'warm');
const venv = join(scratch, 'venv');
const PACKAGES = { srvx: 'srvx@1.0.8', hono: '@hono/cli@0.1.11' };

const TS = (
  text: string,
) => `export default (environ: object, startResponse: (status: string, headers: [string, string][]) => void) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [new TextEncoder().encode('${text}')];
};
`;
const FETCH = (text: string) => `export default { fetch: () => new Response('${text}') };\n`;
const HONO = (text: string) => `import { Hono } from 'hono';
const app = new Hono();
app.get('/', (c) => c.text('${text}'));
export default app;
`;
const FLASK = (text: string) => `# /// script
# dependencies = ["flask"]
# ///
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "${text}"
`;

/** A command that serves a file. */
interface Contender {
  file: string;
  /** The module, whose answer is a text. */
  source(text: string): string;
  /** The command and its arguments, in a folder in which everything is installed, or in an empty one. */
  command(port: number, cold: boolean): string[];
  /** Arguments by which it starts again after an edit; undefined if it can't. */
  reload?: string[];
}

const tarball = (): string => {
  const out = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], { cwd: root });
  return join(scratch, JSON.parse(String(out))[0].filename);
};
const packed = tarball();

const npx = (name: string, spec: string, cold: boolean) =>
  cold ? ['npx', '--yes', `--package=${spec}`, name] : ['npx', name];
const ours = (file: string, source: Contender['source'], ...more: string[]): Contender => ({
  file,
  source,
  command: (port, cold) => [...npx('wsgi-edge', packed, cold), 'serve', file, '--port', String(port), ...more],
  reload: ['--reload'],
});
const flask = (port: number, ...more: string[]) => [
  '-m',
  'flask',
  '--app',
  'hello',
  'run',
  '--port',
  String(port),
  ...more,
];

const TYPESCRIPT: Record<string, Contender> = {
  'wsgi-edge serve hello.ts': ours('hello.ts', TS),
  'srvx serve': {
    file: 'server.ts',
    source: FETCH,
    command: (port, cold) => [
      ...npx('srvx', PACKAGES.srvx, cold),
      'serve',
      '--port',
      String(port),
      '--host',
      '127.0.0.1',
    ],
    reload: [], // it always watches
  },
  'hono serve': {
    file: 'hono.ts',
    source: HONO,
    command: (port, cold) => [...npx('hono', PACKAGES.hono, cold), 'serve', 'hono.ts', '--port', String(port)],
  },
};
const PYTHON: Record<string, Contender> = {
  'wsgi-edge serve hello.py': ours('hello.py', FLASK),
  'flask run': {
    file: 'hello.py',
    source: FLASK,
    command: (port, cold) =>
      cold
        ? [
            'sh',
            '-c',
            `python3 -m venv venv && venv/bin/pip install -q --no-cache-dir flask && exec venv/bin/python ${flask(port).join(' ')}`,
          ]
        : [join(venv, 'bin/python'), ...flask(port)],
    reload: ['--reload'],
  },
};

const freePort = (): Promise<number> =>
  new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

interface Running {
  url: string;
  child: ChildProcess;
  seconds: number;
}

let environment: NodeJS.ProcessEnv = process.env;

// Each server leads a group of processes of its own, so no signal of the terminal reaches it.
const groups = new Set<number>();
process.on('exit', () => {
  for (const group of groups) process.kill(-group, 'SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** Waits until a server answers with a text.
 *  @returns the seconds since the call */
async function answered({ url, child }: Pick<Running, 'url' | 'child'>, text: string): Promise<number> {
  const start = performance.now();
  for (;;) {
    const got = await fetch(url, { headers: { Connection: 'close' } })
      .then((response) => response.text())
      .catch(() => '');
    if (got.trim() === text) return (performance.now() - start) / 1000;
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended`);
    await pause(5);
  }
}

async function run(contender: Contender, folder: string, cold: boolean, ...more: string[]): Promise<Running> {
  const { file, source, command } = contender;
  writeFileSync(join(folder, file), source('first'));
  const port = await freePort();
  const [program = '', ...args] = [...command(port, cold), ...more];
  const child = spawn(program, args, {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: 'ignore',
  });
  const group = Number(child.pid);
  groups.add(group);
  child.once('exit', () => groups.delete(group));
  const running = { url: `http://127.0.0.1:${port}/`, child };
  return { ...running, seconds: await answered(running, 'first') };
}

async function stop({ child }: Running): Promise<void> {
  process.kill(-Number(child.pid), 'SIGKILL');
  await new Promise((done) => (child.exitCode === null ? child.once('exit', done) : done(undefined)));
}

async function firstAnswer(contender: Contender, cold: boolean): Promise<number> {
  const folder = cold ? mkdtempSync(join(scratch, 'empty-')) : warm;
  if (cold) environment = { ...process.env, npm_config_cache: join(folder, '.npm'), PIP_NO_CACHE_DIR: '1' };
  const running = await run(contender, folder, cold);
  await stop(running);
  environment = process.env;
  if (cold) rmSync(folder, { recursive: true, force: true });
  return running.seconds;
}

async function edit(contender: Contender): Promise<number> {
  const running = await run(contender, warm, false, ...(contender.reload ?? []));
  await pause(1000); // a watch may begin after the first answer
  writeFileSync(join(warm, contender.file), contender.source('second'));
  const seconds = await answered(running, 'second');
  await stop(running);
  return seconds;
}

async function perSecond(contender: Contender, ...more: string[]): Promise<number> {
  const running = await run(contender, warm, false, ...more);
  // The other workers start after the first one. A connection stays with the worker that it was given to.
  await pause(10_000);
  await autocannon({ url: running.url, connections: CONNECTIONS, duration: 2 });
  const { requests, non2xx, errors } = await autocannon({ url: running.url, connections: CONNECTIONS, duration: LOAD });
  await stop(running);
  if (non2xx + errors > 0)
    throw new Error(`${running.child.spawnargs.join(' ')}: ${non2xx} bad responses, ${errors} errors`);
  return requests.average;
}

const each = (contenders: Record<string, Contender>, measure: (contender: Contender) => Promise<number>) =>
  Object.fromEntries(Object.entries(contenders).map(([name, contender]) => [name, () => measure(contender)]));

const workers = (file: string, source: Contender['source'], ...sizes: number[]) =>
  Object.fromEntries(
    sizes.map((size) => [
      `wsgi-edge serve ${file} --workers ${size}`,
      () => perSecond(ours(file, source), '--workers', String(size)),
    ]),
  );
const gunicorn = (size: number): Contender => ({
  file: 'hello.py',
  source: FLASK,
  command: (port) => [
    join(venv, 'bin/gunicorn'),
    '--bind',
    `127.0.0.1:${port}`,
    '--workers',
    String(size),
    'hello:app',
  ],
});

// Hono's command needs the package `hono` in the folder.
const { 'hono serve': _, ...alone } = TYPESCRIPT;

const PARTS: Record<string, () => ReturnType<typeof race>> = {
  'first-ts': () =>
    race(
      'First answer, TypeScript',
      'seconds',
      each(TYPESCRIPT, (one) => firstAnswer(one, false)),
      ROUNDS,
    ),
  'first-py': () =>
    race(
      'First answer, Flask',
      'seconds',
      each(PYTHON, (one) => firstAnswer(one, false)),
      ROUNDS,
    ),
  'edit-ts': () => race('Edit to answer, TypeScript', 'seconds', each(reloading(TYPESCRIPT), edit), ROUNDS),
  'edit-py': () => race('Edit to answer, Flask', 'seconds', each(reloading(PYTHON), edit), ROUNDS),
  'load-ts': () => race('TypeScript', 'requests per second', workers('hello.ts', TS, 1, 2), ROUNDS),
  'load-py': () =>
    race(
      'Flask',
      'requests per second',
      {
        ...workers('hello.py', FLASK, 1, 2),
        'gunicorn --workers 1': () => perSecond(gunicorn(1)),
        'gunicorn --workers 2': () => perSecond(gunicorn(2)),
      },
      ROUNDS,
    ),
  'cold-ts': () =>
    race(
      'First answer, TypeScript, empty caches',
      'seconds',
      each(alone, (one) => firstAnswer(one, true)),
      ROUNDS,
    ),
  'cold-py': () =>
    race(
      'First answer, Flask, empty caches',
      'seconds',
      each(PYTHON, (one) => firstAnswer(one, true)),
      ROUNDS,
    ),
};

function reloading(contenders: Record<string, Contender>): Record<string, Contender> {
  return Object.fromEntries(Object.entries(contenders).filter(([, { reload }]) => reload !== undefined));
}

mkdirSync(warm);
writeFileSync(join(warm, 'package.json'), '{"private":true}');
const install = ['install', '--no-audit', '--no-fund', packed, ...Object.values(PACKAGES), 'hono@4.13.19'];
execFileSync('npm', install, { cwd: warm, stdio: 'inherit' });
execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
execFileSync(join(venv, 'bin/pip'), ['install', '-q', 'flask', 'gunicorn'], { stdio: 'inherit' });
// Everything is built and cached once.
for (const contender of [...Object.values(TYPESCRIPT), ...Object.values(PYTHON)])
  await stop(await run(contender, warm, false));
for (const [name, part] of Object.entries(PARTS))
  if (values.only?.includes(name) ?? true) {
    console.log(tableOf(await part()));
    console.log(`load average ${loadavg()[0]?.toFixed(1)}\n`);
  }
