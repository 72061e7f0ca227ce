// `npm run bench`: everything beside its peers, as ratios of one run. `-- --only lambda` (node, workers, runtime, size,
// scale, python) runs a part, `--quick` fewer rounds; `--check` compares the ratios of a quick run with results.json and
// fails on a loss of more than 15 %; `--smoke` runs all of it once, and measures nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Race } from './rounds.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
  },
});
const here = import.meta.dirname;
if (!existsSync(`${here}/node_modules`))
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' });

const { aimsOf } = await import('./aims.ts');
const { ratio, tableOf } = await import('./rounds.ts');
const { smoke } = values;
const quick = values.quick || values.check || smoke;
const rounds = smoke ? 1 : quick ? 5 : 7;
const LOSS = 1.15;

const parts: Record<string, () => Promise<Race[]>> = {
  lambda: async () => (await import('./lambda.ts')).lambda(rounds, smoke ? 1 : quick ? 60 : 150),
  node: async () => (await import('./node.ts')).node(rounds, smoke ? 100 : quick ? 5_000 : 20_000),
  workers: async () =>
    (await import('./workers.ts')).workers(rounds, smoke ? 100 : quick ? 3_000 : 10_000, smoke ? 1 : 128),
  runtime: async () => (await import('./runtime.ts')).runtime(rounds, smoke ? 10 : quick ? 300 : 1_000),
  size: async () => (await import('./size.ts')).size(rounds),
  scale: async () =>
    (await import('./scale.ts')).scale({
      rounds,
      ms: smoke ? 1 : quick ? 60 : 150,
      mib: smoke ? [1] : [1, 16, 64, 256],
      streams: smoke ? [10] : [10, 100, 1_000, 2_000],
    }),
  python: async () =>
    (await import('./python.ts')).python(smoke ? 1 : quick ? 3 : 5, smoke ? 20 : quick ? 500 : 2_000, smoke),
};

async function measure(): Promise<Race[]> {
  const races: Race[] = [];
  for (const [name, part] of Object.entries(parts))
    if (values.only === undefined || values.only === name) races.push(...(await part()));
  return races;
}

/** The ratio of each contender of ours to the one by hand. */
const ratiosOf = (races: Race[]): Record<string, number> =>
  Object.fromEntries(
    races.flatMap((race) =>
      Object.keys(race.costs)
        .filter((name) => name.startsWith('wsgi-edge'))
        .map((name) => [`${race.title}: ${name}`, Number(ratio(race, name).toFixed(3))]),
    ),
  );

const RESULTS = `${here}/results.json`;
if (smoke) {
  await measure();
  console.log('each contender of the benchmarks gave the right answers');
} else if (values.check) {
  const kept = JSON.parse(readFileSync(RESULTS, 'utf8')) as Record<string, number>;
  const lost = (ratios: Record<string, number>) =>
    Object.entries(ratios).filter(([name, now]) => now > (kept[name] ?? Number.POSITIVE_INFINITY) * LOSS);
  let losses = lost(ratiosOf(await measure()));
  // What the machine did meanwhile is no loss: it must be there twice.
  if (losses.length > 0) {
    const again = new Set(lost(ratiosOf(await measure())).map(([name]) => name));
    losses = losses.filter(([name]) => again.has(name));
  }
  for (const [name, now] of losses) console.log(`${name}: ${now} times the one by hand, was ${kept[name]}`);
  if (losses.length > 0) process.exitCode = 1;
  else console.log('no loss of more than 15 %');
} else {
  const races = await measure();
  const tables = [aimsOf(races), ...races.map(tableOf)].join('\n');
  console.log(tables);
  if (values.only === undefined && !quick) {
    const { dependencies } = JSON.parse(readFileSync(`${here}/package.json`, 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const versions = Object.entries(dependencies).map(([name, version]) => `${name} ${version}`);
    const said = readFileSync(`${here}/RESULTS.md`, 'utf8').split('<!-- tables -->')[0];
    const machine = `${cpus().length} cores of ${cpus()[0]?.model}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
    writeFileSync(
      `${here}/RESULTS.md`,
      `${said}<!-- tables -->\n\nOn ${machine}; ${versions.join(', ')}. ${rounds} rounds, in another order each; ratios are the median of\nthose of each round.\n\n${tables}`,
    );
    writeFileSync(RESULTS, `${JSON.stringify(ratiosOf(races), null, 2)}\n`);
  }
}

// One of the peers keeps a server open.
process.exit();
