// Lambda functions called as Lambda's runtime calls them. Each race starts its own processes, so that an earlier race cannot
// change how V8 has compiled a contender.
import type { ChildProcess } from 'node:child_process';
import { APART, needs, type Wanted } from './aims.ts';
import { ASKED, type Asked, KINDS, type Kind, takes } from './calls.ts';
import { ask, start, stop } from './children.ts';
import { CONTENDERS, type Contender } from './contenders/index.ts';
import { type Race, race } from './rounds.ts';

export async function lambda(rounds: number, ms: number, wanted: Wanted): Promise<Race[]> {
  const races: Race[] = [];
  for (const kind of Object.keys(KINDS) as Kind[])
    for (const asked of ASKED) {
      const title = `Lambda, ${kind}: ${asked}`;
      const all = CONTENDERS.filter((name) => takes(name, kind, asked));
      const measured = all.filter((name) => wanted(title, name));
      if (measured.length === 0) continue;
      // Every contender runs in the shared process, measured or not, so that the figures do not depend on the selection.
      races.push(await called(title, [all], measured, [kind, asked, String(ms)], rounds));
      const compared = measured.filter((name) => needs(title, name));
      if (compared.length > 0)
        races.push(
          await called(
            title + APART,
            compared.map((name) => [name]),
            compared,
            [kind, asked, String(ms)],
            rounds,
          ),
        );
    }
  return races;
}

/** @param groups  the contenders of each process */
async function called(
  title: string,
  groups: readonly Contender[][],
  measured: readonly Contender[],
  args: [Kind, Asked, string],
  rounds: number,
): Promise<Race> {
  const children: ChildProcess[] = [];
  const runners: Record<string, () => Promise<number>> = {};
  try {
    for (const names of groups) {
      const { child } = await start('caller.ts', [...args, ...names]);
      children.push(child);
      for (const name of names.filter((each) => measured.includes(each)))
        runners[name] = () => ask<number>(child, name);
    }
    return await race(title, 'µs of CPU', runners, rounds);
  } finally {
    for (const child of children) stop(child);
  }
}
