import cluster from 'node:cluster';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Environ } from 'wsgi-edge';
import { type ServeOptions, serve } from 'wsgi-edge/node';
import { WsgiError } from '../src/errors.js';
import { type Named, parseApplication } from './application.js';
import { numberOf, textOf, type Values } from './arguments.js';
import { aroundOf, putAround } from './around.js';
import { load, type StartOptions, start, urlOf } from './start.js';
import { type Target, targetOf } from './target.js';

/** Serves an application until the process is told to stop. */
export async function serveCommand([text = '']: string[], flags: Values): Promise<void> {
  const named = parseApplication(text);
  const port = numberOf('port', flags.port, 8000, 0, 65_535);
  const workers = numberOf('workers', flags.workers, 1, 1, 1024);
  const host = textOf(flags.host) ?? '127.0.0.1';
  const target = targetOf(textOf(flags.target));
  checkTarget(target, flags);
  const around = aroundOf(flags);
  const ready = (url: string) => console.log(`${text}: ${url}/ (Ctrl+C stops it)`);
  if (target.name !== 'node')
    return serveElsewhere(named, target, { port, host, around }, Boolean(flags.reload), ready);
  if (cluster.isPrimary && (workers > 1 || flags.reload)) {
    const { supervise, killAll } = await import('./processes.js');
    stopOnCtrlC(killAll);
    const onReady = (bound: number) => ready(urlOf(host, bound));
    return supervise(named, { size: workers, reload: Boolean(flags.reload), except: around.record, onReady });
  }
  // A terminal sends Ctrl+C to each process, and the first one tells the others to stop.
  if (cluster.isWorker) process.on('SIGINT', () => {});
  const server = await serve(await putAround(await load(named, Boolean(flags.debug)), around), {
    port,
    hostname: host,
    ...(flags.debug && (await debugging(named))),
  });
  const { port: bound } = server.address() as AddressInfo;
  if (cluster.isWorker) return void process.send?.({ wsgiEdgePort: bound });
  stopOnCtrlC(() => {});
  ready(urlOf(host, bound));
}

/** The targets of the options that others lack. */
const ONLY: Record<string, Array<Target['name']>> = {
  workers: ['node'],
  debug: ['node'],
  host: ['node'],
  record: ['node', 'lambda'],
};

function checkTarget({ name }: Target, flags: Values): void {
  for (const [option, targets] of Object.entries(ONLY))
    if (option in flags && !targets.includes(name))
      throw new WsgiError(`wsgi-edge: --${option} is for the target ${targets.join(' or ')}, not for ${name}`);
}

/** Lets requests finish after Ctrl+C, as SIGTERM does, and ends the process at once when it is pressed again. */
function stopOnCtrlC(kill: () => void): void {
  process.once('SIGINT', () => {
    console.error('stopping when all requests are answered (Ctrl+C stops it at once)');
    process.once('SIGINT', () => {
      kill();
      process.exit(130);
    });
    process.kill(process.pid, 'SIGTERM');
  });
}

async function debugging(named: Named): Promise<Pick<ServeOptions, 'onError'>> {
  const { debugPage } = await import('./debug-page.js');
  return {
    onError: (error: unknown, environ: Environ) => debugPage(error, environ, named),
  };
}

/** Serves an application on a target that runs in a process of its own. With `reload`, each change of a file starts it again. */
async function serveElsewhere(
  named: Named,
  target: Target,
  options: StartOptions,
  reload: boolean,
  ready: (url: string) => void,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  const stopped = once(stop.signal, 'abort');
  // wrangler watches the modules of a Worker itself.
  const itself = target.name === 'cloudflare' && named.language === 'typescript';
  const { watchFiles, folderOf } = await import('./watch.js');
  const watch = reload && !itself ? await watchFiles(folderOf(named), options.around?.record) : undefined;
  let { port } = options;
  try {
    for (;;) {
      // A change while it starts counts, too.
      const events = watch === undefined ? [stopped] : [stopped, watch.changed()];
      const starting = start(named, target, { ...options, port, reload: reload && itself, signal: stop.signal });
      const started = await starting.catch((error: Error) => {
        if (!stop.signal.aborted && (watch === undefined || error.name !== 'WsgiError')) throw error;
        if (!stop.signal.aborted) tryAgain(error.message);
        return undefined;
      });
      if (started !== undefined) ready(started.url);
      // The URL stays the same.
      port = started?.port ?? port;
      let event = await Promise.race([...events, ...(started?.ended === undefined ? [] : [started.ended])]);
      await started?.close();
      if (event === undefined && !stop.signal.aborted) {
        const why = `wsgi-edge: the target ${target.name} has ended; the reason is above`;
        if (watch === undefined) throw new WsgiError(why);
        tryAgain(why);
        event = await Promise.race(events);
      }
      if (stop.signal.aborted) return;
      console.log(`${event} has changed`);
    }
  } finally {
    await watch?.close();
  }
}

const tryAgain = (why: string) => console.error(`${why}\nwsgi-edge: it is tried again when a file changes`);
