import { toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import { fromPython } from 'wsgi-edge/python';
import assets from './python_assets/node.mjs';

const app = fromPython(assets, { env: { SECRET_KEY: process.env.SECRET_KEY ?? '' } });
await app.boot();

/** For a Function URL with InvokeMode RESPONSE_STREAM. */
export const handler = toLambdaStreamHandler(app);
