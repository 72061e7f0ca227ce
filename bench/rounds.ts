/** Costs of the contenders of one race, each measured several times. */
export interface Race {
  title: string;
  unit: string;
  /** The contender that the ratios are taken to; undefined if the race has no ratios. */
  base: string | undefined;
  costs: Record<string, number[]>;
}

/** Measures contenders in turns, in another order each round, so that other work on the machine hits all of them.
 *  @param contenders  each gives its cost, in `unit` */
export async function race(
  title: string,
  unit: string,
  contenders: Record<string, () => number | Promise<number>>,
  rounds: number,
): Promise<Race> {
  const names = Object.keys(contenders);
  const costs: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of shuffled(names)) costs[name]?.push((await contenders[name]?.()) ?? Number.NaN);
    process.stderr.write(`\r${title}: round ${round + 1} of ${rounds} `);
  }
  process.stderr.write('\n');
  return { title, unit, base: names[0], costs };
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

/** The ratio of a contender to the base, round by round: its median. */
export function ratio({ base, costs }: Race, name: string): number {
  const bases = costs[base ?? ''] ?? [];
  return median((costs[name] ?? []).map((cost, round) => cost / (bases[round] ?? Number.NaN)));
}

/** The ratio of each contender of ours to the base of its race. A race without a base has none. */
export const ratiosOf = (races: readonly Race[]): Record<string, number> =>
  Object.fromEntries(
    races.flatMap((race) =>
      Object.keys(race.base === undefined ? {} : race.costs)
        .filter((name) => name.startsWith('wsgi-edge') && name !== race.base)
        .map((name) => [`${race.title}: ${name} to ${race.base}`, Number(ratio(race, name).toFixed(3))]),
    ),
  );

/** A race as a table. */
export function tableOf(race: Race): string {
  const { title, unit, base, costs } = race;
  const rows = Object.entries(costs).map(([name, own]) => {
    const sorted = [...own].sort((a, b) => a - b);
    const spread = `${format(sorted[0] ?? 0)} to ${format(sorted.at(-1) ?? 0)}`;
    return `| ${name} | ${format(median(own))} | ${spread} |${base === undefined ? '' : ` ${ratio(race, name).toFixed(2)} |`}`;
  });
  const [head, line] = base === undefined ? ['', ''] : [` to ${base} |`, '---:|'];
  return [
    `### ${title}`,
    '',
    `| | ${unit}, median | of all rounds |${head}`,
    `|---|---:|---:|${line}`,
    ...rows,
    '',
  ].join('\n');
}

const format = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
