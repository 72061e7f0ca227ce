// An example in Python, started by its users' command.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, relative } from 'node:path';
import { EXAMPLES, type ExampleName } from '../../scripts/python-examples.ts';
import { freePort } from '../free-port.ts';

export interface RunningExample {
  origin: string;
  stop(): Promise<void>;
}

/** Starts an example on a target of scripts/start-python.ts.
 *  @param state  the folder of its data, which a later start can go on with
 *  @param env  settings of the example */
export async function startExample(
  name: ExampleName,
  target: string,
  state: string,
  env: Record<string, string> = {},
): Promise<RunningExample> {
  const port = await freePort();
  const args = ['scripts/start-python.ts', name, '--target', target, '--port', String(port)];
  const own = ['--inspector-port', String(await freePort()), '--persist-to', join(state, 'wrangler')];
  const data = join(state, 'data');
  // Relative on Node, as the default is.
  const child = spawn(process.execPath, [...args, ...own], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DATA_FOLDER: target === 'node' ? relative('.', data) : data, ...env },
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes(`${EXAMPLES[name].title} on `)) resolve();
      });
    child.on('exit', () => reject(new Error(`${name} on ${target} did not start:\n${output}`)));
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return { origin: `http://127.0.0.1:${port}`, stop };
}
