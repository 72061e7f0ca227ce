import { checkBody, isThenable, OpenBody } from '../src/body.js';
import { logRecord } from '../src/error-stream.js';
import { nameOf, recordOf, WsgiError } from '../src/errors.js';
import { asFile, FileWrapper } from '../src/file-wrapper.js';
import { rejected, shortage } from '../src/outgoing.js';
import { checkChunk, isBodiless, Start } from '../src/start-response.js';
import type { Application, Body, Environ, HeaderList, LogEntry, StartResponse, Write } from '../src/types.js';

/** The head of a response before it goes out. A mapping may change `status` and `headers`. */
export interface ResponseHead {
  /** "200 OK", a native string. */
  status: string;
  /** A copy of the application's list. */
  headers: HeaderList;
  /** The length of the body in bytes, if it is known: by Content-Length, by a list, or by the size of a file. */
  readonly length: number | undefined;
  /** The complete body, if the application returned a list and has not called `write()`. */
  readonly chunks: readonly Uint8Array[] | undefined;
  /** The body is a file of `wsgi.file_wrapper`, which a target may send by reference if it is not mapped. */
  readonly file: boolean;
}

// biome-ignore lint/suspicious/noConfusingVoidType: most functions only change the head
type HeadAnswer = void | false | Application;

/** The functions that change a response. Each is optional. */
export interface ResponseMapping {
  /** Takes the head when it is final, immediately before it goes out.
   *  @returns nothing; or false if `chunk` and `end` must not change this body, so that a list stays a list, a file a
   *    file, and the Content-Length stays; or another application, which answers instead */
  head?(head: ResponseHead): HeadAnswer | Promise<HeadAnswer>;
  /** Takes each chunk that is not empty, and returns its replacement, which may be empty. Null ends the body: the
   *  application is asked for no more. It is not called if the response has no body (HEAD, 204, 304). */
  chunk?(chunk: Uint8Array): Uint8Array | null | Promise<Uint8Array | null>;
  /** Returns bytes that follow the last chunk. It is not called if the body broke off. */
  end?(): Uint8Array | Promise<Uint8Array>;
  /** Takes an error of the application or of its body: also one of a generator, which no `try` around the call catches.
   *  @param sent  the head has gone out, or another application is answering
   *  @returns nothing, so that the gateway answers; or an application that answers instead, unless `sent` */
  // biome-ignore lint/suspicious/noConfusingVoidType: most functions only look at the error
  error?(error: unknown, sent: boolean): void | Application;
  /** Called once when the response has ended, however it ended. */
  close?(): void;
}

/** Wraps an application so that its response is changed on its way out: the safe way to write middleware. `await app()`
 *  followed by a look at the status fails for generators, which call `startResponse` during the first iteration; `head` is
 *  called when the head is final. A list stays a list, and the gateway sets its new Content-Length. A stream is mapped
 *  chunk by chunk without delay. The body's `close()` is called once. PEP 3333, "Middleware".
 *  @param mapping  the functions, or a function of environ that makes them for each request, so that they can keep state
 *  @throws {WsgiError} when `app` is not a function or the mapping is neither an object nor a function
 *  @example
 *  ```ts
 *  import type { Middleware } from 'wsgi-edge';
 *  import { text } from 'wsgi-edge/http';
 *  import { mapResponse } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const shout: Middleware = (app) =>
 *    mapResponse(app, {
 *      head: ({ headers }) => void headers.push(['X-Case', 'upper']),
 *      chunk: (bytes) => new TextEncoder().encode(new TextDecoder().decode(bytes).toUpperCase()),
 *    });
 *  await (await client(shout(text('hello'))).get('/')).text(); //=> 'HELLO'
 *  ``` */
export function mapResponse<E extends Environ = Environ>(
  app: Application<E>,
  mapping: ResponseMapping | ((environ: E) => ResponseMapping),
): Application<E> {
  if (typeof app !== 'function')
    throw new WsgiError(`mapResponse: the application must be a function, not ${nameOf(app)}`);
  if (typeof mapping !== 'function' && (typeof mapping !== 'object' || mapping === null))
    throw new WsgiError(
      `mapResponse: takes { head, chunk, end } or a function that returns it, not ${nameOf(mapping)}`,
    );
  return (environ, startResponse) =>
    new Mapped(environ, startResponse, typeof mapping === 'function' ? mapping(environ) : mapping).run(app);
}

const END = { done: true, value: undefined } as const;

/** One response on its way through a mapping. It commits as the gateway does, and passes the head on at that moment. */
class Mapped<E extends Environ> {
  readonly #environ: E;
  readonly #outer: StartResponse;
  readonly #mapping: ResponseMapping;
  readonly #start: Start;
  readonly #log: (entry: LogEntry) => void;
  readonly #method: string;
  /** Bodies to end: the application's, and the one of an application that answers instead. */
  readonly #bodies: OpenBody[] = [];
  /** The gateway's, once the head has been passed on. */
  #write: Write | undefined;
  #begun: void | Promise<void> = undefined;
  #writing: Promise<unknown> | undefined;
  /** True if `chunk` and `end` change the body. */
  #maps = false;
  /** Bytes that the application announced, if they are counted here, because the gateway does not see the number. */
  #announced: number | undefined;
  #taken = 0;
  #overlong = false;
  #instead: Application | undefined;
  #over = false;
  #ended: Promise<void> | undefined;

  constructor(environ: E, outer: StartResponse, mapping: ResponseMapping) {
    this.#environ = environ;
    this.#outer = outer;
    this.#mapping = mapping;
    this.#method = environ.REQUEST_METHOD; // The application may change its environ.
    const errors = environ['wsgi.errors'];
    this.#log = (entry) => logRecord({ 'wsgi.errors': errors }, entry);
    this.#start = new Start(
      (data) => this.#written(data),
      () => null,
    );
    this.#start.callee = (...args) => {
      const write = this.#start.startResponse(...args);
      const code = Number(args[0].slice(0, 3));
      // Only some platforms can send these. The gateway refuses them while the application runs.
      if (code < 200 || code > 599) this.#commit('the first chunk');
      return write;
    };
  }

  run(app: Application<E>): Body | Promise<Body> {
    try {
      const result = app(this.#environ, this.#start.callee);
      const delivered = after(result, (body) => this.#deliver(body));
      return isThenable(delivered) ? delivered.then(undefined, (error) => this.#answerError(error)) : delivered;
    } catch (error) {
      return this.#answerError(error);
    }
  }

  #written(data: Uint8Array): Promise<void> {
    checkChunk(data, 'the argument of write()');
    if (this.#over && this.#write === undefined)
      return rejected(new WsgiError('application: write() was called after the response had ended'));
    const begun = this.#commit('the first chunk');
    const waits = begun !== undefined || this.#writing !== undefined;
    // The application may use the data again when write() has returned.
    const held = waits ? new Uint8Array(data) : data;
    const accepted = waits ? Promise.all([begun, this.#writing]).then(() => this.#send(held)) : this.#send(data);
    // Keep the order if the mapping waits. An un-awaited write must not end the process.
    if (waits || this.#maps) this.#writing = accepted.catch(() => {});
    return accepted;
  }

  #send(data: Uint8Array): Promise<void> {
    if (this.#instead !== undefined) return Promise.resolve();
    const send = (bytes: Uint8Array | null) => (bytes === null ? undefined : this.#write?.(bytes)) ?? Promise.resolve();
    const bytes = this.#map(data);
    return isThenable(bytes) ? bytes.then(send) : send(bytes);
  }

  /** Makes the head final and passes it on, unless that has happened. */
  #commit(when: string, chunks?: readonly Uint8Array[], file?: FileWrapper): void | Promise<void> {
    if (this.#start.committed) return this.#begun;
    const { status, headers, length: announced } = this.#start.started(when);
    const late = this.#start.lateChange();
    if (late !== undefined) this.#log({ level: 'warn', message: late });
    const length = announced ?? file?.size ?? chunks?.reduce((sum, chunk) => sum + chunk.length, 0);
    const head = { status, headers, length, chunks, file: file !== undefined };
    const given = headers.find(([name]) => name.toLowerCase() === 'content-length');
    this.#start.committed = true;
    try {
      this.#begun = after(this.#mapping.head?.(head), (answer) => this.#begin(head, answer, given));
    } catch (error) {
      this.#start.committed = false;
      throw error;
    }
    if (isThenable(this.#begun)) this.#begun.catch(() => {});
    return this.#begun;
  }

  /** @param given  the Content-Length of the application */
  #begin(head: ResponseHead, answer: HeadAnswer, given: [string, string] | undefined): void {
    if (typeof answer === 'function') {
      this.#instead = answer;
      return;
    }
    const { chunk, end } = this.#mapping;
    const changes = answer !== false && (chunk !== undefined || end !== undefined);
    this.#maps = changes && this.#method !== 'HEAD' && !isBodiless(Number(head.status.slice(0, 3)));
    if (this.#maps && given !== undefined) this.#announced = Number(given[1]);
    // A mapping that knows the new length has replaced the pair.
    const headers = changes ? head.headers.filter((pair) => pair !== given) : head.headers;
    this.#write = this.#outer(head.status, headers);
  }

  #deliver(body: Body): Body | Promise<Body> {
    checkBody(body);
    if (Array.isArray(body)) return this.#deliverList(body);
    const file = body instanceof FileWrapper ? body : asFile(body);
    const open = this.#open(file ?? body);
    const { head } = this.#start;
    if (file !== undefined && head !== undefined)
      return this.#afterWrites(this.#commit('the first chunk', undefined, file), () => {
        if (this.#instead !== undefined) return this.#answer(this.#instead);
        return this.#maps ? this.#stream(open) : this.#closing(file);
      });
    // Only in this case the head need not wait for a chunk (PEP 3333, "The start_response() Callable").
    if (head?.length === 0) this.#commit('the first chunk');
    return this.#stream(open);
  }

  #deliverList(list: Uint8Array[] & Body): Body | Promise<Body> {
    if (list.close !== undefined) this.#open(list);
    for (const chunk of list) checkChunk(chunk, 'a chunk of the body');
    const begun = this.#commit('the application returned its body', this.#start.committed ? undefined : list);
    return this.#afterWrites(begun, () => {
      if (this.#instead !== undefined) return this.#answer(this.#instead);
      return this.#maps ? this.#mapList(list).then((mapped) => this.#closing(mapped)) : this.#closing(list);
    });
  }

  /** Goes on when the head and the data of `write()` have been passed on. */
  #afterWrites(begun: void | Promise<void>, next: () => Body | Promise<Body>): Body | Promise<Body> {
    return after(begun, () => after(this.#writing, next));
  }

  async #mapList(list: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const mapped: Uint8Array[] = [];
    for (const chunk of list) {
      const bytes = await this.#map(chunk);
      if (bytes === null) return mapped;
      mapped.push(bytes);
    }
    mapped.push(await this.#last());
    return mapped;
  }

  /** A chunk as it goes out, without bytes beyond the Content-Length; null ends the body. */
  #map(data: Uint8Array): Uint8Array | null | Promise<Uint8Array | null> {
    if (!this.#maps || data.length === 0) return data;
    const room = (this.#announced ?? Number.POSITIVE_INFINITY) - this.#taken;
    if (data.length > room && !this.#overlong) {
      this.#overlong = true;
      const message = `application: the body is longer than its Content-Length of ${this.#announced} bytes; the rest is cut`;
      this.#log({ level: 'error', message });
    }
    const part = data.length > room ? data.subarray(0, room) : data;
    this.#taken += part.length;
    return part.length === 0 || this.#mapping.chunk === undefined ? part : this.#mapping.chunk(part);
  }

  async #last(): Promise<Uint8Array> {
    const missing = shortage(this.#announced, this.#taken);
    if (missing !== undefined) throw missing;
    return (await this.#mapping.end?.()) ?? new Uint8Array(0);
  }

  #stream(open: OpenBody): Body {
    let current = open;
    let state: 'maps' | 'passes' | 'ended' = 'maps';
    const finish = async (): Promise<IteratorResult<Uint8Array>> => {
      state = 'ended';
      if (!this.#maps) return END;
      const last = await this.#last();
      return last.length === 0 ? END : { done: false, value: last };
    };
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      if (state === 'ended') return END;
      if (this.#overlong) return finish();
      const step = (await current.next()) as IteratorResult<Uint8Array>;
      if (state === 'passes') return step;
      if (!step.done) checkChunk(step.value, 'a chunk of the body');
      if (!step.done && step.value.length === 0) return step;
      await this.#commit(step.done ? 'the end of the body' : 'the first chunk');
      if (this.#instead !== undefined) return turn(this.#instead);
      await this.#writing;
      if (step.done) return finish();
      const value = await this.#map(step.value);
      if (value !== null) return { done: false, value };
      state = 'ended';
      return END;
    };
    const turn = async (page: Application): Promise<IteratorResult<Uint8Array>> => {
      state = 'passes';
      const body = await page(this.#environ, this.#outer);
      checkBody(body);
      current = this.#open(asFile(body) ?? body);
      return next();
    };
    const iterator: AsyncIterator<Uint8Array> = {
      next: () =>
        next().catch((error) => {
          const page = this.#errorPage(error);
          if (page !== undefined) return turn(page);
          if (state !== 'maps' || !this.#isWhole()) throw error;
          this.#log(recordOf(error));
          return finish();
        }),
      return: () => this.#end().then(() => END),
    };
    return { [Symbol.asyncIterator]: () => iterator, close: () => this.#end() };
  }

  #errorPage(error: unknown): Application | undefined {
    this.#start.called = true; // A call of startResponse would come too late.
    const sent = this.#write !== undefined || this.#instead !== undefined;
    const page = this.#mapping.error?.(error, sent);
    if (sent || typeof page !== 'function') return undefined;
    this.#start.committed = true;
    this.#instead = page;
    return page;
  }

  #answerError(error: unknown): Body | Promise<Body> {
    // The gateway must know the bytes sent before it judges the error.
    if (this.#writing !== undefined) return this.#writing.then(() => this.#answerWritten(error));
    return this.#answerWritten(error);
  }

  #answerWritten(error: unknown): Body | Promise<Body> {
    this.#over = true;
    const page = this.#errorPage(error);
    if (page !== undefined) return this.#answer(page);
    if (this.#isWhole()) {
      this.#log(recordOf(error));
      return this.#last().then((last) => this.#closing([last]));
    }
    if (this.#bodies.length === 0 && this.#mapping.close === undefined) throw error;
    return this.#end().then(() => {
      throw error;
    });
  }

  /** The body has reached its Content-Length, so an error comes too late to matter. The gateway judges it by the same rule. */
  #isWhole(): boolean {
    return this.#announced !== undefined && this.#taken >= this.#announced;
  }

  /** Answers with another application than the wrapped one. */
  #answer(page: Application): Body | Promise<Body> {
    return after(page(this.#environ, this.#outer), (body) => {
      checkBody(body);
      this.#open(body);
      return this.#closing(body);
    });
  }

  #open(body: Body): OpenBody {
    // #closing() may replace the close() of a file.
    const held =
      body instanceof FileWrapper
        ? { [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](), close: body.close.bind(body) }
        : body;
    const open = new OpenBody(held, (error) => this.#log(recordOf(error)));
    this.#bodies.push(open);
    return open;
  }

  /** A body whose close() ends everything that belongs to this response. */
  #closing(body: Body): Body {
    if (this.#mapping.close === undefined && this.#bodies.length < (body.close === undefined ? 1 : 2)) return body;
    const close = () => this.#end();
    if (Array.isArray(body)) return Object.assign([...body], { close });
    if (body instanceof FileWrapper) return Object.assign(body, { close });
    return Symbol.asyncIterator in body
      ? { [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](), close }
      : { [Symbol.iterator]: () => body[Symbol.iterator](), close };
  }

  #end(): Promise<void> {
    this.#over = true;
    this.#ended ??= (async () => {
      for (const body of this.#bodies) await body.release();
      this.#mapping.close?.();
    })();
    return this.#ended;
  }
}

function after<T, R>(value: T | PromiseLike<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}
