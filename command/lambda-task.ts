// The function that AWS's runtime client loads for `wsgi-edge serve --target lambda`.
import { toLambdaHandler, toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import type { Named } from './application.js';
import { load } from './start.js';

const { WSGI_EDGE_APPLICATION: named, WSGI_EDGE_FOLDER: folder } = process.env;
process.chdir(folder as string);
const application = await load(JSON.parse(named as string) as Named);
export const handler = toLambdaHandler(application);
export const streamHandler = toLambdaStreamHandler(application);
