import { join } from 'node:path';
import { toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import { staticFiles } from 'wsgi-edge/middleware';
import { fromPython } from 'wsgi-edge/python';
import { environment } from './environment.ts';
import assets from './python_assets/node.mjs';

const app = fromPython(assets, { env: environment(process.env) });
await app.boot();
const statics = { folder: join(import.meta.dirname, 'python_assets/public/static'), prefix: '/static' };

/** For a Function URL with InvokeMode RESPONSE_STREAM. */
export const handler = toLambdaStreamHandler(staticFiles(statics)(app));
