import { mkdirSync } from 'node:fs';
import { toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import { folder, fromPython } from 'wsgi-edge/python';
import { environment } from './environment.ts';
import assets from './python_assets/node.mjs';

// A folder of EFS lasts; /tmp goes with the instance.
const { DATA_FOLDER = '/tmp/data' } = process.env;
mkdirSync(DATA_FOLDER, { recursive: true });

const app = fromPython(assets, { env: environment(process.env), files: { '/data': folder(DATA_FOLDER) } });
await app.boot();

/** For a Function URL with InvokeMode RESPONSE_STREAM. */
export const handler = toLambdaStreamHandler(app);
