import { readFileSync, writeFileSync } from 'node:fs';
import { WsgiError } from '../src/errors.js';
import type { HeaderList } from '../src/types.js';
import type { Values } from './arguments.js';
import type { RawRequest, RawResponse } from './raw.js';
import { type Server, sendRaw } from './wire.js';

/** A measured application as a client sees it. */
interface Row {
  id: string;
  title: string;
  request?: RawRequest;
  expect: {
    status: number;
    headers?: HeaderList;
    /** Bytes as a native string. */
    body: string;
    complete?: boolean | 'unknown';
    /** The fault is known before anything is sent, so that a 500 can go out. */
    early?: boolean;
    events: string[];
    log?: RegExp;
  };
}

/** The outcome of a case. */
interface Outcome {
  id: string;
  title: string;
  /** The differences from the expected outcome; empty if the case holds. */
  differences: string[];
}

/** Runs the measured applications against a server that serves them, or prints their application. */
export async function conformanceCommand([url]: string[], values: Values): Promise<void> {
  if (values.app !== undefined) return console.log(applicationIn(String(values.app)));
  if (url === undefined)
    throw new WsgiError(
      'wsgi-edge: name the server: wsgi-edge conformance http://127.0.0.1:8000. It must serve the application that wsgi-edge conformance --app python (or typescript) prints',
    );
  const server = serverOf(url);
  const { language } = await reportOf(server, 'none');
  const { rows } = (await import(CASES)) as { rows: Row[] };
  const applicable = rows.filter(({ id }) => language !== 'python' || !ONLY_TYPESCRIPT.has(id));
  const outcomes: Outcome[] = [];
  for (const row of applicable) outcomes.push({ id: row.id, title: row.title, differences: await run(server, row) });
  const held = outcomes.filter(({ differences }) => differences.length === 0).length;
  if (values.badge !== undefined) writeFileSync(String(values.badge), badge(held, outcomes.length));
  if (values.json) console.log(JSON.stringify({ url, language, held, of: outcomes.length, outcomes }, null, 2));
  else console.log([...outcomes.flatMap(linesOf), `${held} of ${outcomes.length} cases hold`].join('\n'));
}

const linesOf = ({ id, title, differences }: Outcome): string[] =>
  differences.length === 0 ? [] : [`${id}: ${title}`, ...differences.map((line) => `  ${line}`), ''];

// The build writes it of test/applications.
const CASES = './conformance-cases.js';

/** Rows whose application says something else in Python: a header list of lists is refused there. */
const ONLY_TYPESCRIPT = new Set(['hl_pair_list', 'close_attr_none']);

/** The application to deploy, in a language. */
function applicationIn(language: string): string {
  if (language === 'typescript') return readFileSync(new URL(CASES, import.meta.url), 'utf8').trimEnd();
  if (language !== 'python') throw new WsgiError(`wsgi-edge: --app is python or typescript, not ${language}`);
  const file = (name: string) =>
    readFileSync(new URL(`../../test/python/apps/${name}`, import.meta.url), 'utf8').trimEnd();
  const sources = JSON.stringify(file('behaviour.json'));
  return file('behaviour.py').replace(/^SOURCES = .*$/m, () => `SOURCES = json.loads(${sources})`);
}

function serverOf(url: string): Server {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new WsgiError(`wsgi-edge: ${JSON.stringify(url)} is no URL such as http://127.0.0.1:8000`);
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'https:';
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (secure ? 443 : 80)), secure };
}

interface Report {
  language: string;
  events: string[];
}

async function reportOf(server: Server, run: string): Promise<Report> {
  const response = await sendRaw(server, { headers: [['X-Wsgi-Report', run]] });
  try {
    return JSON.parse(Buffer.from(response.body).toString()) as Report;
  } catch {
    const got = response.status === 0 ? 'does not answer' : `answers ${response.status}`;
    throw new WsgiError(
      `wsgi-edge: ${server.host}:${server.port} ${got}: it must serve the application that wsgi-edge conformance --app python (or typescript) prints`,
    );
  }
}

const POLLS = 50;
const PAUSE = 20; // ms

async function run(server: Server, row: Row): Promise<string[]> {
  const id = `${Date.now().toString(36)}-${row.id}`;
  const response = await sendRaw(server, {
    ...row.request,
    headers: [['X-Wsgi-Case', row.id], ['X-Wsgi-Run', id], ...(row.request?.headers ?? [])],
  });
  const expected = common(row.expect.events);
  let { events } = await reportOf(server, id);
  // close() may run after the client has its response.
  for (let poll = 0; poll < POLLS && common(events).length < expected.length; poll++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    ({ events } = await reportOf(server, id));
  }
  return differencesOf(row, response, events);
}

// The texts of errors differ between the languages, so only these events are compared.
const COMMON = /^(start_response (?:ok|raised)|iter(?:able raises)?|next \d+|stop|close)\b/;
const common = (noted: string[]): string[] => noted.flatMap((event) => COMMON.exec(event)?.[1] ?? []);

/** Timing decides how far these applications get, so only the end is compared. */
const ENDS = new Set(['close_disconnect', 'close_disconnect_write']);

/** Compares the response that the client has seen, and the notes of the application, with the expected ones. */
function differencesOf({ id, expect }: Row, response: RawResponse, noted: string[]): string[] {
  const found: string[] = [];
  const same = (what: string, is: unknown, should: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(should))
      found.push(`${what}: ${JSON.stringify(is)}, expected ${JSON.stringify(should)}`);
  };
  const { complete = true, early = false } = expect;
  // The client can't tell for some responses, and may lose the head of a broken one.
  if (complete === true || (complete === false && response.status !== 0))
    same('status', response.status, early ? 500 : expect.status);
  // Each server has a different page for a 500.
  const own = expect.status === 500 && expect.log !== undefined;
  if (complete === true && !own) {
    same('body', Buffer.from(response.body).toString('latin1'), expect.body);
    for (const name of new Set(expect.headers?.map(([each]) => each)))
      same(`header ${name}`, joined(response.headers, name), joined(expect.headers ?? [], name));
  }
  if (complete !== 'unknown') same('complete', response.complete, early || complete);
  const [events, expected] = [common(noted), common(expect.events)];
  if (ENDS.has(id)) same('the end', events.at(-1), expected.at(-1));
  else same('events', events, expected);
  return found;
}

const joined = (headers: readonly (readonly [string, string])[], name: string): string =>
  headers
    .filter(([each]) => each.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value)
    .join(', ');

/** A badge in the form that shields.io made usual. */
function badge(held: number, of: number): string {
  const [left, right] = ['WSGI conformance', `${held} of ${of}`];
  const [a, b] = [left.length * 7 + 10, right.length * 7 + 10];
  const colour = held === of ? '#2e7d32' : held / of > 0.9 ? '#6a7d12' : '#9a5b00';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${a + b}" height="20" role="img" aria-label="${left}: ${right}">
<rect width="${a}" height="20" fill="#444"/><rect x="${a}" width="${b}" height="20" fill="${colour}"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="${a / 2}" y="14">${left}</text><text x="${a + b / 2}" y="14">${right}</text></g>
</svg>
`;
}
