/** The body that an application returns: byte chunks, in order. PEP 3333, "Specification Overview". If it has a `close()`,
 *  that is called exactly once however the request ends. */
export type Body = (Iterable<Uint8Array> | AsyncIterable<Uint8Array>) & { close?(): void | Promise<void> };

/** A WSGI application: takes the request, calls `startResponse` once, and returns the body. Synchronous, async and
 *  generator functions are all valid as they are. PEP 3333, "The Application/Framework Side".
 *  @typeParam E  the environ of a target, such as `WorkersEnviron` */
export type Application<E extends Environ = Environ> = (
  environ: E,
  startResponse: StartResponse,
) => Body | Promise<Body>;

/** Response headers in order, name and value as native strings; a name may stand in it more than once. */
export type HeaderList = Array<[name: string, value: string]>;

/** Sets status ("200 OK") and headers; they go out at commit, not here. PEP 3333, "The start_response() Callable".
 *  @param excInfo  the error being handled (anything but null and undefined); before commit it lets the call replace an
 *    earlier one, after commit it is thrown back
 *  @throws {WsgiError} on a second call without `excInfo`, and on a status or headers that the PEP forbids */
export type StartResponse = (
  status: string,
  headers: readonly (readonly [name: string, value: string])[],
  excInfo?: unknown,
) => Write;

/** Sends bytes ahead of the body's chunks. PEP 3333, "The write() Callable".
 *  @returns a promise resolved when the platform has accepted the data; it rejects with `ClientDisconnected`, and with
 *    `WsgiError` when the platform's time is up or the response has ended
 *  @throws {WsgiError} at once when `data` is not a Uint8Array */
export type Write = (data: Uint8Array) => Promise<void>;

/** Wraps an application in another one. PEP 3333, "Middleware: Components that Play Both Sides". */
export type Middleware<E extends Environ = Environ> = (app: Application<E>) => Application<E>;

/** The request body, `wsgi.input`. PEP 3333, "Input and Error Streams". Every method rejects with `ClientDisconnected`
 *  when the body ends before its promised length, and throws a `WsgiError` at once for a size that is not a whole number of
 *  bytes. Asynchronous iteration gives lines. */
export interface InputStream extends AsyncIterable<Uint8Array<ArrayBuffer>> {
  /** Up to `size` bytes, or all remaining bytes without `size`; an empty array at the end of input, never null. */
  read(size?: number | null): Promise<Uint8Array<ArrayBuffer>>;
  /** One line with its LF, or at most `size` bytes of it; an empty array at the end of input. */
  readline(size?: number | null): Promise<Uint8Array<ArrayBuffer>>;
  /** The remaining lines; stops after the line that reaches `hint` bytes. With the option `maxBody`, rejects with
   *  `BodyTooLarge` at more than 65,536 lines and more than one line for each 16 bytes of `maxBody`, because each line
   *  takes additional memory. Asynchronous iteration has no such limit. */
  readlines(hint?: number | null): Promise<Uint8Array<ArrayBuffer>[]>;
}

/** The log, `wsgi.errors`. PEP 3333, "Input and Error Streams". Text goes out line by line. */
export interface ErrorStream {
  write(text: string): void;
  writelines(texts: Iterable<string>): void;
  flush(): void;
}

/** The request: CGI variables and `wsgi.*` keys in a plain object. CGI values are native strings: one code unit
 *  (U+0000 to U+00FF) per byte. PEP 3333, "environ Variables". */
export interface Environ {
  REQUEST_METHOD: string;
  SCRIPT_NAME: string;
  PATH_INFO: string;
  QUERY_STRING: string;
  REQUEST_URI?: string;
  RAW_URI?: string;
  CONTENT_TYPE?: string;
  CONTENT_LENGTH?: string;
  SERVER_NAME: string;
  SERVER_PORT: string;
  SERVER_PROTOCOL: string;
  SERVER_SOFTWARE: string;
  GATEWAY_INTERFACE: string;
  REMOTE_ADDR?: string;
  REMOTE_PORT?: string;
  REMOTE_USER?: string;
  AUTH_TYPE?: string;
  HTTPS?: string;
  'wsgi.version': [1, 0];
  'wsgi.url_scheme': string;
  'wsgi.input': InputStream;
  'wsgi.errors': ErrorStream;
  'wsgi.multithread': boolean;
  'wsgi.multiprocess': boolean;
  'wsgi.run_once': boolean;
  'wsgi.file_wrapper': (source: FileSource, blockSize?: number) => Body;
  'wsgi.input_terminated': boolean;
  /** Keeps work alive that outlives the response; its rejection is logged. */
  'wsgi_edge.wait_until': (promise: PromiseLike<unknown>) => void;
  /** The id of the request: the platform's, or one made for it. Every record of the log and the gateway's 500 page have it.
   *  Visible ASCII, at most 128 characters. */
  'wsgi_edge.request_id': string;
  /** Aborted when the client is gone or the platform's time is nearly up; on Node and Workers also after a response that
   *  an error of the application broke off, because that ends the connection. */
  'wsgi_edge.signal': AbortSignal;
  HTTP_ACCEPT?: string;
  HTTP_ACCEPT_ENCODING?: string;
  HTTP_ACCEPT_LANGUAGE?: string;
  HTTP_AUTHORIZATION?: string;
  HTTP_CACHE_CONTROL?: string;
  HTTP_COOKIE?: string;
  HTTP_HOST?: string;
  HTTP_IF_MODIFIED_SINCE?: string;
  HTTP_IF_NONE_MATCH?: string;
  HTTP_ORIGIN?: string;
  HTTP_RANGE?: string;
  HTTP_REFERER?: string;
  HTTP_USER_AGENT?: string;
  HTTP_X_REQUEST_ID?: string;
  HTTP_X_REQUESTED_WITH?: string;
  [header: `HTTP_${string}`]: string | undefined;
  [key: string]: unknown;
}

/** The sources of `wsgi.file_wrapper`: a file-like object with `read(size)`, a stream, a Blob, or a Node Readable. */
export type FileSource =
  | { read(size: number): Uint8Array | null | Promise<Uint8Array | null>; close?(): void | Promise<void> }
  | ReadableStream<Uint8Array>
  | Blob
  | AsyncIterable<Uint8Array>;

/** Options of every target. */
export interface GatewayOptions {
  /** The path at which the application is mounted: an ordinary string such as `/app`. Other paths are answered with 404. */
  scriptName?: string;
  /** Called for an error before the head has gone out; may return the application that answers instead of the gateway's
   *  own 500. When the platform's time is up, only an application that answers without waiting is served. Later errors go
   *  only to `wsgi.errors`. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that only logs returns nothing
  onError?: (error: unknown, environ: Environ) => Application | void;
  /** The longest request body in bytes; no limit by default. A longer body is answered with 413: before the
   *  application is called if CONTENT_LENGTH shows it, otherwise when `wsgi.input` has read that far, and `read` then
   *  rejects. */
  maxBody?: number;
  /** Takes `wsgi.errors` and the gateway's own log: a function takes lines, which begin with the id of their request in
   *  brackets; an object with `record` takes records. The default is the console: one entry for each record, by its level. */
  errors?: ((line: string) => void) | { record(record: LogRecord): void };
  /** Takes `wsgi_edge.request_id` from the header X-Request-Id if there is one. Only for a server behind a proxy that sets the
   *  header: a client could give any id. False by default. */
  trustRequestId?: boolean;
  /** Is told of requests, responses and errors. It costs nothing if it is not given. */
  observe?: Observer;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** An entry of the log, as its writer gives it. */
export interface LogEntry {
  /** `warn` for a request that the gateway has refused and for a likely mistake, `error` for other errors and for text written to `wsgi.errors`. */
  level: LogLevel;
  /** An error has its stack and its causes here. */
  message: string;
  error?: unknown;
  /** Fields of whoever has written the entry. */
  [field: string]: unknown;
}

/** An entry of the log with the request that it belongs to. Control characters in its texts are escaped, except tab and line
 *  feed in `message`. */
export interface LogRecord extends LogEntry {
  request_id?: string;
  method?: string;
  /** The decoded path, SCRIPT_NAME included, without the query. */
  path?: string;
}

/** The phase of a request in which an error has come up: before the head of the response was final, after it, in the end of
 *  the body, in a promise given to `wsgi_edge.wait_until`, or before the application was called. */
export type ErrorPhase = 'before_head' | 'after_head' | 'close' | 'wait_until' | 'refused';

/** The end of a request, after the body has been closed. */
export interface ResponseEnd {
  environ: Environ;
  /** The three digits that the client gets; undefined without a response. */
  status: number | undefined;
  /** Bytes of the body that were handed to the platform; undefined if the platform broke off a file that it sent, or if that
   *  file has no Content-Length. */
  bytes: number | undefined;
  /** Milliseconds since `onRequest`. On Workers the clock stands still while code runs. */
  duration: number;
  /** The first error of the request; a `ClientDisconnected` if its client has left. */
  error: unknown;
  /** True if the client did not get the whole response. */
  aborted: boolean;
}

/** Hooks of the gateway. They can change nothing: an error in one is logged. The platform waits for a promise that one
 *  returns, as for `wsgi_edge.wait_until`. */
export interface Observer {
  /** Called before the application, also for a request that will be refused. */
  onRequest?(environ: Environ): unknown;
  /** Called once for each request, after the body's `close()`. */
  onResponse?(end: ResponseEnd): unknown;
  /** Called for each error that is logged. */
  onError?(error: unknown, where: { environ: Environ; phase: ErrorPhase }): unknown;
}
