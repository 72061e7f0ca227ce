// Django, SQLAlchemy and Flask-SQLAlchemy, unmodified, on SQLite in a Durable Object and on D1; R2 and KV through Django.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notFetched } from './assets.ts';
import { type StorageWorker, startStorage } from './storage.ts';

const missing = notFetched(['storage'], 'what needs Django and SQLAlchemy');

describe.skipIf(missing)('Django in a Durable Object', () => {
  let site: StorageWorker;
  beforeAll(async () => {
    site = await startStorage('in_django', 'storage');
  });
  afterAll(() => site?.stop());

  const both = async (view: string) => [await site.json(`default/${view}`), await site.json(`d1/${view}`)];

  it('migrates on SQLite and on D1, also tables that others refer to', async () => {
    const [sqlite, d1] = await both('migrate');
    expect(sqlite).toEqual(['Ada', expect.arrayContaining(['auth_user', 'shop_book', 'shop_book_tags'])]);
    expect(d1).toEqual(sqlite);
  });

  it('finds the same with D1 as with SQLite', { timeout: 120_000 }, async () => {
    expect(await both('fill')).toEqual([
      [121, 36],
      [121, 36],
    ]);
    const [sqlite, d1] = await both('query');
    expect(sqlite).toMatchObject({ json: 1 });
    expect(d1).toEqual(sqlite);
  });

  it('rolls back on SQLite, and says on D1 that it can not', async () => {
    const until = ['IntegrityError', 0, 'KeyError', 0, 'caught', 1];
    const [sqlite, d1] = await both('classes');
    expect(sqlite).toEqual([...until, 'KeyError', 1, 'committed']);
    expect(d1).toEqual([...until, 'CanNotRollBack', 2, 'committed']);
    expect(await both('users')).toEqual([
      ['Ada', false],
      ['Ada', false],
    ]);
  });

  it('keeps files in R2', async () => {
    expect(await site.json('files')).toEqual([
      ['docs/ä.txt', false, 1_048_576, [0, 1, 2], 5, 'again'],
      ['https://files.example/media/docs/%C3%A4.txt', true, 'R2 has no media/docs/none', true],
      ['docs'],
      3,
      false,
    ]);
  });

  it('keeps its cache and sessions in KV', async () => {
    expect(await site.json('caches')).toEqual([
      '2024-01-01',
      'default',
      [1],
      false,
      true,
      5,
      true,
      false,
      true,
      false,
      'made',
      ['other'],
    ]);
    const { response, text } = await site.ask('session');
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    expect([text, await site.json('session', { headers: { cookie } }), await site.json('session')]).toEqual([
      '1',
      2,
      1,
    ]);
  });
});

describe.skipIf(missing)('SQLAlchemy in a Durable Object', () => {
  let site: StorageWorker;
  beforeAll(async () => {
    site = await startStorage('in_sqlalchemy', 'storage');
  });
  afterAll(() => site?.stop());

  it('finds the same with D1 as with SQLite', async () => {
    const [sqlite, d1] = [await site.json('orm/sqlite'), await site.json('orm/d1')];
    expect(sqlite).toEqual([expect.arrayContaining(['IntegrityError']), ['post', 'user'], expect.anything(), ['user']]);
    expect(d1).toEqual(sqlite);
  });

  it('rolls back on SQLite, and says on D1 that it can not', async () => {
    expect(await site.json('rollback/sqlite')).toEqual([null, 0]);
    const told = ['NotSupportedError', expect.stringContaining('D1 has no transactions')];
    expect(await site.json('rollback/d1')).toEqual([told, 1]);
  });

  it('works below Flask-SQLAlchemy', async () => {
    expect(await site.json('visit?page=a')).toEqual(['a']);
    expect(await site.json('visit?page=b&fail=1')).toEqual(['a']);
    expect(await site.json('visit?page=c')).toEqual(['a', 'c']);
  });

  it('is on a module that does what PEP 249 says', async () => {
    expect(await site.json('pep249')).toEqual({
      insert: [1, 1, null],
      executemany: 2,
      description: ['b', 'c', 'd', 'b'],
      rows: ["('one', b'\\x00\\xff', None, 'one')", 1, [['three', null, 1, 'three']], null],
      returning: [
        2,
        [
          [2, 2],
          [3, 2],
        ],
      ],
      'none returned': [0, []],
      with: [['INSERT', 'RETURNING']],
      word: [1, 'ProgrammingError'],
      errors: [
        'IntegrityError',
        'IntegrityError',
        'ProgrammingError',
        'OperationalError',
        'ProgrammingError',
        'DataError',
        'InterfaceError',
        'NotSupportedError',
        'NotSupportedError',
        'IntegrityError',
      ],
      batch: [0],
      injection: [["'; DROP TABLE t; --"]],
      rollback: [null, 4, 'NotSupportedError', null],
      closed: 'ProgrammingError',
    });
  });
});
