import cluster, { type Worker } from 'node:cluster';
import { dirname, relative } from 'node:path';
import { watch } from 'chokidar';
import { WsgiError } from '../src/errors.js';
import type { Named } from './application.js';

/** Runs processes that share a port, and starts another one for each that dies. With `reload`, a change of a file starts new ones;
 *  the old ones serve until then, and go on if the new ones can't be started.
 *  @param onReady  called with the port when the first process serves
 *  @throws {WsgiError} (as a rejection) when no process can serve, unless `reload` waits for a change */
export async function supervise(
  named: Named,
  size: number,
  reload: boolean,
  onReady: (port: number) => void,
): Promise<void> {
  const processes = new Processes(size, reload, onReady);
  const stopWatching = reload
    ? watchFiles(folderOf(named), (path) => {
        console.log(`${path} has changed`);
        processes.renew();
      })
    : async () => {};
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => processes.stop());
  try {
    await processes.run();
  } finally {
    await stopWatching();
  }
}

class Processes {
  readonly #size: number;
  readonly #reload: boolean;
  readonly #onReady: (port: number) => void;
  readonly #ended = Promise.withResolvers<void>();
  /** The processes of the present version, and if each one serves. */
  readonly #current = new Map<Worker, boolean>();
  /** The processes of earlier versions. They serve until one of the present version does. */
  #old: Worker[] = [];
  #alive = 0;
  #told = false;
  #stopping = false;

  constructor(size: number, reload: boolean, onReady: (port: number) => void) {
    this.#size = size;
    this.#reload = reload;
    this.#onReady = onReady;
  }

  /** Resolves when all have ended after `stop`. */
  run(): Promise<void> {
    this.#fill();
    return this.#ended.promise;
  }

  renew(): void {
    for (const [worker, serves] of this.#current) {
      if (serves) this.#old.push(worker);
      else worker.process.kill();
    }
    this.#current.clear();
    this.#fill();
  }

  stop(): void {
    this.#stopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM');
    if (this.#alive === 0) this.#ended.resolve();
  }

  #fill(): void {
    while (this.#current.size < this.#size) {
      const worker = cluster.fork();
      this.#alive++;
      this.#current.set(worker, false);
      worker.once('listening', ({ port }) => this.#serves(worker, port));
      worker.once('exit', (code, signal) => this.#exited(worker, signal ?? `exit status ${code}`));
    }
  }

  #serves(worker: Worker, port: number): void {
    if (!this.#current.has(worker)) return;
    this.#current.set(worker, true);
    for (const old of this.#old.splice(0)) old.process.kill('SIGTERM');
    if (this.#told) {
      if (this.#reload) console.log('serving the new version');
      return;
    }
    this.#told = true;
    this.#onReady(port);
  }

  #exited(worker: Worker, how: string): void {
    this.#alive--;
    const served = this.#current.get(worker);
    if (this.#stopping) {
      if (this.#alive === 0) this.#ended.resolve();
      return;
    }
    if (served) {
      console.error(`wsgi-edge: a process ended (${how}), and another one starts`);
      this.#current.delete(worker);
      this.#fill();
    } else if (served === false && this.#reload) {
      console.error('wsgi-edge: the application could not be served, and is tried again when a file changes');
    } else if (served === false) {
      this.#ended.reject(new WsgiError('wsgi-edge: the application could not be served; its error is above'));
      this.stop();
    }
  }
}

/** The folder whose changes matter to an application. */
export const folderOf = (named: Named): string =>
  named.language === 'typescript' ? dirname(named.file) : process.cwd();

const QUIET = 50; // ms without a further change
const IGNORED =
  /(^|[\\/])(node_modules|python_modules|\.git|\.venv|venv|__pycache__|\.wrangler|dist|build)([\\/]|$)|(~|\.swp|\.pyc|\.log|\.sqlite3?(-\w+)?)$/;

/** Watches the files below a folder, without the folders of packages and tools.
 *  @param onChange  called once for changes that come together, with one of their paths
 *  @returns a function that ends the watch */
export function watchFiles(folder: string, onChange: (path: string) => void): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const ignored = (path: string) => IGNORED.test(relative(folder, path));
  // A file that is being written is empty at first.
  const awaitWriteFinish = { stabilityThreshold: QUIET, pollInterval: 20 };
  const watcher = watch(folder, { ignoreInitial: true, ignored, awaitWriteFinish });
  watcher.on('all', (_, path) => {
    clearTimeout(timer);
    timer = setTimeout(() => onChange(relative(process.cwd(), path)), QUIET);
  });
  return () => watcher.close();
}
