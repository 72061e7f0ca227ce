import { isThenable } from '../body.js';
import { shareLog } from '../error-stream.js';
import { nameOf, quote } from '../errors.js';
import { shareStream } from '../input-stream.js';
import type { Body, Environ, ErrorStream, InputStream } from '../types.js';
import { breach, FILE, STREAMS } from './breach.js';

type FileWrapperFunction = Environ['wsgi.file_wrapper'];
type Bytes = Uint8Array<ArrayBuffer>;
type Check = (given: unknown) => Bytes;

/** Puts checked streams and a checked file wrapper into environ. It changes environ in place, because middleware outside
 *  may read the application's own changes there. */
export function wrapEnviron(environ: Environ): void {
  const fileWrapper: unknown = environ['wsgi.file_wrapper'];
  environ['wsgi.input'] = checkedInput(environ['wsgi.input'], Number(environ.CONTENT_LENGTH || Number.NaN));
  environ['wsgi.errors'] = checkedErrors(environ['wsgi.errors']);
  if (fileWrapper !== undefined) environ['wsgi.file_wrapper'] = checkedFileWrapper(fileWrapper as FileWrapperFunction);
}

function sizeOf(args: unknown[], method: string): number {
  //!# wsgi.input
  //! `read`, `readline` and `readlines` take at most one argument: a size in whole bytes, or null or none for all.
  if (args.length > 1) breach('application', `gave wsgi.input.${method}() ${args.length} arguments`, STREAMS);
  const [given] = args;
  if (given === undefined || given === null) return Number.POSITIVE_INFINITY;
  if (!Number.isInteger(given))
    breach('application', `gave wsgi.input.${method}() ${quote(given)} for a size in whole bytes`, STREAMS);
  return (given as number) < 0 ? Number.POSITIVE_INFINITY : (given as number);
}

/** Follows one input through all of its reads.
 *  @param length  CONTENT_LENGTH in bytes, or NaN
 *  @returns a function to call when a read of at most `limit` bytes begins; it returns the check of the bytes read */
function createReads(length: number): (method: string, limit: number) => Check {
  let total = 0;
  let exhausted = false;
  return (method, limit) => {
    const late = exhausted;
    return (given) => {
      //! `read` and `readline` give a Uint8Array, an empty one at the end of input.
      if (!(given instanceof Uint8Array))
        breach('gateway', `wsgi.input.${method}() gave ${nameOf(given)}, not a Uint8Array`, STREAMS);
      //! `read` and `readline` give no more bytes than they are asked for.
      if (given.length > limit) breach('gateway', `wsgi.input.${method}(${limit}) gave ${given.length} bytes`, STREAMS);
      //! Reads after the end of input give empty arrays.
      if (late && given.length > 0)
        breach('gateway', `wsgi.input.${method}() gave bytes after the end of input`, STREAMS);
      //! All reads together give no more bytes than `CONTENT_LENGTH`, if present.
      total += given.length;
      if (total > length) breach('gateway', `wsgi.input gave ${total} bytes of a CONTENT_LENGTH of ${length}`, STREAMS);
      if (given.length === 0 && limit > 0) exhausted = true;
      return given as Bytes;
    };
  };
}

function checkLine(line: Bytes, method: string): Bytes {
  //! A line has no LF except at its end.
  const at = line.indexOf(10);
  if (at >= 0 && at < line.length - 1)
    breach('gateway', `wsgi.input.${method}() gave more than one line at once`, STREAMS);
  return line;
}

function promised<T>(value: Promise<T>, method: string, check: (value: T) => T): Promise<T> {
  //! Every method of `wsgi.input` returns a promise.
  if (!isThenable(value)) breach('gateway', `wsgi.input.${method}() gave ${nameOf(value)}, not a promise`, STREAMS);
  const checked = value.then(check);
  // A rejected promise that nobody awaits must not end the process.
  checked.catch(() => {});
  return checked;
}

// An application reads through `wsgi.input` or through its stream, `inputStream`. Reads from the stream are not checked.
function checkedInput(input: InputStream, length: number): InputStream {
  const begin = createReads(length);
  const checked: InputStream = {
    read(...args) {
      const check = begin('read', sizeOf(args, 'read'));
      return promised(input.read(...args), 'read', check);
    },
    readline(...args) {
      const check = begin('readline', sizeOf(args, 'readline'));
      return promised(input.readline(...args), 'readline', (line) => checkLine(check(line), 'readline'));
    },
    readlines(...args) {
      sizeOf(args, 'readlines');
      const check = begin('readlines', Number.POSITIVE_INFINITY);
      return promised(input.readlines(...args), 'readlines', (lines) => {
        //! `readlines` gives an array of Uint8Array.
        if (!Array.isArray(lines)) breach('gateway', `wsgi.input.readlines() gave ${nameOf(lines)}`, STREAMS);
        return lines.map((line) => checkLine(check(line), 'readlines'));
      });
    },
    async *[Symbol.asyncIterator]() {
      const check = begin('iteration', Number.POSITIVE_INFINITY);
      for await (const line of input) yield checkLine(check(line), 'iteration');
    },
  };
  const stream = only(checked, input, 'wsgi.input');
  shareStream(stream, input);
  return stream;
}

/** A stream that refuses every attribute of `stream` that `checked` lacks. */
function only<T extends object>(checked: T, stream: object, name: string): T {
  return new Proxy(checked, {
    get(target, key, receiver) {
      //! An application uses only the methods of `wsgi.input` and `wsgi.errors` that are named above, and closes neither.
      if (typeof key === 'string' && !(key in target) && key in stream)
        breach('application', key === 'close' ? `must not close ${name}` : `must not use ${name}.${key}`, STREAMS);
      return Reflect.get(target, key, receiver);
    },
  });
}

function checkCount(count: number, args: unknown[], method: string): void {
  //!# wsgi.errors
  //! `write` and `writelines` take exactly one argument, `flush` none.
  if (args.length !== count)
    breach('application', `gave wsgi.errors.${method}() ${args.length} arguments, not ${count}`, STREAMS);
}

function checkText(text: unknown): string {
  //! `wsgi.errors` takes strings.
  if (typeof text !== 'string') breach('application', `wrote ${nameOf(text)} to wsgi.errors, not a string`, STREAMS);
  return text;
}

function checkedErrors(errors: ErrorStream): ErrorStream {
  const checked: ErrorStream = {
    write(...args) {
      checkCount(1, args, 'write');
      return errors.write(checkText(args[0]));
    },
    writelines(...args) {
      checkCount(1, args, 'writelines');
      //! `writelines` takes an iterable of strings.
      if (typeof args[0]?.[Symbol.iterator] !== 'function')
        breach('application', `gave wsgi.errors.writelines() ${nameOf(args[0])}, not an iterable`, STREAMS);
      return errors.writelines([...args[0]].map(checkText));
    },
    flush(...args) {
      checkCount(0, args, 'flush');
      return errors.flush();
    },
  };
  return only(shareLog(checked, errors), errors, 'wsgi.errors');
}

function checkedFileWrapper(wrap: FileWrapperFunction): FileWrapperFunction {
  return (...args) => {
    //!# wsgi.file_wrapper
    //! `wsgi.file_wrapper` takes one or two arguments: a file, and a block size in bytes.
    if (args.length !== 1 && args.length !== 2)
      breach('application', `called wsgi.file_wrapper with ${args.length} arguments`, FILE);
    const source = args[0] as { close?: unknown } | null | undefined;
    const file: unknown = wrap(...args);
    //! It returns a body, which has a `close` if the file has one.
    if (!isIterable(file)) breach('gateway', `wsgi.file_wrapper returned ${nameOf(file)}, which is not a body`, FILE);
    if (typeof source?.close === 'function' && typeof file.close !== 'function')
      breach('gateway', 'wsgi.file_wrapper returned a body without close() for a file that has one', FILE);
    return file;
  };
}

function isIterable(value: unknown): value is Body {
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = (value ?? {}) as Record<symbol, unknown>;
  return typeof async === 'function' || typeof sync === 'function';
}
