// Interpreters in worker threads of Node. A thread runs compiled code, so these tests use the package as it was built.
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { toFetchHandler } from 'wsgi-edge';
import { fromPython, type PythonOptions, pythonMiddleware } from 'wsgi-edge/python';
import type { LogRecord } from '../../src/types.js';
import { serve } from '../../targets/node/index.js';
import { ASSETS, loadAssets } from './assets.ts';

const running: Server[] = [];
afterEach(() => {
  for (const server of running.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function starting(options: PythonOptions) {
  const log: string[] = [];
  const app = fromPython((await loadAssets()) as never, options);
  const server = await serve(app, { errors: (line) => log.push(line) });
  running.push(server);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (target: string, init?: RequestInit) => {
    const response = await fetch(`${origin}/${target}`, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { app, ask, log };
}

describe('workers', () => {
  it('serve with interpreters of their own', async () => {
    const { app, ask } = await starting({ application: 'turns:app', workers: 2 });
    await app.boot();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask('busy')));
    expect(new Set(answers.map(({ text }) => text)).size, 'threads').toBe(2);
  });

  it('a view that computes for ever is a 500, its thread is ended, and the others go on', async () => {
    const { ask, log } = await starting({ application: 'turns:app', workers: 2, timeout: 100 });
    const spinning = ask('spin');
    expect((await Promise.all([ask('hello'), ask('hello')])).map(({ text }) => text)).toEqual(['"hello"', '"hello"']);
    expect((await spinning).status).toBe(500);
    expect(log.join('\n')).toContain('took longer than 100 ms');
    expect((await ask('hello')).text).toBe('"hello"');
  });

  it('a view that waits for longer than timeout is interrupted, and the state in memory survives', async () => {
    const { ask } = await starting({ application: 'turns:app', workers: 1, timeout: 100 });
    expect((await ask('sleep')).status).toBe(500);
    expect(JSON.parse((await ask('state')).text)).toEqual([2, 0, 0]);
  });

  it('a thread that maxMemory replaces serves the requests that are in it', async () => {
    const { ask } = await starting({ application: 'turns:app', workers: 1, maxMemory: 1 });
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask('hello')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });

  it('a thread that is lost is replaced', async () => {
    const { ask } = await starting({ application: 'supervised:die_or_live', workers: 1 });
    expect((await ask('?die')).status).toBe(500);
    expect((await ask('?live')).text).toBe('alive');
  });

  it('log records with their levels, and the line that print() has not ended', async () => {
    const records: LogRecord[] = [];
    const app = fromPython((await loadAssets()) as never, { application: 'logs:app', workers: 1 });
    const handler = toFetchHandler(app, { errors: { record: (each) => records.push(each) } });
    const logOf = async (path: string) => {
      records.length = 0;
      await (await handler(new Request(`http://h${path}`))).text();
      return records.map((record) => [record.path, record.level, record.message]);
    };
    expect((await logOf('/levels')).map(([, level]) => level)).toEqual(['debug', 'info', 'warn', 'error', 'error']);
    expect(await logOf('/print')).toEqual([
      ['/print', 'info', 'one 2'],
      ['/print', 'info', 'no end'],
    ]);
    expect(await logOf('/errors')).toEqual([['/errors', 'error', 'as text']]);
  });

  it('pass bodies, heads, errors, write() and streams', async () => {
    const kinds = async (name: string, init?: RequestInit) => {
      const { ask, log } = await starting({ application: `kinds:${name}`, workers: 1, maxBuffered: 1000 });
      const { status, text } = await ask('', init);
      return [status, text, log.join('\n')] as const;
    };
    const body = 'x'.repeat(100_000);
    expect((await kinds('upload', { method: 'POST', body })).slice(0, 2)).toEqual([200, '100000']);
    expect((await kinds('upload', { method: 'POST', body: 'abc' })).slice(0, 2)).toEqual([200, '3']);
    expect((await kinds('generator')).slice(0, 2)).toEqual([200, 'piecepiecepiece']);
    expect((await kinds('writes')).slice(0, 2)).toEqual([200, 'written twice returned']);
    expect((await kinds('recovers')).slice(0, 2)).toEqual([500, 'sorry']);
    const [status, , log] = await kinds('raises');
    expect([status, log]).toEqual([500, expect.stringMatching(/kinds\.py", line \d+, in raises[\s\S]*ValueError/)]);
    expect((await kinds('refused'))[0]).toBe(500);
  });

  it('a start_response that fails takes the head with it that it was to replace', async () => {
    const { ask, log } = await starting({ application: 'starts:replaced', workers: 1 });
    expect((await ask('?value')).status).toBe(500);
    expect(log.join('\n')).toContain('startResponse had failed before');
  });

  it('have sockets, about which the main thread decides', async () => {
    const asked: string[] = [];
    const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const allow = (host: string, to: number) => asked.push(`${host}:${to}`) > 0 && host === '127.0.0.1';
    const { ask } = await starting({ application: 'net:app', workers: 1, sockets: { allow } });
    expect(JSON.parse((await ask(`reads?${port}`)).text)).toBe('hello');
    expect(JSON.parse((await ask('private')).text)).toEqual({ error: ['PermissionError', expect.anything()] });
    expect(asked).toEqual([`127.0.0.1:${port}`, '10.0.0.1:80']);
    server.close();
  });

  it('need the assets of node.mjs, and are not for middleware', async () => {
    const { url: _, ...assets } = (await loadAssets()) as { url?: string };
    expect(() => fromPython(assets as never, { workers: 2 })).toThrow('workers needs the assets of node.mjs');
    const middleware = pythonMiddleware((await loadAssets()) as never, 'wsgiref.validate:validator', { workers: 1 });
    await expect(middleware(() => []).boot()).rejects.toThrow('workers is for fromPython');
    const { href } = pathToFileURL(join(ASSETS, 'none.mjs'));
    await expect(fromPython({ ...assets, url: href } as never, { workers: 1 }).boot()).rejects.toThrow('worker thread');
  });
});
