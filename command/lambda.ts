import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startAlb, startFunctionUrl, startHttpApi, startRestApi } from 'wsgi-edge/emulation';
import type { Named } from './application.js';
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
  const streams = name === 'function-url' || name === 'rest-api';
  const started = await STARTERS[name]({
    port: options.port,
    taskRoot: dirname(fileURLToPath(import.meta.url)),
    handler: `lambda-task.${streams ? 'streamHandler' : 'handler'}`,
    env: {
      WSGI_EDGE_APPLICATION: JSON.stringify(named),
      WSGI_EDGE_FOLDER: process.cwd(),
      ...(process.env.NODE_OPTIONS !== undefined && { NODE_OPTIONS: process.env.NODE_OPTIONS }),
    },
    onProgress: (line) => console.log(line),
    ...(options.onOutput !== undefined && { onOutput: options.onOutput }),
  });
  return { url: started.url, port: started.port, close: () => started.close() };
}
