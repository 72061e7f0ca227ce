// What test/offline.test.ts runs behind the local API Gateway: the showcase, and two applications for what no page of it
// has, a file that is not text and the environ as data.
import { type Application, mount } from 'wsgi-edge';
import { toLambdaHandler } from 'wsgi-edge/aws-lambda';
import { app as showcase } from '../../examples/showcase/app.ts';

/** All byte values, in an order that repeats late. */
export const FILE = Uint8Array.from({ length: 100_000 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24);

const file: Application = (environ, startResponse) => {
  startResponse('200 OK', [
    ['Content-Type', 'application/octet-stream'],
    ['Content-Length', String(FILE.length)],
  ]);
  return environ['wsgi.file_wrapper'](new Blob([FILE]));
};

const strings: Application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'application/json']]);
  const kept = Object.entries(environ).filter(([, value]) => typeof value === 'string');
  return [new TextEncoder().encode(JSON.stringify(Object.fromEntries(kept)))];
};

export const handler = toLambdaHandler(mount({ '/file': file, '/environ.json': strings }, showcase));
