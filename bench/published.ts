import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

let folder: string | undefined;

/** A folder in which `wsgi-edge` is the package as npm publishes it, beside the peers; made once a run. */
export function published(): string {
  if (folder !== undefined) return folder;
  const made = join(import.meta.dirname, 'build/published');
  const unpacked = join(made, 'node_modules/wsgi-edge');
  rmSync(made, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  const cwd = resolve(import.meta.dirname, '..');
  execFileSync('npm', ['pack', '--loglevel=error', '--pack-destination', made], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const tarball = readdirSync(made).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  execFileSync('tar', ['-xzf', join(made, tarball), '-C', unpacked, '--strip-components=1']);
  folder = made;
  return made;
}
