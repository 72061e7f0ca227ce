// Writes a project of each template with the packed package, as `npm create wsgi-edge` does, and goes through the steps of its
// user: install, serve, test, check, and build the deployment. Prints the seconds of each step.
// node scripts/try-templates.ts [--manager npm|pnpm|yarn|bun] [--template ts|flask|django|bottle]
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const ALL = ['ts', 'flask', 'django', 'bottle'];
/** The templates that are tried with a package manager. */
const TEMPLATES: Record<string, string[]> = { npm: ALL, pnpm: ALL, yarn: ['ts'], bun: ['ts'] };
/** The packages of the managers that are not installed with this project, because Bun has 100 MB. */
const PACKAGES: Record<string, string> = { yarn: '@yarnpkg/cli-dist@4.18.1', bun: 'bun@1.4.5' };
const LIMIT = 600_000; // ms for a step
const FIRST_ANSWER = 240_000; // ms

const { values } = parseArgs({
  options: { manager: { type: 'string', multiple: true }, template: { type: 'string', multiple: true } },
});

const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-templates-'));
// yarn takes a package.json above a project for one of a workspace.
const tools = join(scratch, 'tools');
const bin = (folder: string) => join(folder, 'node_modules/.bin');
const PATH = [dirname(process.execPath), bin(tools), bin(root), process.env.PATH].join(':');
const env: NodeJS.ProcessEnv = {
  ...process.env,
  ...{ PATH, CI: 'true', WRANGLER_SEND_METRICS: 'false', SLS_INTERACTIVE_SETUP_ENABLE: '0' },
  // Under CI, yarn would refuse to write its lock file.
  YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
};

async function command(folder: string, program: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await run(program, args, { cwd: folder, env, timeout: LIMIT, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    const tail = `${message}\n${stdout}\n${stderr}`.trim().split('\n').slice(-40).join('\n');
    throw new Error(`${[program, ...args].join(' ')} in ${folder} failed:\n${tail}`);
  }
}

async function pack(folder: string): Promise<string> {
  const out = await command(folder, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', scratch);
  return join(scratch, (JSON.parse(out) as [{ filename: string }])[0].filename);
}

const freePort = (): Promise<number> =>
  new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });

/** Starts the server of development, and waits for its first answer. */
async function serve(folder: string, manager: string): Promise<string> {
  const port = await freePort();
  const args = ['run', 'dev', ...(manager === 'npm' ? ['--'] : []), '--port', String(port)];
  const child: ChildProcess = spawn(manager, args, {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data));
  try {
    for (let tries = 0; tries < FIRST_ANSWER / 100; tries++) {
      const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      if (response?.status === 200) return await response.text();
      if (response !== undefined || child.exitCode !== null)
        throw new Error(`${manager} run dev: status ${response?.status}\n${output}`);
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(`${manager} run dev does not answer:\n${output}`);
  } finally {
    process.kill(-Number(child.pid), 'SIGTERM');
    await new Promise((done) => (child.exitCode === null ? child.once('exit', done) : done(undefined)));
  }
}

/** Does with a template as its user would.
 *  @returns the seconds of each step */
async function tryTemplate(manager: string, template: string, tarball: string): Promise<Record<string, number>> {
  const name = `${template}-${manager}`;
  const folder = join(scratch, name);
  const seconds: Record<string, number> = {};
  const step = async (what: string, act: () => Promise<unknown>) => {
    const start = performance.now();
    await act();
    seconds[what] = (performance.now() - start) / 1000;
  };
  // The project is written for the manager that runs the command, which tells its name.
  env.npm_config_user_agent = `${manager}/${(await command(scratch, manager, '--version')).trim()}`;
  await step('create', () => command(scratch, 'create-wsgi-edge', name, `--${template}`));
  const manifest = join(folder, 'package.json');
  const json = JSON.parse(readFileSync(manifest, 'utf8'));
  // The packed package, because the present version may not be published yet.
  json.dependencies['wsgi-edge'] = `file:${tarball}`;
  writeFileSync(manifest, JSON.stringify(json, null, 2));
  await step('install', () => command(folder, manager, 'install'));
  await step('dev', async () => {
    const body = await serve(folder, manager);
    if (!/hello/i.test(body)) throw new Error(`${name} greets with ${body}`);
  });
  await step('test', () => command(folder, manager, 'run', 'test'));
  if (template !== 'ts') await step('build', () => command(folder, manager, 'run', 'build'));
  await step('types', () => command(folder, 'npx', 'tsc'));
  await step('check', () => command(folder, manager, 'run', 'check'));
  await step('wrangler', () => command(folder, 'npx', 'wrangler', 'deploy', '--dry-run', '--outdir', 'build/worker'));
  await step('osls', () => command(folder, manager, 'run', 'package:lambda'));
  if (!existsSync(join(folder, '.serverless'))) throw new Error(`${name}: osls wrote no package`);
  return seconds;
}

try {
  const tarballs = [await pack(join(root, 'create')), await pack(root)];
  const managers = values.manager ?? Object.keys(TEMPLATES);
  const packages = managers.flatMap((manager) => PACKAGES[manager] ?? []);
  const allowScripts = { bun: true };
  mkdirSync(tools);
  writeFileSync(join(tools, 'package.json'), JSON.stringify({ private: true, allowScripts }));
  await command(tools, 'npm', 'install', '--no-audit', '--no-fund', ...tarballs, ...packages);
  const rows: Array<Record<string, number | string>> = [];
  for (const manager of managers)
    for (const template of values.template ?? TEMPLATES[manager] ?? []) {
      const seconds = await tryTemplate(manager, template, tarballs[1] as string);
      const rounded = Object.entries(seconds).map(([what, time]) => [what, Number(time.toFixed(1))]);
      rows.push({ manager, template, ...Object.fromEntries(rounded) });
      console.log(rows.at(-1));
    }
  console.table(rows);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
