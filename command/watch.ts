import { dirname, relative, resolve, sep } from 'node:path';
import { watch } from 'chokidar';
import { WsgiError } from '../src/errors.js';
import type { Named } from './application.js';

/** The folder whose changes matter to an application: the current one, or that of an application outside of it. */
export function folderOf(named: Named): string {
  const cwd = process.cwd();
  const file = named.language === 'typescript' ? named.file : /^.+\.py/.exec(named.entry)?.[0];
  if (file === undefined) return cwd;
  const path = resolve(file);
  return path.startsWith(cwd + sep) ? cwd : dirname(path);
}

/** The changes below a folder. */
export interface Watch {
  /** Resolves with the path of a changed file. The changes that come while nobody waits count as one. Wait once at a time. */
  changed(): Promise<string>;
  close(): Promise<void>;
}

const QUIET = 100; // ms in which the other files of the same change are written, and the rest of a file that is empty at first
const IGNORED =
  /(^|[\\/])(node_modules|python_modules|\.git|\.venv|venv|__pycache__|\.wrangler|dist|build)([\\/]|$)|(~|\.swp|\.pyc|\.log|\.sqlite3?(-\w+)?)$/;

/** Watches the files below a folder, except those of packages and tools. A change that comes after the promise has resolved is
 *  never lost.
 *  @param except  a folder whose files don't count
 *  @throws {WsgiError} (as a rejection) when the system can't watch so many files */
export async function watchFiles(folder: string, except?: string): Promise<Watch> {
  const skipped = except === undefined ? undefined : resolve(except);
  const ignored = (path: string) => path === skipped || IGNORED.test(relative(folder, path));
  const watcher = watch(folder, { ignoreInitial: true, ignored });
  let change = Promise.withResolvers<string>();
  watcher.on('all', (_, path) => change.resolve(relative(process.cwd(), path)));
  // Before that, a change passes for the first state of its file.
  await new Promise<void>((ready, reject) => {
    watcher.once('ready', ready);
    watcher.on('error', (cause) => {
      const error = new WsgiError(`wsgi-edge: ${folder} can't be watched: ${(cause as Error).message}`, { cause });
      reject(error);
    });
  }).catch(async (error) => {
    await watcher.close();
    throw error;
  });
  return {
    async changed() {
      const path = await change.promise;
      await new Promise((done) => setTimeout(done, QUIET));
      change = Promise.withResolvers();
      return path;
    },
    close: () => watcher.close(),
  };
}
