// The costs that the package aims at, as ratios to its peers.
import { median, type Race, ratio } from './rounds.ts';

interface Aim {
  race: string;
  /** Undefined if it is each contender of ours. */
  contender?: string;
  /** The peer of the ratio; undefined if the figure itself counts. */
  to?: string;
  atMost: number;
}

/** Ends the title of a race that runs each contender in its own process; the plain title is that of the shared process. */
export const APART = ', a process each';

/** Selects the contenders of a race that are measured. */
export type Wanted = (race: string, contender: string) => boolean;

const OURS = 'wsgi-edge';
const SYNCHRONOUS = `${OURS}, synchronous`;
const ASYNCHRONOUS = `${OURS}, asynchronous`;

export const IMPORT = 'Import in a fresh Node, as published';
export const FIRST = 'First Lambda invocation in a fresh Node, import included';

const beside = (race: string, contender: string, peers: Record<string, number>): Aim[] =>
  Object.entries(peers).map(([to, atMost]) => ({ race, contender, to, atMost }));

const AIMS: Aim[] = [
  ...beside('Lambda, HTTP API 2.0: GET with 12 headers', SYNCHRONOUS, {
    hono: 0.25,
    srvx: 0.25,
    'serverless-http': 0.75,
  }),
  ...beside('Lambda, HTTP API 2.0: GET with 12 headers', ASYNCHRONOUS, { hono: 0.4, srvx: 0.4, 'serverless-http': 1 }),
  ...beside('Lambda, HTTP API 2.0: POST of 1 kB JSON', ASYNCHRONOUS, { hono: 0.4, srvx: 0.4, 'serverless-http': 1 }),
  ...beside('Lambda, REST v1: GET with 12 headers', SYNCHRONOUS, { hono: 0.3, 'serverless-http': 0.8 }),
  ...beside('Lambda, ALB, multi-value: GET with 12 headers', SYNCHRONOUS, { hono: 0.3, 'serverless-http': 0.8 }),
  ...beside('workerd: GET with 20 headers', OURS, { hono: 1, 'hono, all headers read': 0.9 }),
  ...beside('workerd: POST of 1 kB JSON', OURS, { hono: 1 }),
  ...beside('Node: GET, CPU of the server', OURS, { 'node:http by hand': 1.1, '@hono/node-server': 1 }),
  ...beside('Workers: a hello-world bundled', OURS, { hono: 1 }),
  ...beside('Lambda: a hello-world bundled', OURS, { hono: 1 }),
  { race: IMPORT, atMost: 4 },
  ...beside(FIRST, SYNCHRONOUS, { hono: 0.25 }),
];

const concerns = (aim: Aim, name: string): boolean =>
  name === aim.to || (aim.contender === undefined ? name.startsWith(OURS) : name === aim.contender);

/** Selects the contenders that an aim compares. */
export const needs: Wanted = (race, contender) => AIMS.some((aim) => aim.race === race && concerns(aim, contender));

/** The aims of the races that were run, as a table.
 *  @throws {Error} if a race lacks a contender of its aim */
export function aimsOf(races: readonly Race[]): string {
  const rows = AIMS.flatMap((aim) => {
    const shared = races.find(({ title }) => title === aim.race);
    if (shared === undefined) return [];
    const apart = races.find(({ title }) => title === aim.race + APART);
    const names = Object.keys(shared.costs).filter((name) => concerns(aim, name) && name !== aim.to);
    if (names.length === 0) throw new Error(`the race "${aim.race}" lacks ${aim.contender ?? OURS}`);
    return names.map((name) => {
      const figures = [shared, apart].map((race) => race && figureOf(race, name, aim.to));
      const met = figures.every((figure) => figure === undefined || figure <= aim.atMost);
      const what = aim.to === undefined ? `${name}, ${shared.unit}` : `${name} to ${aim.to}`;
      const cells = figures.map((figure) => (figure === undefined ? '' : Number(figure.toPrecision(3))));
      return `| ${aim.race} | ${what} | ${aim.atMost} | ${cells.join(' | ')} | ${met ? 'yes' : 'no'} |`;
    });
  });
  const head = [
    '### Aims',
    '',
    '| race | | at most | came out | a process each | met |',
    '|---|---|---:|---:|---:|---|',
  ];
  return [...head, ...rows, ''].join('\n');
}

function figureOf(race: Race, name: string, to: string | undefined): number {
  const figure = to === undefined ? median(race.costs[name] ?? []) : ratio({ ...race, base: to }, name);
  if (!(figure > 0)) throw new Error(`the race "${race.title}" lacks ${name} or ${to}`);
  return figure;
}

/** @throws {Error} if no race was run for an aim, or if it lacks a contender */
export function checkAims(races: readonly Race[]): void {
  for (const { race: title } of AIMS)
    if (!races.some((race) => race.title === title)) throw new Error(`no race "${title}" was run for its aim`);
  aimsOf(races);
}
