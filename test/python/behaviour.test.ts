// The measured applications in Python, unmodified, on Node and workerd behind a raw socket. The client, the log and the
// application must see the same as with their counterparts in TypeScript (test/applications).
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import { fromPython } from '../../python/index.js';
import { serve } from '../../targets/node/index.js';
import { rows } from '../applications/index.js';
import type { Row } from '../applications/row.js';
import { native } from '../conformance/case.js';
import { withoutId } from '../request-id.js';
import { FAULTS, withoutProvoked } from '../workerd-log.js';
import { loadAssets } from './assets.ts';
import { startWorker } from './workerd.ts';

interface Seen {
  events: string[];
  logged: string[];
}
interface Target {
  port(): number;
  /** Begins a new row of the application's notes and the gateway's log. */
  begin(): unknown;
  seen(): Seen | Promise<Seen>;
}

// The errors of the applications in Python.
const PROVOKED = ['RuntimeError: boom', 'ValueError: inner', 'TypeError: application: '].map(
  (text) => `PythonError: ${text}`,
);

let run: Seen;
let server: Server;
let worker: { port: number; stop(): void };
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
  worker = await startWorker(
    `
    import assets from './assets.mjs';
    import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
    import { fromPython } from '../../python/index.js';
    const python = fromPython(assets, { application: 'behaviour:app' });
    let run;
    const handler = toCloudflareHandler(
      (environ, startResponse) => {
        const { events } = run;
        environ['test.note'] = (event) => void events.push(event);
        return python(environ, startResponse);
      },
      { errors: (line) => run.logged.push(line) },
    );
    export default {
      fetch(request, env, ctx) {
        if (request.headers.has('X-Wsgi-Case')) return handler.fetch(request, env, ctx);
        if (request.method === 'POST') run = { events: [], logged: [] };
        return Response.json(run);
      },
    };`,
    { handleStructuredLogs: withoutProvoked(...FAULTS, ...PROVOKED) },
  );
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await worker?.stop();
});

const fromWorker = async (method: string) => (await fetch(`http://127.0.0.1:${worker.port}/`, { method })).json();
const TARGETS: Record<string, Target> = {
  Node: {
    port: () => (server.address() as AddressInfo).port,
    begin() {
      run = { events: [], logged: [] };
    },
    seen: () => run,
  },
  workerd: {
    port: () => worker.port,
    begin: () => fromWorker('POST'),
    seen: () => fromWorker('GET') as Promise<Seen>,
  },
};

// The texts of errors differ between the languages, so only these events are compared.
const COMMON = /^(start_response (?:ok|raised)|iter(?:able raises)?|next \d+|stop|close)\b/;
const common = (noted: string[]) => noted.flatMap((event) => COMMON.exec(event)?.[1] ?? []);

/** Rows that differ from TypeScript, and why. */
const DIFFERS: Record<string, string> = {
  close_attr_none: 'None is a close that can not be called, which is logged, as the six servers do',
  hl_pair_list: 'a header is a tuple (PEP 3333, "The start_response() Callable"), as mod_wsgi has it',
  in_short_body: 'a small body comes before the application is called: a slow client does not hold the interpreter',
};
/** Features that workerd lacks. */
const LACKED: Record<string, string> = {
  latin1Headers: 'workerd makes header values text, as UTF-8: other bytes are lost (workerd#6927)',
  unreadUpload: 'workerd closes a connection that still uploads after the response: a race',
};
/** Rows in which only the end is the same in both languages, because timing decides how far the application gets. */
const ENDS = new Set(['close_disconnect', 'close_disconnect_write']);

// workerd joins headers that have the same name.
const joined = (headers: readonly (readonly [string, string])[], name: string): string =>
  headers
    .filter(([each]) => each.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value)
    .join(', ');

async function differences({ port, begin, seen }: Target, { id, expect: wanted, request }: Row): Promise<string[]> {
  await begin();
  const response = await sendRaw(port(), {
    ...request,
    headers: [['X-Wsgi-Case', id], ...(request?.headers ?? [])],
  });
  const { complete = true } = wanted;
  const expected = common(wanted.events.filter((event) => event !== 'return'));
  const last = expected.at(-1);
  const done = (events: string[]) =>
    common(events).length >= expected.length && (last === undefined || common(events).at(-1) === last);
  let { events, logged } = await seen();
  for (let poll = 0; poll < 50 && !done(events); poll++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    ({ events, logged } = await seen());
  }
  const found: string[] = [];
  const same = (what: string, is: unknown, should: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(should))
      found.push(`${what}: ${JSON.stringify(is)}, expected ${JSON.stringify(should)}`);
  };
  // workerd may lose the head of a response that is broken off.
  // A fault that is known before anything is sent is a 500.
  const { early = false } = wanted;
  if (complete === true || response.status !== 0) same('status', response.status, early ? 500 : wanted.status);
  if (complete === true) {
    same('body', withoutId(native(response.body)), wanted.body);
    for (const name of new Set(wanted.headers?.map(([each]) => each)))
      same(`header ${name}`, joined(response.headers, name), joined(wanted.headers ?? [], name));
  }
  if (complete !== 'unknown') same('complete', response.complete, early || complete);
  if (ENDS.has(id)) same('the end', common(events).at(-1), last);
  else same('events', common(events), expected);
  same('logged', logged.length > 0, wanted.log !== undefined);
  return found;
}

describe.each(Object.entries(TARGETS))('the measured applications, in Python, on %s', (name, target) => {
  for (const row of rows)
    it(`${row.id}: ${row.title}`, async ({ skip }) => {
      const lacked = name === 'workerd' ? row.needs?.map((need) => LACKED[need]).find(Boolean) : undefined;
      if (lacked !== undefined) skip(lacked);
      const found = await differences(target, row);
      if (DIFFERS[row.id] === undefined) expect(found).toEqual([]);
      else expect(found, `no difference any more; it was: ${DIFFERS[row.id]}`).not.toEqual([]);
    });
});
