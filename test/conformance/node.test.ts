import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import { serve } from '../../targets/node/index.js';
import { createApplication } from './application.js';
import { testTarget } from './suite.js';

const { application, options } = createApplication();
let server: Server;
beforeAll(async () => {
  server = await serve(application, options);
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

testTarget('node', { send: (request) => sendRaw((server.address() as AddressInfo).port, request) });
