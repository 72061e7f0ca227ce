import { WsgiError } from '../../src/errors.js';
import {
  type AssetData,
  bytesOf,
  FORMAT,
  PYODIDE_VERSION,
  type PythonAssets,
  type Sample,
  type SnapshotManifest,
  sampleOfData,
  signOf,
} from './assets.js';
import { inflate } from './inflate.js';
import type {
  FsNode,
  HiwireConfig,
  PyodideApi,
  PyodideFs,
  PyodideModule,
  PyodidePublic,
  PyodideStream,
} from './pyodide.js';
import { restoreSnapshot } from './snapshot.js';
import { provideModules } from './wasm-helpers.js';
import { readZip } from './zip.js';

/** A started interpreter. */
export interface Booted {
  python: PyodidePublic;
  module: PyodideModule;
  api: PyodideApi;
  /** Entries that the function table had before anything was imported. */
  table: number;
}

/** The size of C's stack in bytes; near its end CPython raises RecursionError. Recursion takes about as much of the native
 *  stack, which has 984 KB in Node and in workerd (builder/frames.ts). */
const STACK = 700_000;

const HOME = '/home/pyodide';
const RUNTIMES = [
  'IN_BROWSER',
  'IN_BROWSER_MAIN_THREAD',
  'IN_BROWSER_WEB_WORKER',
  'IN_BUN',
  'IN_DENO',
  'IN_NODE',
  'IN_NODE_COMMONJS',
  'IN_NODE_ESM',
  'IN_SAFARI',
  'IN_SHELL',
  'IN_WORKERD',
];

interface Globals {
  process?: { versions?: { node?: string } };
  navigator?: { userAgent?: string };
}

// workerd has a process with nodejs_compat, although it is not Node.
export function inNode(): boolean {
  const { process, navigator } = globalThis as Globals;
  return process?.versions?.node !== undefined && !navigator?.userAgent?.includes('Cloudflare-Workers');
}

/** Starts CPython on Pyodide's pyodide.asm.mjs, in the same way in workerd and in Node. Pyodide's own loader is not used,
 *  because it compiles and fetches at run time. A snapshot is written over the memory of the fresh interpreter.
 *  @param forSnapshot  starts an interpreter that a snapshot can be taken of
 *  @throws {WsgiError} when the assets do not fit this package or one another */
export async function bootPython(assets: PythonAssets, forSnapshot = false): Promise<Booted> {
  checkAssets(assets);
  const { snapshot } = assets.manifest;
  const config = configOf(assets, forSnapshot);
  const { module, pristine } = await instantiate(assets, config, snapshot !== undefined);
  const { API: api, wasmTable } = module;
  const table = wasmTable.length;
  if (api.version !== PYODIDE_VERSION)
    throw new WsgiError(
      `python: pyodide.asm.mjs is of Pyodide ${api.version}, not ${PYODIDE_VERSION}: deploy the files of one build together`,
    );
  if (snapshot !== undefined) restore(module, pristine, snapshot, assets);
  const python = api.finalizeBootstrap(snapshot?.config);
  if (snapshot === undefined) {
    // This import comes first, so that later ones find the threading.local that belongs to the request.
    const locals = assets.manifest.concurrent ? 'green' : 'threads';
    python.runPython(`import sys; sys.path[:0] = ['/app', '/packages']; import wsgi_edge.${locals}`);
    api._pyodide.set_excepthook();
  }
  api.initializeStreams(undefined, SETTINGS.print, SETTINGS.printErr);
  reuseDevice(module, api);
  return { python, module, api, table };
}

function restore(module: PyodideModule, pristine: Sample, snapshot: SnapshotManifest, assets: PythonAssets): void {
  if (module.wasmTable.length !== snapshot.table)
    throw new WsgiError(
      `python: the snapshot was taken with a function table of ${snapshot.table} entries, and this one has ${module.wasmTable.length}: pyodide.asm.wasm, pyodide.asm.mjs or the helpers are not those of the build`,
    );
  if (snapshot.added > 0) module.wasmTable.grow(snapshot.added);
  if (pristine.bytes !== snapshot.data.bytes || pristine.hash !== snapshot.data.hash)
    throw notOfTheBuild('pyodide.asm.wasm', pristine, snapshot.data);
  if (module.HEAP8.length < snapshot.size) module.growMemory(snapshot.size);
  if (module.HEAP8.length < snapshot.size)
    throw new WsgiError(
      `python: there is no room for the ${snapshot.size} bytes of the snapshot: give the process more memory, or import less in the application`,
    );
  restoreSnapshot(module.HEAPU8, snapshot, assets.snapshot as AssetData, assets.unpack);
}

// Pyodide makes a device for each exception that goes from Python to JavaScript, and keeps all of them. Each new device gets
// the number of the last one, which it replaces.
function reuseDevice({ FS }: PyodideModule, api: PyodideApi): void {
  const { restore_stderr } = api;
  api.restore_stderr = () => {
    const text = restore_stderr();
    FS.createDevice.major--;
    return text;
  };
}

/** Returns a fresh memory as `bootPython` finds it, before the constructors of the module run (pristine) and after (fresh). */
export async function freshMemory(assets: PythonAssets): Promise<{ pristine: Uint8Array; fresh: Uint8Array }> {
  const pages: Uint8Array[] = [];
  const { module } = await instantiate(assets, configOf(assets, false), true, (memory) => pages.push(memory.slice()));
  return { pristine: pages[0] as Uint8Array, fresh: module.HEAPU8.slice() };
}

/** Copies the state of an interpreter for a snapshot. */
export function takeSnapshot({ module, api, table }: Booted): {
  heap: Uint8Array;
  config: HiwireConfig;
  table: number;
  added: number;
} {
  const config = api.serializeHiwireState();
  return { heap: module.HEAPU8.slice(), config, table, added: module.wasmTable.length - table };
}

function configOf({ manifest }: PythonAssets, forSnapshot: boolean): Record<string, unknown> {
  return {
    jsglobals: globalThis,
    // A snapshot freezes the seed of hashes, so it is fixed everywhere: dictionaries get the same layout.
    env: { HOME, PYTHONINSPECT: '1', PYTHONHASHSEED: '0', ...manifest.env },
    args: [],
    packages: [],
    indexURL: '',
    packageCacheDir: '',
    cdnUrl: '',
    lockFileURL: '',
    enableRunUntilComplete: true,
    BUILD_ID: '0'.repeat(64),
    _makeSnapshot: forSnapshot,
  };
}

async function instantiate(
  assets: PythonAssets,
  config: Record<string, unknown>,
  noInitialRun: boolean,
  onMemory?: (memory: Uint8Array) => void,
): Promise<{ module: PyodideModule; pristine: Sample }> {
  const node = inNode();
  const api = { config, runtimeEnv: runtimeOf(node) } as unknown as PyodideApi;
  let pristine: Sample = { bytes: 0, hash: '' };
  // Emscripten can't be told of an error in its callbacks: it would never stop waiting.
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  failed.catch(() => {});

  const settings = {
    ...SETTINGS,
    API: api,
    extensions: Object.fromEntries((assets.extensions ?? []).map(([path, extension]) => [`/${path}`, extension])),
    unlinked: (cause: Error) =>
      fail(new WsgiError(`python: an extension module can not be linked: ${cause.message}`, { cause })),
    noInitialRun,
    preRun: [
      (module: PyodideModule) => {
        try {
          mountFiles(module, api, assets, config.env as Record<string, string>);
        } catch (error) {
          fail(error);
        }
      },
    ],
    onRuntimeInitialized(this: PyodideModule) {
      const base = this._emscripten_stack_get_base();
      this._emscripten_stack_set_limits(base, base - STACK);
    },
    instantiateWasm(imports: WebAssembly.Imports, done: WasmDone) {
      const start = async () => {
        const { wasm, instance } = await linkWasm(assets, imports);
        const memory = new Uint8Array((instance.exports.memory as WebAssembly.Memory).buffer);
        pristine = sampleOfData(memory);
        onMemory?.(memory);
        done(instance, wasm);
      };
      start().catch(fail);
      return {};
    },
  };

  const restoreModule = provideModules(assets.helpers);
  try {
    const create = () => assets.createPyodideModule(settings);
    return { module: await Promise.race([node ? create() : withoutNode(create), failed]), pristine };
  } finally {
    restoreModule();
  }
}

type WasmDone = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void;

const SETTINGS = {
  arguments: [],
  print: (line: string) => console.log(line),
  printErr: (line: string) => console.error(line),
  // Emscripten's default in Node is the path of the script, which a snapshot would carry from the build machine.
  thisProgram: './this.program',
  noImageDecoding: true,
  noAudioDecoding: true,
  noWasmDecoding: false,
  locateFile: (path: string) => path,
};

function runtimeOf(node: boolean): Record<string, boolean> {
  const runtime = Object.fromEntries(RUNTIMES.map((name) => [name, false]));
  for (const name of node ? ['IN_NODE', 'IN_NODE_ESM'] : ['IN_BROWSER', 'IN_WORKERD']) runtime[name] = true;
  return runtime;
}

async function linkWasm(
  assets: PythonAssets,
  imports: WebAssembly.Imports,
): Promise<{ wasm: WebAssembly.Module; instance: WebAssembly.Instance }> {
  const { exports } = new WebAssembly.Instance(assets.jsverror as WebAssembly.Module, {});
  Object.assign(imports.env as object, {
    Jsv_GetError_import: exports.Jsv_GetError_import,
    JsvError_Check: exports.JsvError_Check,
  });
  const wasm = (await assets.wasm) as WebAssembly.Module;
  return { wasm, instance: await WebAssembly.instantiate(wasm, imports) };
}

// Emscripten detects the runtime while its factory starts. workerd must look like a bare browser, with nodejs_compat too.
function withoutNode<T>(task: () => T): T {
  const hidden = ['process', 'addEventListener'].flatMap((name) =>
    name in globalThis ? [[name, Object.getOwnPropertyDescriptor(globalThis, name)] as const] : [],
  );
  for (const [name] of hidden)
    Object.defineProperty(globalThis, name, { value: undefined, configurable: true, writable: true });
  try {
    return task();
  } finally {
    for (const [name, own] of hidden) {
      if (own === undefined) delete (globalThis as Record<string, unknown>)[name];
      else Object.defineProperty(globalThis, name, own);
    }
  }
}

function mountFiles(module: PyodideModule, api: PyodideApi, assets: PythonAssets, env: Record<string, string>): void {
  const { FS } = module;
  const version = module.HEAPU32[module._Py_Version >>> 2] ?? 0;
  const [major, minor, micro] = [version >>> 24, (version >>> 16) & 255, (version >>> 8) & 255];
  const lib = `/lib/python${major}.${minor}`;
  api.pyVersionTuple = [major, minor, micro];
  api.sitePackages = `${lib}/site-packages`;
  for (const folder of [api.sitePackages, `${lib}/lib-dynload`, HOME, '/app', '/packages']) FS.mkdirTree(folder);
  FS.chdir(HOME);
  Object.assign(module.ENV, env);
  const { stdlib } = assets;
  const files = placer(FS);
  files(`lib/python${major}${minor}.zip`, stdlib.byteLength, () => bytesOf(stdlib, 0, stdlib.byteLength));
  for (const { name, method, length, modified, read } of readZip(assets.site))
    files(name, length, method === 8 ? () => inflate(read(), length) : read, modified);
  for (const [path, size, modified] of assets.manifest.outside ?? []) {
    const node = files(path, size, () => new Uint8Array(), modified);
    node.stream_ops = { ...node.stream_ops, open: refuseToOpen(FS, path) };
  }
}

const FILE = 0o100644;
const EIO = 29; // Emscripten has the numbers of WASI

/** Refuses to open a static file that the assets do not have. A missing file would be a 404 without a reason. */
const refuseToOpen =
  (FS: PyodideFs, path: string) =>
  ({ fd }: PyodideStream): never => {
    FS.closeStream(fd);
    console.error(
      `python: /${path} is not in the assets, because build-python --static left it to the platform: let the platform serve the folder public, or ship the file with --include ${path.replace(/^app\//, '')}`,
    );
    throw new FS.ErrnoError(EIO);
  };

/** Puts files into the file system. Their contents are read at their first use: most are never opened, because the snapshot
 *  already holds the modules. */
function placer(FS: PyodideFs): (path: string, size: number, read: () => Uint8Array, modified?: number) => FsNode {
  const folders = new Map<string, FsNode>();
  const folderOf = (path: string): FsNode => {
    let node = folders.get(path);
    if (node === undefined) {
      FS.mkdirTree(path);
      node = FS.lookupPath(path).node;
      folders.set(path, node);
    }
    return node;
  };
  return (path, size, read, modified) => {
    const cut = path.lastIndexOf('/');
    const folder = folderOf(`/${path.slice(0, cut)}`);
    const node = folder.node_ops.mknod(folder, path.slice(cut + 1), FILE, 0);
    node.usedBytes = size;
    // Otherwise it would be the time of the start, which is 1970 on Workers: validators of static files are made of it.
    if (modified !== undefined) node.atime = node.mtime = node.ctime = modified;
    const set = (value: Uint8Array) => Object.defineProperty(node, 'contents', { value, writable: true });
    const get = () => {
      const contents = read();
      set(contents);
      return contents;
    };
    Object.defineProperty(node, 'contents', { configurable: true, get, set });
    return node;
  };
}

function checkAssets(assets: PythonAssets): void {
  const { manifest } = assets;
  if (manifest?.format !== FORMAT)
    throw new WsgiError(
      `python: these assets have the format ${manifest?.format}, and this version of wsgi-edge reads ${FORMAT}: run wsgi-edge build-python again`,
    );
  if (manifest.pyodide !== PYODIDE_VERSION)
    throw new WsgiError(
      `python: these assets are for Pyodide ${manifest.pyodide}, and this version of wsgi-edge knows ${PYODIDE_VERSION}: run wsgi-edge build-python again`,
    );
  for (const name of ['stdlib', 'site', 'snapshot'] as const) {
    const built = manifest.files[name];
    const data = assets[name];
    if (built === undefined) continue;
    if (data === undefined) throw new WsgiError(`python: the assets have no ${name}: deploy all files of the build`);
    if (data.byteLength === 0)
      throw new WsgiError(
        `python: the ${name} has been freed (option freeSnapshot): the interpreter can't start again`,
      );
    const is = signOf(data);
    if (is.bytes !== built.bytes || is.end !== built.end) throw notOfTheBuild(`the ${name}`, is, built);
  }
}

const notOfTheBuild = (what: string, is: object, built: object): WsgiError =>
  new WsgiError(
    `python: ${what} is not that of the build (it has ${JSON.stringify(is)}, and had ${JSON.stringify(built)}): deploy the files of one build together`,
  );
