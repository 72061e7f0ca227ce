// Servers over loopback, asked by autocannon: all in one process, then a process each.
import type { ChildProcess } from 'node:child_process';
import autocannon from 'autocannon';
import { APART, type Wanted } from './aims.ts';
import { ask, start, stop } from './children.ts';
import { type Race, race } from './rounds.ts';
import { NODE_SERVERS } from './servers.ts';

const HEADERS = {
  'user-agent': 'bench',
  accept: '*/*',
  'accept-encoding': 'gzip, deflate, br',
  'accept-language': 'en-US,en;q=0.5',
  'cache-control': 'no-cache',
  cookie: 'session=0123456789abcdef; theme=dark',
};
const TITLE = 'Node: GET, CPU of the server';

/** CPU time of each server for a request. autocannon rounds the time elapsed up to whole seconds. */
export async function node(rounds: number, requests: number, wanted: Wanted): Promise<Race[]> {
  const measured = NODE_SERVERS.filter((name) => wanted(TITLE, name));
  if (measured.length === 0) return [];
  const each = measured.map((name) => [name]);
  return [
    await asked(TITLE, [NODE_SERVERS], measured, rounds, requests),
    await asked(TITLE + APART, each, measured, rounds, requests),
  ];
}

/** @param groups  the servers of each process */
async function asked(
  title: string,
  groups: readonly string[][],
  measured: readonly string[],
  rounds: number,
  requests: number,
): Promise<Race> {
  const runners: Record<string, () => Promise<number>> = {};
  const children: ChildProcess[] = [];
  try {
    for (const names of groups) {
      const { child, first: ports } = await start<Record<string, number>>('servers.ts', names);
      children.push(child);
      for (const name of names.filter((each) => measured.includes(each))) {
        const url = `http://127.0.0.1:${ports[name]}/hello/world?a=1`;
        await check(name, url);
        runners[name] = () => cpuOf(child, url, requests);
      }
    }
    for (const run of Object.values(runners)) await run(); // warm
    return await race(title, 'µs of CPU', runners, rounds);
  } finally {
    for (const child of children) stop(child);
  }
}

async function check(name: string, url: string): Promise<void> {
  const response = await fetch(url, { headers: HEADERS });
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  if (response.status !== 200 || text !== 'Hello, world!\n' || !/^text\/plain; ?charset=utf-8$/i.test(type))
    throw new Error(`${name} answers ${response.status}, ${type}: ${text}`);
}

/** µs of the server's CPU for each request. */
async function cpuOf(child: ChildProcess, url: string, amount: number): Promise<number> {
  const before = await ask<NodeJS.CpuUsage>(child, 'cpu');
  const { requests, non2xx } = await autocannon({ url, connections: 32, amount, headers: HEADERS });
  if (non2xx > 0 || requests.total === 0) throw new Error(`${url} gave ${non2xx} wrong answers`);
  const after = await ask<NodeJS.CpuUsage>(child, 'cpu');
  return (after.user + after.system - before.user - before.system) / requests.total;
}
