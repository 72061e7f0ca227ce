import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import { serve } from '../../targets/node/index.js';
import { createApplication } from './application.js';
import { testTarget } from './suite.js';
import { sendRaw } from './wire.js';

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
