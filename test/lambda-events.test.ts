// Each sample of an HTTP event makes the environ that stands beside it, bare and in the validator. The records follow AWS's
// documented mapping; no code of the gateway's has written them.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import type { Application } from '../src/types.js';
import { validator } from '../src/validator/index.js';
import { toLambdaHandler } from '../targets/aws-lambda/index.js';
import { ID } from './request-id.js';

const folder = new URL('./events/', import.meta.url);
const read = (file: string) => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
const index: Array<{ file: string; expect: string }> = read('index.json');
const http = index.filter(({ expect: outcome }) => outcome !== 'reject').map(({ file }) => file);

/** What every environ has, whatever the request. */
const ALWAYS = ['SERVER_SOFTWARE', 'GATEWAY_INTERFACE', ID];

/** The CGI variables of an environ, and the body in base64. */
async function recorded(event: unknown, wrap: (app: Application) => Application): Promise<Record<string, unknown>> {
  let seen: Record<string, unknown> = {};
  let failure: unknown;
  const app: Application = async (environ, startResponse) => {
    const strings = Object.entries(environ).filter(
      ([key, value]) => typeof value === 'string' && !ALWAYS.includes(key),
    );
    seen = Object.fromEntries(strings);
    seen.body = Buffer.from(await environ['wsgi.input'].read()).toString('base64');
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [];
  };
  await toLambdaHandler(wrap(app), {
    onError: (error) => {
      failure = error;
    },
  })(event, {});
  if (failure !== undefined) throw failure;
  return seen;
}

test('there is a record beside each HTTP event and none else', () => {
  const records = readdirSync(folder).filter((file) => file.endsWith('.environ.json'));
  expect(records.sort()).toEqual(http.map((file) => file.replace('.json', '.environ.json')).sort());
});

describe.each([
  ['bare', (app: Application) => app],
  ['in the validator', validator],
])('the environ, %s', (_, wrap) => {
  it.each(http)('of %s', async (file) => {
    expect(await recorded(read(file), wrap)).toEqual(read(file.replace('.json', '.environ.json')));
  });
});
