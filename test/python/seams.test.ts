// Sockets, files and records of the log in one interpreter, and what is left of them when it ends. A thread runs compiled code, so
// these tests use the package as it was built.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toFetchHandler } from 'wsgi-edge';
import { durableObject, folder, fromPython, type PythonOptions } from 'wsgi-edge/python';
import type { LogRecord } from '../../src/types.js';
import { loadAssets } from './assets.ts';
import { sqlStorage } from './sql-storage.ts';

const connected = new Set<Socket>();
const server = createServer((socket) => {
  connected.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => connected.delete(socket));
  socket.resume().write('hello');
});
let port: number;
let path: string;
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ({ port } = server.address() as AddressInfo);
});
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'wsgi-edge-seams-'));
  return () => {
    rmSync(path, { recursive: true });
    // Those of an interpreter that still runs.
    for (const socket of connected) socket.destroy();
    connected.clear();
  };
});
afterAll(() => void server.close());

describe.each<[string, PythonOptions]>([
  ['in its own thread', {}],
  ['with workers', { workers: 1 }],
])('an interpreter %s', (_, options) => {
  const start = async (more: PythonOptions = {}) => {
    const records: LogRecord[] = [];
    const files = { '/data': folder(path) };
    const app = fromPython((await loadAssets()) as never, { application: 'seams:app', files, ...options, ...more });
    const handler = toFetchHandler(app as never, { errors: { record: (each) => records.push(each) } });
    const ask = async (then = '') => {
      const response = await handler(new Request(`http://h/seams?${port}${then}`));
      return [response.status, (await response.text()).split('\n')[0]];
    };
    return { ask, records };
  };

  it('has sockets, files and records, and closes its sockets when it is replaced', async () => {
    const { ask, records } = await start({ maxRequests: 2 });
    for (let i = 0; i < 4; i++) expect(await ask()).toEqual([200, 'hello']);
    expect(readFileSync(join(path, 'visits'), 'utf8')).toBe('hello'.repeat(4));
    expect(records).toMatchObject(
      Array.from({ length: 4 }, () => ({
        ...{ level: 'warn', path: '/seams' },
        message: expect.stringContaining('visited on /seams'),
      })),
    );
    await expect.poll(() => connected.size).toBe(0);
  });

  it('closes its sockets when it is lost', async () => {
    const { ask } = await start();
    expect(await ask()).toEqual([200, 'hello']);
    expect(connected.size).toBe(1);
    expect((await ask('&die'))[0]).toBe(500);
    await expect.poll(() => connected.size).toBe(0);
    expect(await ask()).toEqual([200, 'hello']);
  });

  it('closes its sockets when a request that does not end is given up with it', async () => {
    const { ask } = await start({ timeout: 100 });
    expect((await ask('&stay'))[0]).toBe(500);
    await expect.poll(() => connected.size).toBe(0);
  });
});

it('workers are refused with the files of a Durable Object, which no other thread can be given', async () => {
  const files = { '/data': durableObject(sqlStorage() as never) };
  const assets = (await loadAssets()) as never;
  expect(() => fromPython(assets, { files, workers: 1 })).toThrow(
    'python: durableObject() is for Workers, and workers is for Node: give one of them',
  );
});
