// The measured applications in Python, unmodified, on Node behind a raw socket: the client, the log and the application see
// what test/applications expects of their counterparts in TypeScript.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve } from '../../targets/node/index.js';
import { fromPython } from '../../targets/python/index.js';
import { rows } from '../applications/index.js';
import type { Row } from '../applications/row.js';
import { native } from '../conformance/case.js';
import { sendRaw } from '../conformance/wire.js';
import { loadAssets } from './assets.ts';

let server: Server;
let run: { events: string[]; logged: string[] };

beforeAll(async () => {
  const python = fromPython(await loadAssets(), { application: 'behaviour:app' });
  server = await serve(
    (environ, startResponse) => {
      const { events } = run;
      environ['test.note'] = (event: string) => void events.push(event);
      return python(environ, startResponse);
    },
    { errors: (line) => run.logged.push(line) },
  );
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

// Python's own words, and what its errors say, are left aside.
const COMMON = /^(start_response (?:ok|raised)|iter(?:able raises)?|next \d+|stop|close)\b/;
const common = (noted: string[]) => noted.flatMap((event) => COMMON.exec(event)?.[1] ?? []);

/** Where Python is not TypeScript, and why. */
const DIFFERS: Record<string, string> = {
  close_attr_none: 'None is a close that can not be called, which is logged, as the six servers do',
  hl_pair_list: 'a header is a tuple (PEP 3333, "The start_response() Callable"), as mod_wsgi has it',
  in_short_body: 'a small body comes before the application is called: a slow client does not hold the interpreter',
};
/** Where only the end is the same in both languages: how far the application came is a matter of timing. */
const ENDS = new Set(['close_disconnect', 'close_disconnect_write']);

async function differences({ id, expect: wanted, request }: Row): Promise<string[]> {
  const { events, logged } = { events: [] as string[], logged: [] as string[] };
  run = { events, logged };
  const response = await sendRaw((server.address() as AddressInfo).port, {
    ...request,
    headers: [['X-Wsgi-Case', id], ...(request?.headers ?? [])],
  });
  const { complete = true } = wanted;
  const expected = common(wanted.events.filter((event) => event !== 'return'));
  const last = expected.at(-1);
  const done = () => common(events).length >= expected.length && (last === undefined || common(events).at(-1) === last);
  for (let poll = 0; poll < 50 && !done(); poll++) await new Promise((resolve) => setTimeout(resolve, 20));
  const found: string[] = [];
  const same = (what: string, is: unknown, should: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(should))
      found.push(`${what}: ${JSON.stringify(is)}, expected ${JSON.stringify(should)}`);
  };
  same('status', response.status, wanted.status);
  if (complete === true) {
    same('body', native(response.body), wanted.body);
    for (const [name, value] of wanted.headers ?? [])
      if (!response.headers.some(([is, has]) => is.toLowerCase() === name.toLowerCase() && has === value))
        found.push(`header ${name}: ${value} is missing`);
  }
  if (complete !== 'unknown') same('complete', response.complete, complete);
  if (ENDS.has(id)) same('the end', common(events).at(-1), last);
  else same('events', common(events), expected);
  same('logged', logged.length > 0, wanted.log !== undefined);
  return found;
}

describe('the measured applications, in Python', () => {
  for (const row of rows)
    it(`${row.id}: ${row.title}`, async () => {
      const found = await differences(row);
      if (DIFFERS[row.id] === undefined) expect(found).toEqual([]);
      else expect(found, `no difference any more; it was: ${DIFFERS[row.id]}`).not.toEqual([]);
    });
});
