// An application of apps/ on Node and on workerd, with functions that its views wait for.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fromPython, type PythonOptions } from '../../python/index.js';
import { serve } from '../../targets/node/index.js';
import { sleep } from '../conformance/case.js';
import { ASSETS, loadAssets } from './assets.ts';
import { startWorker } from './workerd.ts';

export interface Served {
  port: number;
  stop(): unknown;
}

/** Starts a server.
 *  @param folder  of the assets */
export type StartServer = (options: PythonOptions, folder?: string) => Promise<Served>;

export const servers: Record<'Node' | 'workerd', StartServer> = {
  async Node(options, folder = ASSETS) {
    const app = fromPython(await loadAssets(folder), options);
    const server: Server = await serve(
      (environ, startResponse) => {
        environ['test.sleep'] = sleep;
        environ['test.never'] = () => new Promise(() => {});
        environ['test.wait'] = () => sleep(Math.random() * 3);
        return app(environ, startResponse);
      },
      { errors: () => {} },
    );
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    return { port: (server.address() as AddressInfo).port, stop };
  },
  workerd: (options, folder = ASSETS) =>
    startWorker(
      `
      import assets from './assets.mjs';
      import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
      import { fromPython } from '../../python/index.js';
      const app = fromPython(assets, ${JSON.stringify(options)});
      const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      export default toCloudflareHandler(
        (environ, startResponse) => {
          environ['test.sleep'] = sleep;
          environ['test.never'] = () => new Promise(() => {});
          environ['test.wait'] = () => sleep(Math.random() * 3);
          return app(environ, startResponse);
        },
        { errors: () => {} },
      );`,
      {},
      folder,
    ),
};
