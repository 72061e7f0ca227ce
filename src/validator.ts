import { checkBody, isThenable } from './body.js';
import { WsgiError } from './errors.js';
import { FileWrapper } from './file-wrapper.js';
import { headersFault, nameOf, quote, statusFault } from './headers.js';
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

    const state: State = { called: false, started: false, wrote: false, iterating: false, ended: false };
    const inner = wrapEnviron(environ);
    const result = app(inner, checkedStart(startResponse, environ, state));
    //! The application returns a body, or a promise of one.
    if (!isThenable(result)) return checkedBody(result, state);
    return result.then((body) => checkedBody(body, state));
  };
}

interface State {
  called: boolean;
  started: boolean;
  wrote: boolean;
  iterating: boolean;
  ended: boolean;
}

const REQUIRED = ['REQUEST_METHOD', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL'] as const;
const FLAGS = ['wsgi.multithread', 'wsgi.multiprocess', 'wsgi.run_once'] as const;

function checkEnviron(environ: Environ): void {
  //!# environ
  //! `environ` is a plain object: own enumerable properties, the prototype of `{}`.
  if (typeof environ !== 'object' || environ === null || Object.getPrototypeOf(environ) !== Object.prototype)
    breach('gateway', `environ must be a plain object, not ${nameOf(environ)}`, ENVIRON);
  for (const [key, { enumerable }] of Object.entries(Object.getOwnPropertyDescriptors(environ)))
    if (!enumerable) breach('gateway', `environ["${key}"] is not enumerable`, ENVIRON);

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
  //! `REQUEST_METHOD` is a token (RFC 9110).
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(environ.REQUEST_METHOD))
    breach('gateway', `REQUEST_METHOD ${quote(environ.REQUEST_METHOD)} is not a token`, ENVIRON);
  //! `SCRIPT_NAME` is empty or starts with `/`, and does not end with one.
  if (!/^(\/.*[^/])?$/s.test(environ.SCRIPT_NAME))
    breach('gateway', `SCRIPT_NAME ${quote(environ.SCRIPT_NAME)} must be like "/app" or empty`, ENVIRON);
  //! `PATH_INFO` is empty or starts with `/`; it is `*` for `OPTIONS *`.
  if (!/^(\/|$)/.test(environ.PATH_INFO) && environ.PATH_INFO !== '*')
    breach('gateway', `PATH_INFO ${quote(environ.PATH_INFO)} must start with "/"`, ENVIRON);
  //! `PATH_INFO` is empty only below a mount, where `SCRIPT_NAME` is not.
  if (environ.PATH_INFO === '' && environ.SCRIPT_NAME === '')
    breach('gateway', 'SCRIPT_NAME and PATH_INFO are both empty; PATH_INFO must be "/"', ENVIRON);
  //! `QUERY_STRING` has no `?` in front.
  if (environ.QUERY_STRING.startsWith('?') && environ.REQUEST_URI?.includes('??') === false)
    breach('gateway', `QUERY_STRING ${quote(environ.QUERY_STRING)} starts with the "?" of the URL`, ENVIRON);
  //! `CONTENT_LENGTH`, where it is there, is a number of bytes in decimal digits.
  if (environ.CONTENT_LENGTH !== undefined && !/^[0-9]+$/.test(environ.CONTENT_LENGTH))
    breach('gateway', `CONTENT_LENGTH ${quote(environ.CONTENT_LENGTH)} is not a number of bytes`, ENVIRON);
  //! `SERVER_PORT` is decimal digits.
  if (!/^[0-9]+$/.test(environ.SERVER_PORT))
    breach('gateway', `SERVER_PORT ${quote(environ.SERVER_PORT)} is not a number`, ENVIRON);
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
  //! `wsgi.file_wrapper`, where it is there, is a function.
  if (environ['wsgi.file_wrapper'] !== undefined && typeof environ['wsgi.file_wrapper'] !== 'function')
    breach('gateway', 'wsgi.file_wrapper must be a function', 'Optional Platform-Specific File Handling');
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

function wrapEnviron(environ: Environ): Environ {
  return {
    ...environ,
    'wsgi.input': checkedInput(environ['wsgi.input']),
    'wsgi.errors': checkedErrors(environ['wsgi.errors']),
  };
}

function checkedInput(input: InputStream): InputStream {
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
  const bytes = (value: unknown, limit: number, method: string): Uint8Array => {
    //! `read` and `readline` give a Uint8Array, an empty one at the end of input.
    if (!(value instanceof Uint8Array))
      breach('gateway', `wsgi.input.${method}() gave ${nameOf(value)}, not a Uint8Array`, STREAMS);
    //! `read` and `readline` give no more bytes than they are asked for.
    if (value.length > limit) breach('gateway', `wsgi.input.${method}(${limit}) gave ${value.length} bytes`, STREAMS);
    return value;
  };
  const promised = <T>(value: T, method: string): T => {
    //! Every method of `wsgi.input` returns a promise.
    if (!isThenable(value)) breach('gateway', `wsgi.input.${method}() gave ${nameOf(value)}, not a promise`, STREAMS);
    return value;
  };
  const checked: InputStream = {
    read(...args) {
      const limit = size(args, 'read');
      return promised(input.read(...args), 'read').then((value) => bytes(value, limit, 'read'));
    },
    readline(...args) {
      const limit = size(args, 'readline');
      return promised(input.readline(...args), 'readline').then((value) => bytes(value, limit, 'readline'));
    },
    readlines(...args) {
      size(args, 'readlines');
      return promised(input.readlines(...args), 'readlines').then((lines) => {
        //! `readlines` gives an array of Uint8Array.
        if (!Array.isArray(lines)) breach('gateway', `wsgi.input.readlines() gave ${nameOf(lines)}`, STREAMS);
        return lines.map((line) => bytes(line, Number.POSITIVE_INFINITY, 'readlines'));
      });
    },
    async *[Symbol.asyncIterator]() {
      for await (const line of input) yield bytes(line, Number.POSITIVE_INFINITY, 'iteration');
    },
  };
  shareStream(checked, input);
  return checked;
}

function checkedErrors(errors: ErrorStream): ErrorStream {
  //!# wsgi.errors
  const text = (value: unknown): string => {
    //! `wsgi.errors` takes strings.
    if (typeof value !== 'string')
      breach('application', `wrote ${nameOf(value)} to wsgi.errors, not a string`, STREAMS);
    return value;
  };
  return {
    write: (value) => errors.write(text(value)),
    writelines: (values) => errors.writelines([...values].map(text)),
    flush: () => errors.flush(),
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
    const code = Number(status.slice(0, 3));
    //! The status is 200 or above; 101 only where the gateway can upgrade the connection.
    if (code < 200 && !(code === 101 && environ['workers.upgrade'] !== undefined))
      breach('application', `status ${quote(status)} is informational or below`, START);
    //! The headers are an array of [name, value] pairs; a name is a token (RFC 9110), a value a native string without
    //! control characters but the tab, and a Content-Length a number of bytes.
    //! No header is hop-by-hop: those belong to the server.
    const headerFault = headersFault(headers);
    if (headerFault !== null)
      breach('application', headerFault, headerFault.includes('hop-by-hop') ? 'Other HTTP Features' : START);
    for (const [name] of headers) {
      //! There is no header named `Status`: the status is an argument of its own.
      if (name.toLowerCase() === 'status') breach('application', 'has a header named "Status"', START);
      //! A response without a body (204, 304) has no Content-Type, and a 204 no Content-Length (RFC 9110).
      if ((code === 204 || code === 304) && /^content-type$/i.test(name))
        breach('application', `gave a Content-Type to status ${code}, which has no body`, START);
      if (code === 204 && /^content-length$/i.test(name))
        breach('application', 'gave a Content-Length to status 204, which has no body', START);
    }
    state.started = true;
    const write = startResponse(...args);
    //! `startResponse` returns the `write` function.
    if (typeof write !== 'function') breach('gateway', `startResponse returned ${nameOf(write)}, not write()`, START);
    return checkedWrite(write, state);
  };
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
    state.wrote = true;
    const accepted = write(args[0]);
    //! `write` returns a promise.
    if (!isThenable(accepted)) breach('gateway', `write() returned ${nameOf(accepted)}, not a promise`, WRITE);
    return accepted;
  };
}

function checkedBody(body: Body, state: State): Body {
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
    return chunk;
  };
  const end = (): void => {
    //! `startResponse` is called before the body ends.
    if (!state.started) breach('application', 'ended its body without a call of startResponse', START);
  };
  let closed = false;
  let opened = false;
  const open = (): void => {
    //! A gateway iterates over a body once, and not after it has closed it.
    if (opened) breach('gateway', 'iterated over the body a second time', DETAILS);
    if (closed) breach('gateway', 'iterated over the body after close()', DETAILS);
    opened = true;
  };
  const given = body.close;
  const close = (): void | Promise<void> => {
    //! A gateway calls `close` once, however the request ends.
    if (closed) breach('gateway', 'called close() a second time', DETAILS);
    closed = true;
    state.ended = true;
    return given?.call(body);
  };

  // A file stays one, so that the gateway may hand it to its platform by reference.
  if (body instanceof FileWrapper) return Object.assign(body, { close: async () => close() });
  // An array stays one: a gateway may rely on its length (PEP 3333, "Handling the Content-Length Header").
  if (Array.isArray(body)) {
    const chunks = (body as unknown[]).map(check);
    end();
    return Object.assign(chunks, { close });
  }
  if (Symbol.asyncIterator in body) {
    const source = body;
    return {
      [Symbol.asyncIterator]() {
        open();
        return checkedAsync(source[Symbol.asyncIterator](), state, check, end);
      },
      close,
    };
  }
  return {
    [Symbol.iterator]() {
      open();
      return checkedSync(body[Symbol.iterator](), state, check, end);
    },
    close,
  };
}

type Check = (chunk: unknown) => Uint8Array;

function checkedSync(iterator: Iterator<unknown>, state: State, check: Check, end: () => void): Iterator<Uint8Array> {
  const { settle, begin } = steps(state, check, end);
  return {
    next() {
      begin();
      try {
        return settle(iterator.next());
      } finally {
        state.iterating = false;
      }
    },
    ...(iterator.return && {
      return() {
        iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

function checkedAsync(
  iterator: AsyncIterator<unknown>,
  state: State,
  check: Check,
  end: () => void,
): AsyncIterator<Uint8Array> {
  const { settle, begin } = steps(state, check, end);
  return {
    async next() {
      begin();
      try {
        return settle(await iterator.next());
      } finally {
        state.iterating = false;
      }
    },
    ...(iterator.return && {
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

function steps(state: State, check: Check, end: () => void) {
  let exhausted = false;
  return {
    begin(): void {
      //! A gateway asks for one chunk at a time, and for none after the last.
      if (state.iterating) breach('gateway', 'asked for a chunk while the last one was still awaited', DETAILS);
      if (exhausted) breach('gateway', 'asked for a chunk after the end of the body', DETAILS);
      state.iterating = true;
    },
    settle(step: IteratorResult<unknown>): IteratorResult<Uint8Array> {
      //! A step of the iteration is an object with `done` and `value`.
      if (typeof step !== 'object' || step === null)
        breach('application', `a step of its body is ${nameOf(step)}`, DETAILS);
      if (!step.done) return { done: false, value: check(step.value) };
      exhausted = true;
      end();
      return { done: true, value: undefined };
    },
  };
}
