import cluster, { type Worker } from 'node:cluster';
import { WsgiError } from '../src/errors.js';
import type { Named } from './application.js';
import { folderOf, watchFiles } from './watch.js';

/** The settings of `supervise`. */
interface Supervision {
  /** The number of processes that share the port. */
  size: number;
  /** Starts new processes when a file changes. */
  reload: boolean;
  /** A folder whose files don't count as changes. */
  except?: string | undefined;
  /** Called with the port when the first process serves. */
  onReady(port: number): void;
}

/** Runs processes that share a port, and starts another one for each that ends. With `reload`, a change of a file starts new ones;
 *  the old ones serve until then, and go on if the new ones can't be started.
 *  @throws {WsgiError} (as a rejection) when no process can serve, or they end again and again, unless `reload` waits for a change */
export async function supervise(named: Named, settings: Supervision): Promise<void> {
  const processes = new Processes(settings);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => processes.stop());
  const watch = settings.reload ? await watchFiles(folderOf(named), settings.except) : undefined;
  const renew = async () => {
    for (;;) {
      console.log(`${await watch?.changed()} has changed`);
      processes.renew();
    }
  };
  if (watch !== undefined) void renew();
  try {
    await processes.run();
  } finally {
    await watch?.close();
  }
}

/** The message by which a process tells that it serves. The event "listening" would come for any port that the application opens. */
export interface Serving {
  wsgiEdgePort: number;
}

/** Ends all processes at once. */
export function killAll(): void {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL');
}

const WINDOW = 60_000; // ms
const ENDS = 5; // for each process, within WINDOW
const PATIENCE = 35_000; // ms after which a process that was told to end is killed; `serve` needs 30 seconds at most

class Processes {
  readonly #settings: Supervision;
  readonly #ended = Promise.withResolvers<void>();
  /** The processes of the present version, and if each one serves. */
  readonly #current = new Map<Worker, boolean>();
  /** The processes of earlier versions. They serve until one of the present version does. */
  #old: Worker[] = [];
  /** When processes that served ended, in ms. */
  #ends: number[] = [];
  #alive = 0;
  #told = false;
  #stopping = false;

  constructor(settings: Supervision) {
    this.#settings = settings;
  }

  /** Resolves when all have ended after `stop`. */
  run(): Promise<void> {
    this.#fill();
    return this.#ended.promise;
  }

  renew(): void {
    if (this.#stopping) return;
    for (const [worker, serves] of this.#current) {
      if (serves) this.#old.push(worker);
      // It may ignore other signals, and would serve an outdated version then.
      else worker.process.kill('SIGKILL');
    }
    this.#current.clear();
    this.#ends = [];
    this.#fill();
  }

  stop(): void {
    this.#stopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) if (worker !== undefined) end(worker);
    if (this.#alive === 0) this.#ended.resolve();
  }

  #fill(): void {
    // The first one builds what a Python application needs, and prints the error of one that can't be loaded.
    const size = [...this.#current.values()].includes(true) ? this.#settings.size : 1;
    while (this.#current.size < size && !this.#stopping) {
      const worker = cluster.fork();
      this.#alive++;
      this.#current.set(worker, false);
      worker.on('message', (message: Partial<Serving> | null) => {
        // The application may send messages of its own.
        if (message?.wsgiEdgePort !== undefined) this.#serves(worker, message.wsgiEdgePort);
      });
      worker.once('exit', (code, signal) => this.#exited(worker, signal ?? `exit status ${code}`));
    }
  }

  #serves(worker: Worker, port: number): void {
    if (!this.#current.has(worker)) return;
    this.#current.set(worker, true);
    const replaced = this.#old.splice(0);
    for (const old of replaced) end(old);
    if (!this.#told) this.#settings.onReady(port);
    else if (replaced.length > 0) console.log('serving the new version');
    this.#told = true;
    this.#fill();
  }

  #exited(worker: Worker, how: string): void {
    this.#alive--;
    if (this.#stopping) {
      if (this.#alive === 0) this.#ended.resolve();
      return;
    }
    const served = this.#current.get(worker);
    if (served === undefined) return;
    if (served) this.#replace(worker, how);
    else this.#giveUp('the application could not be served', 'its error is above');
  }

  #replace(worker: Worker, how: string): void {
    const now = performance.now();
    this.#ends = [...this.#ends.filter((at) => now - at < WINDOW), now];
    const most = ENDS * this.#settings.size;
    if (this.#ends.length >= most) {
      this.#giveUp(`processes ended ${most} times within a minute`, `the last one with ${how}`);
      return;
    }
    console.error(`wsgi-edge: a process ended (${how}), and another one starts`);
    this.#current.delete(worker);
    this.#fill();
  }

  #giveUp(what: string, why: string): void {
    if (this.#settings.reload) {
      console.error(`wsgi-edge: ${what}; it is tried again when a file changes`);
      return;
    }
    this.#ended.reject(new WsgiError(`wsgi-edge: ${what}; ${why}`));
    this.stop();
  }
}

/** Lets a process finish its requests, and kills it if it does not end. */
function end(worker: Worker): void {
  worker.process.kill('SIGTERM');
  const timer = setTimeout(() => worker.process.kill('SIGKILL'), PATIENCE).unref();
  worker.once('exit', () => clearTimeout(timer));
}
