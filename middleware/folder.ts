import { WsgiError } from '../src/errors.js';
import type { FileSource } from '../src/types.js';

/** A file that may be served. */
export interface FoundFile {
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970. */
  modified: number;
  /** Opens the bytes from `first` to `last`. The gateway closes it. */
  open(first: number, last: number): Promise<FileSource>;
}

// The parts of node:fs/promises and node:path that are used. An import would make bundlers for other platforms fail.
interface Stats {
  isFile(): boolean;
  isDirectory(): boolean;
  size: number;
  mtimeMs: number;
}
interface FileHandle {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}
interface FileSystem {
  realpath(path: string): Promise<string>;
  stat(path: string): Promise<Stats>;
  open(path: string, flags: string): Promise<FileHandle>;
}
interface Paths {
  join(...parts: string[]): string;
  sep: string;
}

function builtin<T>(name: string): T {
  type Builtins = { process?: { getBuiltinModule?: (name: string) => unknown } };
  const found = (globalThis as Builtins).process?.getBuiltinModule?.(name);
  if (found === undefined)
    throw new WsgiError('staticFiles: this platform has no file system; on Workers, set an assets binding');
  return found as T;
}

/** A folder of files on Node. Finds only regular files that lie inside it once symbolic links have been followed. */
export class Folder {
  readonly #root: string;
  #real: Promise<string> | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** The file at a path of clean segments, 'folder', or undefined if there is none.
   *  @throws errors of the file system other than a missing file, such as EMFILE */
  async find(segments: string[]): Promise<FoundFile | 'folder' | undefined> {
    const fs = builtin<FileSystem>('node:fs/promises');
    const { join, sep } = builtin<Paths>('node:path');
    let root: string | undefined;
    try {
      this.#real ??= fs.realpath(this.#root);
      root = await this.#real;
      const path = await fs.realpath(join(root, ...segments));
      if (path !== root && !path.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
      const stats = await fs.stat(path);
      if (stats.isDirectory()) return 'folder';
      // A pipe or a device would block, or never end.
      if (!stats.isFile()) return undefined;
      const { size, mtimeMs } = stats;
      return { size, modified: mtimeMs, open: async (first, last) => reader(await fs.open(path, 'r'), first, last) };
    } catch (error) {
      if (root === undefined) this.#real = undefined; // the folder may be made later
      if (/^(ENOENT|ENOTDIR|EACCES|ELOOP|ENAMETOOLONG|EINVAL)$/.test((error as { code?: string }).code ?? ''))
        return undefined;
      throw error;
    }
  }
}

function reader(handle: FileHandle, first: number, last: number): FileSource {
  let at = first;
  return {
    async read(size) {
      const buffer = new Uint8Array(Math.min(size, last + 1 - at));
      if (buffer.length === 0) return null;
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      at += bytesRead;
      return buffer.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  };
}
