import * as middleware from '../../middleware/index.js';
import { textToBytes } from '../../src/native-string.js';
import type { Application, Middleware } from '../../src/types.js';
import { keep } from './report.js';

const page: Application = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [textToBytes('a page')];
};

/** The middleware of the package, as each is put around the applications of the suite. */
export const shipped: Record<string, Middleware> = {
  mapResponse: (app) => middleware.mapResponse(app, { chunk: (chunk) => chunk, end: () => new Uint8Array(0) }),
  'mapResponse, asynchronous': (app) =>
    middleware.mapResponse(app, { head: async () => {}, chunk: async (chunk) => chunk, close() {} }),
  accessLog: (app) => (environ, startResponse) =>
    middleware.accessLog({ log: (line) => keep(environ, 'access', line) })(app)(environ, startResponse),
  requestId: middleware.requestId(),
  cors: middleware.cors({ origin: ['https://a.example'], credentials: true }),
  compress: middleware.compress({ threshold: 0 }),
  conditional: middleware.conditional(),
  staticFiles: middleware.staticFiles({ folder: 'no-such-folder' }),
  secureHeaders: middleware.secureHeaders(),
  basicAuth: middleware.basicAuth({ users: () => true }),
  timeout: middleware.timeout(20_000),
  errorPages: middleware.errorPages({ '418': page }),
};
