// Runs a function in AWS's runtime client, as Lambda does: in a separate process, which is restarted when it dies.
import { type ChildProcess, spawn } from 'node:child_process';
import { ensureRuntimeClient } from './install-ric.js';
import type { FunctionError } from './runtime-api.js';

interface RuntimeOptions {
  /** The folder that holds the function, Lambda's /var/task. */
  taskRoot: string;
  /** "file.export", as in a function's configuration. */
  handler: string;
  /** host:port of the Runtime API. */
  runtimeApi: string;
  env?: Record<string, string | undefined>;
  /** Takes the output of the function. */
  onOutput: (text: string) => void;
  /** Told when the runtime client has to be built first. */
  onProgress?: (line: string) => void;
  /** Called when the process has ended without being stopped. */
  onExit: (error: FunctionError) => void;
}

// Limit the restarts of a function that fails at its start.
const MAX_FAILED_STARTS = 3;

/** Starts the runtime client. @returns functions to stop it, and to note that the function was loaded
 *  @example
 *  ```ts
 *  import { startRuntime, startRuntimeApi } from 'wsgi-edge/emulation';
 *
 *  export async function start() {
 *    const api = await startRuntimeApi((error) => console.error(error.errorMessage));
 *    const onOutput = (text: string) => void process.stdout.write(text);
 *    const options = { taskRoot: 'build', handler: 'lambda.handler', runtimeApi: api.address };
 *    return startRuntime({ ...options, onOutput, onExit: (error) => api.fail(error) });
 *  }
 *  ``` */
export async function startRuntime(options: RuntimeOptions): Promise<{ loaded(): void; stop(): Promise<void> }> {
  const client = await ensureRuntimeClient(options.onProgress);
  let child: ChildProcess;
  let stopped = false;
  let failedStarts = 0;

  const start = (): void => {
    child = spawn(process.execPath, [client, options.handler], {
      cwd: options.taskRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        TZ: ':UTC',
        LANG: 'en_US.UTF-8',
        ...options.env,
        _HANDLER: options.handler,
        LAMBDA_TASK_ROOT: options.taskRoot,
        AWS_LAMBDA_RUNTIME_API: options.runtimeApi,
        AWS_LAMBDA_FUNCTION_NAME: 'local',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/local',
        AWS_LAMBDA_LOG_STREAM_NAME: 'local',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_REGION: 'us-east-1',
        AWS_DEFAULT_REGION: 'us-east-1',
      },
    });
    child.stdout?.setEncoding('utf8').on('data', options.onOutput);
    child.stderr?.setEncoding('utf8').on('data', options.onOutput);
    child.on('exit', (code, signal) => {
      if (stopped) return;
      failedStarts++;
      const how = signal === null ? `exit status ${code}` : `signal ${signal}`;
      options.onExit({ errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with ${how}` });
      if (failedStarts < MAX_FAILED_STARTS) start();
      else
        options.onOutput(`lambda: the function ended ${MAX_FAILED_STARTS} times in a row; it is not started again\n`);
    });
  };
  start();

  return {
    loaded() {
      failedStarts = 0;
    },
    async stop() {
      stopped = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}
