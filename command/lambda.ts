import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startAlb, startFunctionUrl, startHttpApi, startRestApi } from 'wsgi-edge/emulation';
import { WsgiError } from '../src/errors.js';
import type { Named } from './application.js';
import type { LambdaTask } from './lambda-task.js';
import type { Started, StartOptions } from './start.js';
import type { FrontEndName } from './target.js';

const STARTERS = {
  'function-url': (options: Parameters<typeof startRestApi>[0]) =>
    startFunctionUrl({ ...options, invokeMode: 'RESPONSE_STREAM' }),
  'rest-api': startRestApi,
  'http-api': startHttpApi,
  alb: startAlb,
};

/** Starts an application in AWS's runtime client, behind a front end of Lambda on this machine. */
export async function startLambda(named: Named, name: FrontEndName, options: StartOptions): Promise<Started> {
  const task: LambdaTask = { named, around: options.around ?? {}, folder: process.cwd() };
  // Lambda sets these itself.
  const { TZ: _, LANG: __, ...env } = process.env;
  const streams = name === 'function-url' || name === 'rest-api';
  const starting = STARTERS[name]({
    port: options.port,
    taskRoot: dirname(fileURLToPath(import.meta.url)),
    handler: `lambda-task.${streams ? 'streamHandler' : 'handler'}`,
    env: { ...env, WSGI_EDGE_TASK: JSON.stringify(task) },
    onProgress: (line) => console.error(line),
    ...(options.onOutput !== undefined && { onOutput: options.onOutput }),
  });
  const started = await starting.catch((cause: Error) => {
    throw new WsgiError(`wsgi-edge: ${cause.message}`, { cause });
  });
  return { url: started.url, port: started.port, close: () => started.close() };
}
