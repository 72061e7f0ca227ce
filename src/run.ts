import type { Refusal } from './admission.js';
import { checkBody, concatenate, isThenable, OpenBody } from './body.js';
import type { Connection } from './connection.js';
import { logRecord } from './error-stream.js';
import { ClientDisconnected, describe, nameOf, recordOf, WsgiError } from './errors.js';
import { asFile, FileWrapper } from './file-wrapper.js';
import type { Gateway } from './gateway.js';
import { Watch } from './observe.js';
import { Outgoing, type Platform, rejected, shortage } from './outgoing.js';
import { errorPage } from './pages.js';
import { checkChunk, type Head, Start } from './start-response.js';
import type { Application, Body, Environ, ErrorPhase, ErrorStream, LogEntry, StartResponse, Write } from './types.js';

/** The answer to one request. */
export interface Answer<Out> {
  /** The value that the target hands to its platform; a promise of it if the application waits. */
  out: Out | Promise<Out>;
  /** Settles when the body has been sent and closed, and never rejects; undefined if that has happened already. */
  done: Promise<void> | undefined;
}

/** Answers one request: calls the application, sends its response, ends its body once. Every error ends up in
 *  `wsgi.errors` and in the response. If application and body are synchronous, all is done when it returns.
 *  @param refusal  the reason why the request must not reach the application
 *  PEP 3333, "The Server/Gateway Side". */
export function answer<Out>(
  gateway: Gateway,
  environ: Environ,
  platform: Platform<Out>,
  refusal: Refusal | null = null,
): Answer<Out> {
  const exchange = new Exchange(gateway, environ, platform);
  if (refusal !== null) exchange.report(refusal.error, 'refused');
  const serving = exchange.serve(refusal?.page ?? gateway.application, exchange.start.startResponse);
  if (serving === undefined) exchange.finish();
  return { out: exchange.out.result(), done: serving?.then(() => exchange.finish()) };
}

/** One request on its way through its application. */
class Exchange<Out> {
  readonly out: Outgoing<Out>;
  readonly start: Start;
  readonly #gateway: Gateway;
  readonly #environ: Environ;
  readonly #connection: Connection;
  readonly #errors: ErrorStream; // The application may replace the one in environ.
  #finished = false;
  #toldOfLateWrite = false;
  /** 0 for the application, then one more for each page that answers its error. */
  #round = 0;
  /** The pages that can still answer an error: first the page of `onError`, if there is one, then the gateway's own. */
  #pages: Application[] | undefined;

  constructor(gateway: Gateway, environ: Environ, platform: Platform<Out>) {
    this.#gateway = gateway;
    this.#environ = environ;
    this.#connection = platform.connection;
    this.#errors = environ['wsgi.errors'];
    if (gateway.observe !== undefined) this.#connection.watch = new Watch(gateway.observe, environ, this.#connection);
    this.out = new Outgoing(environ.REQUEST_METHOD, platform);
    this.start = new Start(this.#writeOf(0), (code) =>
      code === 101 && platform.upgraded?.() ? null : gateway.expressible(code),
    );
  }

  /** Calls an application and sends the body that it returns. */
  serve(app: Application, startResponse: StartResponse): void | Promise<void> {
    let result: Body | Promise<Body>;
    try {
      result = app(this.#environ, startResponse);
      if (!isThenable(result)) return this.#deliver(result);
    } catch (error) {
      return this.#fail(error);
    }
    const promise = result;
    return this.#connection.until(
      promise,
      (body) => this.#deliver(body),
      (error) => {
        this.#discard(promise);
        return this.#fail(error);
      },
    );
  }

  /** Ends the exchange: later writes are refused, and `wsgi.errors` is flushed. */
  finish(): void {
    this.#finished = true;
    try {
      this.#errors.flush();
    } catch {
      // A failing log must not break the response.
    }
    const { watch } = this.#connection;
    if (watch !== undefined) this.#tellEnd(watch);
  }

  #tellEnd(watch: Watch): void {
    const { out, start } = this;
    watch.end(out.outcome(start.head), out.brokenOff ? this.#connection.reason : undefined);
  }

  /** Logs an error and tells the observer. */
  report(error: unknown, phase: ErrorPhase, entry = recordOf(error)): void {
    this.#log(entry);
    this.#connection.watch?.fail(error, phase);
  }

  #deliver(body: Body): void | Promise<void> {
    try {
      checkBody(body);
    } catch (error) {
      return this.#fail(error);
    }
    // A bare stream is ended as a file is: its iterator can't be ended while it waits for bytes. Under a Content-Length its
    // bytes are counted here, because a platform does not cut a stream.
    const bare = Array.isArray(body) ? undefined : asFile(body);
    if (bare !== undefined) body = bare;
    const counted = bare !== undefined && this.start.head?.length !== undefined;
    let open: OpenBody | undefined;
    try {
      if (!Array.isArray(body) || (body as Body).close !== undefined) open = this.#open(body);
      if (Array.isArray(body) && this.#sendWhole(body)) return open?.release();
      open ??= this.#open(body);
      const sending =
        (body instanceof FileWrapper && !counted ? this.#sendFile(body) : undefined) ?? this.#sendStream(open);
      const opened = open;
      return sending.then(
        () => opened.release(),
        (error) => this.#fail(error, opened),
      );
    } catch (error) {
      return this.#fail(error, open);
    }
  }

  /** Sends an array, a body that is known as a whole; false if the head has gone out or the array is longer than the
   *  Content-Length. */
  #sendWhole(chunks: readonly Uint8Array[]): boolean {
    const { start, out } = this;
    if (start.committed) return false;
    let total = 0;
    for (const chunk of chunks) {
      checkChunk(chunk, 'a chunk of the body');
      total += chunk.length;
    }
    const { length, code } = start.started('the application returned its body');
    if (length !== undefined && length !== total && !out.sendsNothing(code)) {
      if (total > length) return false;
      throw shortage(length, total) as WsgiError;
    }
    const bytes = concatenate(chunks, total);
    if (!out.sendsNothing(code)) this.#warn(start.wrongLabel(bytes));
    this.#commit(bytes);
    this.#finished = true;
    return true;
  }

  /** Lets the platform send a file; undefined if it can't. */
  #sendFile(file: FileWrapper): Promise<void> | undefined {
    const { start, out } = this;
    const { head } = start;
    const { size } = file;
    if (start.committed || head === undefined || out.sendsNothing(head.code)) return undefined;
    this.#warn(start.lateChange());
    if (size !== undefined && head.length === undefined) {
      head.length = size;
      head.headers.push(['Content-Length', String(size)]);
    }
    // sendStream() cuts a file that is longer than the Content-Length, and refuses a shorter one.
    if (size !== undefined && head.length !== size) return undefined;
    const sending = out.beginFile(head, file);
    if (sending === undefined) return undefined;
    start.committed = true;
    this.#finished = true;
    return this.#connection.whileOpen(sending);
  }

  async #sendStream(open: OpenBody): Promise<void> {
    const { start, out } = this;
    const connection = this.#connection;
    // Only in this case the head need not wait for a chunk (PEP 3333, "The start_response() Callable").
    if (start.head?.length === 0) this.#commit();
    for (;;) {
      let step = open.next();
      if (isThenable(step)) step = await connection.whileOpen(step);
      else if (connection.aborted) throw connection.reason;
      if (step.done) break;
      const chunk = step.value;
      checkChunk(chunk, 'a chunk of the body');
      if (chunk.length === 0) {
        if (start.head?.length === 0) this.#commit();
        continue;
      }
      const head = this.#commit();
      if (out.bodiless) break;
      const accepted = this.#pass(head, chunk);
      if (accepted !== undefined) await connection.whileOpen(accepted);
      if (out.overlong) break;
    }
    await this.#endStream();
  }

  async #endStream(): Promise<void> {
    const { out, start } = this;
    const connection = this.#connection;
    const { length, code } = start.started('the end of the body');
    // Nothing has gone out, so the client can still get a 500.
    const early = start.committed || out.sendsNothing(code) ? undefined : shortage(length, out.sent);
    if (early !== undefined) throw early;
    this.#commit(length === undefined ? new Uint8Array(0) : undefined);
    if (out.unaccepted !== undefined) await connection.whileOpen(out.unaccepted);
    this.#finished = true;
    if (out.complete) return;
    const late = shortage(length, out.sent);
    if (late !== undefined) throw late;
    await this.#end();
  }

  #end(): void | Promise<void> {
    const ended = this.out.end();
    return ended === undefined ? undefined : this.#connection.whileOpen(ended);
  }

  /** Makes the head final and hands it to the platform, unless that has happened.
   *  @param body  all of the body, if it is known
   *  @throws {WsgiError} when the application has not given a head */
  #commit(body?: Uint8Array): Head {
    const { start } = this;
    const head = start.started('the first chunk');
    if (!start.committed) {
      this.#warn(start.lateChange());
      this.out.begin(head, body);
      start.committed = true;
    }
    return head;
  }

  #pass({ length }: Head, chunk: Uint8Array): void | Promise<void> {
    const { overlong, sent, bodiless } = this.out;
    if (sent === 0 && !bodiless) this.#warn(this.start.wrongLabel(chunk));
    const accepted = this.out.send(chunk, length);
    if (this.out.overlong && !overlong) {
      const message = `application: the body is longer than its Content-Length of ${length} bytes; the rest is cut`;
      const error = new WsgiError(message);
      this.report(error, 'after_head', { level: 'error', message, error });
    }
    return accepted;
  }

  #writeOf(own: number): Write {
    return (data) => {
      checkChunk(data, 'the argument of write()');
      const { out } = this;
      const connection = this.#connection;
      if (connection.aborted) return rejected(connection.reason);
      if (this.#finished || own !== this.#round) return this.#refuseLate();
      const first = !this.start.committed;
      const head = this.#commit();
      const accepted = data.length === 0 && first && !out.complete ? out.emit(data) : this.#pass(head, data);
      return accepted ?? Promise.resolve();
    };
  }

  #refuseLate(): Promise<void> {
    const late = new WsgiError('application: write() was called after the response had ended');
    if (!this.#toldOfLateWrite) this.report(late, 'after_head');
    this.#toldOfLateWrite = true;
    return rejected(late);
  }

  /** Answers an error with a page if nothing has gone out yet, else breaks the response off. */
  #fail(error: unknown, body?: OpenBody): void | Promise<void> {
    const { start } = this;
    const gone = error instanceof ClientDisconnected && (this.#connection.aborted || start.committed);
    // The client is gone, so nobody would see an error page.
    if (!gone) this.report(error, start.committed ? 'after_head' : 'before_head');
    const page = start.committed || gone ? undefined : this.#nextPage(error);
    if (page === undefined) return this.#breakOff(error, gone, body);
    const excInfo = error ?? new WsgiError(describe(error));
    const write = this.#writeOf(++this.#round);
    // The page comes first: a client does not wait for close(), which may not settle.
    const answered = this.serve(page, (status, headers, given) => {
      start.startResponse(status, headers, given ?? excInfo);
      return write;
    });
    return body === undefined ? answered : Promise.resolve(answered).then(() => body.release());
  }

  #breakOff(error: unknown, gone: boolean, body: OpenBody | undefined): void | Promise<void> {
    const { start, out } = this;
    this.#finished = true;
    if (!start.committed) out.fail(error);
    else if (!out.complete) {
      if (!gone && out.sent === start.head?.length) return this.#endWhole(error).then(() => body?.release());
      out.abort(error);
    }
    return body?.release();
  }

  /** Ends a response that failed after all bytes of its Content-Length had been sent. */
  async #endWhole(error: unknown): Promise<void> {
    const { out } = this;
    const connection = this.#connection;
    try {
      if (out.unaccepted !== undefined) await connection.whileOpen(out.unaccepted);
      await this.#end();
    } catch {
      out.abort(error);
    }
  }

  #nextPage(error: unknown): Application | undefined {
    if (this.#pages === undefined) {
      this.#pages = [errorPage(error)];
      try {
        const page: unknown = this.#gateway.onError?.(error, this.#environ) ?? undefined;
        if (typeof page === 'function') this.#pages.unshift(page as Application);
        else if (isThenable(page)) this.#refusePromise(page);
        else if (page !== undefined)
          this.report(new WsgiError(`onError: must return an application, not ${nameOf(page)}`), 'before_head');
      } catch (inner) {
        this.report(inner, 'before_head');
      }
    }
    return this.#pages.shift();
  }

  // A rejection that nobody handles would end the process.
  #refusePromise(page: PromiseLike<unknown>): void {
    Promise.resolve(page).then(
      (value) => {
        if (value !== undefined && value !== null)
          this.report(
            new WsgiError('onError: must return an application, not a Promise; it is not waited for'),
            'before_head',
          );
      },
      (error) => this.report(error, 'before_head'),
    );
  }

  #open(body: Body): OpenBody {
    return new OpenBody(body, (error) => this.report(error, 'close'));
  }

  /** Closes a body that arrives when nobody waits for it any more. */
  #discard(result: PromiseLike<Body>): void {
    Promise.resolve(result).then(
      (body) => body && this.#open(asFile(body) ?? body).release(),
      () => {},
    );
  }

  #warn(message: string | undefined): void {
    if (message !== undefined) this.#log({ level: 'warn', message });
  }

  #log(entry: LogEntry): void {
    try {
      logRecord({ 'wsgi.errors': this.#errors }, entry);
    } catch {
      // As in finish().
    }
  }
}
