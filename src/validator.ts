import { checkBody, isThenable } from './body.js';
import { nameOf, quote, WsgiError } from './errors.js';
import { FileWrapper } from './file-wrapper.js';
import { headersFault, headerValue, statusFault } from './headers.js';
import { shareStream } from './input-stream.js';
import { isNative } from './native-string.js';
import { checkChunk } from './start-response.js';
import type { Application, Body, Environ, ErrorStream, InputStream, StartResponse, Write } from './types.js';

// The lines that start with `//!` are the specification: `npm run spec` prints them to docs/SPEC.md, in this order. Each
// stands above the check that enforces it.

type Party = 'gateway' | 'application';

function breach(party: Party, what: string, section: string): never {
  throw new WsgiError(`${party}: ${what} (PEP 3333, "${section}")`);
}

const ENVIRON = 'environ Variables';
const STREAMS = 'Input and Error Streams';
const START = 'The start_response() Callable';
const WRITE = 'The write() Callable';
const DETAILS = 'Specification Details';
const STRINGS = 'A Note On String Types';
const LENGTH = 'Handling the Content-Length Header';
const FILE = 'Optional Platform-Specific File Handling';
const HTTP = 'Other HTTP Features';

/** Wraps an application so that both sides of the interface are checked; the first breach is thrown, and says who broke
 *  which rule. What keeps to the rules passes unchanged. As `wsgiref.validate.validator`.
 *  @throws {WsgiError} when `app` is not a function, and from the wrapped application on a breach by either side */
export function validator(app: Application): Application {
  if (typeof app !== 'function')
    throw new WsgiError(`validator: the application must be a function (environ, startResponse), not ${nameOf(app)}`);
  return (...args) => {
    //!# The application
    //! A gateway calls the application with exactly two arguments, `environ` and `startResponse`.
    if (args.length !== 2) breach('gateway', `called the application with ${args.length} arguments, not two`, DETAILS);
    const [environ, startResponse] = args;
    //! `startResponse` is a function.
    if (typeof startResponse !== 'function')
      breach('gateway', `startResponse must be a function, not ${nameOf(startResponse)}`, START);
    checkEnviron(environ);

    const state: State = {
      method: environ.REQUEST_METHOD,
      called: false,
      started: false,
      refused: false,
      length: undefined,
      given: 0,
      iterating: false,
      ended: false,
    };
    const errors = environ['wsgi.errors'];
    const deliver = (body: Body): Body => {
      try {
        return checkedBody(body, errors, state);
      } catch (error) {
        // The gateway, which would close it, never sees this body.
        discard(body, errors);
        throw error;
      }
    };
    wrapEnviron(environ);
    const result = app(environ, checkedStart(startResponse, environ, state));
    //! The application returns a body, or a promise of one.
    return isThenable(result) ? result.then(deliver) : deliver(result);
  };
}

/** One call of a validated application. */
interface State {
  /** REQUEST_METHOD as it came: the application may change it. */
  method: string;
  called: boolean;
  started: boolean;
  /** A startResponse with excInfo threw. */
  refused: boolean;
  /** Content-Length in bytes, where a body of that length is to follow. */
  length: number | undefined;
  /** Bytes given to write() and in chunks. */
  given: number;
  iterating: boolean;
  ended: boolean;
}

const REQUIRED = ['REQUEST_METHOD', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL'] as const;
const FLAGS = ['wsgi.multithread', 'wsgi.multiprocess', 'wsgi.run_once'] as const;

function checkEnviron(environ: Environ): void {
  //!# environ
  //! `environ` is a plain object with the prototype of `{}`.
  if (typeof environ !== 'object' || environ === null || Object.getPrototypeOf(environ) !== Object.prototype)
    breach('gateway', `environ must be a plain object, not ${nameOf(environ)}`, ENVIRON);
  //! An application may change it in any way: it can be extended, and its properties be written and deleted.
  if (!Object.isExtensible(environ)) breach('gateway', 'environ can not be extended', DETAILS);
  for (const key of Reflect.ownKeys(environ)) {
    const own = Object.getOwnPropertyDescriptor(environ, key);
    if (!own?.configurable || !(own.writable || own.set))
      breach('gateway', `environ["${String(key)}"] can not be changed`, DETAILS);
    //! Its keys are strings, and its properties are enumerable.
    if (typeof key !== 'string') breach('gateway', `environ has the key ${String(key)}, which is no string`, ENVIRON);
    if (!own.enumerable) breach('gateway', `environ["${key}"] is not enumerable`, ENVIRON);
  }

  //! `REQUEST_METHOD`, `SERVER_NAME`, `SERVER_PORT` and `SERVER_PROTOCOL` are there and not empty.
  for (const key of REQUIRED) if (!environ[key]) breach('gateway', `environ["${key}"] is missing or empty`, ENVIRON);
  //! `SCRIPT_NAME`, `PATH_INFO` and `QUERY_STRING` are there; they may be empty.
  for (const key of ['SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING'])
    if (environ[key] === undefined) breach('gateway', `environ["${key}"] is missing`, ENVIRON);
  for (const key of Object.keys(environ)) {
    const value = environ[key];
    if (key.includes('.') && !key.startsWith('HTTP_')) continue;
    //! Every CGI variable (a key without a dot, or an `HTTP_` one) is a string.
    if (typeof value !== 'string')
      breach('gateway', `environ["${key}"] must be a string, not ${nameOf(value)}`, ENVIRON);
    //! Every CGI variable is a native string: a code unit of U+0000 to U+00FF for each byte.
    if (!isNative(value)) breach('gateway', `environ["${key}"] has a code unit above U+00FF`, STRINGS);
  }
  //! `HTTP_CONTENT_TYPE` and `HTTP_CONTENT_LENGTH` do not exist: the headers are `CONTENT_TYPE` and `CONTENT_LENGTH`.
  for (const key of ['CONTENT_TYPE', 'CONTENT_LENGTH'])
    if (`HTTP_${key}` in environ) breach('gateway', `environ has HTTP_${key} where ${key} is meant`, ENVIRON);
  //! `HTTP_TRANSFER_ENCODING` does not exist: the gateway has decoded the body.
  if ('HTTP_TRANSFER_ENCODING' in environ)
    breach('gateway', 'environ has HTTP_TRANSFER_ENCODING, which is for the gateway to decode', HTTP);
  //! `HTTP_PROXY` does not exist: libraries take it for a setting (httpoxy, CVE-2016-5385).
  if ('HTTP_PROXY' in environ) breach('gateway', 'environ has HTTP_PROXY (httpoxy)', ENVIRON);
  for (const key of Object.keys(environ)) {
    if (!key.startsWith('HTTP_')) continue;
    //! The key of a request header is `HTTP_` and its name in capitals, with `_` for `-`.
    if (!/^HTTP_[!#$%&'*+.^_`|~0-9A-Z]+$/.test(key))
      breach('gateway', `environ["${key}"] is not the name of a header in capitals`, ENVIRON);
    //! The value of a request header has no CR, LF or NUL in it (RFC 9110).
    if (/[\r\n\0]/.test(environ[key] as string))
      breach('gateway', `environ["${key}"] has CR, LF or NUL in it: ${quote(environ[key])}`, ENVIRON);
  }
  //! `REQUEST_METHOD` is a token (RFC 9110).
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(environ.REQUEST_METHOD))
    breach('gateway', `REQUEST_METHOD ${quote(environ.REQUEST_METHOD)} is not a token`, ENVIRON);
  //! `SCRIPT_NAME` is empty or starts with `/`, and is not `/` alone.
  if (!/^(\/.+)?$/s.test(environ.SCRIPT_NAME))
    breach('gateway', `SCRIPT_NAME ${quote(environ.SCRIPT_NAME)} must be like "/app" or empty`, ENVIRON);
  //! `PATH_INFO` is empty or starts with `/`; it is `*` for `OPTIONS *`.
  if (!/^(\/|$)/.test(environ.PATH_INFO) && !(environ.PATH_INFO === '*' && environ.REQUEST_METHOD === 'OPTIONS'))
    breach('gateway', `PATH_INFO ${quote(environ.PATH_INFO)} must start with "/"`, ENVIRON);
  //! `PATH_INFO` is empty only below a mount, where `SCRIPT_NAME` is not.
  if (environ.PATH_INFO === '' && environ.SCRIPT_NAME === '')
    breach('gateway', 'SCRIPT_NAME and PATH_INFO are both empty; PATH_INFO must be "/"', ENVIRON);
  //! `QUERY_STRING` does not start with the `?` of the URL, as far as `REQUEST_URI` tells.
  if (environ.QUERY_STRING.startsWith('?') && environ.REQUEST_URI?.includes('??') === false)
    breach('gateway', `QUERY_STRING ${quote(environ.QUERY_STRING)} starts with the "?" of the URL`, ENVIRON);
  //! `CONTENT_LENGTH`, where it is there and not empty, is a number of bytes in decimal digits.
  if (environ.CONTENT_LENGTH && !/^[0-9]+$/.test(environ.CONTENT_LENGTH))
    breach('gateway', `CONTENT_LENGTH ${quote(environ.CONTENT_LENGTH)} is not a number of bytes`, ENVIRON);
  //! `SERVER_NAME` is a host: a name, an IPv4 address, or an IPv6 address in brackets.
  if (!/^(\[[0-9A-Fa-f:.]+\]|[^\0- "/:<>?@[\\\]^`{|}\x7f#]+)$/.test(environ.SERVER_NAME))
    breach('gateway', `SERVER_NAME ${quote(environ.SERVER_NAME)} is not a host`, ENVIRON);
  //! `SERVER_PORT` is decimal digits, 65535 at most.
  if (!/^[0-9]{1,5}$/.test(environ.SERVER_PORT) || Number(environ.SERVER_PORT) > 65_535)
    breach('gateway', `SERVER_PORT ${quote(environ.SERVER_PORT)} is not a port number`, ENVIRON);
  //! `SERVER_PROTOCOL` is `HTTP/` and a version, such as `HTTP/1.1` or `HTTP/2`.
  if (!/^HTTP\/[0-9](\.[0-9])?$/.test(environ.SERVER_PROTOCOL))
    breach('gateway', `SERVER_PROTOCOL ${quote(environ.SERVER_PROTOCOL)} is not like "HTTP/1.1"`, ENVIRON);
  //! `wsgi.version` is `[1, 0]`.
  const version: unknown = environ['wsgi.version'];
  if (!Array.isArray(version) || version.length !== 2 || version[0] !== 1 || version[1] !== 0)
    breach('gateway', `wsgi.version must be [1, 0], not ${quote(version)}`, ENVIRON);
  //! `wsgi.url_scheme` is `http` or `https`.
  if (!/^https?$/.test(environ['wsgi.url_scheme']))
    breach('gateway', `wsgi.url_scheme must be "http" or "https", not ${quote(environ['wsgi.url_scheme'])}`, ENVIRON);
  //! `wsgi.multithread`, `wsgi.multiprocess` and `wsgi.run_once` are booleans.
  for (const key of FLAGS)
    if (typeof environ[key] !== 'boolean')
      breach('gateway', `${key} must be a boolean, not ${nameOf(environ[key])}`, ENVIRON);
  //! `wsgi.input` has `read`, `readline`, `readlines` and asynchronous iteration.
  hasMethods(environ['wsgi.input'], 'wsgi.input', ['read', 'readline', 'readlines', Symbol.asyncIterator], STREAMS);
  //! `wsgi.errors` has `write`, `writelines` and `flush`.
  hasMethods(environ['wsgi.errors'], 'wsgi.errors', ['write', 'writelines', 'flush'], STREAMS);
  //! `wsgi.input_terminated`, where it is there, is a boolean.
  const terminated: unknown = environ['wsgi.input_terminated'];
  if (terminated !== undefined && typeof terminated !== 'boolean')
    breach('gateway', `wsgi.input_terminated must be a boolean, not ${nameOf(terminated)}`, STREAMS);
  //! `wsgi.file_wrapper`, where it is there, is a function.
  if (environ['wsgi.file_wrapper'] !== undefined && typeof environ['wsgi.file_wrapper'] !== 'function')
    breach('gateway', 'wsgi.file_wrapper must be a function', FILE);
  //! `wsgi_edge.wait_until` is a function, and `wsgi_edge.signal` an AbortSignal.
  if (typeof environ['wsgi_edge.wait_until'] !== 'function')
    breach('gateway', 'wsgi_edge.wait_until must be a function', ENVIRON);
  if (typeof environ['wsgi_edge.signal']?.aborted !== 'boolean')
    breach('gateway', 'wsgi_edge.signal must be an AbortSignal', ENVIRON);
}

function hasMethods(stream: unknown, name: string, methods: PropertyKey[], section: string): void {
  for (const method of methods)
    if (typeof (stream as Record<PropertyKey, unknown> | null | undefined)?.[method] !== 'function')
      breach('gateway', `${name} has no ${String(method)}()`, section);
}

// In place, as the application's own changes are: middleware outside may read them.
function wrapEnviron(environ: Environ): void {
  const fileWrapper: unknown = environ['wsgi.file_wrapper'];
  environ['wsgi.input'] = checkedInput(environ['wsgi.input'], Number(environ.CONTENT_LENGTH || Number.NaN));
  environ['wsgi.errors'] = checkedErrors(environ['wsgi.errors']);
  if (fileWrapper !== undefined) environ['wsgi.file_wrapper'] = checkedFileWrapper(fileWrapper as FileWrapperFunction);
}

type FileWrapperFunction = Environ['wsgi.file_wrapper'];

// An application reads by `wsgi.input` or by its stream, `inputStream`; what it takes by the stream is not seen here.
function checkedInput(input: InputStream, length: number): InputStream {
  //!# wsgi.input
  const size = (args: unknown[], method: string): number => {
    //! `read`, `readline` and `readlines` take at most one argument: a size in whole bytes, or null or none for all.
    if (args.length > 1) breach('application', `gave wsgi.input.${method}() ${args.length} arguments`, STREAMS);
    const [given] = args;
    if (given === undefined || given === null) return Number.POSITIVE_INFINITY;
    if (!Number.isInteger(given))
      breach('application', `gave wsgi.input.${method}() ${quote(given)} for a size in whole bytes`, STREAMS);
    return (given as number) < 0 ? Number.POSITIVE_INFINITY : (given as number);
  };
  let total = 0;
  let exhausted = false;
  const bytes = (value: unknown, limit: number, method: string, late: boolean): Uint8Array => {
    //! `read` and `readline` give a Uint8Array, an empty one at the end of input.
    if (!(value instanceof Uint8Array))
      breach('gateway', `wsgi.input.${method}() gave ${nameOf(value)}, not a Uint8Array`, STREAMS);
    //! `read` and `readline` give no more bytes than they are asked for.
    if (value.length > limit) breach('gateway', `wsgi.input.${method}(${limit}) gave ${value.length} bytes`, STREAMS);
    //! After the end of input nothing comes but empty arrays.
    if (late && value.length > 0)
      breach('gateway', `wsgi.input.${method}() gave bytes after the end of input`, STREAMS);
    //! No more bytes come than `CONTENT_LENGTH`, where it is there, says.
    total += value.length;
    if (total > length) breach('gateway', `wsgi.input gave ${total} bytes of a CONTENT_LENGTH of ${length}`, STREAMS);
    if (value.length === 0 && limit > 0) exhausted = true;
    return value;
  };
  const line = (value: unknown, limit: number, method: string, late: boolean): Uint8Array => {
    const given = bytes(value, limit, method, late);
    //! A line has no LF but at its end.
    const at = given.indexOf(10);
    if (at >= 0 && at < given.length - 1)
      breach('gateway', `wsgi.input.${method}() gave more than one line at once`, STREAMS);
    return given;
  };
  const promised = <T>(value: Promise<T>, method: string, check: (value: T) => T): Promise<T> => {
    //! Every method of `wsgi.input` returns a promise.
    if (!isThenable(value)) breach('gateway', `wsgi.input.${method}() gave ${nameOf(value)}, not a promise`, STREAMS);
    const checked = value.then(check);
    // One that nobody awaits must not end the process.
    checked.catch(() => {});
    return checked;
  };
  const checked: InputStream = {
    read(...args) {
      const limit = size(args, 'read');
      const late = exhausted;
      return promised(input.read(...args), 'read', (value) => bytes(value, limit, 'read', late));
    },
    readline(...args) {
      const limit = size(args, 'readline');
      const late = exhausted;
      return promised(input.readline(...args), 'readline', (value) => line(value, limit, 'readline', late));
    },
    readlines(...args) {
      size(args, 'readlines');
      const late = exhausted;
      return promised(input.readlines(...args), 'readlines', (lines) => {
        //! `readlines` gives an array of Uint8Array.
        if (!Array.isArray(lines)) breach('gateway', `wsgi.input.readlines() gave ${nameOf(lines)}`, STREAMS);
        return lines.map((one) => line(one, Number.POSITIVE_INFINITY, 'readlines', late));
      });
    },
    async *[Symbol.asyncIterator]() {
      const late = exhausted;
      for await (const one of input) yield line(one, Number.POSITIVE_INFINITY, 'iteration', late);
    },
  };
  const stream = only(checked, input, 'wsgi.input');
  shareStream(stream, input);
  return stream;
}

/** A stream whose other attributes, where the gateway's stream has more, are not for an application to use. */
function only<T extends object>(checked: T, stream: object, name: string): T {
  return new Proxy(checked, {
    get(target, key, receiver) {
      //! An application uses nothing of `wsgi.input` and `wsgi.errors` but the methods named above, and closes neither.
      if (typeof key === 'string' && !(key in target) && key in stream)
        breach('application', key === 'close' ? `must not close ${name}` : `must not use ${name}.${key}`, STREAMS);
      return Reflect.get(target, key, receiver);
    },
  });
}

function checkedErrors(errors: ErrorStream): ErrorStream {
  //!# wsgi.errors
  const exactly = (count: number, args: unknown[], method: string): void => {
    //! `write` and `writelines` take exactly one argument, `flush` none.
    if (args.length !== count)
      breach('application', `gave wsgi.errors.${method}() ${args.length} arguments, not ${count}`, STREAMS);
  };
  const text = (value: unknown): string => {
    //! `wsgi.errors` takes strings.
    if (typeof value !== 'string')
      breach('application', `wrote ${nameOf(value)} to wsgi.errors, not a string`, STREAMS);
    return value;
  };
  const checked: ErrorStream = {
    write(...args) {
      exactly(1, args, 'write');
      return errors.write(text(args[0]));
    },
    writelines(...args) {
      exactly(1, args, 'writelines');
      //! `writelines` takes an iterable of them.
      if (typeof args[0]?.[Symbol.iterator] !== 'function')
        breach('application', `gave wsgi.errors.writelines() ${nameOf(args[0])}, not an iterable`, STREAMS);
      return errors.writelines([...args[0]].map(text));
    },
    flush(...args) {
      exactly(0, args, 'flush');
      return errors.flush();
    },
  };
  return only(checked, errors, 'wsgi.errors');
}

function checkedFileWrapper(wrap: FileWrapperFunction): FileWrapperFunction {
  return (...args) => {
    //!# wsgi.file_wrapper
    //! `wsgi.file_wrapper` takes one or two arguments: a file, and a block size in bytes.
    if (args.length !== 1 && args.length !== 2)
      breach('application', `called wsgi.file_wrapper with ${args.length} arguments`, FILE);
    const source = args[0] as { close?: unknown } | null | undefined;
    const file: unknown = wrap(...args);
    //! It returns a body, which has a `close` where the file has one.
    if (!isIterable(file)) breach('gateway', `wsgi.file_wrapper returned ${nameOf(file)}, which is no body`, FILE);
    if (typeof source?.close === 'function' && typeof file.close !== 'function')
      breach('gateway', 'wsgi.file_wrapper returned a body without close() for a file that has one', FILE);
    return file;
  };
}

function checkedStart(startResponse: StartResponse, environ: Environ, state: State): StartResponse {
  return (...args) => {
    //!# startResponse
    //! `startResponse` takes two or three arguments: a status, headers, and `excInfo`.
    if (args.length !== 2 && args.length !== 3)
      breach('application', `called startResponse with ${args.length} arguments`, START);
    const [status, headers, excInfo] = args;
    //! It is called a second time only with `excInfo`, the error being handled, even where the first call threw.
    if (state.called && (excInfo === undefined || excInfo === null))
      breach('application', 'called startResponse a second time without excInfo', START);
    state.called = true;
    //! The status is three digits, a space and a reason, without control characters, a native string.
    const fault = statusFault(status);
    if (fault !== null) breach('application', fault, START);
    //! One space stands before the reason, which may be empty, and none behind it.
    if (/^.{4}( |.+ $)/.test(status)) breach('application', `status ${quote(status)} has a space too many`, START);
    const code = Number(status.slice(0, 3));
    //! The status is 200 or above; 101 only where the gateway can upgrade the connection.
    if (code < 200 && !(code === 101 && environ['workers.upgrade'] !== undefined))
      breach('application', `status ${quote(status)} is informational or below`, START);
    //! The headers are an array of [name, value] pairs; a name is a token (RFC 9110), a value a native string without
    //! control characters but the tab, and a Content-Length a number of bytes.
    //! No header is hop-by-hop: those belong to the server.
    const headerFault = headersFault(headers);
    if (headerFault !== null) breach('application', headerFault, headerFault.includes('hop-by-hop') ? HTTP : START);
    for (const [name] of headers) {
      //! A header name ends in a letter or a digit.
      if (!/[0-9A-Za-z]$/.test(name)) breach('application', `header name ${quote(name)} ends in punctuation`, START);
      //! There is no header named `Status`: the status is an argument of its own.
      if (name.toLowerCase() === 'status') breach('application', 'has a header named "Status"', START);
      //! A response without a body (101, 204, 304) has no Content-Type, and a 101 or 204 no Content-Length (RFC 9110).
      if ((code === 101 || code === 204 || code === 304) && /^content-type$/i.test(name))
        breach('application', `gave a Content-Type to status ${code}, which has no body`, START);
      if ((code === 101 || code === 204) && /^content-length$/i.test(name))
        breach('application', `gave a Content-Length to status ${code}, which has no body`, START);
    }
    let write: Write;
    try {
      write = startResponse(...args);
    } catch (error) {
      if (excInfo !== undefined && excInfo !== null) state.refused = true;
      throw error;
    }
    state.started = true;
    const length = headerValue(headers, 'content-length');
    const bodiless = state.method === 'HEAD' || code < 200 || code === 204 || code === 205 || code === 304;
    state.length = length === undefined || bodiless ? undefined : Number(length);
    //! `startResponse` returns the `write` function.
    if (typeof write !== 'function') breach('gateway', `startResponse returned ${nameOf(write)}, not write()`, START);
    return checkedWrite(write, state);
  };
}

function checkPropagated(state: State): void {
  //! What `startResponse` throws when it is given `excInfo` is not trapped: the application gives nothing after it.
  if (state.refused) breach('application', 'went on after startResponse with excInfo had thrown', START);
}

function checkedWrite(write: Write, state: State): Write {
  return (...args) => {
    //!# write
    //! `write` takes exactly one argument, a Uint8Array.
    if (args.length !== 1) breach('application', `called write() with ${args.length} arguments`, WRITE);
    checkChunk(args[0], 'what write() is given');
    //! `write` is not called from within the iteration of the body.
    if (state.iterating) breach('application', 'called write() from within the iteration of its body', WRITE);
    //! `write` is not called when the response has ended.
    if (state.ended) breach('application', 'called write() after the end of its response', WRITE);
    checkPropagated(state);
    count(args[0], state);
    const accepted = write(args[0]);
    //! `write` returns a promise.
    if (!isThenable(accepted)) breach('gateway', `write() returned ${nameOf(accepted)}, not a promise`, WRITE);
    return accepted;
  };
}

function count(chunk: Uint8Array, state: State): void {
  //! `write` and the body give no more bytes than the Content-Length says, where there is one.
  state.given += chunk.length;
  if (state.length !== undefined && state.given > state.length)
    breach('application', `gave ${state.given} bytes where its Content-Length is ${state.length}`, LENGTH);
}

// Not by a throw: nobody is left to catch it.
const dropped =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : new FinalizationRegistry<ErrorStream>((errors) =>
        log(errors, `gateway or middleware: dropped a body without a call of its close() (PEP 3333, "${DETAILS}")`),
      );

function checkedBody(body: Body, errors: ErrorStream, state: State): Body {
  //!# The body
  //! A body is an iterable, synchronous or asynchronous, and neither a string nor bytes.
  checkBody(body);
  //! Where it has a `close`, that is a function.
  if (body.close !== undefined && typeof body.close !== 'function')
    breach('application', `close must be a function, not ${nameOf(body.close)}`, DETAILS);
  const check = (chunk: unknown): Uint8Array => {
    //! Every chunk of a body is a Uint8Array.
    checkChunk(chunk, 'a chunk of the body');
    //! `startResponse` is called before the first chunk that is not empty.
    if (chunk.length > 0 && !state.started) breach('application', 'gave a chunk before it called startResponse', START);
    checkPropagated(state);
    count(chunk, state);
    return chunk;
  };
  const end = (): void => {
    //! `startResponse` is called before the body ends.
    if (!state.started) breach('application', 'ended its body without a call of startResponse', START);
    checkPropagated(state);
    state.ended = true;
    //! A body that comes to its end gives no fewer bytes than the Content-Length says, where there is one.
    if (state.length !== undefined && state.given < state.length && !(body instanceof FileWrapper))
      breach('application', `ended after ${state.given} of the ${state.length} bytes of its Content-Length`, LENGTH);
  };
  const iteration: Iteration = { opened: false, over: false, left: false, closed: false, canReturn: false };
  const open = <T extends Iterator<unknown> | AsyncIterator<unknown>>(iterate: () => T): T => {
    //! A gateway iterates over a body once, and not after it has closed it.
    if (iteration.opened) breach('gateway', 'iterated over the body a second time', DETAILS);
    if (iteration.closed) breach('gateway', 'iterated over the body after close()', DETAILS);
    iteration.opened = true;
    const iterator = iterate();
    //! The iterator of a body has a `next` function.
    if (typeof iterator?.next !== 'function')
      breach('application', `the iterator of its body, ${nameOf(iterator)}, has no next()`, DETAILS);
    iteration.canReturn = typeof iterator.return === 'function';
    return iterator;
  };
  const given = body.close;
  const close = (): void | Promise<void> => {
    //! A gateway calls `close` once, however the request ends.
    if (iteration.closed) breach('gateway', 'called close() a second time', DETAILS);
    iteration.closed = true;
    state.ended = true;
    dropped?.unregister(iteration);
    const cut = iteration.opened && !iteration.over && !iteration.left && iteration.canReturn;
    const settle = (): void => {
      //! An iteration that it breaks off is ended by `return`, where the iterator has one, before `close`.
      if (cut) breach('gateway', 'called close() in the middle of the iteration, without return()', DETAILS);
    };
    const closing = given?.call(body);
    return isThenable(closing) ? closing.then(settle) : settle();
  };
  const watched = <T extends Body>(wrapped: T): T => {
    //! Whoever is given a body closes it: one that is dropped before is told of in the log, where the runtime knows.
    dropped?.register(wrapped, errors, iteration);
    return wrapped;
  };

  // A file stays one, so that the gateway may hand it to its platform by reference. Nobody sees its blocks then.
  if (body instanceof FileWrapper) {
    end();
    return watched(Object.assign(body, { close: async () => close() }));
  }
  // An array stays one: a gateway may rely on its length (PEP 3333, "Handling the Content-Length Header").
  if (Array.isArray(body)) {
    const chunks = Array.from(body as unknown[], (chunk) => check(chunk));
    end();
    return watched(Object.assign(chunks, { close }));
  }
  if (Symbol.asyncIterator in body) {
    const source = body;
    return watched({
      [Symbol.asyncIterator]() {
        const iterator = open(() => source[Symbol.asyncIterator]());
        return checkedAsync(iterator, steps(state, iteration, check, end));
      },
      close,
    });
  }
  return watched({
    [Symbol.iterator]() {
      const iterator = open(() => body[Symbol.iterator]());
      return checkedSync(iterator, steps(state, iteration, check, end));
    },
    close,
  });
}

/** The iteration over a body, as the gateway drives it. */
interface Iteration {
  opened: boolean;
  /** It has come to its end, or has failed. */
  over: boolean;
  /** It was ended by return(), while a chunk may still have been awaited. */
  left: boolean;
  closed: boolean;
  canReturn: boolean;
}

interface Steps {
  begin(): void;
  settle(step: IteratorResult<unknown>): IteratorResult<Uint8Array>;
  fail(error: unknown): never;
  leave(): void;
}

function checkedSync(iterator: Iterator<unknown>, { begin, settle, fail, leave }: Steps): Iterator<Uint8Array> {
  return {
    next() {
      begin();
      let step: IteratorResult<unknown>;
      try {
        step = iterator.next();
      } catch (error) {
        return fail(error);
      }
      return settle(step);
    },
    ...(iterator.return && {
      return() {
        leave();
        iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

function checkedAsync(
  iterator: AsyncIterator<unknown>,
  { begin, settle, fail, leave }: Steps,
): AsyncIterator<Uint8Array> {
  return {
    async next() {
      begin();
      let step: IteratorResult<unknown>;
      try {
        step = await iterator.next();
      } catch (error) {
        return fail(error);
      }
      return settle(step);
    },
    ...(iterator.return && {
      async return() {
        leave();
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

function steps(state: State, iteration: Iteration, check: (chunk: unknown) => Uint8Array, end: () => void): Steps {
  return {
    begin() {
      //! A gateway asks for one chunk at a time, and for none after the last or after `close`.
      if (state.iterating) breach('gateway', 'asked for a chunk while the last one was still awaited', DETAILS);
      if (iteration.closed) breach('gateway', 'asked for a chunk after close()', DETAILS);
      if (iteration.over || iteration.left) breach('gateway', 'asked for a chunk after the end of the body', DETAILS);
      state.iterating = true;
    },
    settle(step) {
      state.iterating = false;
      iteration.over = true; // unless a chunk has come that is right
      //! A step of the iteration is an object with `done` and `value`.
      if (typeof step !== 'object' || step === null)
        breach('application', `a step of its body is ${nameOf(step)}`, DETAILS);
      if (!step.done) {
        const chunk = check(step.value);
        iteration.over = false;
        return { done: false, value: chunk };
      }
      end();
      return { done: true, value: undefined };
    },
    fail(error) {
      state.iterating = false;
      iteration.over = true;
      throw error;
    },
    leave() {
      iteration.left = true;
    },
  };
}

async function discard(body: Body | null | undefined, errors: ErrorStream): Promise<void> {
  try {
    if (typeof body?.close === 'function') await body.close();
  } catch (error) {
    log(errors, `application: close() failed: ${String(error)}`);
  }
}

function log(errors: ErrorStream, line: string): void {
  try {
    errors.write(`${line}\n`);
  } catch {
    // A log that fails must not end the process.
  }
}

function isIterable(value: unknown): value is Body {
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = (value ?? {}) as Record<symbol, unknown>;
  return typeof async === 'function' || typeof sync === 'function';
}
