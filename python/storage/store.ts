/** The SQL storage of a Durable Object (`ctx.storage`), as far as files need it. */
export interface SqlStorage {
  readonly sql: { exec(query: string, ...values: SqlValue[]): Iterable<Record<string, unknown>> };
  transactionSync<T>(closure: () => T): T;
}

type SqlValue = string | number | null | ArrayBuffer;

/** One row for each part of a file of this size, in bytes: SQLite's pages have it too. */
export const PAGE = 4096;

/** Pages that have been written, and are not in the storage yet, take at most this much memory for each file. */
const MOST_DIRTY = 1024; // pages

const SCHEMA = [
  // An open file that has been unlinked has no parent.
  `CREATE TABLE IF NOT EXISTS wsgi_edge_file (id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER, name TEXT NOT NULL,
     mode INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, UNIQUE (parent, name))`,
  `CREATE TABLE IF NOT EXISTS wsgi_edge_page (file INTEGER, page INTEGER, data BLOB NOT NULL, PRIMARY KEY (file, page))
     WITHOUT ROWID`,
];

/** A file or a folder. The interpreters that use the storage share it, as processes share an inode. */
export interface StoredFile {
  readonly id: number;
  mode: number;
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970. */
  mtime: number;
  /** Pages that the storage does not have yet. */
  readonly dirty: Map<number, Uint8Array<ArrayBuffer>>;
  /** The storage may have pages from this number on that no longer belong to the file. */
  cut: number;
  /** True if the storage has another size, mode or time. */
  changed: boolean;
  /** How often it is open. */
  streams: number;
  unlinked: boolean;
  /** The interpreter that has locked it. */
  holder: object | undefined;
}

/** Files in the SQL storage of a Durable Object. Like a kernel, it keeps written pages until `flush`, and locks. */
export class Store {
  private readonly storage: SqlStorage;
  private readonly files = new Map<number, StoredFile>();
  private readonly written = new Set<StoredFile>();

  constructor(storage: SqlStorage) {
    this.storage = storage;
    storage.transactionSync(() => {
      for (const table of SCHEMA) this.exec(table);
      // Files that were open and unlinked when the last isolate ended.
      for (const { id } of this.exec('SELECT id FROM wsgi_edge_file WHERE parent IS NULL')) this.remove(id as number);
    });
  }

  private exec(query: string, ...values: SqlValue[]): Array<Record<string, unknown>> {
    return [...this.storage.sql.exec(query, ...values)];
  }

  /** Finds an entry of a folder. */
  find(parent: number, name: string): StoredFile | undefined {
    const [row] = this.exec('SELECT * FROM wsgi_edge_file WHERE parent = ? AND name = ?', parent, name);
    return row && this.known(row as unknown as StoredFile);
  }

  private known({ id, mode, size, mtime }: Pick<StoredFile, 'id' | 'mode' | 'size' | 'mtime'>): StoredFile {
    let file = this.files.get(id);
    if (file === undefined) {
      const state = { cut: Number.POSITIVE_INFINITY, changed: false, streams: 0, unlinked: false, holder: undefined };
      file = { id, mode, size, mtime, dirty: new Map(), ...state };
      this.files.set(id, file);
    }
    return file;
  }

  /** Adds an entry to a folder. */
  create(parent: number, name: string, mode: number): StoredFile {
    const insert = 'INSERT INTO wsgi_edge_file (parent, name, mode, size, mtime) VALUES (?, ?, ?, 0, ?) RETURNING *';
    const [row] = this.exec(insert, parent, name, mode, Date.now());
    return this.known(row as unknown as StoredFile);
  }

  /** The names in a folder. */
  names(parent: number): string[] {
    return this.exec('SELECT name FROM wsgi_edge_file WHERE parent = ?', parent).map(({ name }) => name as string);
  }

  /** Removes an entry. The pages of an open file stay until it is closed. */
  unlink(file: StoredFile): void {
    if (file.streams > 0) this.exec('UPDATE wsgi_edge_file SET parent = NULL WHERE id = ?', file.id);
    else this.storage.transactionSync(() => this.remove(file.id));
    file.unlinked = true;
  }

  private remove(id: number): void {
    this.exec('DELETE FROM wsgi_edge_page WHERE file = ?', id);
    this.exec('DELETE FROM wsgi_edge_file WHERE id = ?', id);
    this.files.delete(id);
  }

  /** Moves an entry, over another one if there is one. */
  rename(file: StoredFile, parent: number, name: string): void {
    this.storage.transactionSync(() => {
      const replaced = this.find(parent, name);
      if (replaced !== undefined) this.unlink(replaced);
      this.exec('UPDATE wsgi_edge_file SET parent = ?, name = ? WHERE id = ?', parent, name, file.id);
    });
  }

  /** Reads into `target` from a position. Returns the number of bytes. */
  read(file: StoredFile, target: Uint8Array, position: number): number {
    const end = Math.min(file.size, position + target.length);
    if (end <= position) return 0;
    target.fill(0, 0, end - position); // pages that were never written have no row
    const [first, last] = [Math.floor(position / PAGE), Math.floor((end - 1) / PAGE)];
    const put = (page: number, data: Uint8Array): void => {
      const from = Math.max(position, page * PAGE);
      const to = Math.min(end, (page + 1) * PAGE);
      if (from < to) target.set(data.subarray(from - page * PAGE, to - page * PAGE), from - position);
    };
    const select = 'SELECT page, data FROM wsgi_edge_page WHERE file = ? AND page BETWEEN ? AND ?';
    const stored = Math.min(last, file.cut - 1);
    if (first < last || !file.dirty.has(first))
      for (const { page, data } of this.storage.sql.exec(select, file.id, first, stored))
        put(page as number, new Uint8Array(data as ArrayBuffer));
    for (let page = first; page <= last; page++) {
      const data = file.dirty.get(page);
      if (data !== undefined) put(page, data);
    }
    return end - position;
  }

  /** Writes to a position. The bytes are in memory until they are flushed, at the latest when Python waits or returns: isolates end
   *  more often than machines lose their power. */
  write(file: StoredFile, source: Uint8Array, position: number): void {
    for (let at = 0; at < source.length; ) {
      const place = (position + at) % PAGE;
      const length = Math.min(PAGE - place, source.length - at);
      const page = (position + at - place) / PAGE;
      this.pageOf(file, page, length === PAGE).set(source.subarray(at, at + length), place);
      at += length;
    }
    file.size = Math.max(file.size, position + source.length);
    file.mtime = Date.now();
    file.changed = true;
    if (file.dirty.size > MOST_DIRTY) this.flush(file);
    if (this.written.size === 0) queueMicrotask(() => this.flushAll());
    this.written.add(file);
  }

  private flushAll(): void {
    try {
      for (const file of this.written) this.flush(file);
    } catch (error) {
      console.error(`python: files of a Durable Object are not written yet: ${error}`);
    }
    this.written.clear();
  }

  private pageOf(file: StoredFile, page: number, replaced: boolean): Uint8Array {
    let data = file.dirty.get(page);
    if (data === undefined) {
      data = new Uint8Array(PAGE);
      if (!replaced) this.read(file, data, page * PAGE);
      file.dirty.set(page, data);
    }
    return data;
  }

  /** Changes the size at once, because a file that is cut short may be the end of a transaction. */
  resize(file: StoredFile, size: number): void {
    const kept = Math.ceil(size / PAGE);
    if (size < file.size) {
      for (const page of file.dirty.keys()) if (page >= kept) file.dirty.delete(page);
      // Bytes behind the end must be zero if the file grows again.
      if (size % PAGE > 0) this.pageOf(file, kept - 1, false).fill(0, size % PAGE);
      file.cut = Math.min(file.cut, kept);
    }
    file.size = size;
    file.mtime = Date.now();
    file.changed = true;
    this.flush(file);
  }

  /** Puts all that has been written into the storage, in one transaction. */
  flush(file: StoredFile): void {
    if (!file.changed || this.files.get(file.id) !== file) return;
    this.storage.transactionSync(() => {
      if (file.cut !== Number.POSITIVE_INFINITY)
        this.exec('DELETE FROM wsgi_edge_page WHERE file = ? AND page >= ?', file.id, file.cut);
      for (const [page, data] of file.dirty)
        this.exec('INSERT OR REPLACE INTO wsgi_edge_page VALUES (?, ?, ?)', file.id, page, data.buffer);
      const update = 'UPDATE wsgi_edge_file SET mode = ?, size = ?, mtime = ? WHERE id = ?';
      this.exec(update, file.mode, file.size, Math.floor(file.mtime), file.id);
    });
    file.dirty.clear();
    file.cut = Number.POSITIVE_INFINITY;
    file.changed = false;
  }

  /** Ends one use of an open file, and the lock of its user. */
  close(file: StoredFile, holder: object): void {
    file.streams--;
    if (file.holder === holder) file.holder = undefined;
    if (!file.unlinked) this.flush(file);
    else if (file.streams === 0) this.storage.transactionSync(() => this.remove(file.id));
  }
}
