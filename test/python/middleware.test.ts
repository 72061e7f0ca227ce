// The measured applications in Python, unmodified, on Node: around each middleware of the package, the client and the
// application see the same as without it.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import { fromPython } from '../../python/index.js';
import { serve } from '../../targets/node/index.js';
import { rows } from '../applications/index.js';
import type { Row } from '../applications/row.js';
import { native } from '../conformance/case.js';
import { shipped } from '../conformance/shipped.js';
import { withoutId } from '../request-id.js';
import { loadAssets } from './assets.ts';

let events: string[];
let server: Server;
beforeAll(async () => {
  const python = fromPython(await loadAssets(), { application: 'behaviour:app' });
  server = await serve(
    (environ, startResponse) => {
      const own = events;
      environ['test.note'] = (event: string) => void own.push(event);
      const around = shipped[environ.HTTP_X_WSGI_AROUND ?? ''];
      return (around === undefined ? python : around(python))(environ, startResponse);
    },
    { errors: () => {} },
  );
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** Rows whose end depends on the moment at which the client leaves, or whose environ tells of the middleware. */
const UNSTEADY = /^close_disconnect|^in_/;
/** Rows that have another response, and why. */
const DIFFERS: Record<string, string> = { 'status_app_418 errorPages': 'it is the status that has a page' };

async function seen({ id, request }: Row, around: string) {
  events = [];
  const own = events;
  const { status, body, complete } = await sendRaw((server.address() as AddressInfo).port, {
    ...request,
    headers: [
      ['X-Wsgi-Case', id],
      ['X-Wsgi-Around', around],
      ['Authorization', 'Basic dTpw'],
      ...(request?.headers ?? []),
    ],
  });
  // A broken response reaches the client before the application is closed.
  for (let poll = 0; poll < 25 && own.includes('iter') && !own.includes('close'); poll++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return {
    status,
    body: withoutId(native(body)),
    complete,
    closes: own.filter((event) => event.startsWith('close')).length,
  };
}

describe.each(Object.keys(shipped))('around %s, in Python', (name) => {
  it.each(rows.filter(({ id }) => !UNSTEADY.test(id)))('$id: $title', async (row) => {
    const [bare, around] = [await seen(row, ''), await seen(row, name)];
    if (DIFFERS[`${row.id} ${name}`] === undefined) expect(around).toEqual(bare);
    else expect(around).not.toEqual(bare);
  });
});
