import { toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import { fromPython } from 'wsgi-edge/python';
import { environment } from './environment.ts';
import assets from './python_assets/node.mjs';

const app = fromPython(assets, { env: environment(process.env) });
await app.boot();

/** For a Function URL with InvokeMode RESPONSE_STREAM. */
export const handler = toLambdaStreamHandler(app);
