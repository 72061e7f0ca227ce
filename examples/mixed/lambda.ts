import { toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import assets from '../flask/python_assets/node.mjs';
import { mixed } from './app.ts';

/** For a Function URL with InvokeMode RESPONSE_STREAM. */
export const handler = toLambdaStreamHandler(mixed(assets, process.env));
