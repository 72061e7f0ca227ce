// The servers that the tests of Python's drivers start (scripts/services.ts).
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { startServer } from '../scripts/services.ts';

const missing = !existsSync('/usr/bin/redis-server');
if (missing && process.env.CI) throw new Error('CI needs a Redis: apt-get install redis-server');
if (missing) console.warn('skipped, the servers of the tests: there is no /usr/bin/redis-server');

it.skipIf(missing)('a server that was started ends with its folder', async () => {
  const { port, folder, stop } = await startServer('redis');
  const answers = () =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
      socket.on('data', (data) => {
        socket.destroy();
        resolve(String(data));
      });
      socket.on('error', ({ message }) => resolve(message));
    });
  expect(await answers()).toBe('+PONG\r\n');
  expect(existsSync(folder)).toBe(true);
  await stop();
  expect(await answers()).toContain('ECONNREFUSED');
  expect(existsSync(folder)).toBe(false);
});
