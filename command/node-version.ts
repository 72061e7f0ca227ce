import { spawn } from 'node:child_process';

/** The release of Node that the npm package `node` gives to a machine whose own is too old. */
export const NODE = '24';

/** True for a release of Node before 22.18, which runs TypeScript only with a flag. */
export function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 22 || (major === 22 && minor < 18);
}

/** Runs the same command again on the npm package `node`. */
export async function runOnNewerNode(): Promise<void> {
  console.error(
    `wsgi-edge needs Node 22.18 or later, and this is ${process.versions.node}: going on with the npm package node@${NODE}`,
  );
  const [, script = '', ...args] = process.argv;
  const command = ['exec', '--yes', `--package=node@${NODE}`, '--', 'node', script, ...args];
  const child = spawn('npm', command, { stdio: 'inherit', shell: process.platform === 'win32' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise<number>((resolve) => {
    child.once('error', (error) => {
      console.error(`wsgi-edge: npm could not run it: ${error.message}; install Node 22.18 or later`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
