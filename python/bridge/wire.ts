// The wire between the two halves of the gateway: python/bridge (TypeScript) and python/wsgi_edge (Python).
//
// A message is a function call, and its answer is the value that the call returns. This page lists all of them. Its
// constants stand in wsgi_edge/bridge.py too, and test/python/wire.test.ts compares the two.
//
// FIELDS
//
//   request      the number of a request; TypeScript counts
//   call         the number of one call of an application of TypeScript; Python counts
//   key          the number of a middleware, from 1; TypeScript counts
//   application  "module:name", the key of a middleware, or WARM_UP
//   packed       strings joined by NUL, because each separate string costs a call:
//                an environ is name, value, name, value …; the head of a response is status, name, value, name, value …
//   names        the names of the entries of an environ that `packed` can not hold, joined by NUL: an entry whose value is
//                not a string, or has NUL in it
//   values       the values of `names`, as further arguments
//   excText      the traceback of excInfo as text; undefined (None) without excInfo
//   failure      [FAILED or BROKEN, the name of the exception's class, its traceback, the JavaScript error that caused it or
//                undefined]. No exception leaves a function of Python that can answer with a failure
//
// Bytes cross as Uint8Array. Pyodide takes no subclass of it, such as a Buffer. `undefined` is None in Python.
//
// TYPESCRIPT CALLS PYTHON: wsgi_edge.bridge
//
//   connect(names, ...functions)          the functions of the next table and their names, joined by NUL. Every interpreter
//                                         gets its own, because a snapshot can not hold a function of JavaScript
//   connect_buffer(size)                  → the memory through which `start` gets `packed`
//   load(application)                     imports "module:name" → undefined or a failure
//   load_middleware(factory, key)         calls the factory "module:name" → undefined or a failure
//   set_environment(packed)               variables for os.environ, as name, value, name, value …
//   reseed()                              gives the module `random` a new seed
//   start(request, application, packed, input, names, ...values)
//                                         calls the application. `packed` is a number if the memory holds the text: its length
//                                         in bytes. `input` is the whole body, undefined for none, or true for one to `pull`.
//                                         → bytes: the whole body, without anything to close
//                                         → [CHUNK, bytes]: the first chunk
//                                         → [EMPTY]: the body ended without a chunk
//                                         → a failure: FAILED needs no `close`, BROKEN does
//   next_chunk(request)                   → bytes, undefined at the end, or a failure
//   close(request)                        ends the body; sent once after [CHUNK], [EMPTY] or BROKEN → undefined or a failure
//
// TYPESCRIPT CALLS PYTHON: wsgi_edge.foreign, for an application of TypeScript that middleware of Python has called
//
//   start(call, packed, excText)          start_response → undefined, true if Python raised excInfo again, or a failure
//   write(call, data)                     write() → undefined or a failure
//   read(call, size)                      wsgi.input.read(size) → bytes or a failure
//   log(call, text)                       wsgi.errors; undefined for a flush() → undefined or a failure
//
// PYTHON CALLS TYPESCRIPT, during a request
//
//   start(request, packed, excText)       start_response; no `packed` if Python has refused status or headers already
//                                         → undefined, true if excInfo must be raised again, or the text of the error: which
//                                         rule the application broke
//   write(request, data)                  write() → a promise if Python can wait for it, else undefined
//   log(request, text, level)             wsgi.errors and sys.stderr; no text for a flush(). With a level of Python's `logging`,
//                                         the text is one record
//   print(request, text)                  sys.stdout
//   pull(request, atLeast, size)          wsgi.input → a promise of bytes: at most `size`, at least `atLeast` unless the body
//                                         ends before. Undefined for both: all of it
//   signal(request)                       → wsgi_edge.signal
//   wait_until(request, future)           wsgi_edge.wait_until
//   kdf(kind, password, salt, length, ...cost)
//                                         hashlib.pbkdf2_hmac and hashlib.scrypt → the key, or the text of the error
//
// PYTHON CALLS TYPESCRIPT, as the middleware of an application of TypeScript
//
//   call(key, call, request, packed, names, ...values)
//                                         calls the application → the chunks of a body that is an array; undefined for another
//                                         body, whose chunks `step` gives
//   step(call)                            → the next chunk, undefined at the end
//   end(call)                             ends the body
//
// Each of these three may answer with a promise, which Python waits for. An error that TypeScript throws is a JsException in
// Python. One whose name is ClientDisconnected is raised as Disconnected, and comes back as a failure of that type.

import type { PyFuture } from '../interpreter/pyodide.js';

export const CHUNK = 1;
export const EMPTY = 2;
export const FAILED = 3;
export const BROKEN = 4;
export const NUL = '\0';
/** The application of wsgi_edge/warm.py. */
export const WARM_UP = 0;
/** The class of Python's exception for a client that went away. */
export const DISCONNECTED = 'Disconnected';
/** The size of the memory for `packed`, in bytes. */
export const STRING_BUFFER = 16_384;

export type Failure = [kind: typeof FAILED | typeof BROKEN, type: string, traceback: string, cause: unknown];
export type Started = [kind: typeof CHUNK, chunk: Uint8Array] | [kind: typeof EMPTY] | Failure;
/** A request body: all its bytes, nothing, or a stream that Python pulls. */
export type PythonInput = Uint8Array | undefined | true;

/** The functions of wsgi_edge.bridge. */
export const BRIDGE_FUNCTIONS = [
  'connect',
  'connect_buffer',
  'load',
  'load_middleware',
  'set_environment',
  'reseed',
  'start',
  'next_chunk',
  'close',
] as const;

/** The functions of wsgi_edge.foreign. */
export const FOREIGN_FUNCTIONS = ['start', 'write', 'read', 'log'] as const;

/** The functions that Python calls during a request. */
export interface RequestCalls {
  start(request: number, packed: string | undefined, excText: string | undefined): string | true | undefined;
  write(request: number, data: Uint8Array): Promise<void> | undefined;
  log(request: number, text: string | undefined, level?: number): void;
  print(request: number, text: string): void;
  pull(request: number, atLeast: number | undefined, size: number | undefined): Promise<Uint8Array>;
  signal(request: number): AbortSignal | undefined;
  wait_until(request: number, future: PyFuture): void;
}

/** The functions that Python calls, by the names that it knows them by. */
export interface Gateway extends RequestCalls {
  kdf(
    kind: 'pbkdf2' | 'scrypt',
    password: Uint8Array,
    salt: Uint8Array,
    length: number,
    ...cost: unknown[]
  ): Uint8Array | string;
  call(
    key: number,
    call: number,
    request: number,
    packed: string,
    names: string,
    ...values: unknown[]
  ): Uint8Array[] | undefined | Promise<Uint8Array[] | undefined>;
  step(call: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  end(call: number): Promise<void> | undefined;
}
