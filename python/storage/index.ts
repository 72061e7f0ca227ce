import { WsgiError } from '../../src/errors.js';
import type { PyodideFs } from '../interpreter/pyodide.js';
import { mountStore } from './durable.js';
import { openToFolders } from './folder.js';
import { type SqlStorage, Store } from './store.js';

export type { SqlStorage } from './store.js';

/** Files that outlive an interpreter. */
export type Files = FolderFiles | DurableFiles;

interface FolderFiles {
  /** The path of a folder of the machine. */
  readonly folder: string;
}

class DurableFiles {
  /** The only object whose requests may see the files. */
  readonly #storage: SqlStorage;
  #store: Store | undefined;

  constructor(storage: SqlStorage) {
    this.#storage = storage;
  }

  static owner(files: DurableFiles): object {
    return files.#storage;
  }

  static mount(files: DurableFiles, FS: PyodideFs, path: string): () => void {
    files.#store ??= new Store(files.#storage);
    return mountStore(FS, files.#store, path);
  }
}

const durable = new WeakMap<SqlStorage, DurableFiles>();

/** Keeps files in the SQL storage of a Durable Object, for the option `files` of `fromPython`. Pages of 4096 bytes are read when
 *  they are needed, and written at `fsync` and `close`, in one transaction. A database of SQLite is such a file, and its commit
 *  is an fsync. The tables are called `wsgi_edge_file` and `wsgi_edge_page`.
 *  @param storage  `ctx.storage` of an object whose class is in `new_sqlite_classes`
 *  @throws {WsgiError} when the object has no SQL storage
 *  @see https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/
 *  @example
 *  ```ts
 *  import { toCloudflareHandler } from 'wsgi-edge/cloudflare';
 *  import { durableObject, fromPython, type PythonAssets, type SqlStorage } from 'wsgi-edge/python';
 *
 *  // In the constructor of a Durable Object: this.site = siteOf(assets, this.ctx.storage).
 *  export const siteOf = (assets: PythonAssets, storage: SqlStorage) =>
 *    toCloudflareHandler(fromPython(assets, { files: { '/data': durableObject(storage) } }));
 *  ``` */
export function durableObject(storage: SqlStorage): Files {
  let files = durable.get(storage);
  if (files === undefined) {
    if (!hasSql(storage))
      throw new WsgiError(
        'python: durableObject() needs the ctx.storage of a Durable Object whose class is in new_sqlite_classes',
      );
    files = new DurableFiles(storage);
    durable.set(storage, files);
  }
  return files;
}

function hasSql(storage: SqlStorage): boolean {
  try {
    return typeof storage?.sql?.exec === 'function';
  } catch {
    return false; // workerd throws if the class has no SQL storage
  }
}

/** Keeps files in a folder of the machine, for the option `files` of `fromPython`, on Node and on Lambda (EFS). Interpreters and
 *  processes that write to the same database of SQLite wait for one another; a file `NAME-lock` beside it shows that.
 *  @param path  of an existing folder
 *  @throws {WsgiError} when the path is not absolute
 *  @example
 *  ```ts
 *  import { folder, fromPython, type PythonAssets } from 'wsgi-edge/python';
 *
 *  export const siteOf = (assets: PythonAssets) => fromPython(assets, { files: { '/data': folder('/mnt/efs') } });
 *  ``` */
export function folder(path: string): Files {
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw new WsgiError(`python: folder() needs an absolute path, not ${JSON.stringify(path)}`);
  return { folder: path };
}

/** The object that files belong to: an interpreter that has them serves no other. Undefined if they belong to the machine.
 *  @throws {WsgiError} when they belong to several objects, and on paths that can't be mounted */
export function ownerOf(files: Record<string, Files>): object | undefined {
  const owners = new Set<object>();
  for (const [path, each] of Object.entries(files)) {
    if (!/^(\/[^/]+)+$/.test(path) || /\/\.\.?(\/|$)/.test(path))
      throw new WsgiError(`python: files needs absolute paths such as "/data", not ${JSON.stringify(path)}`);
    if (each instanceof DurableFiles) owners.add(DurableFiles.owner(each));
    else if (typeof each?.folder !== 'string')
      throw new WsgiError(`python: files: ${path} must be the result of folder() or durableObject()`);
  }
  if (owners.size > 1) throw new WsgiError('python: files of two Durable Objects can not be in one interpreter');
  return [...owners][0];
}

/** Mounts files in an interpreter.
 *  @returns a function to call when the interpreter has ended, or must no longer reach the files
 *  @throws {WsgiError} when a path exists already, or the platform can't mount its files */
export function mountFiles(FS: PyodideFs, files: Record<string, Files>): () => void {
  const releases: Array<() => void> = [];
  let folders: ReturnType<typeof openToFolders> | undefined;
  for (const [path, each] of Object.entries(files)) {
    if (FS.analyzePath(path).exists)
      throw new WsgiError(`python: files: the interpreter has ${path} already; use another path`);
    FS.mkdirTree(path);
    if (each instanceof DurableFiles) releases.push(DurableFiles.mount(each, FS, path));
    else {
      folders ??= openToFolders(FS);
      folders.mount(each.folder, path);
    }
  }
  return () => {
    for (const release of releases) release();
    folders?.release();
  };
}
