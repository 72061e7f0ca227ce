import type { WsgiError } from '../../src/errors.js';
import type { Application, Environ } from '../../src/types.js';
import type { PythonManifest } from '../interpreter/assets.js';
import type { Booted } from '../interpreter/boot.js';
import type { PyFunction, PyMemory, PyModule, PyodideModule, PyodidePublic } from '../interpreter/pyodide.js';
import type { Open } from '../sockets/connection.js';
import { connectSockets } from '../sockets/python.js';
import { Turn } from '../turn.js';
import { createCalls, type Exchange, printRest } from './calls.js';
import { createEntrance, type Entrance } from './entrance.js';
import { createForeigners, type Foreigners } from './foreign.js';
import { deriveKey } from './kdf.js';
import { createTextBuffer, pack, unpack } from './pack.js';
import { checked } from './python-error.js';
import {
  BRIDGE_FUNCTIONS,
  FOREIGN_FUNCTIONS,
  type Gateway,
  NUL,
  STRING_BUFFER,
  type Started,
  WARM_UP,
} from './wire.js';

/** One interpreter, as the gateway talks to it. */
export interface Bridge {
  /** True if Python can wait for promises (JSPI). */
  readonly promising: boolean;
  /** True if `start`, `next` and `close` return promises of their answers. */
  readonly asynchronous: boolean;
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
  /** The size of its memory in bytes. */
  memory(): number;
  /** Begins a request, and returns its number. */
  open(exchange: Exchange): number;
  /** Calls the application of a request. */
  start(
    request: number,
    application: string | number,
    turn: Turn,
  ): Uint8Array | Started | Promise<Uint8Array | Started>;
  /** Gives the next chunk of its body, undefined at the end, or a failure. */
  next(request: number, turn: Turn | undefined): unknown;
  /** Ends its body. Gives undefined or a failure. */
  close(request: number, turn: Turn | undefined): unknown;
  /** Ends a request. */
  end(request: number): void;
  /** Gives a call up that does not end. Returns whether the interpreter is ended by it. */
  abandon(): boolean;
  /** Ends the interpreter, in which no request is any more, or which is lost. It no longer reaches its files. */
  stop(): void;
}

type Half = Record<(typeof BRIDGE_FUNCTIONS)[number], PyFunction>;

/** Connects the two halves of the gateway.
 *  @param jspi  false: Python is entered so that it can't wait for promises, which is cheaper
 *  @param open  opens connections for Python's sockets; undefined if it has none
 *  @param onFatal  called when the interpreter is lost, after which nothing of it may be used */
export function createBridge(
  booted: Booted,
  { snapshot }: PythonManifest,
  jspi: boolean,
  open: Open | undefined,
  onFatal: (error: WsgiError) => void,
): Bridge {
  const { python, module, api } = booted;
  const promising = jspi && module.jspiSupported;
  const closeSockets = connectSockets(booted, promising ? open : undefined);
  const entrance = createEntrance(module, api, promising, (error) => {
    closeSockets();
    onFatal(error);
  });
  const half = functionsOf(python.pyimport('wsgi_edge.bridge'), BRIDGE_FUNCTIONS);
  const foreigners = connectForeigners(python, entrance, promising);
  const exchanges = new Map<number, Exchange>();

  const bridge: Bridge = {
    promising,
    asynchronous: promising,
    ...createLoader(half, entrance, foreigners, snapshot?.loaded ?? []),
    warmUp: () => warmUp(python, bridge),
    setEnvironment(env) {
      const items = Object.entries(env);
      if (items.length > 0) half.set_environment(items.flat().join(NUL));
    },
    reseed: () => void half.reseed(),
    memory: () => module.HEAPU8.length,
    ...createServing(half, entrance, exchanges, module),
    abandon: () => false,
    stop: closeSockets,
  };
  const gateway: Gateway = {
    ...createCalls(exchanges, promising, entrance.untilLost),
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
    write: async (call, data) => void checked(await enter(undefined, foreign.write, call, data)),
    read: async (call, size) => checked(await enter(undefined, foreign.read, call, size)) as Uint8Array,
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
      checked(await enter(undefined, half.load, application));
      loaded.add(application);
    },
    async loadMiddleware(factory, key, app) {
      if (loaded.has(key)) return;
      foreigners.add(key, app);
      checked(await enter(undefined, half.load_middleware, factory, key));
      loaded.add(key);
    },
  };
}

function createServing(
  half: Half,
  { enter, enterNow }: Entrance,
  exchanges: Map<number, Exchange>,
  module: PyodideModule,
): Pick<Bridge, 'open' | 'start' | 'next' | 'close' | 'end'> {
  const memory = half.connect_buffer(STRING_BUFFER) as PyMemory;
  const toBuffer = createTextBuffer(module, memory.getBuffer().data.byteOffset);
  const enterFor = (request: number, turn: Turn | undefined): Exchange => {
    const exchange = exchanges.get(request) as Exchange;
    if (turn !== undefined) {
      exchange.turn = turn;
      turn.request = request;
    }
    return exchange;
  };
  let last = 0;
  return {
    open(exchange) {
      exchanges.set(++last, exchange);
      return last;
    },
    start(request, application, turn) {
      const exchange = enterFor(request, turn);
      const { environ, input } = exchange;
      exchange.input = undefined; // Python makes its own copy
      const { packed, names, values } = pack(environ);
      // The text buffer is shared by all requests, so nothing may run between this line and Python's own copy of the text.
      const started = enterNow(turn, half.start, request, application, toBuffer(packed), input, names, ...values);
      return started as ReturnType<Bridge['start']>;
    },
    next(request, turn) {
      enterFor(request, turn);
      return enter(turn, half.next_chunk, request);
    },
    close(request, turn) {
      enterFor(request, turn);
      return enter(turn, half.close, request);
    },
    end(request) {
      const exchange = exchanges.get(request);
      exchanges.delete(request);
      if (exchange !== undefined) printRest(exchange);
    },
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
  const turn = new Turn(Number.POSITIVE_INFINITY);
  const request = bridge.open({ environ, startResponse: () => async () => {}, input: undefined });
  await bridge.start(request, WARM_UP, turn);
  checked(await bridge.next(request, turn));
  checked(await bridge.close(request, turn));
  bridge.end(request);
}
