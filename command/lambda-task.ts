// The function that AWS's runtime client loads for `wsgi-edge serve --target lambda`.
import { toLambdaHandler, toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import type { Named } from './application.js';
import { type Around, putAround } from './around.js';
import { load } from './start.js';

/** The application to serve. */
export interface LambdaTask {
  named: Named;
  around: Around;
  /** The working folder. */
  folder: string;
}

const { WSGI_EDGE_TASK: task = '' } = process.env;
const { named, around, folder }: LambdaTask = JSON.parse(task);
process.chdir(folder);
const application = await putAround(await load(named), around).catch((error: Error) => {
  // The runtime client prints causes with all their frames.
  delete error.cause;
  throw error;
});
export const handler = toLambdaHandler(application);
export const streamHandler = toLambdaStreamHandler(application);
