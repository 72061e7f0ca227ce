// Compiles the package for the tests of what is shipped. Nothing is done when dist/ is up to date.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

export default function setup(): void {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the package does not compile; run `npm run build`');
}
