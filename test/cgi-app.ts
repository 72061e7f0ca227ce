// The script that test/cgi.test.ts runs as a web server would: PATH_INFO picks what it does.

import { demoApp } from '../src/demo-app.js';
import { logRecord } from '../src/error-stream.js';
import { mount } from '../src/middleware/mount.js';
import { textToBytes } from '../src/native-string.js';
import type { Application, Environ } from '../src/types.js';
import { validator } from '../src/validator/index.js';
import { runCgi } from '../targets/node/index.js';

const text = (app: (environ: Environ) => AsyncIterable<Uint8Array> | Uint8Array[]): Application => {
  return (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    const body = app(environ);
    return Object.assign(body, { close: () => environ['wsgi.errors'].write('closed\n') });
  };
};

const app = mount(
  {
    '/demo': demoApp,
    '/environ': text((environ) => [
      textToBytes(JSON.stringify({ ...environ, proxy: process.env.HTTP_PROXY ?? 'none' })),
    ]),
    '/echo': async (environ, startResponse) => {
      const body = await environ['wsgi.input'].read();
      startResponse('201 Created', [
        ['X-A', '1'],
        ['x-a', 'caf\u00e9'],
        ['Content-Type', 'application/octet-stream'],
      ]);
      return [body];
    },
    // Makes its second chunk from what the client sends when it has the first.
    '/dialogue': text(async function* (environ) {
      yield textToBytes('first\n');
      yield await environ['wsgi.input'].readline();
    }),
    '/status': (_environ, startResponse) => {
      startResponse('200 OK', [['status', '404 Not Found']]);
      return [];
    },
    '/unread': text(() => [textToBytes('unread')]),
    '/error': () => {
      throw new Error('private');
    },
    '/broken': text(async function* () {
      yield textToBytes('part');
      throw new Error('broke');
    }),
    '/endless': text(async function* (environ) {
      for (let count = 1; ; count++) {
        yield new Uint8Array(65_536);
        environ['wsgi.errors'].write(`accepted ${count}\n`);
      }
    }),
    '/waits': text(async function* () {
      yield textToBytes('waits');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }),
    // Nothing is left to wait for: Node ends the process.
    '/forgets': text(async function* () {
      yield textToBytes('part');
      await new Promise(() => {});
    }),
    '/later': text((environ) => {
      logRecord(environ, { level: 'info', message: 'noted' });
      environ['wsgi_edge.wait_until'](
        new Promise<void>((resolve) => setTimeout(resolve, 50)).then(() => environ['wsgi.errors'].write('later\n')),
      );
      return [textToBytes('now')];
    }),
  },
  (environ, startResponse) => {
    startResponse('404 Not Found', []);
    return [textToBytes(`${environ.SCRIPT_NAME}|${environ.PATH_INFO}`)];
  },
);

// An option that is undefined counts as not given.
const options = process.env.TEST_OPTIONS === undefined ? { errors: undefined } : JSON.parse(process.env.TEST_OPTIONS);
runCgi(process.env.TEST_BARE === undefined ? validator(app) : app, options).then(
  () => console.error('done'),
  (error: unknown) => {
    console.error(String(error));
    process.exitCode = 2;
  },
);
