import { WsgiError } from '../../src/errors.js';
import type { FsNode, FsStream, PyodideFs } from '../interpreter/pyodide.js';

interface Fs {
  existsSync(path: string): boolean;
  fsyncSync(descriptor: number): void;
  renameSync(from: string, to: string): void;
}
interface Database {
  exec(sql: string): void;
  close(): void;
}
interface Sqlite {
  DatabaseSync: new (path: string) => Database;
}
interface Process {
  getBuiltinModule?(name: string): unknown;
}

// The number of an error in Emscripten (WASI).
const EAGAIN = 6;

/** The type of an fcntl(2) that unlocks. */
const UNLOCK = 2;

/** Prepares an interpreter on Node for files of the machine. WebAssembly has no locks that other processes see, so a database of
 *  node:sqlite beside the file is locked for it: the system unlocks it if the process ends.
 *  @returns a function that unlocks all files
 *  @throws {WsgiError} on a platform without node:fs and node:sqlite */
export function openToFolders(FS: PyodideFs): { mount(folder: string, path: string): void; release(): void } {
  const { process } = globalThis as { process?: Process };
  const fs = process?.getBuiltinModule?.('node:fs') as Fs | undefined;
  const sqlite = process?.getBuiltinModule?.('node:sqlite') as Sqlite | undefined;
  if (fs === undefined || sqlite === undefined)
    throw new WsgiError('python: folder() needs Node 22.13 or later; on Workers use durableObject()');
  const { NODEFS } = FS.filesystems;
  const locks = createLocks(FS, sqlite);
  Object.assign(NODEFS.node_ops, {
    // Emscripten's own removes the other file first.
    rename(node: FsNode, parent: FsNode, name: string) {
      const from = NODEFS.realPath(node);
      NODEFS.tryFSOperation(() => fs.renameSync(from, `${NODEFS.realPath(parent)}/${name}`));
      node.name = name;
    },
  });
  const { close } = NODEFS.stream_ops;
  Object.assign(NODEFS.stream_ops, {
    fsync({ nfd }: FsStream) {
      NODEFS.tryFSOperation(() => fs.fsyncSync(nfd as number));
      return 0;
    },
    lock({ node }: FsStream, type: number, length: number) {
      const file = NODEFS.realPath(node);
      if (type !== UNLOCK) locks.lock(file);
      else if (length === 0) locks.unlock(file);
      return 0;
    },
    close(stream: FsStream) {
      locks.unlock(NODEFS.realPath(stream.node));
      close(stream);
    },
  });
  return {
    mount(folder, path) {
      if (!fs.existsSync(folder))
        throw new WsgiError(`python: folder(${JSON.stringify(folder)}): there is no such folder`);
      FS.mount(NODEFS, { root: folder }, path);
    },
    release: locks.release,
  };
}

function createLocks(FS: PyodideFs, { DatabaseSync }: Sqlite) {
  const held = new Map<string, Database>();
  const unlock = (file: string): void => {
    held.get(file)?.close();
    held.delete(file);
  };
  return {
    unlock,
    lock(file: string): void {
      if (held.has(file)) return;
      const database = new DatabaseSync(`${file}-lock`);
      try {
        database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
      } catch {
        database.close();
        throw new FS.ErrnoError(EAGAIN);
      }
      held.set(file, database);
    },
    release(): void {
      for (const file of [...held.keys()]) unlock(file);
    },
  };
}
