// `npm run bench:profile -- lambda-get` profiles one contender of a Lambda race and prints its functions by self time.
// A second argument names another contender, such as hono.
import { Session } from 'node:inspector/promises';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Asked, Kind } from './calls.ts';
import type { Contender } from './contenders/index.ts';
import { install } from './install.ts';

const RACES: Record<string, [Kind, Asked, Contender]> = {
  'lambda-get': ['HTTP API 2.0', 'GET with 12 headers', 'wsgi-edge, synchronous'],
  'lambda-get-async': ['HTTP API 2.0', 'GET with 12 headers', 'wsgi-edge, asynchronous'],
  'lambda-post': ['HTTP API 2.0', 'POST of 1 kB JSON', 'wsgi-edge, asynchronous'],
  'rest-get': ['REST v1', 'GET with 12 headers', 'wsgi-edge, synchronous'],
  'alb-get': ['ALB, multi-value', 'GET with 12 headers', 'wsgi-edge, synchronous'],
};
const WARM_MS = 1_000;
const MS = 3_000;
const LINES = 40;

const [name = '', other] = process.argv.slice(2);
const chosen = RACES[name];
if (chosen === undefined) {
  console.error(`usage: node bench/profile.ts <${Object.keys(RACES).join(' | ')}> [contender]`);
  process.exit(2);
}
install();
const { checkedCall, cpuOf } = await import('./calls.ts');
const { CONTENDERS } = await import('./contenders/index.ts');
const [kind, asked, ours] = chosen;
const contender = CONTENDERS.find((each) => each === other) ?? ours;
if (other !== undefined && contender !== other) {
  console.error(`"${other}" is not a contender; these are: ${CONTENDERS.join('; ')}`);
  process.exit(2);
}

const call = await checkedCall(contender, kind, asked);
await cpuOf(call, WARM_MS);
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: 100 });
await session.post('Profiler.start');
const cost = await cpuOf(call, MS);
const { profile } = await session.post('Profiler.stop');
session.disconnect();

const root = resolve(import.meta.dirname, '..');
const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
const selfTimes = new Map<string, number>();
for (const [i, id] of (profile.samples ?? []).entries()) {
  const { functionName = '', url = '', lineNumber = 0 } = nodes.get(id) ?? {};
  if (url === 'node:inspector') continue; // the profiler itself, as it starts and stops
  const file = url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url;
  const place = `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`;
  selfTimes.set(place, (selfTimes.get(place) ?? 0) + (profile.timeDeltas?.[i] ?? 0));
}
const total = [...selfTimes.values()].reduce((sum, time) => sum + time, 0);
console.log(`${contender}, ${kind}, ${asked}: ${cost.toFixed(2)} µs of CPU a call while profiled`);
for (const [place, time] of [...selfTimes].sort(([, a], [, b]) => b - a).slice(0, LINES))
  console.log(`${((time / total) * 100).toFixed(1).padStart(5)} %  ${place}`);
process.exit();
