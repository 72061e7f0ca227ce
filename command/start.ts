import type { AddressInfo } from 'node:net';
import type { Application } from 'wsgi-edge';
import { serve } from 'wsgi-edge/node';
import { importApplication, type Named } from './application.js';
import { type Around, putAround } from './around.js';
import type { Target } from './target.js';

/** A running application. */
export interface Started {
  url: string;
  port: number;
  close(): Promise<void>;
  /** Resolves when it ends, also without being asked to. */
  ended?: Promise<void>;
}

/** How to run an application. */
export interface StartOptions {
  /** 0 takes a free port. */
  port: number;
  host: string;
  /** The middleware around it; none by default. */
  around?: Around;
  /** Goes on after a failed build, which a change of a file may mend. */
  reload?: boolean;
  /** Ends it while it starts. */
  signal?: AbortSignal;
  /** Takes the output of another process; standard output by default. */
  onOutput?: (text: string) => void;
}

/** Starts an application on a target.
 *  @throws {WsgiError} (as a rejection) when it can't be loaded, or the target can't run here */
export async function start(named: Named, target: Target, options: StartOptions): Promise<Started> {
  if (target.name === 'cloudflare') return (await import('./cloudflare.js')).startWorkerd(named, options);
  if (target.name === 'lambda') return (await import('./lambda.js')).startLambda(named, target.frontEnd, options);
  const app = await putAround(await load(named), options.around ?? {});
  const server = await serve(app, { port: options.port, hostname: options.host });
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: urlOf(options.host, port), port, close };
}

/** Loads an application for Node.
 *  @throws {WsgiError} when it can't be loaded */
export async function load(named: Named, debug = false): Promise<Application> {
  if (named.language === 'typescript') return importApplication(named.file, named.name);
  const { pythonApplication } = await import('./python.js');
  return pythonApplication(named.entry, debug);
}

/** The URL of a server, without a path. */
export const urlOf = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
