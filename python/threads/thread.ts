// An interpreter in a worker thread of Node, which remote.ts starts.
import { createErrorStream, shareLog } from '../../src/error-stream.js';
import { ClientDisconnected, WsgiError } from '../../src/errors.js';
import { Start } from '../../src/start-response.js';
import type { Environ, ErrorStream, StartResponse } from '../../src/types.js';
import { createBridge } from '../bridge/bridge.js';
import { type Exchange, printRest } from '../bridge/calls.js';
import { PythonError } from '../bridge/python-error.js';
import { CHUNK, FAILED, type PythonInput } from '../bridge/wire.js';
import type { PythonAssets } from '../interpreter/assets.js';
import { bootPython } from '../interpreter/boot.js';
import { openerOf } from '../sockets/options.js';
import { mountFiles } from '../storage/index.js';
import { Turn } from '../turn.js';
import { createPeer, packError, type WorkerThreads, workerThreads } from './peer.js';

interface Request {
  /** That of the bridge. */
  number: number;
  exchange: Exchange;
  start: Start;
  gone: AbortController;
}

const { parentPort, workerData } = workerThreads() as WorkerThreads;
const { url, jspi, files, sockets } = workerData;
const { default: assets } = (await import(url)) as { default: PythonAssets };
const opener = openerOf(sockets && { allow: (host, port) => peer.call('allow', host, port) as Promise<boolean> });
const booted = await bootPython(assets);
mountFiles(booted.module.FS, files);
const bridge = createBridge(booted, assets.manifest, jspi, opener, (error) => peer.tell('fatal', packError(error)));
/** The keys are the numbers that the main thread has given them. */
const requests = new Map<number, Request>();
const turns = new Map<number, Turn>();
const background = new Map<number, PromiseLike<unknown>>();
let last = 0;

const peer = createPeer(parentPort, {
  load: (application: string) => bridge.load(application),
  warmUp: () => bridge.warmUp(),
  setEnvironment: (env: Record<string, string>) => bridge.setEnvironment(env),
  reseed: () => bridge.reseed(),
  start(id: number, call: number, application: string, environ: Environ, input: PythonInput) {
    const { number, exchange } = open(id, environ, input);
    return answer(id, call, async (turn) => {
      const started = await bridge.start(number, application, turn);
      if (started instanceof Uint8Array || started[0] === FAILED) printRest(exchange);
      return started;
    });
  },
  next: (id: number, call: number) => answer(id, call, (turn, number) => bridge.next(number, turn)),
  close: (id: number, call: number) =>
    answer(id, call, async (turn, number) => {
      const closed = await bridge.close(number, turn);
      printRest((requests.get(id) as Request).exchange);
      return closed;
    }),
  end(id: number) {
    bridge.end(requests.get(id)?.number ?? 0);
    requests.delete(id);
  },
  leave: (id: number) => requests.get(id)?.gone.abort(new ClientDisconnected()),
  interrupt: (call: number, message: string) => turns.get(call)?.interrupt(new WsgiError(message)),
  async background(promise: number) {
    try {
      await background.get(promise);
    } finally {
      background.delete(promise);
    }
  },
});
peer.tell('ready', bridge.promising, bridge.memory());

/** Begins a request. Its response and its log go to the main thread. */
function open(id: number, environ: Environ, input: PythonInput): Request {
  const gone = new AbortController();
  const start: Start = new Start(
    (data) => {
      start.committed = true;
      return peer.call('write', id, data) as Promise<void>;
    },
    () => null,
  );
  Object.assign(environ, {
    'wsgi_edge.signal': gone.signal,
    'wsgi_edge.wait_until': (promise: PromiseLike<unknown>) => {
      background.set(++last, promise);
      peer.tell('background', id, last);
    },
    'wsgi.errors': errorsOf(id),
  });
  const exchange: Exchange = { environ, startResponse: startOf(id, start), input };
  exchange.pull = async (atLeast, size) => (await peer.call('pull', id, atLeast, size)) as Uint8Array;
  const request = { number: bridge.open(exchange), exchange, start, gone };
  requests.set(id, request);
  return request;
}

/** The log of a request. It takes records beside text. */
function errorsOf(id: number): ErrorStream {
  const log = (text?: string): void => peer.tell('log', id, text);
  const records = createErrorStream({ log: (entry) => peer.tell('record', id, entry) });
  return shareLog({ write: log, writelines: (texts) => log([...texts].join('')), flush: () => log() }, records);
}

function startOf(id: number, start: Start): StartResponse {
  return (status, headers, excInfo) => {
    const text = excInfo instanceof PythonError ? excInfo.stack : undefined;
    try {
      const write = start.startResponse(status, headers, excInfo);
      peer.tell('head', id, status, headers, text);
      return write;
    } catch (error) {
      // The gateway hears of a call that fails, too: an empty status is refused, and the head that it replaced is gone.
      if (error !== excInfo) peer.tell('head', id, '', [], text);
      throw error;
    }
  };
}

/** Makes a call in a turn, and gives its answer with the size of the memory after it. */
async function answer(
  id: number,
  call: number,
  enter: (turn: Turn, number: number) => unknown,
): Promise<{ value: unknown; memory: number }> {
  const { number, start } = requests.get(id) as Request;
  const turn = new Turn(Number.POSITIVE_INFINITY);
  turns.set(call, turn);
  try {
    const value = await enter(turn, number);
    if (!Array.isArray(value)) return { value, memory: bridge.memory() };
    const [kind, first, traceback, cause] = value;
    if (kind === CHUNK && (first as Uint8Array).length > 0) start.committed = true;
    // An error of JavaScript is sent as a description of it.
    const sent = cause === undefined ? value : [kind, first, traceback, packError(cause)];
    return { value: sent, memory: bridge.memory() };
  } finally {
    turns.delete(call);
  }
}
