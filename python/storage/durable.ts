import type { FsAttributes, FsNode, FsStream, PyodideFs } from '../interpreter/pyodide.js';
import type { Store, StoredFile } from './store.js';

// Numbers of errors in Emscripten (WASI).
const [EAGAIN, EINVAL, EIO, ENOENT, ENOTEMPTY, EPERM] = [6, 28, 29, 44, 55, 63];

/** The type of an fcntl(2) that unlocks. */
const UNLOCK = 2;

const FOLDER = 0o40755;
const KIND = 0o170000;
const isFolder = (mode: number): boolean => (mode & KIND) === (FOLDER & KIND);
const isFile = (mode: number): boolean => (mode & KIND) === 0o100000;

interface StoredNode extends FsNode {
  file: StoredFile;
}
interface StoredStream extends FsStream {
  node: StoredNode;
}

/** Mounts a file system whose files are in a store.
 *  @param path  the folder for it, by which the store tells several apart
 *  @returns a function that takes the files from the interpreter, which may still run */
export function mountStore(FS: PyodideFs, store: Store, path: string): () => void {
  const holder = {};
  const streams = new Set<StoredStream>();
  let released = false;

  /** Lets an operation fail with an error number, because any other exception would end the interpreter. */
  const guarded =
    <Args extends unknown[], Result>(operation: (...args: Args) => Result) =>
    (...args: Args): Result => {
      // An interpreter that has been given up may still go on.
      if (released) throw new FS.ErrnoError(EIO);
      try {
        return operation(...args);
      } catch (error) {
        if ((error as { errno?: number }).errno !== undefined) throw error;
        console.error(`python: ${path}: ${error}`);
        throw new FS.ErrnoError(EIO);
      }
    };

  const stream_ops = guardAll(guarded, streamsOf(FS, store, holder, streams));
  const node_ops: object = guardAll(
    guarded,
    nodesOf(FS, store, (node, file) => Object.assign(node, { file, node_ops, stream_ops })),
  );
  const mount = (): StoredNode => {
    const file = store.find(0, path) ?? store.create(0, path, FOLDER);
    return Object.assign(FS.createNode(null, '/', FOLDER, 0), { file, node_ops, stream_ops }) as StoredNode;
  };
  FS.mount({ mount: guarded(mount) }, {}, path);
  return () => {
    released = true;
    for (const { node } of streams) {
      try {
        store.close(node.file, holder);
      } catch (error) {
        console.error(`python: ${path}: ${error}`);
      }
    }
  };
}

/** The operations on files and folders.
 *  @param complete  makes a node of Emscripten one of the store */
function nodesOf(FS: PyodideFs, store: Store, complete: (node: FsNode, file: StoredFile) => StoredNode) {
  let moved: FsNode | undefined;
  const nodeOf = (parent: StoredNode, name: string, file: StoredFile): StoredNode => {
    if (moved !== undefined) FS.destroyNode(moved);
    moved = undefined;
    const node = FS.createNode(parent, name, file.mode, 0);
    // Emscripten would remember the name, and not hear of changes by other interpreters.
    FS.destroyNode(node);
    return complete(node, file);
  };
  const found = (parent: StoredNode, name: string): StoredFile => {
    const file = store.find(parent.file.id, name);
    if (file === undefined) throw new FS.ErrnoError(ENOENT);
    return file;
  };
  const checkEmpty = ({ id, mode }: StoredFile): void => {
    if (isFolder(mode) && store.names(id).length > 0) throw new FS.ErrnoError(ENOTEMPTY);
  };
  return {
    getattr: ({ file }: StoredNode) => attributesOf(file),
    setattr({ file }: StoredNode, attributes: FsAttributes) {
      const { size, mode, mtime } = attributes;
      if (mode !== undefined) file.mode = mode;
      if (mtime !== undefined && mtime !== null) file.mtime = mtime;
      file.changed = true;
      if (size !== undefined) store.resize(file, size);
      else if (file.streams === 0) store.flush(file);
    },
    lookup: (parent: StoredNode, name: string) => nodeOf(parent, name, found(parent, name)),
    mknod(parent: StoredNode, name: string, mode: number) {
      if (!isFile(mode) && !isFolder(mode)) throw new FS.ErrnoError(EPERM);
      return nodeOf(parent, name, store.create(parent.file.id, name, mode));
    },
    rename(node: StoredNode, parent: StoredNode, name: string) {
      const replaced = store.find(parent.file.id, name);
      if (replaced !== undefined) checkEmpty(replaced);
      store.rename(node.file, parent.file.id, name);
      // Emscripten is about to remember it.
      moved = Object.assign(node, { name: '' });
    },
    unlink: (parent: StoredNode, name: string) => store.unlink(found(parent, name)),
    rmdir(parent: StoredNode, name: string) {
      const folder = found(parent, name);
      checkEmpty(folder);
      store.unlink(folder);
    },
    readdir: ({ file }: StoredNode) => ['.', '..', ...store.names(file.id)],
  };
}

/** The operations on open files.
 *  @param streams  the open ones */
function streamsOf(FS: PyodideFs, store: Store, holder: object, streams: Set<StoredStream>) {
  const open = (stream: StoredStream): void => {
    stream.node.file.streams++;
    streams.add(stream);
  };
  return {
    open,
    dup: open,
    close(stream: StoredStream) {
      streams.delete(stream);
      store.close(stream.node.file, holder);
    },
    read: ({ node: { file } }: StoredStream, buffer: Int8Array, offset: number, length: number, position: number) =>
      store.read(file, bytesIn(buffer, offset, length), position),
    write({ node: { file } }: StoredStream, buffer: Int8Array, offset: number, length: number, position: number) {
      store.write(file, bytesIn(buffer, offset, length), position);
      return length;
    },
    llseek({ node: { file }, position }: StoredStream, offset: number, whence: number) {
      const place = offset + (whence === 1 ? position : whence === 2 ? file.size : 0);
      if (place < 0) throw new FS.ErrnoError(EINVAL);
      return place;
    },
    fsync({ node: { file } }: StoredStream) {
      store.flush(file);
      return 0;
    },
    /** Memory that is a copy of the file. SQLite's WAL has it in common with other processes, which its locks then keep out. */
    mmap({ node: { file } }: StoredStream, length: number, position: number, protection: number, flags: number) {
      const contents = new Uint8Array(length);
      store.read(file, contents, position);
      const copy = { node: { mode: file.mode, contents }, position: 0 } as unknown as FsStream;
      return FS.filesystems.MEMFS.stream_ops.mmap(copy, length, 0, protection, flags);
    },
    msync({ node: { file } }: StoredStream, buffer: Uint8Array<ArrayBuffer>, offset: number, length: number) {
      store.write(file, buffer.subarray(0, length), offset);
      return 0;
    },
    /** Locks the whole file for one interpreter. SQLite itself tells the connections of one interpreter apart. */
    lock({ node: { file } }: StoredStream, type: number, length: number) {
      if (type !== UNLOCK) {
        file.holder ??= holder;
        if (file.holder !== holder) throw new FS.ErrnoError(EAGAIN);
      } else if (length === 0 && file.holder === holder) file.holder = undefined;
      return 0;
    },
  };
}

const bytesIn = ({ buffer, byteOffset }: Int8Array, offset: number, length: number): Uint8Array =>
  new Uint8Array(buffer, byteOffset + offset, length);

function attributesOf({ id, mode, size, mtime }: StoredFile): Record<string, unknown> {
  const time = new Date(mtime);
  return {
    dev: 2,
    ino: id,
    mode,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    size,
    atime: time,
    mtime: time,
    ctime: time,
    blksize: 4096,
    blocks: Math.ceil(size / 4096),
  };
}

type Operations = Record<string, (...args: never[]) => unknown>;

const guardAll = <Ops extends Operations>(
  guard: (operation: (...args: unknown[]) => unknown) => unknown,
  operations: Ops,
): Ops => Object.fromEntries(Object.entries(operations).map(([name, each]) => [name, guard(each as never)])) as Ops;
