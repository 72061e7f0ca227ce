// One interpreter serves several users at the same time. Nobody gets a byte or a context of another user.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromPython } from '../../python/index.js';
import { serve } from '../../targets/node/index.js';
import { sleep } from '../conformance/case.js';
import { CONCURRENT_ASSETS, loadAssets } from './assets.ts';
import { FLASK_ASSETS, withoutFlask } from './flask.ts';
import { type PythonWorker, startWorker } from './workerd.ts';

const USERS = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Tony', 'Frances', 'Niklaus', 'Jean'];

const WORKER = `
  import assets from './assets.mjs';
  import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
  import { fromPython } from '../../python/index.js';
  const app = fromPython(assets, { concurrency: 4 });
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  export default toCloudflareHandler((environ, startResponse) => {
    environ['test.sleep'] = sleep;
    return app(environ, startResponse);
  });`;

const servers: Record<string, (folder: string) => Promise<{ port: number; stop(): unknown }>> = {
  async Node(folder) {
    const app = fromPython(await loadAssets(folder), { concurrency: 4 });
    const server: Server = await serve((environ, startResponse) => {
      environ['test.sleep'] = sleep;
      return app(environ, startResponse);
    });
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    return { port: (server.address() as AddressInfo).port, stop };
  },
  workerd: (folder): Promise<PythonWorker> => startWorker(WORKER, {}, folder),
};

/** @param seen  the text that each line of `name` has after the number of streams */
async function stream(port: number, name: string, seen: string): Promise<{ most: number; cookie: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/stream?user=${name}`);
  const lines = (await response.text()).split('\n');
  const rest = lines.slice(0, -1).map((line) => line.slice(line.indexOf(' ') + 1));
  expect(rest, name).toEqual(Array.from({ length: 10 }, () => seen));
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return { most: Math.max(...lines.map((line) => Number.parseInt(line, 10) || 0)), cookie };
}

for (const [where, start] of Object.entries(servers)) {
  describe(`on ${where}`, () => {
    let server: Awaited<ReturnType<typeof start>>;
    beforeAll(async () => {
      server = await start(CONCURRENT_ASSETS);
    });
    afterAll(() => server?.stop());

    it('contextvars and threading.local are those of the request', async () => {
      const streams = USERS.map((name) =>
        stream(server.port, name, `${name} ['nobody', 'nobody'] ['${name}', '${name}']`),
      );
      const most = (await Promise.all(streams)).map((each) => each.most);
      expect(Math.max(...most), 'streams at a time').toBe(4);
    });
  });

  describe.skipIf(withoutFlask)(`Flask on ${where}`, () => {
    let server: Awaited<ReturnType<typeof start>>;
    beforeAll(async () => {
      server = await start(FLASK_ASSETS);
    });
    afterAll(() => server?.stop());

    it("request, session, g and stream_with_context are the user's own", async () => {
      const seen = (name: string) =>
        `${name} ['nobody', 'nobody', False, 'nobody'] ['${name}', '${name}', '${name}', '${name}', '${name}']`;
      const streams = await Promise.all(USERS.map((name) => stream(server.port, name, seen(name))));
      expect(Math.max(...streams.map((each) => each.most)), 'streams at a time').toBe(4);
      const names = streams.map(async ({ cookie }) =>
        (await fetch(`http://127.0.0.1:${server.port}/session`, { headers: { cookie } })).text(),
      );
      expect(await Promise.all(names)).toEqual(USERS);
    });
  });
}
