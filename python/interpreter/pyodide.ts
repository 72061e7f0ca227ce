// The private and public parts of Pyodide that this package uses.

export type PyodideFactory = (settings: Record<string, unknown>) => Promise<PyodideModule>;

/** Pyodide's record of the JavaScript values that a snapshot refers to. */
export type HiwireConfig = unknown;

export interface PyodideModule {
  HEAP8: Int8Array;
  HEAPU8: Uint8Array;
  HEAP16: Int16Array;
  HEAP32: Int32Array;
  HEAPU32: Uint32Array;
  ENV: Record<string, string>;
  FS: PyodideFs;
  SOCKFS: PyodideSockets;
  DNS: PyodideNames;
  API: PyodideApi;
  wasmTable: WebAssembly.Table;
  jspiSupported: boolean;
  /** Belongs to the call that is running (builder/trim.ts). */
  turn?: { request: number | undefined; interrupted: boolean } | undefined;
  /** Belongs to the next call that can wait for promises (builder/trim.ts). */
  nextTurn?: { wait<T>(promise: PromiseLike<T>): Promise<T> } | undefined;
  /** Calls a function of Python for a timer of its event loop. */
  callPyObjectMaybePromising(...args: unknown[]): Promise<unknown>;
  _Py_Version: number;
  growMemory(bytes: number): void;
  stackSave(): number;
  _emscripten_stack_get_base(): number;
  _emscripten_stack_get_end(): number;
  _emscripten_stack_set_limits(base: number, end: number): void;
}

export interface PyodideFs {
  mkdirTree(path: string): void;
  chdir(path: string): void;
  lookupPath(path: string): { node: FsNode };
  createDevice: { major: number };
  analyzePath(path: string): { exists: boolean };
  mount(type: FsType, options: Record<string, unknown>, path: string): FsNode;
  createNode(parent: FsNode | null, name: string, mode: number, device: number): FsNode;
  destroyNode(node: FsNode): void;
  /** An error of a system call, by the number that WASI gives it. */
  ErrnoError: new (
    errno: number | undefined,
  ) => Error & { errno: number };
  createStream(stream: Omit<PyodideStream, 'fd'>): PyodideStream;
  closeStream(fd: number): void;
  filesystems: { NODEFS: NodeFiles; MEMFS: { stream_ops: { mmap: MapFile } } };
}

/** A file system of Emscripten. */
export interface FsType {
  mount(mount: { opts: Record<string, unknown> }): FsNode;
}

type MapFile = (stream: FsStream, length: number, position: number, protection: number, flags: number) => unknown;

/** Emscripten's file system over node:fs. */
export interface NodeFiles extends FsType {
  node_ops: {
    rename(node: FsNode, parent: FsNode, name: string): void;
  };
  stream_ops: { close(stream: FsStream): void };
  realPath(node: FsNode): string;
  tryFSOperation<T>(operation: () => T): T;
}

/** An open file. */
export interface FsStream {
  node: FsNode;
  position: number;
  /** The descriptor of Node. */
  nfd?: number;
}

/** An open file or socket. */
export interface PyodideStream {
  fd: number;
  path: string;
  node: FsNode;
  flags: number;
  seekable: boolean;
  stream_ops: object;
}

/** Emscripten's sockets. Pyodide has added pollAsync. */
export interface PyodideSockets {
  root: FsNode | null;
  getSocket(fd: number): unknown;
  createSocket(family: number, type: number, protocol: number): unknown;
  pollAsync?(fds: number, count: number, ms: number): Promise<number> | null;
}

/** Emscripten's names of hosts. */
export interface PyodideNames {
  lookup_name(name: string): string;
  lookup_addr(address: string): string | null;
}

/** The fields of stat(2) that can be changed. */
export interface FsAttributes {
  mode?: number;
  /** Bytes. */
  size?: number;
  /** Milliseconds since 1970. */
  mtime?: number | null;
}

export interface FsNode {
  name: string;
  node_ops: { mknod(parent: FsNode, name: string, mode: number, device: number): FsNode };
  stream_ops: object;
  contents: Uint8Array;
  usedBytes: number;
  /** Milliseconds since 1970. */
  atime: number;
  mtime: number;
  ctime: number;
  sock?: unknown;
}

export interface PyodideApi {
  version: string;
  config: Record<string, unknown>;
  runtimeEnv: Record<string, boolean>;
  sitePackages: string;
  pyVersionTuple: number[];
  _pyodide: { set_excepthook(): void };
  /** Ends the capture that capture_stderr began, and returns the captured text. */
  restore_stderr(): string;
  on_fatal?: (error: unknown) => void;
  finalizeBootstrap(snapshot?: HiwireConfig): PyodidePublic;
  initializeStreams(stdin: undefined, stdout: (line: string) => void, stderr: (line: string) => void): void;
  serializeHiwireState(): HiwireConfig;
}

export interface PyodidePublic {
  runPython(code: string): unknown;
  pyimport(name: string): PyModule;
}

/** A function of Python. */
export interface PyFunction {
  (...args: unknown[]): unknown;
  /** Calls it so that it can wait for promises (JSPI). */
  callPromising(...args: unknown[]): Promise<unknown>;
}

/** A bytearray of Python. */
export interface PyMemory {
  getBuffer(): { data: Uint8Array };
}

/** A future of Python, which is kept until it is destroyed. */
export interface PyFuture extends PromiseLike<unknown> {
  destroy(): void;
}

export type PyModule = Record<string, PyFunction>;
