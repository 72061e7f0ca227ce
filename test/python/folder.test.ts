// Files in a folder of the machine, on Node.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folder, fromPython, type PythonApplication } from 'wsgi-edge/python';
import { callApp, testEnviron } from '../../testing/index.js';
import { loadAssets } from './assets.ts';
import { runtimeMissing, startFunction } from './lambda.ts';

const application = 'stored:app';
const start = async (path: string, options = {}): Promise<PythonApplication> =>
  fromPython(await loadAssets(), { application, files: { '/data': folder(path) }, ...options });

async function ask(app: PythonApplication, target: string): Promise<unknown> {
  const [PATH_INFO, QUERY_STRING = ''] = target.split('?');
  const { status, text } = await callApp(app as never, testEnviron({ PATH_INFO: `/${PATH_INFO}`, QUERY_STRING }));
  return status === '200 OK' ? JSON.parse(text()) : status;
}

describe('folder()', () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'wsgi-edge-folder-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));

  it('holds databases of SQLite, with transactions, as other programs see them', async () => {
    const app = await start(path);
    expect(await ask(app, 'begin?rows=20')).toEqual([20, 0, 0, 'ok']);
    expect(await ask(app, 'move?amount=3')).toEqual([20, 0, 24, 'ok']);
    expect(await ask(app, 'roll_back')).toEqual([20, 0, 24, 'ok']);
    expect(await ask(await start(path), 'state'), 'another interpreter').toEqual([20, 0, 24, 'ok']);
    const database = new DatabaseSync(join(path, 'db.sqlite3'));
    expect(database.prepare('SELECT count(*) AS n FROM account').get()).toEqual({ n: 20 });
    database.close();
  });

  it('is an ordinary file system', async () => {
    const seen = [9003, '678901\0\0\0\0', '\0\0end', 'three more', 'unlinked', ['b', 'two', 'two.txt']];
    const app = await start(path);
    expect(await ask(app, 'files')).toEqual([...seen, 'Directory not empty']);
    expect(await ask(app, 'files'), 'again').toEqual([...seen, 'Directory not empty']);
    expect(readdirSync(join(path, 'a')).sort()).toEqual(['two', 'two.txt']);
  });

  it('locks a database for an interpreter until it ends its transaction', async () => {
    const app = await start(path);
    const other = await start(path);
    await ask(app, 'begin?rows=20');
    const body = await app(testEnviron({ PATH_INFO: '/streaming' }), () => async () => {});
    const iterator = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await iterator.next();
    expect(await ask(other, 'try_to_move?amount=1')).toBe('database is locked');
    await iterator.return?.();
    await body.close?.();
    expect(await ask(other, 'try_to_move?amount=1')).toEqual([20, 0, 8, 'ok']);
    expect(readdirSync(path).sort()).toEqual(['db.sqlite3', 'db.sqlite3-lock']);
  });

  it('in the mode WAL belongs to one interpreter', async () => {
    const app = await start(path);
    await ask(app, 'begin?rows=20');
    expect(await ask(app, 'wal')).toEqual(['wal', [20, 0, 0, 'ok']]);
    expect(await ask(app, 'relaxed?amount=2'), 'keeps a connection').toEqual([20, 0, 16, 'ok']);
    expect(await ask(await start(path), 'try_to_move?amount=1')).toBe('database is locked');
  });

  it('is locked for writers in worker threads', async () => {
    const app = await start(path, { workers: 3 });
    await ask(app, 'begin?rows=20');
    await Promise.all(Array.from({ length: 30 }, () => ask(app, 'add')));
    expect(await ask(app, 'state')).toEqual([50, 30, 30, 'ok']);
  });

  it('unlocks a database if the interpreter or its thread ends in a transaction', async () => {
    for (const options of [{}, { workers: 1 }]) {
      const app = await start(path, options);
      if (options.workers === undefined) await ask(app, 'begin?rows=20');
      expect(await ask(app, 'die')).toBe('500 Internal Server Error');
      expect(await ask(app, 'try_to_move?amount=1')).toEqual([20, 0, 8, 'ok']);
    }
  });

  it.skipIf(runtimeMissing !== undefined && !process.env.CI)("works in AWS's runtime client", async () => {
    const code = `import assets from './python_assets/node.mjs';
      import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
      import { folder, fromPython } from '../../python/index.js';
      const files = { '/data': folder(${JSON.stringify(path)}) };
      export const handler = toLambdaHandler(fromPython(assets, { application: 'stored:app', files }));`;
    const root = mkdtempSync(join(tmpdir(), 'wsgi-edge-lambda-'));
    for (const [target, answer] of [
      ['begin?rows=20', [20, 0, 0, 'ok']],
      ['move?amount=2', [20, 0, 16, 'ok']],
    ] as const) {
      const front = await startFunction(code, root, 'handler', 'BUFFERED');
      expect(await (await fetch(new URL(target, front.url))).json()).toEqual(answer);
      await front.close();
    }
    rmSync(root, { recursive: true });
  });

  it('is refused if the path is relative or missing', async () => {
    expect(() => folder('data')).toThrow('folder() needs an absolute path');
    await expect((await start(join(path, 'none'))).boot()).rejects.toThrow('there is no such folder');
  });
});
