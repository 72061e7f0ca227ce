// `node caller.ts <kind> <request> <ms> <contender>...` calls Lambda functions with one event. It sends a message when it is
// ready, and answers each message, the name of a contender, with the cost of a call.
import { type Asked, checkedCall, cpuOf, type Kind } from './calls.ts';
import type { Contender } from './contenders/index.ts';

const [kind, asked, ms, ...names] = process.argv.slice(2) as [Kind, Asked, string, ...Contender[]];
const calls = new Map<string, () => Promise<unknown>>();
for (const name of names) calls.set(name, await checkedCall(name, kind, asked));
for (let i = 0; i < 2; i++) for (const call of calls.values()) await cpuOf(call, Number(ms)); // warm

process.on('disconnect', () => process.exit());
process.on('message', async (name: string) => {
  const call = calls.get(name);
  if (call !== undefined) process.send?.(await cpuOf(call, Number(ms)));
});
process.send?.('ready');
