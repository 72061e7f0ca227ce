// What was aimed at, beside what came out.
import { median, type Race, ratio } from './rounds.ts';

interface Aim {
  race: string;
  contender: string;
  /** Whom it is compared with; undefined where the figure itself counts. */
  to?: string;
  atMost: number;
}

const OURS = 'wsgi-edge';

const AIMS: Aim[] = [
  ...['HTTP API 2.0', 'REST v1', 'ALB, multi-value'].flatMap((kind) =>
    ['GET with 12 headers', 'POST of 1 kB JSON'].flatMap((request) =>
      Object.entries({ hono: 0.1, srvx: 0.1, 'serverless-http': 0.25, 'by hand': 12 }).map(([to, atMost]) => ({
        race: `Lambda, ${kind}: ${request}`,
        contender: OURS,
        to,
        atMost,
      })),
    ),
  ),
  { race: "Lambda's runtime client: an invocation", contender: OURS, to: 'by hand', atMost: 1.03 },
  { race: 'workerd: GET with 20 headers', contender: OURS, to: 'hono, all headers read', atMost: 1 },
  { race: 'workerd: GET with 20 headers', contender: OURS, to: 'hono', atMost: 1.15 },
  { race: 'workerd: GET with 20 headers', contender: OURS, to: 'by hand', atMost: 1.25 },
  {
    race: 'workerd: 128 MiB of a stream',
    contender: `${OURS}, wsgi.file_wrapper`,
    to: 'by hand, the stream passed on',
    atMost: 1.1,
  },
  {
    race: 'workerd: 128 MiB from another server',
    contender: `${OURS}, wsgi.file_wrapper`,
    to: 'by hand, the body of fetch() passed on',
    atMost: 1.1,
  },
  { race: 'Node: GET', contender: OURS, to: '@hono/node-server', atMost: 1 },
  { race: 'Node: GET', contender: OURS, to: 'srvx', atMost: 1 },
  { race: 'Node: GET', contender: OURS, to: 'node:http by hand', atMost: 1.11 },
  { race: 'Workers: a hello-world bundled', contender: OURS, atMost: 5120 },
  { race: 'Lambda: a hello-world bundled', contender: OURS, atMost: 5120 },
  ...['Node', 'workerd'].flatMap((server) =>
    ['response', 'upload'].map((way) => ({
      race: `${server}: peak memory by length of the ${way}`,
      contender: '256 MiB',
      atMost: 32,
    })),
  ),
];

/** The aims of the races that were run, as a table. */
export function aimsOf(races: readonly Race[]): string {
  const rows = AIMS.flatMap(({ race: title, contender, to, atMost }) => {
    const race = races.find((each) => each.title === title);
    // srvx takes no events of load balancers.
    if (race === undefined || (to !== undefined && !(to in race.costs))) return [];
    const came = to === undefined ? median(race.costs[contender] ?? []) : ratio({ ...race, base: to }, contender);
    const what = to === undefined ? `${contender}, ${race.unit}` : `${contender} to ${to}`;
    return [`| ${title} | ${what} | ${atMost} | ${Number(came.toPrecision(3))} | ${came <= atMost ? 'yes' : 'no'} |`];
  });
  return ['### Aims', '', '| race | | at most | came out | met |', '|---|---|---:|---:|---|', ...rows, ''].join('\n');
}
