// Servers over loopback, each in a process of its own, asked by autocannon.
import { type ChildProcess, fork } from 'node:child_process';
import autocannon from 'autocannon';
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

const reply = <T>(child: ChildProcess) => new Promise<T>((resolve) => child.once('message', resolve));

async function cpuOf(child: ChildProcess): Promise<number> {
  const answer = reply<{ cpu: NodeJS.CpuUsage }>(child);
  child.send('cpu');
  const { cpu } = await answer;
  return cpu.user + cpu.system;
}

/** CPU time and time for each request of each server. */
export async function node(rounds: number, requests: number): Promise<Race[]> {
  const children = new Map<string, { child: ChildProcess; url: string }>();
  for (const name of NODE_SERVERS) {
    const child = fork(new URL('./servers.ts', import.meta.url), [name]);
    const { port } = await reply<{ port: number }>(child);
    const url = `http://127.0.0.1:${port}/hello/world?a=1`;
    const text = await (await fetch(url)).text();
    if (text !== 'Hello, world!\n') throw new Error(`${name} answers ${text}`);
    children.set(name, { child, url });
  }
  const cpu: Record<string, number[]> = {};
  const runners: Record<string, () => Promise<number>> = {};
  for (const [name, { child, url }] of children) {
    cpu[name] = [];
    runners[name] = async () => {
      const before = await cpuOf(child);
      const {
        duration,
        requests: made,
        non2xx,
      } = await autocannon({ url, connections: 32, amount: requests, headers: HEADERS });
      if (non2xx > 0) throw new Error(`${name} gave ${non2xx} wrong answers`);
      cpu[name]?.push(((await cpuOf(child)) - before) / made.total);
      return (duration * 1e6) / made.total;
    };
  }
  for (const run of Object.values(runners)) await run(); // warm
  for (const costs of Object.values(cpu)) costs.length = 0;
  const time = await race('Node: GET', 'µs a request', runners, rounds);
  for (const { child } of children.values()) child.kill();
  return [time, { ...time, title: 'Node: GET, the server alone', unit: 'µs of CPU', costs: cpu }];
}
