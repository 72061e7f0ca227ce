import { logRecord } from '../../src/error-stream.js';
import { WsgiError } from '../../src/errors.js';
import type { Environ, LogEntry, StartResponse } from '../../src/types.js';
import type { Bridge } from '../bridge/bridge.js';
import type { Exchange } from '../bridge/calls.js';
import { PythonError } from '../bridge/python-error.js';
import type { SocketOptions } from '../sockets/options.js';
import type { Turn } from '../turn.js';
import {
  createPeer,
  type PackedError,
  type Peer,
  type Thread,
  type ThreadData,
  unpackError,
  workerThreads,
} from './peer.js';

/** A request that is served in the thread. */
interface Remote {
  exchange: Exchange;
  left(): void;
}

/** Starts an interpreter in a worker thread of Node.
 *  @param url  of the module that has the assets
 *  @param onFatal  called when the interpreter is lost
 *  @throws {WsgiError} (as a rejection) when the platform has no threads or the interpreter can't start */
export async function startThread(
  url: string,
  { sockets, ...settings }: { sockets: SocketOptions | undefined } & Omit<ThreadData, 'url' | 'sockets'>,
  onFatal: (error: WsgiError) => void,
): Promise<Bridge> {
  const { Worker } = workerThreads() ?? {};
  if (Worker === undefined) throw new WsgiError('python: workers needs the worker threads of Node');
  // This module becomes a part of a file in dist/python, so the path begins there.
  const thread = new Worker(new URL('./threads/thread.js', import.meta.url), {
    workerData: { url, sockets: sockets !== false, ...settings },
  });
  const requests = new Map<number, Remote>();
  const memory = { bytes: 0 };
  const { promise: ready, resolve, reject } = Promise.withResolvers<boolean>();

  const lose = (error: WsgiError): void => {
    reject(error);
    peer.end(error);
    onFatal(error);
    thread.terminate();
  };
  const peer = createPeer(thread, {
    ...callsOf(requests),
    ready(promising: boolean, bytes: number) {
      memory.bytes = bytes;
      resolve(promising);
    },
    background: (id: number, promise: number) =>
      requests.get(id)?.exchange.environ['wsgi_edge.wait_until'](peer.call('background', promise)),
    allow: (host: string, port: number) =>
      (typeof sockets === 'object' ? sockets.allow?.(host, port) : undefined) ?? true,
    fatal: (error: PackedError) => lose(unpackError(error) as WsgiError),
  });
  thread.on('error', (cause: unknown) => lose(new WsgiError('python: a worker thread has failed', { cause })));
  thread.on('exit', () => lose(new WsgiError('python: a worker thread has ended')));
  const promising = await ready;
  thread.unref();
  return createRemote(thread, peer, promising, requests, memory);
}

/** The functions that the thread calls during a request. */
function callsOf(requests: Map<number, Remote>) {
  const exchangeOf = (id: number): Exchange | undefined => requests.get(id)?.exchange;
  return {
    head(id: number, status: string, headers: Parameters<StartResponse>[1], excText: string | undefined) {
      const exchange = exchangeOf(id);
      if (exchange === undefined) return;
      const excInfo = excText === undefined ? undefined : new PythonError('', excText);
      try {
        exchange.write = exchange.startResponse(status, headers, excInfo);
      } catch (error) {
        // Python already knows the error, unless only this platform refuses the call.
        if (status !== '') exchange.environ['wsgi.errors'].write(`${(error as Error).message}\n`);
      }
    },
    write(id: number, data: Uint8Array) {
      const write = exchangeOf(id)?.write;
      if (write === undefined) throw new WsgiError('application: write() was called after the response had ended');
      return write(data);
    },
    pull(id: number, atLeast: number | undefined, size: number | undefined) {
      const pull = exchangeOf(id)?.pull;
      if (pull === undefined) throw new WsgiError('application: wsgi.input was read after the response had ended');
      return pull(atLeast, size);
    },
    log(id: number, text: string | undefined) {
      const errors = exchangeOf(id)?.environ['wsgi.errors'];
      if (text === undefined) errors?.flush();
      else errors?.write(text);
    },
    record(id: number, entry: LogEntry) {
      const environ = exchangeOf(id)?.environ;
      if (environ !== undefined) logRecord(environ, entry);
    },
  };
}

function createRemote(
  thread: Thread,
  peer: Peer,
  promising: boolean,
  requests: Map<number, Remote>,
  memory: { bytes: number },
): Bridge {
  let calls = 0;
  let last = 0;

  /** Makes a call in a turn, whose deadline the thread is told of. */
  const enter = async (name: string, request: number, turn: Turn | undefined, ...args: unknown[]): Promise<unknown> => {
    const call = ++calls;
    const remote = requests.get(request);
    if (turn !== undefined) {
      if (remote !== undefined) remote.exchange.turn = turn;
      turn.onInterrupt = ({ message }) => peer.tell('interrupt', call, message);
    }
    const answer = (await peer.call(name, request, call, ...args)) as { value: unknown; memory: number };
    memory.bytes = answer.memory;
    const { value } = answer;
    if (!Array.isArray(value) || value[3] === undefined) return value;
    return [...value.slice(0, 3), unpackError(value[3] as PackedError)];
  };

  return {
    promising,
    asynchronous: true,
    load: async (application) => void (await peer.call('load', application)),
    loadMiddleware: async () => {
      throw new WsgiError(
        'python: the option workers is for fromPython; middleware runs in the thread of its application',
      );
    },
    warmUp: async () => void (await peer.call('warmUp')),
    setEnvironment: (env) => peer.tell('setEnvironment', env),
    reseed: () => peer.tell('reseed'),
    memory: () => memory.bytes,
    open(exchange) {
      const { 'wsgi_edge.signal': signal } = exchange.environ;
      const id = ++last;
      const leave = (): void => peer.tell('leave', id);
      signal.addEventListener('abort', leave);
      requests.set(id, { exchange, left: () => signal.removeEventListener('abort', leave) });
      return id;
    },
    start(request, application, turn) {
      const { exchange } = requests.get(request) as Remote;
      const { environ, input } = exchange;
      exchange.input = undefined; // the message has its own copy
      return enter('start', request, turn, application, plainOf(environ), input) as ReturnType<Bridge['start']>;
    },
    next: (request, turn) => enter('next', request, turn),
    close: (request, turn) => enter('close', request, turn),
    end(request) {
      requests.get(request)?.left();
      requests.delete(request);
      peer.tell('end', request);
    },
    abandon() {
      thread.terminate();
      return true;
    },
    stop: () => void thread.terminate(),
  };
}

/** The part of an environ that another thread can be given. */
function plainOf(environ: Environ): Record<string, unknown> {
  const kinds = ['string', 'number', 'boolean'];
  return Object.fromEntries(Object.entries(environ).filter(([, value]) => kinds.includes(typeof value)));
}
