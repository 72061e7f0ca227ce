// The logs of a Python application: one record for each, with its level and its request.
import { expect, it } from 'vitest';
import { fromPython } from '../../python/index.js';
import { toFetchHandler } from '../../src/index.js';
import type { LogRecord } from '../../src/types.js';
import { loadAssets } from './assets.ts';

const app = fromPython(await loadAssets(), { application: 'logs:app' });

async function recordsOf(path: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const handler = toFetchHandler(app, { errors: { record: (each) => void records.push(each) }, trustRequestId: true });
  const request = new Request(`http://h${path}`, { headers: { 'X-Request-Id': `id-of-${path}` } });
  await (await handler(request)).text();
  for (const record of records) expect(record).toMatchObject({ request_id: `id-of-${path}`, method: 'GET', path });
  return records;
}

it.each([
  [
    '/levels',
    [
      ['debug', 'shop: one'],
      ['info', 'shop: two\nlines'],
      ['warn', 'shop: three'],
      ['error', 'shop: four'],
      ['error', 'shop: five'],
    ],
  ],
  [
    '/exception',
    [['error', expect.stringMatching(/^shop: failed\nTraceback [\s\S]*\nZeroDivisionError: division by zero$/)]],
  ],
  ['/stderr', [['error', 'to stderr']]],
  [
    '/print',
    [
      ['info', 'one 2'],
      ['info', 'no end'],
    ],
  ],
  ['/handler', [['warn', 'to wsgi.errors']]],
  ['/errors', [['error', 'as text']]],
  ['/boom', [['error', expect.stringMatching(/^Traceback [\s\S]*\nValueError: boom$/)]]],
])('%s', async (path, expected) => {
  expect((await recordsOf(path)).map(({ level, message }) => [level, message])).toEqual(expected);
});
