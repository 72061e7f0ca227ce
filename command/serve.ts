import cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import type { Application, Environ } from 'wsgi-edge';
import { type ServeOptions, serve } from 'wsgi-edge/node';
import { WsgiError } from '../src/errors.js';
import { type Named, parseApplication } from './application.js';
import { numberOf, textOf, type Values } from './arguments.js';
import { load, start, urlOf } from './start.js';
import { type Target, targetOf } from './target.js';

/** Serves an application until the process is told to stop. */
export async function serveCommand([text = '']: string[], flags: Values): Promise<void> {
  const named = parseApplication(text);
  const port = numberOf('port', flags.port, 8000, 0, 65_535);
  const workers = numberOf('workers', flags.workers, 1, 1, 1024);
  const host = textOf(flags.host) ?? '127.0.0.1';
  const target = targetOf(textOf(flags.target));
  const ready = (url: string) => console.log(`${text}: ${url}/ (Ctrl+C stops it)`);
  if (target.name !== 'node') return serveElsewhere(named, target, port, host, flags, ready);
  // Ctrl+C ends the process as SIGTERM does, which lets requests finish. A terminal sends it to each process.
  process.once('SIGINT', () => cluster.isPrimary && process.kill(process.pid, 'SIGTERM'));
  if (cluster.isPrimary && (workers > 1 || flags.reload)) {
    const { supervise } = await import('./processes.js');
    return supervise(named, workers, Boolean(flags.reload), (bound) => ready(urlOf(host, bound)));
  }
  const server = await serve(await decorate(await load(named, Boolean(flags.debug)), flags), {
    port,
    hostname: host,
    ...(flags.debug && (await debugging(named))),
  });
  if (cluster.isPrimary) ready(urlOf(host, (server.address() as AddressInfo).port));
}

async function debugging(named: Named): Promise<Pick<ServeOptions, 'onError'>> {
  const { debugPage } = await import('./debug-page.js');
  return {
    onError: (error: unknown, environ: Environ) => debugPage(error, environ, named),
  };
}

/** Puts the middleware that the options ask for around an application. */
async function decorate(application: Application, flags: Values): Promise<Application> {
  let app = application;
  if (flags.validate) app = (await import('wsgi-edge/validator')).validator(app);
  if (flags.record !== undefined) app = (await import('wsgi-edge/testing')).record(String(flags.record))(app);
  const format = textOf(flags['access-log-format']) ?? (flags['access-log'] ? 'combined' : undefined);
  if (format === undefined) return app;
  if (format !== 'common' && format !== 'combined' && format !== 'json')
    throw new WsgiError(`wsgi-edge: --access-log-format is common, combined or json, not ${format}`);
  const { accessLog } = await import('wsgi-edge/middleware');
  app = accessLog({ format, log: (line) => console.log(line) })(app);
  return app;
}

async function serveElsewhere(
  named: Named,
  target: Target,
  port: number,
  host: string,
  flags: Values,
  ready: (url: string) => void,
): Promise<void> {
  const option = ['workers', 'debug', 'access-log', 'access-log-format', 'record', 'validate'].find(
    (name) => name in flags,
  );
  if (option !== undefined) throw new WsgiError(`wsgi-edge: --${option} is for the target node`);
  if (host !== '127.0.0.1') throw new WsgiError('wsgi-edge: --host is for the target node; others listen on 127.0.0.1');
  let started = await start(named, target, { port, host });
  ready(started.url);
  const stopped = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped.resolve());
  let stopWatching = async () => {};
  if (flags.reload) {
    const { watchFiles, folderOf } = await import('./processes.js');
    stopWatching = watchFiles(folderOf(named), async (path) => {
      console.log(`${path} has changed`);
      const { port: same } = started;
      await started.close();
      started = await start(named, target, { port: same, host });
      console.log('serving the new version');
    });
  }
  await Promise.race([stopped.promise, started.ended ?? stopped.promise]);
  await stopWatching();
  await started.close();
}
