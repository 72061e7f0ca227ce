import { execFileSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';

/** Installs the peers if they are missing, and links `wsgi-edge` to the checkout. A package can import itself by its name,
 *  but this folder is another package. */
export function install(): void {
  const modules = `${import.meta.dirname}/node_modules`;
  if (!existsSync(modules))
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: import.meta.dirname,
      stdio: 'inherit',
    });
  if (!existsSync(`${modules}/wsgi-edge`)) symlinkSync('../..', `${modules}/wsgi-edge`, 'dir');
}
