import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import { validator } from '../../src/validator/index.js';
import { serve } from '../../targets/node/index.js';
import { application, digest } from './application.js';
import { type Bare, type Ports, testRequests } from './suite.js';

const servers: Server[] = [];
let ports: Ports;
const portOf = (server: Server) => {
  servers.push(server);
  return (server.address() as AddressInfo).port;
};

beforeAll(async () => {
  const seen: Array<Bare | string> = [];
  const platform = createServer(async (req, res) => {
    if (req.headers['x-recall'] === '1') {
      res.end(JSON.stringify(seen.splice(0)));
      return;
    }
    const at = seen.push('the body has not been read to its end') - 1;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of req) chunks.push(chunk);
    } catch {
      return; // the parser has answered
    }
    const { method = '', url = '', httpVersion, rawHeaders } = req;
    const headers = rawHeaders.flatMap((name, i): Bare['headers'] => (i % 2 ? [] : [[name, rawHeaders[i + 1] ?? '']]));
    seen[at] = { method, target: url, version: httpVersion, headers, body: await digest(Buffer.concat(chunks)) };
    res.end('ok');
  });
  await new Promise<void>((resolve) => platform.listen(0, '127.0.0.1', resolve));
  const scriptName = '/mnt';
  ports = {
    bare: portOf(await serve(application)),
    validator: portOf(await serve(validator(application))),
    bareMounted: portOf(await serve(application, { scriptName })),
    validatorMounted: portOf(await serve(validator(application), { scriptName })),
    platform: portOf(platform),
  };
});
afterAll(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

testRequests('node', { ports: () => ports, uriOf: ({ target }) => target });
