// The SQL storage of a Durable Object on Node, over the real SQLite of node:sqlite.
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { SqlStorage } from '../../python/index.js';

export interface OpenStorage extends SqlStorage {
  /** Copies the database as a power cut now would leave it. */
  copy(): OpenStorage;
  rows(table: string): number;
}

/** @param onWrite  called after each statement that may change something, outside of a transaction after the whole of it */
export function sqlStorage(onWrite: (storage: OpenStorage) => void = () => {}, file = ':memory:'): OpenStorage {
  const database = new DatabaseSync(file);
  let depth = 0;
  const changed = (): void => {
    if (depth === 0) onWrite(storage);
  };
  const storage: OpenStorage = {
    sql: {
      exec(query, ...values) {
        const bound = values.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
        const rows = database.prepare(query).all(...(bound as SQLInputValue[])) as Array<Record<string, unknown>>;
        if (!query.startsWith('SELECT')) changed();
        return rows;
      },
    },
    transactionSync(closure) {
      const name = `t${depth}`;
      database.exec(`SAVEPOINT ${name}`);
      depth++;
      try {
        const result = closure();
        database.exec(`RELEASE ${name}`);
        return result;
      } catch (error) {
        database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
        throw error;
      } finally {
        depth--;
        changed();
      }
    },
    copy() {
      const path = `${process.env.TMPDIR ?? '/tmp'}/wsgi-edge-${process.pid}-${Math.random()}`;
      database.exec(`VACUUM INTO '${path}'`);
      return sqlStorage(() => {}, path);
    },
    rows: (table) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n),
  };
  return storage;
}
