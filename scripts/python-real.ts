// Runs real Python projects from PyPI, with the suites of other people against them: on waitress (CPython), on Node and on workerd.
// Each is built into its own folder below build/python-real. Prints the scores, and the tests that fail only here.
// npm run python-real -- httpbin wsgidav
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { serve } from 'wsgi-edge/node';
import { fromPython } from 'wsgi-edge/python';
import { type BuildOptions, buildPython } from 'wsgi-edge/python/build';
import { startPlainWorker } from '../test/python/workerd.ts';
import { UV } from './python-packages.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const REAL = join(root, 'build/python-real');
const SOURCES = join(root, 'test/python/real');
const VENV = join(REAL, 'venv/bin');
const HOST = '127.0.0.1';
const PATIENCE = 300_000; // ms for one suite

interface Score {
  passed: number;
  total: number;
  failed: string[];
}

interface Project {
  /** Runs the suite against a server.
   *  @param url  of the server, without a slash at its end */
  suite(url: string): Promise<Score>;
  options?: Partial<BuildOptions>;
}

const PROJECTS: Record<string, Project> = {
  httpbin: { suite: httpbinTests },
  wsgidav: { suite: litmus, options: { snapshot: 'framework' } },
  radicale: { suite: caldavTester, options: { snapshot: 'framework' } },
  wagtail: {
    suite: (url) => pages(url, ['/', '/admin/login/', '/admin/', '/api/pages/', '/nothing/', '/documents/1/a/']),
  },
};
// Tools of the suites.
// The last four versions are those that Radicale tests itself with.
const TOOLS = [
  ...['waitress==3.0.2', 'pytest==9.2.0', 'caldav-server-tester==1.4.0', 'caldav==3.5.0'],
  ...['icalendar==7.3.0', 'icalendar-searcher==1.2.0', 'recurring-ical-events==3.8.2'],
];

/** Runs a program to its end, and returns its output even if it fails. */
async function outputOf(
  program: string,
  args: string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  const settings = { timeout: PATIENCE, maxBuffer: 1 << 26, ...options };
  return (await run(program, args, settings).catch((error) => error)).stdout;
}

async function httpbinTests(url: string): Promise<Score> {
  const source = join(REAL, 'httpbin-source');
  const [folder = ''] = existsSync(source) ? readdirSync(source).filter((name) => !name.endsWith('.gz')) : [];
  const tests = join(source, folder, 'tests/test_httpbin.py');
  const args = ['-m', 'pytest', '-q', '-rA', '--confcutdir=/', '-p', 'no:cacheprovider', '-p', 'conftest', tests];
  const env = { ...process.env, SERVER: url, PYTHONPATH: join(SOURCES, 'httpbin') };
  const output = await outputOf(join(VENV, 'python'), args, { cwd: REAL, env });
  const names = (result: string) =>
    Array.from(output.matchAll(new RegExp(`^${result} \\S+::(\\w+)`, 'gm')), ([, name]) => name ?? '');
  const [passed, failed] = [names('PASSED'), names('(?:FAILED|ERROR)')];
  return { passed: passed.length, total: passed.length + failed.length, failed };
}

/** Debian's package litmus, of the authors of neon: RFC 4918. */
async function litmus(url: string): Promise<Score> {
  const output = await outputOf('litmus', ['-k', `${url}/`], { cwd: mkdtempSync(join(tmpdir(), 'litmus-')) });
  const sums = Array.from(output.matchAll(/of (\d+) tests run: (\d+) passed/g), ([, all, passed]) => [
    Number(all),
    Number(passed),
  ]);
  const failed = Array.from(output.matchAll(/^ ?\d+\. (\w+)\.+ (?:WARNING.*\n.*)?FAIL/gm), ([, name]) => name ?? '');
  const sum = (at: number) => sums.reduce((total, each) => total + (each[at] ?? 0), 0);
  return { passed: sum(1), total: sum(0), failed };
}

/** caldav-server-tester finds the parts of CalDAV that a server has. */
async function caldavTester(url: string): Promise<Score> {
  const args = [
    '--format',
    'json',
    '--caldav-url',
    `${url}/`,
    '--caldav-username',
    'user',
    '--caldav-password',
    'word',
  ];
  const output = await outputOf(join(VENV, 'caldav-server-tester'), args, { cwd: REAL });
  const { features = {} } = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1) || '{}');
  const found = Object.entries(features as Record<string, { support?: string }>);
  const failed = found
    .filter(([, { support }]) => support !== 'full')
    .map(([name, { support }]) => `${name}: ${support}`);
  return { passed: found.length - failed.length, total: found.length, failed };
}

/** Asks for pages. Each answer is one that the application made if its status is below 500. */
async function pages(url: string, paths: string[]): Promise<Score> {
  const failed: string[] = [];
  for (const path of paths) {
    const response = await fetch(url + path, { redirect: 'manual' });
    const text = await response.text();
    if (response.status >= 500) failed.push(`${path}: ${response.status} ${text.slice(0, 80)}`);
  }
  return { passed: paths.length - failed.length, total: paths.length, failed };
}

interface Running {
  port: number;
  stop(): unknown;
}

const SERVERS: Record<string, (name: string) => Promise<Running>> = {
  async waitress(name) {
    const port = await freePort();
    const data = mkdtempSync(join(tmpdir(), `${name}-`));
    const child = spawn(join(VENV, 'waitress-serve'), ['--host', HOST, '--port', String(port), 'app:app'], {
      cwd: join(SOURCES, name),
      env: { ...process.env, REAL_DATA: data },
      stdio: 'ignore',
    });
    const stop = () => {
      child.kill();
      rmSync(data, { recursive: true, force: true });
    };
    await answering(port).catch((error) => {
      stop();
      throw error;
    });
    return { port, stop };
  },
  async Node(name) {
    const { href } = pathToFileURL(join(REAL, name, 'node.mjs'));
    const app = fromPython((await import(href)).default);
    await app.boot();
    const server: Server = await serve(app, { hostname: HOST, port: 0 });
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    return { port: (server.address() as AddressInfo).port, stop };
  },
  workerd: (name) =>
    startPlainWorker(
      `import assets from './assets.mjs';
       import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
       import { fromPython } from '../../python/index.js';
       const { fetch } = toCloudflareHandler(fromPython(assets));
       // Cloudflare's network adds the address of the client.
       const seen = (request) => new Request(request, { headers: [...request.headers, ['CF-Connecting-IP', '127.0.0.1']] });
       export default { fetch: (request, env, ctx) => fetch(seen(request), env, ctx) };`,
      join(REAL, name),
    ),
};

/** A port that nobody listens on. waitress does not tell which one it has taken. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function answering(port: number): Promise<void> {
  for (let left = 100; left > 0; left--) {
    if (
      await fetch(`http://${HOST}:${port}/`, { method: 'OPTIONS' }).then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(1000);
  }
  throw new Error(`nothing answers on port ${port}`);
}

async function prepare(names: string[]): Promise<void> {
  mkdirSync(REAL, { recursive: true });
  const lists = names.flatMap((name) => ['-r', join(SOURCES, name, 'requirements.txt')]);
  const record = join(REAL, 'venv/installed.txt');
  const wanted = [...TOOLS, ...names.map((name) => readFileSync(join(SOURCES, name, 'requirements.txt'), 'utf8'))].join(
    '\n',
  );
  if (!existsSync(record) || readFileSync(record, 'utf8') !== wanted) {
    await run('python3', ['-m', 'venv', join(REAL, 'venv')]);
    await run(join(VENV, 'python'), ['-m', 'pip', 'install', '-q', ...TOOLS, ...lists]);
    writeFileSync(record, wanted);
  }
  const source = join(REAL, 'httpbin-source');
  if (existsSync(source)) return;
  const [pinned = ''] = readFileSync(join(SOURCES, 'httpbin/requirements.txt'), 'utf8').trim().split('\n');
  const download = ['download', '-q', '--no-deps', '--no-binary', ':all:', '-d', source, pinned];
  await run(join(VENV, 'python'), ['-m', 'pip', ...download]);
  for (const file of readdirSync(source)) await run('tar', ['xzf', file], { cwd: source });
}

async function build(name: string): Promise<string> {
  // uv evaluates the markers of dependencies for the Python of Pyodide.
  process.env.PATH = `${UV}:${process.env.PATH}`;
  const { files, dropped } = await buildPython({
    application: `test/python/real/${name}/app.py:app`,
    requirements: join(SOURCES, name, 'requirements.txt'),
    packages: [],
    out: join(REAL, name),
    cwd: root,
    cache: 'node_modules/.cache/wsgi-edge',
    ...PROJECTS[name]?.options,
  });
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const native = Object.entries(dropped).find(([reason]) => reason.startsWith('native'))?.[1] ?? [];
  return `${(bytes / 1_048_576).toFixed(1)} MiB${native.length > 0 ? `, without ${native.join(', ')}` : ''}`;
}

async function main(names: string[]): Promise<void> {
  for (const name of names)
    if (!(name in PROJECTS)) throw new Error(`choose projects: ${Object.keys(PROJECTS).join(', ')}`);
  await prepare(names);
  const lines: string[] = [];
  for (const name of names) {
    console.log(`${name}: ${await build(name)}`);
    const scores: Score[] = [];
    for (const [server, start] of Object.entries(SERVERS)) {
      const running = await start(name);
      try {
        const score = await (PROJECTS[name] as Project).suite(`http://${HOST}:${running.port}`);
        scores.push(score);
        console.log(
          `${name} on ${server}: ${score.passed} of ${score.total}; fails: ${score.failed.join(', ') || 'none'}`,
        );
      } finally {
        running.stop();
      }
    }
    lines.push(`| ${name} | ${scores.map(({ passed, total }) => `${passed} of ${total}`).join(' | ')} |`);
  }
  console.log(`\n| | ${Object.keys(SERVERS).join(' | ')} |\n|---|---|---|---|\n${lines.join('\n')}`);
}

const given = process.argv.slice(2);
await main(given.length > 0 ? given : Object.keys(PROJECTS));
