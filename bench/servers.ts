// The servers that the Node race asks, one a process: `node servers.ts <name>`.
import { createServer } from 'node:http';
import { serve as honoServe } from '@hono/node-server';
import express from 'express';
import { Hono } from 'hono';
import { serve as srvxServe } from 'srvx/node';
import { toNodeHandler } from '../dist/targets/node/index.js';

const BODY = new TextEncoder().encode('Hello, world!\n');
const TYPE = 'text/plain; charset=utf-8';

const servers: Record<string, () => Promise<number> | number> = {
  'node:http by hand': () =>
    listen(
      createServer((_, res) => {
        res.writeHead(200, { 'Content-Type': TYPE, 'Content-Length': BODY.length });
        res.end(BODY);
      }),
    ),
  'wsgi-edge': () =>
    listen(
      createServer(
        toNodeHandler((_, startResponse) => {
          startResponse('200 OK', [['Content-Type', TYPE]]);
          return [BODY];
        }),
      ),
    ),
  '@hono/node-server': () => {
    const app = new Hono().get('*', (c) => c.text('Hello, world!\n'));
    return new Promise((resolve) =>
      honoServe({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port)),
    );
  },
  srvx: async () => {
    const server = srvxServe({
      fetch: () => new Response('Hello, world!\n', { headers: { 'Content-Type': TYPE } }),
      port: 0,
      hostname: '127.0.0.1',
      silent: true,
    });
    await server.ready();
    return Number(new URL(server.url ?? '').port);
  },
  'express 5': () => {
    const app = express();
    app.use((_, res) => res.type('text').send('Hello, world!\n'));
    return listen(createServer(app));
  },
};

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

export const NODE_SERVERS = Object.keys(servers);

servers.scale = async () => listen(createServer(toNodeHandler((await import('./scale-app.ts')).served)));

if (process.send !== undefined) {
  process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
  process.send({ port: await servers[process.argv[2] ?? '']?.() });
}
