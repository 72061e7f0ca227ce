// The conformance suite on Node, with CPython's own wsgiref.validate.validator around each application of TypeScript: one
// request at a time, and several.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import { pythonMiddleware } from '../../python/index.js';
import type { Application } from '../../src/types.js';
import { serve } from '../../targets/node/index.js';
import { createApplication } from '../conformance/application.js';
import type { RawRequest } from '../conformance/case.js';
import { sections } from '../conformance/cases.js';
import { client, type Result, writeResults } from '../conformance/suite.js';
import { ASSETS, CONCURRENT_ASSETS, loadAssets } from './assets.ts';

// The measured applications break rules on purpose, so behaviour.test.ts runs them without the validator.
const { applications: _, 'variants of applications': __, ...ruled } = sections;

const SECTIONS = Object.keys(ruled).length;

const KINDS: Record<string, { folder: string; options: { concurrency?: number } }> = {
  python: { folder: ASSETS, options: {} },
  'python, concurrent': { folder: CONCURRENT_ASSETS, options: { concurrency: SECTIONS } },
};

async function startServer(checked: (app: Application) => Application): Promise<Server> {
  const { application, options } = createApplication();
  const inside = checked(application);
  return serve(
    // A request for the report is not part of the case.
    (environ, startResponse) => ('HTTP_X_WSGI_REPORT' in environ ? application : inside)(environ, startResponse),
    options,
  );
}

const EARLY = 'it wants start_response to have been called before an empty chunk, too';
const TYPELESS = 'it wants a Content-Type';
const NAME = 'it wants header names of letters, digits and hyphens, which begin with a letter';
const LENGTH = 'its iterable has no length, from which the Content-Length could follow';
const BLOCKS = 'read() of Python waits until it has all bytes that were asked for';
const COPIED = 'Python copies the headers of the application, so the gateway does not see that the list changes';
const WRAPPED = 'an error that goes through Python comes out as a PythonError, which has it as its cause';

/** Cases that fail with the validator in between, and why. */
const DIFFERS: Record<string, string> = {
  'OPTIONS * reaches the application and leaves SERVER_NAME alone': 'it wants a PATH_INFO that begins with "/"',
  'request and response go on at the same time': BLOCKS,
  'request and response go on at the same time through four layers': BLOCKS,
  'a body shorter than its Content-Length rejects with ClientDisconnected':
    'a small body comes before the application is called: a slow client does not hold the interpreter',
  'called after an empty chunk': EARLY,
  'it copies the header list': COPIED,
  'middleware that changes the head too late is named in the log': COPIED,
  'never called: a list of chunks': 'it says so itself, in its own words',
  'no headers at all': TYPELESS,
  'no Content-Type is added': TYPELESS,
  '205 sends no body and closes it: a list': TYPELESS,
  '205 sends no body and closes it: an iterable': TYPELESS,
  'a tab in a header value': 'it refuses control characters in values, the tab among them',
  'a header name of all token characters': NAME,
  'a header name like __proto__': NAME,
  'a header named Status is a header like any other': 'it refuses that name, for the sake of CGI',
  'a list of one chunk gets its Content-Length': LENGTH,
  'a list of several chunks gets its Content-Length': LENGTH,
  'file_wrapper: a Blob gets its Content-Length': LENGTH,
  'onError gives the page': WRAPPED,
  'a middleware that fails at a chunk: the body inside is ended and closed': WRAPPED,
  'a middleware that fails in its startResponse': WRAPPED,
};
const differs = (name: string): string | undefined =>
  DIFFERS[name] ?? (name.startsWith('one that gives empty chunks until it has the whole body:') ? EARLY : undefined);

// Sections run side by side. Each has a server and a log of its own, and all share the interpreter.
describe.each(Object.entries(KINDS))('%s', (name, { folder, options }) => {
  const results: Result[] = [];
  let checked: (app: Application) => Application;
  beforeAll(async () => {
    checked = pythonMiddleware(await loadAssets(folder), 'wsgiref.validate:validator', options);
  });
  afterAll(() => writeResults(name, results));

  for (const [section, cases] of Object.entries(ruled))
    describe(section, { concurrent: true }, () => {
      let server: Server;
      beforeAll(async () => {
        server = await startServer(checked);
      });
      afterAll(() => {
        server.close();
        server.closeAllConnections();
      });
      const send = (request: RawRequest) => sendRaw((server.address() as AddressInfo).port, request);
      for (const one of cases)
        it(one.name, { concurrent: false }, async () => {
          const { send: ask, recall } = client({ send }, one, false);
          const failed = await one.check(ask, recall).then(
            () => undefined,
            (error: unknown) => ({ error }),
          );
          const reason = differs(one.name);
          const outcome = failed === undefined ? 'holds' : reason === undefined ? 'fails' : 'lacked';
          results.push({ section, name: one.name, inside: 'bare', outcome, reason: reason ?? String(failed?.error) });
          if (reason === undefined && failed !== undefined) throw failed.error;
          if (reason !== undefined) expect(failed, `it holds now; it did not, as ${reason}`).toBeDefined();
        });
    });
});
