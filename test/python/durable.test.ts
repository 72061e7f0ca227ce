// Files in the SQL storage of a Durable Object, on a storage with the real SQLite. test/python/durable-object.test.ts runs them on
// workerd.
import { beforeAll, describe, expect, it } from 'vitest';
import { durableObject, fromPython, type PythonApplication } from '../../python/index.js';
import { callApp, testEnviron } from '../../testing/index.js';
import { loadAssets } from './assets.ts';
import { type OpenStorage, sqlStorage } from './sql-storage.ts';

let assets: Awaited<ReturnType<typeof loadAssets>>;
beforeAll(async () => {
  assets = await loadAssets();
});

const application = 'stored:app';
const start = (storage: OpenStorage, options = {}): PythonApplication =>
  fromPython(assets, { application, files: { '/data': durableObject(storage) }, ...options });

async function ask(app: PythonApplication, target: string): Promise<unknown> {
  const [PATH_INFO, QUERY_STRING = ''] = target.split('?');
  const { status, text } = await callApp(app, testEnviron({ PATH_INFO: `/${PATH_INFO}`, QUERY_STRING }));
  return status === '200 OK' ? JSON.parse(text()) : status;
}

/** Calls an application, and reads one chunk of its body. */
async function begin(app: PythonApplication, target: string): Promise<() => Promise<void>> {
  const environ = testEnviron({ PATH_INFO: `/${target}` });
  const body = await app(environ, () => async () => {});
  const iterator = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  await iterator.next();
  return async () => {
    await iterator.return?.();
    await body.close?.();
  };
}

describe('files of a Durable Object', () => {
  it('hold databases of SQLite, with transactions', async () => {
    const storage = sqlStorage();
    const app = start(storage);
    expect(await ask(app, 'begin?rows=20')).toEqual([20, 0, 0, 'ok']);
    expect(await ask(app, 'move?amount=3')).toEqual([20, 0, 24, 'ok']);
    expect(await ask(app, 'roll_back')).toEqual([20, 0, 24, 'ok']);
    expect(await ask(start(storage.copy()), 'state'), 'after a restart').toEqual([20, 0, 24, 'ok']);
  });

  it('are an ordinary file system', async () => {
    const storage = sqlStorage();
    const seen = [9003, '678901\0\0\0\0', '\0\0end', 'three more', 'unlinked', ['b', 'two', 'two.txt']];
    const app = start(storage);
    expect(await ask(app, 'files')).toEqual([...seen, 'Directory not empty']);
    expect(await ask(app, 'files'), 'again').toEqual([...seen, 'Directory not empty']);
    expect(await ask(start(storage.copy()), 'listed?folder=/data/a')).toEqual(['two', 'two.txt']);
    expect(storage.rows('wsgi_edge_file'), 'the root, a folder, and two files').toBe(4);
  });

  it.each([
    ['', 8],
    ['&rows=1100', 1100], // more than SQLite and the store keep in memory
  ])('have the old or the new state if the power is cut after any write of a transaction (%s)', async (rows, count) => {
    const cuts: OpenStorage[] = [];
    let watched = false;
    const storage = sqlStorage((storage) => watched && cuts.push(storage.copy()));
    const app = start(storage);
    await ask(app, 'begin?rows=1100');
    await ask(app, `move?amount=1${rows}`);
    watched = true;
    await ask(app, `move?amount=2${rows}`);
    watched = false;
    expect(cuts.length).toBeGreaterThan(3);
    const states: unknown[] = [];
    for (const cut of cuts) states.push(await ask(start(cut), 'state'));
    const [before, after] = [1, 2].map((amount) => [1100, 0, amount * count, 'ok']);
    const at = states.findIndex((state) => JSON.stringify(state) === JSON.stringify(after));
    expect(states).toEqual([...Array(at).fill(before), ...Array(cuts.length - at).fill(after)]);
  });

  it('are read in pages, when they are needed', async () => {
    const storage = sqlStorage();
    await ask(start(storage), 'begin?rows=5000');
    expect(storage.rows('wsgi_edge_page')).toBeGreaterThan(5000);
    let read = 0;
    const counted: OpenStorage = { ...storage.copy() };
    const { exec } = counted.sql;
    const sql: OpenStorage['sql'] = {
      exec(query, ...values) {
        const rows = [...exec(query, ...values)];
        if (query.includes('wsgi_edge_page')) read += rows.length;
        return rows;
      },
    };
    expect(await ask(start({ ...counted, sql }), 'one?row=4321')).toEqual([0, 3000]);
    expect(read).toBeLessThan(20);
  });

  it('are locked for an interpreter until it ends its transaction', async () => {
    const app = start(sqlStorage(), { maxRequests: 1 });
    await ask(app, 'begin?rows=20');
    const end = await begin(app, 'streaming');
    expect(await ask(app, 'try_to_move?amount=1'), 'in the next interpreter').toBe('database is locked');
    await end();
    expect(await ask(app, 'try_to_move?amount=1')).toEqual([20, 0, 8, 'ok']);
  });

  it('lose the transaction of an interpreter that is lost, and its locks', async () => {
    const storage = sqlStorage();
    const app = start(storage);
    await ask(app, 'begin?rows=20');
    expect(await ask(app, 'die')).toBe('500 Internal Server Error');
    expect(await ask(app, 'try_to_move?amount=1')).toEqual([20, 0, 8, 'ok']);
    expect(storage.rows('wsgi_edge_file'), 'its journal is gone').toBe(2);
  });

  it('fail with an OSError if the storage fails, and keep the old state', async () => {
    const storage = sqlStorage();
    const { exec } = storage.sql;
    let full = false;
    storage.sql.exec = (query, ...values) => {
      if (full && query.startsWith('INSERT OR REPLACE')) throw new Error('database or disk is full: SQLITE_FULL');
      return exec(query, ...values);
    };
    const app = start(storage);
    await ask(app, 'begin?rows=20');
    full = true;
    expect(await ask(app, 'try_to_move?amount=1')).toBe('disk I/O error');
    full = false;
    expect(await ask(app, 'state')).toEqual([20, 0, 0, 'ok']);
    expect(await ask(app, 'try_to_move?amount=1')).toEqual([20, 0, 8, 'ok']);
  });

  it('work in all journal modes of SQLite', async () => {
    const app = start(sqlStorage());
    await ask(app, 'begin?rows=20');
    for (const [mode, rest] of [
      ['truncate', ['db.sqlite3-journal']],
      ['persist', ['db.sqlite3-journal']],
      ['delete', []],
      ['memory', []],
    ] as const)
      expect(await ask(app, `journal?mode=${mode}`)).toEqual([mode, [20, 0, 0, 'ok'], ['db.sqlite3', ...rest]]);
  });

  it('in the mode WAL belong to one interpreter, and lose no commit', async () => {
    const cuts: OpenStorage[] = [];
    let watched = false;
    const storage = sqlStorage((storage) => watched && cuts.push(storage.copy()));
    const app = start(storage, { maxRequests: 3 });
    await ask(app, 'begin?rows=20');
    expect(await ask(app, 'wal')).toEqual(['wal', [20, 0, 0, 'ok']]);
    const end = await begin(app, 'streaming');
    expect(await ask(app, 'try_to_move?amount=1'), 'in the next interpreter').toBe('database is locked');
    await end();
    watched = true;
    expect(await ask(app, 'try_to_move?amount=1')).toEqual([20, 0, 8, 'ok']);
    expect(await ask(app, 'relaxed?amount=2')).toEqual([20, 0, 16, 'ok']);
    watched = false;
    const sums: unknown[] = [];
    for (const cut of cuts) sums.push(((await ask(start(cut), 'state')) as number[])[2]);
    expect(sums).toEqual(sums.toSorted((a, b) => Number(a) - Number(b)));
    expect([sums[0], sums.at(-1)]).toEqual([0, 16]);
  });

  it('and the interpreter with them belong to one object', async () => {
    const [one, other] = [sqlStorage(), sqlStorage()];
    expect([await ask(start(one), 'count'), await ask(start(one), 'count'), await ask(start(other), 'count')]).toEqual([
      1, 2, 1,
    ]);
    await ask(start(one), 'begin');
    expect(await ask(start(other), 'listed')).toEqual([]);
    const both = { '/data': durableObject(one), '/more': durableObject(other) };
    expect(() => fromPython(assets, { files: both })).toThrow('files of two Durable Objects');
  });

  it('are refused on wrong paths and storages', async () => {
    const files = durableObject(sqlStorage());
    for (const path of ['data', '/', '/data/', '/a/../b'])
      expect(() => fromPython(assets, { files: { [path]: files } })).toThrow('files needs absolute paths');
    const reserved = fromPython(assets, { application, files: { '/app': files } });
    await expect(reserved.boot()).rejects.toThrow('the interpreter has /app already');
    expect(() => fromPython(assets, { files: { '/data': 1 as never } })).toThrow(
      'result of folder() or durableObject()',
    );
    expect(() => durableObject({} as never)).toThrow('new_sqlite_classes');
    expect(() => start(sqlStorage(), { freeSnapshot: true })).toThrow('freeSnapshot would take');
  });
});
