// `npm run bench`: everything beside its peers, as ratios of one run. `-- --aims` runs only the races and contenders that the
// aims compare, `--only lambda` one part (fresh, node, workers, size, runtime, scale, python), `--quick` fewer rounds.
// `--check` compares the ratios of a quick run with results.json, and fails on a loss of more than 15 % and on a ratio that
// results.json lacks. `--smoke` runs everything once, to see that it works.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { install } from './install.ts';
import type { Race } from './rounds.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    aims: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
  },
});
const here = import.meta.dirname;
install();

const { aimsOf, checkAims, needs } = await import('./aims.ts');
const { ratiosOf, tableOf } = await import('./rounds.ts');
const { only, smoke, aims } = values;
const quick = values.quick || values.check || smoke;
const rounds = smoke ? 1 : quick ? 5 : 9;
const ms = smoke ? 1 : quick ? 60 : 100;
const wanted = aims ? needs : () => true;
const LOSS = 1.15;

const parts: Record<string, () => Promise<Race[]>> = {
  lambda: async () => (await import('./lambda.ts')).lambda(rounds, ms, wanted),
  fresh: async () => (await import('./fresh.ts')).fresh(rounds, wanted),
  node: async () => (await import('./node.ts')).node(rounds, smoke ? 100 : quick ? 5_000 : 10_000, wanted),
  workers: async () =>
    (await import('./workers.ts')).workers(rounds, smoke ? 100 : quick ? 3_000 : 5_000, smoke ? 1 : 128, wanted),
  size: async () => (await import('./size.ts')).size(rounds, wanted),
  runtime: async () => (await import('./runtime.ts')).runtime(rounds, smoke ? 10 : quick ? 300 : 1_000),
  scale: async () =>
    (await import('./scale.ts')).scale({
      rounds,
      ms,
      mib: smoke ? [1] : [1, 16, 64, 256],
      streams: smoke ? [10] : [10, 100, 1_000, 2_000],
    }),
  python: async () =>
    (await import('./python.ts')).python(smoke ? 1 : quick ? 3 : 5, smoke ? 20 : quick ? 500 : 2_000, smoke),
};
// No aim compares a contender of these.
if (aims) for (const name of ['runtime', 'scale', 'python']) delete parts[name];
if (only !== undefined && !(only in parts)) {
  console.error(`--only takes one of ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}

async function measure(): Promise<Race[]> {
  const races: Race[] = [];
  for (const [name, part] of Object.entries(parts))
    if (only === undefined || only === name) races.push(...(await part()));
  return races;
}

const RESULTS = `${here}/results.json`;
if (smoke) {
  const races = await measure();
  if (only === undefined) checkAims(races);
  console.log('each contender of the benchmarks gave the right answers');
} else if (values.check) {
  const kept = JSON.parse(readFileSync(RESULTS, 'utf8')) as Record<string, number>;
  const lost = (ratios: Record<string, number>) =>
    Object.entries(ratios).filter(([name, now]) => now > (kept[name] ?? Number.POSITIVE_INFINITY) * LOSS);
  const ratios = ratiosOf(await measure());
  const unknown = Object.keys(ratios).filter((name) => !(name in kept));
  for (const name of unknown) console.log(`results.json has no ratio of ${name}: write it with npm run bench`);
  let losses = lost(ratios);
  // Other work on the machine can look like a loss, so a loss must be there twice.
  if (losses.length > 0) {
    const again = new Set(lost(ratiosOf(await measure())).map(([name]) => name));
    losses = losses.filter(([name]) => again.has(name));
  }
  for (const [name, now] of losses) console.log(`${name}: ${now}, was ${kept[name]}`);
  if (losses.length + unknown.length > 0) process.exitCode = 1;
  else console.log('no loss of more than 15 %');
} else {
  const races = await measure();
  const tables = [aimsOf(races), ...(aims ? [] : races.map(tableOf))].join('\n');
  console.log(tables);
  if (only === undefined && !aims && !quick) {
    const { dependencies } = JSON.parse(readFileSync(`${here}/package.json`, 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const versions = Object.entries(dependencies).map(([name, version]) => `${name} ${version}`);
    const said = readFileSync(`${here}/RESULTS.md`, 'utf8').split('<!-- tables -->')[0];
    const machine = `${cpus().length} cores of ${cpus()[0]?.model}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
    writeFileSync(
      `${here}/RESULTS.md`,
      `${said}<!-- tables -->\n\nOn ${machine}; ${versions.join(', ')}. ${rounds} rounds a race, fewer for large bodies, memory and Python.\n\n${tables}`,
    );
    writeFileSync(RESULTS, `${JSON.stringify(ratiosOf(races), null, 2)}\n`);
  }
}

// One of the peers keeps a server open.
process.exit();
