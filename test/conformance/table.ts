// Prints the results of the last run of the suite as Markdown:
//   node test/conformance/table.ts
import { readdirSync, readFileSync } from 'node:fs';

interface Result {
  section: string;
  name: string;
  inside: string;
  outcome: 'holds' | 'lacked' | 'not applicable' | 'fails';
  reason?: string;
}
interface Run {
  target: string;
  results: Result[];
}

const ORDER = [
  'core',
  'fetch',
  'node',
  'cloudflare',
  'lambda REST API',
  'lambda HTTP API 1.0',
  'lambda HTTP API',
  'lambda Function URL',
  'lambda ALB',
  'lambda ALB multi-value',
  'lambda Lattice v1',
  'lambda Lattice v2',
  'lambda@Edge viewer request',
  'lambda@Edge origin request',
  'lambda stream',
  'lambda REST stream',
  'python',
  'python, concurrent',
];
// Names for the targets of one platform where they share a reason.
const GROUPS: Array<[name: string, has: (target: string) => boolean]> = [
  ['all of Lambda', (target) => target.startsWith('lambda')],
  ['Lambda, buffered', (target) => target.startsWith('lambda') && !target.endsWith(' stream')],
];
const RANK = ['holds', 'lacked', 'not applicable', 'fails'] as const;
const folder = new URL('../../node_modules/.cache/wsgi-edge/conformance/', import.meta.url);

function readRuns(): Run[] {
  let files: string[] = [];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  } catch {
    // No run yet.
  }
  const runs = new Map<string, Run>();
  for (const file of files) {
    const { target, results } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Run;
    runs.set(target, { target, results: [...(runs.get(target)?.results ?? []), ...results] });
  }
  return [...runs.values()].sort((a, b) => ORDER.indexOf(a.target) - ORDER.indexOf(b.target));
}

/** A case is what it is at its worst, bare or inside the validator. */
function casesOf(run: Run): Map<string, Result> {
  const cases = new Map<string, Result>();
  for (const result of run.results) {
    const key = `${result.section}: ${result.name}`;
    const earlier = cases.get(key);
    if (earlier === undefined || RANK.indexOf(result.outcome) > RANK.indexOf(earlier.outcome)) cases.set(key, result);
  }
  return cases;
}

const row = (cells: Array<string | number>) => `| ${cells.join(' | ')} |`;

function print(runs: Run[]): void {
  const byTarget = runs.map((run) => ({ target: run.target, cases: [...casesOf(run).values()] }));
  const sections = [...new Set(runs.flatMap((run) => run.results.map((result) => result.section)))];
  const count = (cases: Result[]) => {
    const of = (outcome: Result['outcome']) => cases.filter((one) => one.outcome === outcome).length;
    const fails = of('fails') > 0 ? `, ${of('fails')} fail` : '';
    return cases.length === 0 ? '' : `${of('holds')} of ${cases.length - of('not applicable')}${fails}`;
  };
  console.log(row(['Cases that hold', '**all**', ...sections]));
  console.log(row(['---', '---:', ...sections.map(() => '---:')]));
  for (const { target, cases } of byTarget)
    console.log(
      row([target, count(cases), ...sections.map((section) => count(cases.filter((one) => one.section === section)))]),
    );

  const namesOf = (targets: string[]): string => {
    for (const [name, has] of GROUPS) {
      const members = byTarget.map(({ target }) => target).filter(has);
      if (members.length > 2 && members.every((target) => targets.includes(target)))
        return [...targets.filter((target) => !has(target)), name].join(', ');
    }
    return targets.join(', ');
  };
  for (const [outcome, title] of [
    ['lacked', 'Limits of the platforms'],
    ['not applicable', 'Cases that do not apply'],
    ['fails', 'Failures'],
  ] as const) {
    // One row for the targets that share a reason and its cases.
    const rows = new Map<string, { reason: string; names: string[]; targets: string[] }>();
    for (const { target, cases } of byTarget) {
      const reasons = new Map<string, string[]>();
      for (const { name, reason = '' } of cases.filter((one) => one.outcome === outcome))
        reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
      for (const [reason, names] of reasons) {
        const key = JSON.stringify([reason, names]);
        const targets = [...(rows.get(key)?.targets ?? []), target];
        rows.set(key, { reason, names, targets });
      }
    }
    if (rows.size === 0) continue;
    console.log(`\n**${title}**\n\n${row(['Reason', 'Target', 'Cases'])}\n${row(['---', '---', '---'])}`);
    for (const { reason, names, targets } of rows.values())
      console.log(
        row([reason, namesOf(targets), outcome === 'not applicable' ? names.length : listed(names)].map(plainText)),
      );
  }
}

const LISTED = 4;

function listed(names: string[]): string {
  const more = names.length - LISTED;
  return more > 1 ? `${names.slice(0, LISTED).join('; ')}; and ${more} more` : names.join('; ');
}

function plainText(cell: string | number): string {
  return String(cell)
    .replaceAll('|', '\\|')
    .replaceAll(/([*_`])/g, '\\$1')
    .replaceAll('\n', ' ');
}

const runs = readRuns();
if (runs.length === 0) {
  console.error('no results yet: run the tests first');
  process.exitCode = 1;
} else print(runs);
