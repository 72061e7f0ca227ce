import { execFile, spawn } from 'node:child_process';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { WsgiError } from '../src/errors.js';

/** The release of Node that the npm package `node` gives to a machine whose own is too old. */
export const NODE = '24';

/** True for a release of Node before 22.18, which runs TypeScript only with a flag. */
export function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 22 || (major === 22 && minor < 18);
}

/** Runs the same command again on the npm package `node`, and ends as it does: with its exit status, or by its signal.
 *  @throws {WsgiError} (as a rejection) when npm can't install it */
export async function runOnNewerNode(): Promise<void> {
  const node = await newerNode();
  // npm itself would stand between the signals of this process and the command.
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  // A terminal sends Ctrl+C to both processes. Twice would end the command at once.
  process.on('SIGINT', () => isatty(0) || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (...how) => resolve(how));
  });
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

async function newerNode(): Promise<string> {
  const why = `wsgi-edge needs Node 22.18 or later, and this is ${process.versions.node}`;
  console.error(`${why}: going on with the npm package node@${NODE}`);
  const args = ['exec', '--yes', `--package=node@${NODE}`, '--', 'node', '-p', PRINT];
  const { stdout } = await promisify(execFile)('npm', args, { shell: process.platform === 'win32' }).catch((cause) => {
    const reason = String(cause.stderr || cause.message).trim();
    throw new WsgiError(`wsgi-edge: npm could not install node@${NODE}; install Node 22.18 or later:\n${reason}`, {
      cause,
    });
  });
  const [path = '', version = ''] = stdout.trim().split('\n');
  // A project may have links by which npm finds the package, but not its program.
  if (isOld(version))
    throw new WsgiError(`wsgi-edge: npm gives Node ${version} (${path}); install Node 22.18 or later`);
  return path;
}

const PRINT = 'process.execPath+String.fromCharCode(10)+process.versions.node';
