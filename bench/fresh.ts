// Fresh Node processes: the import of each subpath of the package that npm publishes, and the first invocation of a Lambda
// function, with its packages installed beside it and bundled into it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { FIRST, IMPORT, type Wanted } from './aims.ts';
import { CONTEXT, check, eventOf } from './calls.ts';
import { type Contender, fileOf } from './contenders/index.ts';
import { published } from './published.ts';
import { type Race, race } from './rounds.ts';

/** Imports to compare with. The empty module shows the cost of Node itself. */
const PEERS = ['an empty module', 'hono', 'hono/aws-lambda', 'srvx/aws-lambda', 'serverless-http'];
const FIRSTS: Contender[] = ['by hand', 'hono', 'srvx', 'serverless-http', 'wsgi-edge, synchronous'];
const KIND = 'apigw-http-v2';

export async function fresh(rounds: number, wanted: Wanted): Promise<Race[]> {
  return [...(await imports(rounds, wanted)), ...(await firsts(rounds, wanted))];
}

async function imports(rounds: number, wanted: Wanted): Promise<Race[]> {
  const folder = published();
  writeFileSync(join(folder, 'empty.mjs'), 'export const empty = true;');
  const { exports } = JSON.parse(readFileSync(join(folder, 'node_modules/wsgi-edge/package.json'), 'utf8')) as {
    exports: Record<string, unknown>;
  };
  const ours = Object.keys(exports).filter((path) => path !== './package.json');
  const names = [...PEERS, ...ours.map((path) => `wsgi-edge${path.slice(1)}`)].filter((name) => wanted(IMPORT, name));
  const runs = names.map((name): [string, () => Cost] => {
    const module = name === 'an empty module' ? './empty.mjs' : name;
    return [name, () => run(folder, `const result = Object.keys(await import('${module}')).length;`, checkExports)];
  });
  const races = await twice(IMPORT, Object.fromEntries(runs), rounds);
  return races.map((each) => ({ ...each, base: undefined }));
}

function checkExports(exported: unknown): void {
  if (exported === 0) throw new Error('the module exports nothing');
}

async function firsts(rounds: number, wanted: Wanted): Promise<Race[]> {
  const folder = published();
  const event = JSON.stringify(eventOf(KIND, 'GET with 12 headers'));
  const names = FIRSTS.filter((name) => wanted(FIRST, name));
  const races: Race[] = [];
  for (const [form, title] of [
    ['installed', FIRST],
    ['bundled', `${FIRST}, bundled`],
  ] as const) {
    const runs = names.map(async (name): Promise<[string, () => Cost]> => {
      const file = await functionFile(folder, name, form);
      const code = `const { handler } = await import('${file}');
        const result = await handler(JSON.parse(${JSON.stringify(event)}), {
          ...${JSON.stringify(CONTEXT)}, getRemainingTimeInMillis: () => 30_000 });`;
      return [name, () => run(folder, code, (result) => check(KIND, 'GET with 12 headers', result))];
    });
    races.push(...(await twice(title, Object.fromEntries(await Promise.all(runs)), rounds)));
  }
  return races;
}

/** A contender in plain JavaScript, because Node would strip the types of TypeScript in the measured time. */
async function functionFile(folder: string, name: Contender, form: 'installed' | 'bundled'): Promise<string> {
  const id = name.replaceAll(/[^a-z]/g, '');
  const options = { bundle: true, format: 'esm', platform: 'node' } as const;
  const installed = join(folder, `${id}.mjs`);
  await build({ ...options, entryPoints: [fileOf(name)], outfile: installed, packages: 'external' });
  if (form === 'installed') return installed;
  // esbuild starts from a file of the published folder, so it finds the published package.
  mkdirSync(join(folder, 'bundled'), { recursive: true });
  const bundled = join(folder, 'bundled', `${id}.mjs`);
  await build({ ...options, entryPoints: [installed], outfile: bundled, minify: true, banner: REQUIRE });
  return bundled;
}

/** Lets packages of CommonJS that are bundled into a module ask for Node's own modules. */
export const REQUIRE = {
  js: `import { createRequire } from 'node:module'; const require = createRequire('file:///');`,
};

interface Cost {
  cpu: number;
  elapsed: number;
}

/** ms of CPU and ms elapsed of a piece of code in a fresh Node, which leaves its `result` to be checked. */
function run(cwd: string, code: string, checkResult: (result: unknown) => void): Cost {
  const program = `import { writeSync } from 'node:fs';
    const from = performance.now();
    const before = process.cpuUsage();
    ${code}
    const { user, system } = process.cpuUsage(before);
    const elapsed = performance.now() - from;
    writeSync(1, JSON.stringify({ cpu: (user + system) / 1000, elapsed, result }));
    process.exit();`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`this failed in a fresh Node: ${code}\n${stderr}`);
  const { cpu, elapsed, result } = JSON.parse(stdout);
  checkResult(result);
  return { cpu, elapsed };
}

/** A race by CPU time, and the same runs by time elapsed. */
async function twice(title: string, runs: Record<string, () => Cost>, rounds: number): Promise<Race[]> {
  const elapsed: Record<string, number[]> = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  const runners = Object.entries(runs).map(([name, measure]) => {
    const runner = () => {
      const cost = measure();
      elapsed[name]?.push(cost.elapsed);
      return cost.cpu;
    };
    return [name, runner] as const;
  });
  const byCpu = await race(title, 'ms of CPU', Object.fromEntries(runners), rounds);
  return [byCpu, { ...byCpu, title: `${title}, elapsed`, unit: 'ms', costs: elapsed }];
}
