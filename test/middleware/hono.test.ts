// The cases of Hono's own tests that concern what is in both packages. Each case holds, or says why it does not.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as ours from '../../middleware/index.js';
import { addRequestHeader } from '../../src/headers.js';
import { encodeNative, percentDecode, textToBytes } from '../../src/native-string.js';
import type { Application, Middleware } from '../../src/types.js';
import { type CollectedResponse, callApp, testEnviron } from '../../testing/app.js';
import * as basicAuth from './hono/basic-auth.js';
import type { Absent, HonoCase, Wanted } from './hono/case.js';
import * as compress from './hono/compress.js';
import * as cors from './hono/cors.js';
import * as etag from './hono/etag.js';
import * as secureHeaders from './hono/secure-headers.js';
import * as serveStatic from './hono/serve-static.js';
import * as timeout from './hono/timeout.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-static-'));
  for (const [path, text] of Object.entries(serveStatic.FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const answering =
  ({ status = '200 OK', headers = [], body = 'body' }: NonNullable<HonoCase<unknown>['app']>): Application =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return [textToBytes(body)];
  };

function call(
  app: Application,
  { method = 'GET', path = '/', headers = [] }: NonNullable<HonoCase<unknown>['request']>,
) {
  const scheme = path === 'http' ? 'http' : 'https';
  const target = encodeNative(path);
  const environ = testEnviron({
    REQUEST_METHOD: method,
    PATH_INFO: percentDecode(target),
    REQUEST_URI: target,
    'wsgi.url_scheme': scheme,
  });
  for (const [name, value] of headers) addRequestHeader(environ, name, value);
  return callApp(app, environ);
}

/** What of the expectation does not hold. */
function faults(response: CollectedResponse, { status, headers = {}, body }: Wanted): string[] {
  const found: string[] = [];
  if (status !== undefined && !response.status.startsWith(`${status} `)) found.push(`status ${response.status}`);
  if (body !== undefined && response.text() !== body) found.push(`body ${response.text()}`);
  for (const [name, wanted] of Object.entries(headers)) {
    const values = response.headers
      .filter(([each]) => each.toLowerCase() === name.toLowerCase())
      .map(([, value]) => value);
    const value = values.length === 0 ? null : values.join(', ');
    if (wanted instanceof RegExp ? !wanted.test(value ?? '') : value !== wanted) found.push(`${name}: ${value}`);
  }
  return found;
}

function suite<Options>(
  name: string,
  cases: Array<HonoCase<Options>>,
  absent: Absent,
  make: (options: Options) => Middleware,
) {
  describe(`Hono's ${name}`, () => {
    it.each(cases)('$test', async ({ options, app = {}, request = {}, wanted, ours: instead, why }) => {
      const run = () => call(make(options as Options)(answering(app)), request);
      if (instead === 'throws') return expect(run, why).toThrow();
      const response = await run();
      expect(faults(response, instead ?? wanted)).toEqual([]);
      if (instead !== undefined) expect(faults(response, wanted), `${why}: this holds now`).not.toEqual([]);
      expect(why === undefined).toBe(instead === undefined);
    });
    it('is either here or has a reason not to be', () => {
      const here = new Set(cases.map(({ test }) => test));
      expect(Object.keys(absent).filter((test) => here.has(test))).toEqual([]);
    });
  });
}

suite('cors', cors.cors, cors.absent, ours.cors);
suite('etag', etag.etag, etag.absent, ours.conditional);
suite('compress', compress.compress, compress.absent, ours.compress);
suite('secureHeaders', secureHeaders.secureHeaders, secureHeaders.absent, ours.secureHeaders);
suite('basicAuth', basicAuth.basicAuth, basicAuth.absent, ours.basicAuth);
suite('serveStatic', serveStatic.serveStatic, serveStatic.absent, (options) =>
  ours.staticFiles({ ...options, folder }),
);

describe("Hono's timeout", () => {
  it.each(timeout.timeout)('$test', async ({ limit, takes, page, wanted }) => {
    vi.useFakeTimers();
    try {
      const app: Application = async (_environ, startResponse) => {
        await new Promise((resolve) => setTimeout(resolve, takes * 100));
        startResponse('200 OK', []);
        return [textToBytes('This should not show up')];
      };
      const other = page && answering({ status: page[0], body: page[1] });
      const errors = { write() {}, writelines() {}, flush() {} };
      const answer = callApp(ours.timeout(limit * 100, other)(app), testEnviron({ 'wsgi.errors': errors }));
      await vi.advanceTimersByTimeAsync(2000);
      const response = await answer;
      expect([Number(response.status.slice(0, 3)), response.text().trim()]).toEqual([wanted.status, wanted.body]);
    } finally {
      vi.useRealTimers();
    }
  });
});
