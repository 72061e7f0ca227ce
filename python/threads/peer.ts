import { ClientDisconnected, WsgiError } from '../../src/errors.js';
import { PythonError } from '../bridge/python-error.js';
import type { Files } from '../storage/index.js';

/** One end of a MessagePort, as far as it is used here. */
export interface Port {
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  on(event: 'message', listener: (message: Message) => void): unknown;
}

/** The parts of node:worker_threads that are used. */
export interface WorkerThreads {
  Worker: new (url: URL, options: { workerData: ThreadData }) => Thread;
  parentPort: Port;
  workerData: ThreadData;
}
export interface Thread extends Port {
  on(event: string, listener: (value: never) => void): unknown;
  terminate(): Promise<number>;
  unref(): void;
}

/** The data that a thread is started with. */
export interface ThreadData {
  /** The URL of the module that has the assets. */
  url: string;
  jspi: boolean;
  files: Record<string, Files>;
  /** True if Python has sockets. */
  sockets: boolean;
}

/** node:worker_threads, on a platform that has it. An import would keep a Worker from being bundled. */
export function workerThreads(): WorkerThreads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): WorkerThreads | undefined } };
  return process?.getBuiltinModule?.('node:worker_threads');
}

/** A call of the other thread, or the answer to one of its calls. */
type Message =
  | { call: number; name: string; args: unknown[] }
  | { answer: number; value?: unknown; error?: PackedError };

/** An error on its way to the other thread. */
export interface PackedError {
  name: string;
  message: string;
  stack: string | undefined;
  /** The class of an exception of Python. */
  type?: string;
  cause?: PackedError;
}

/** The other thread. */
export interface Peer {
  /** Calls a function of the other thread. Bytes are copied. */
  call(name: string, ...args: unknown[]): Promise<unknown>;
  /** Calls a function that has no answer. */
  tell(name: string, ...args: unknown[]): void;
  /** Rejects all calls that wait for an answer, and all later ones. */
  end(error: Error): void;
}

/** @param functions  the ones that the other thread may call, by their names */
export function createPeer(port: Port, functions: Record<string, (...args: never[]) => unknown>): Peer {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let last = 0;
  let ended: Error | undefined;

  const serve = async (call: number, name: string, args: unknown[]): Promise<void> => {
    try {
      const value = await functions[name]?.(...(args as never[]));
      if (call > 0) port.postMessage({ answer: call, value });
    } catch (error) {
      if (call > 0) port.postMessage({ answer: call, error: packError(error) });
    }
  };
  port.on('message', (message) => {
    if ('call' in message) return void serve(message.call, message.name, message.args);
    const { answer, value, error } = message;
    const waiter = waiting.get(answer);
    waiting.delete(answer);
    if (error === undefined) waiter?.resolve(value);
    else waiter?.reject(unpackError(error));
  });

  return {
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        waiting.set(++last, { resolve, reject });
        port.postMessage({ call: last, name, args });
      }),
    tell: (name, ...args) => port.postMessage({ call: 0, name, args }),
    end(error) {
      ended = error;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    },
  };
}

export function packError(error: unknown): PackedError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined };
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    stack,
    ...(error instanceof PythonError ? { type: error.type } : {}),
    ...(cause === undefined ? {} : { cause: packError(cause) }),
  };
}

export function unpackError({ name, message, stack, type, cause }: PackedError): Error {
  const options = cause === undefined ? undefined : { cause: unpackError(cause) };
  if (type !== undefined) return new PythonError(type, stack ?? message, options?.cause);
  const error =
    name === 'ClientDisconnected' ? new ClientDisconnected(message, options) : new WsgiError(message, options);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
