// The servers that the Node race asks: `node servers.ts <name>...` starts them in one process, sends their ports, and answers
// each message with the CPU time of the process.
import { createServer } from 'node:http';
import { toNodeHandler } from 'wsgi-edge/node';

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
  '@hono/node-server': async () => {
    const { serve } = await import('@hono/node-server');
    const { Hono } = await import('hono');
    const app = new Hono().get('*', (c) => c.text('Hello, world!\n'));
    return new Promise((resolve) =>
      serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port)),
    );
  },
  'wsgi-edge': () =>
    listen(
      createServer(
        toNodeHandler((_, startResponse) => {
          startResponse('200 OK', [['Content-Type', TYPE]]);
          return [BODY];
        }),
      ),
    ),
  srvx: async () => {
    const { serve } = await import('srvx/node');
    const server = serve({
      fetch: () => new Response('Hello, world!\n', { headers: { 'Content-Type': TYPE } }),
      port: 0,
      hostname: '127.0.0.1',
      silent: true,
    });
    await server.ready();
    return Number(new URL(server.url ?? '').port);
  },
  'express 5': async () => {
    const { default: express } = await import('express');
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
  const ports: Record<string, number | undefined> = {};
  for (const name of process.argv.slice(2)) ports[name] = await servers[name]?.();
  process.on('disconnect', () => process.exit());
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.send(ports);
}
