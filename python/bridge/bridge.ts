import type { Application, Body, Environ, StartResponse } from '../../src/types.js';
import type { Booted } from '../interpreter/boot.js';
import type { PyFunction, PyMemory, PyModule, PyodidePublic } from '../interpreter/pyodide.js';
import { createCalls, type Exchange, printRest } from './calls.js';
import { chunksOf } from './chunks.js';
import { createEntrance, type Entrance } from './entrance.js';
import { createForeigners, type Foreigners } from './foreign.js';
import { deriveKey } from './kdf.js';
import { createTextBuffer, pack, unpack } from './pack.js';
import { checked, errorOf } from './python-error.js';
import {
  BRIDGE_FUNCTIONS,
  FAILED,
  FOREIGN_FUNCTIONS,
  type Gateway,
  NUL,
  type PythonInput,
  STRING_BUFFER,
  type Started,
  WARM_UP,
} from './wire.js';

/** One interpreter, as the gateway talks to it. */
export interface Bridge {
  /** Whether Python can wait for promises (JSPI). */
  readonly promising: boolean;
  /** @throws {PythonError} when the application can't be imported */
  load(application: string): Promise<void>;
  /** Calls the factory "module:name" with an application of TypeScript, and keeps its result under the number `key`.
   *  @throws {PythonError} when the factory can't be imported, or raises */
  loadMiddleware(factory: string, key: number, app: Application): Promise<void>;
  /** Serves a made-up request with an application that has no effect, so that the runtime has compiled the functions of the
   *  interpreter when the first request arrives. */
  warmUp(): Promise<void>;
  setEnvironment(env: Record<string, string>): void;
  reseed(): void;
  /** Calls an application.
   *  @param release  called once, when the request no longer runs anything in Python */
  serve(
    application: string | number,
    environ: Environ,
    startResponse: StartResponse,
    input: PythonInput,
    release: () => void,
  ): Promise<Body>;
}

type Half = Record<(typeof BRIDGE_FUNCTIONS)[number], PyFunction>;

/** Connects the two halves of the gateway.
 *  @param loadedBefore  the applications that a snapshot has brought
 *  @param jspi  false: Python is entered so that it can't wait for promises, which is cheaper
 *  @param onFatal  called when the interpreter is lost, after which nothing of it may be used */
export function createBridge(
  { python, module, api }: Booted,
  loadedBefore: string[],
  jspi: boolean,
  onFatal: (error: unknown) => void,
): Bridge {
  const promising = jspi && module.jspiSupported;
  const entrance = createEntrance(api, promising, onFatal);
  const half = functionsOf(python.pyimport('wsgi_edge.bridge'), BRIDGE_FUNCTIONS);
  const foreigners = connectForeigners(python, entrance, promising);
  const exchanges = new Map<number, Exchange>();
  const memory = half.connect_buffer(STRING_BUFFER) as PyMemory;
  const toBuffer = createTextBuffer(module, memory.getBuffer().data.byteOffset);

  const bridge: Bridge = {
    promising,
    ...createLoader(half, entrance, foreigners, loadedBefore),
    warmUp: () => warmUp(python, bridge),
    setEnvironment(env) {
      const items = Object.entries(env);
      if (items.length > 0) half.set_environment(items.flat().join(NUL));
    },
    reseed: () => void half.reseed(),
    serve: createServe(half, entrance, exchanges, toBuffer, promising),
  };
  const gateway: Gateway = {
    ...createCalls(exchanges, promising),
    kdf: deriveKey,
    call: (key, call, request, packed, names, ...values) =>
      foreigners.call(key, call, unpack(bridge, exchanges.get(request)?.environ, packed, names, values)),
    step: foreigners.step,
    end: foreigners.end,
  };
  half.connect(Object.keys(gateway).join(NUL), ...Object.values(gateway));
  return bridge;
}

/** Looks functions of a module up once, because each look-up is a call into Python. */
const functionsOf = <Name extends string>(module: PyModule, names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, module[name]])) as Record<Name, PyFunction>;

function connectForeigners(python: PyodidePublic, { enter }: Entrance, promising: boolean): Foreigners {
  const foreign = functionsOf(python.pyimport('wsgi_edge.foreign'), FOREIGN_FUNCTIONS);
  return createForeigners({
    promising,
    start: (call, packed, excText) => checked(foreign.start(call, packed, excText)) as true | undefined,
    write: async (call, data) => void checked(await enter(foreign.write, call, data)),
    read: async (call, size) => checked(await enter(foreign.read, call, size)) as Uint8Array,
    log: (call, text) => void checked(foreign.log(call, text)),
  });
}

function createLoader(
  half: Half,
  { enter }: Entrance,
  foreigners: Foreigners,
  loadedBefore: string[],
): Pick<Bridge, 'load' | 'loadMiddleware'> {
  const loaded = new Set<string | number>(loadedBefore);
  return {
    async load(application) {
      if (loaded.has(application)) return;
      checked(await enter(half.load, application));
      loaded.add(application);
    },
    async loadMiddleware(factory, key, app) {
      if (loaded.has(key)) return;
      foreigners.add(key, app);
      checked(await enter(half.load_middleware, factory, key));
      loaded.add(key);
    },
  };
}

function createServe(
  half: Half,
  { enter, enterNow, isLost }: Entrance,
  exchanges: Map<number, Exchange>,
  toBuffer: (text: string) => number | string,
  promising: boolean,
): Bridge['serve'] {
  let last = 0;
  return async (application, environ, startResponse, input, release) => {
    const request = ++last;
    const exchange: Exchange = { environ, startResponse, write: undefined, pull: undefined, printed: '' };
    exchanges.set(request, exchange);
    const end = () => {
      exchanges.delete(request);
      release();
      printRest(exchange);
    };
    const close = async (): Promise<void> => {
      try {
        const answer = isLost() ? undefined : enter(half.close, request);
        checked(promising ? await answer : answer);
      } finally {
        end();
      }
    };
    let open = false;
    try {
      const { packed, names, values } = pack(environ);
      // The text buffer is shared by all requests, so nothing may run between this line and Python's own copy of the text.
      const entered = enterNow(half.start, request, application, toBuffer(packed), input, names, ...values);
      const started = (promising ? await entered : entered) as Uint8Array | Started;
      if (started instanceof Uint8Array) return [started];
      if (started[0] === FAILED) throw errorOf(started);
      open = true;
      return chunksOf(started, () => enter(half.next_chunk, request), close, promising);
    } finally {
      if (!open) end();
    }
  };
}

async function warmUp(python: PyodidePublic, bridge: Bridge): Promise<void> {
  python.pyimport('wsgi_edge.warm');
  const environ = {
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '',
    PATH_INFO: '/item/7',
    QUERY_STRING: 'a=1&b=%20',
    HTTP_HOST: 'localhost:80',
    HTTP_ACCEPT: '*/*',
    HTTP_COOKIE: 'a="1"; b=2',
  } as unknown as Environ;
  const startResponse = () => async () => {};
  const body = await bridge.serve(WARM_UP, environ, startResponse, undefined, () => {});
  for await (const _ of body as AsyncIterable<Uint8Array>);
  await body.close?.();
}
