import { checkBody, concatenate, isThenable, type OpenBody, openBody, settlesSoon } from './body.js';
import { ClientDisconnected, describe, nameOf, WsgiError } from './errors.js';
import { FileWrapper } from './file-wrapper.js';
import { errorPage, type Gateway } from './gateway.js';
import { without } from './headers.js';
import { checkChunk, createStart, type Head, startedHead } from './start-response.js';
import type { Application, Body, Environ, StartResponse, Write } from './types.js';

/** What a target does with a response. The gateway calls `head` once; with a body of bytes or null the response is
 *  complete by that, else `write`s follow and then `end` or `abort`. */
export interface Responder {
  /** Takes the head, final now. `body`: all the bytes, which the application may use again afterwards; null when none may
   *  be sent; undefined when chunks follow. */
  head(head: Head, body?: Uint8Array | null): void;
  /** Sends a file by reference, head included; undefined when the platform has no way for this one. */
  file?(head: Head, file: FileWrapper): Promise<void> | undefined;
  /** Takes a chunk, which the application may use again afterwards. A promise resolves when the platform is ready for the
   *  next one, and rejects with `ClientDisconnected`. An empty chunk can only be the first: it sends the head by itself. */
  write(chunk: Uint8Array): void | Promise<void>;
  end(): void | Promise<void>;
  /** Whether the platform holds an upgrade (a WebSocket) for this response, which makes status 101 possible. */
  upgraded?(): boolean;
  /** Ends the response so that the client can tell it is not whole. */
  abort(error: unknown): void;
}

const EMPTY = new Uint8Array(0);

/** Runs one request: calls the application, hands its response to `responder`, ends its body once. Every error ends up
 *  in `wsgi.errors` and in the response, none in the promise. Where application and body are synchronous, it is done
 *  when it returns. PEP 3333, "The Server/Gateway Side". */
export function run(gateway: Gateway, environ: Environ, responder: Responder): void | Promise<void> {
  // Private copies: the application may change environ as it likes.
  const method = environ.REQUEST_METHOD;
  const errors = environ['wsgi.errors'];
  const signal = environ['wsgi_edge.signal'];
  let finished = false;
  let tail: Promise<void> | undefined; // the last write that the platform has not accepted yet
  let sent = 0; // bytes
  let bodiless = false; // nothing may be sent
  let complete = false; // the responder has the whole response
  let breached = false;
  let lost = false; // a write() came after the end, which is said once
  let round = 0; // 0 for the application, then one for each page that answers its error

  const logText = (text: string): void => {
    try {
      errors.write(`${text}\n`);
    } catch {
      // A log that fails must not take the response with it.
    }
  };

  const log = (error: unknown): void => logText(describe(error));

  const commit = (body?: Uint8Array): Head => {
    const head = startedHead(start, 'the first chunk');
    if (start.committed) return head;
    const { code, headers, length } = head;
    const whole = length === 0 ? EMPTY : body;
    bodiless = method === 'HEAD' || isBodiless(code);
    if (code === 205) head.headers = [...without(headers, 'content-length'), ['Content-Length', '0']];
    // A 304 keeps the length of what it stands for (RFC 9110, section 8.6); a 204 has none.
    else if (code === 204) head.headers = without(headers, 'content-length');
    else if (whole !== undefined && length === undefined && !bodiless)
      headers.push(['Content-Length', String(whole.length)]);
    responder.head(head, bodiless ? null : whole);
    start.committed = true;
    complete = bodiless || whole !== undefined;
    return head;
  };

  const emit = (chunk: Uint8Array): void | Promise<void> => {
    const accepted =
      tail === undefined ? attempt(() => responder.write(chunk)) : tail.then(() => responder.write(chunk));
    if (accepted === undefined) return;
    const settled = () => {
      if (tail === accepted) tail = undefined;
    };
    tail = accepted;
    // A rejection stays in `tail`, where the end of the response finds it, and never becomes an unhandled one.
    accepted.then(settled, () => {});
    return accepted;
  };

  // PEP 3333, "Handling the Content-Length Header": never more bytes than declared.
  const send = (head: Head, chunk: Uint8Array): void | Promise<void> => {
    if (bodiless) return;
    const room = (head.length ?? Number.POSITIVE_INFINITY) - sent;
    if (chunk.length > room && !breached) {
      breached = true;
      logText(`application: the body is longer than its Content-Length of ${head.length} bytes; the rest is cut`);
    }
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    sent += part.length;
    return part.length > 0 ? emit(part) : undefined;
  };

  const writeOf =
    (own: number): Write =>
    (data) => {
      checkChunk(data, 'what write() is given');
      if (signal.aborted) return rejected(signal.reason);
      if (finished || own !== round) {
        const late = new WsgiError('application: write() was called after the response had ended');
        if (!lost) log(late);
        lost = true;
        return rejected(late);
      }
      const first = !start.committed;
      const head = commit();
      const accepted = data.length === 0 && first && !complete ? emit(data) : send(head, data);
      return accepted ?? Promise.resolve();
    };

  const start = createStart(writeOf(round), (code) =>
    code === 101 && responder.upgraded?.() ? null : gateway.expressible(code),
  );

  let interrupt: ((reason: unknown) => void) | undefined;
  let listening = false;
  // Waits for the application unless the signal fires first. A listener costs as much as a small request, in workerd: what
  // settles before any client can go away has none.
  const unlessAborted = async <T>(promise: PromiseLike<T>): Promise<T> => {
    if (!listening && !signal.aborted) {
      if (await settlesSoon(promise)) return promise;
      signal.addEventListener('abort', () => interrupt?.(signal.reason), { once: true });
      listening = true;
    }
    return new Promise<T>((resolve, reject) => {
      interrupt = reject;
      promise.then(resolve, reject);
      if (signal.aborted) reject(signal.reason);
    });
  };

  const serve = (app: Application, startResponse: StartResponse): void | Promise<void> => {
    let result: Body | Promise<Body>;
    try {
      result = app(environ, startResponse);
      if (!isThenable(result)) return deliver(result);
    } catch (error) {
      return fail(error);
    }
    return unlessAborted(result).then(deliver, (error) => {
      // Where it was the signal that ended the wait, the body that still comes is closed.
      Promise.resolve(result).then(
        (body) => body && openBody(body, log).release(),
        () => {},
      );
      return fail(error);
    });
  };

  const deliver = (body: Body): void | Promise<void> => {
    try {
      checkBody(body);
    } catch (error) {
      return fail(error);
    }
    const open = openBody(body, log);
    try {
      if (!start.committed) {
        if (Array.isArray(body) && sendWhole(body))
          return (body as Body).close === undefined ? undefined : open.release();
        if (body instanceof FileWrapper) {
          const sending = sendFile(body);
          if (sending !== undefined)
            return sending.then(
              () => open.release(),
              (error) => fail(error, open),
            );
        }
      }
    } catch (error) {
      return fail(error, open);
    }
    return sendStream(open).then(
      () => open.release(),
      (error) => fail(error, open),
    );
  };

  // An array is a body known as a whole; false when its length is not the declared one.
  const sendWhole = (chunks: readonly Uint8Array[]): boolean => {
    let total = 0;
    for (const chunk of chunks) {
      checkChunk(chunk, 'a chunk of the body');
      total += chunk.length;
    }
    const { length, code } = startedHead(start, 'the application returned its body');
    if (length !== undefined && length !== total && method !== 'HEAD' && !isBodiless(code)) return false;
    commit(concatenate(chunks, total));
    finished = true;
    return true;
  };

  const sendFile = (file: FileWrapper): Promise<void> | undefined => {
    const { head } = start;
    const { size } = file;
    if (head === undefined || method === 'HEAD' || isBodiless(head.code)) return undefined;
    if (size !== undefined && head.length === undefined) {
      head.length = size;
      head.headers.push(['Content-Length', String(size)]);
    }
    // A length that differs is for the loop below to cut or to find short.
    if (size !== undefined && head.length !== size) return undefined;
    const sending = responder.file?.(head, file);
    if (sending !== undefined) {
      start.committed = true;
      finished = true;
    }
    return sending;
  };

  const sendStream = async (body: OpenBody): Promise<void> => {
    // The one case in which the head need not wait for a chunk (PEP 3333, "The start_response() Callable").
    if (start.head?.length === 0) commit();
    for (;;) {
      let step = body.next();
      if (isThenable(step)) step = await unlessAborted(step);
      else if (signal.aborted) throw signal.reason;
      if (step.done) break;
      const chunk = step.value;
      checkChunk(chunk, 'a chunk of the body');
      if (chunk.length === 0) {
        if (start.head?.length === 0) commit();
        continue;
      }
      const head = commit();
      if (bodiless) break;
      const accepted = send(head, chunk);
      if (accepted !== undefined) await unlessAborted(accepted);
      if (breached) break;
    }
    const { length } = startedHead(start, 'the end of the body');
    commit(length === undefined ? EMPTY : undefined);
    if (tail !== undefined) await unlessAborted(tail);
    finished = true;
    if (complete) return;
    if (sent < (length ?? 0))
      throw new WsgiError(
        `application: the body ended after ${sent} of the ${length} bytes of its Content-Length (PEP 3333, "Handling the Content-Length Header")`,
      );
    await end();
  };

  const end = (): void | Promise<void> => {
    const ended = responder.end();
    return ended === undefined ? undefined : unlessAborted(ended);
  };

  // Nobody is left to be told of an error.
  const isGone = (error: unknown): boolean =>
    error instanceof ClientDisconnected && (signal.aborted || start.committed);

  // Ends a response that failed when all bytes of its Content-Length had been sent.
  const endWhole = async (error: unknown): Promise<void> => {
    try {
      if (tail !== undefined) await unlessAborted(tail);
      await end();
    } catch {
      responder.abort(error);
    }
  };

  // The pages that are left to answer an error with: the one of onError, where it gives one, and the gateway's own.
  let pages: Application[] | undefined;
  const nextPage = (error: unknown): Application | undefined => {
    if (pages === undefined) {
      pages = [errorPage(error)];
      try {
        const page = gateway.onError?.(error, environ) ?? undefined;
        if (typeof page === 'function') pages.unshift(page);
        else if (page !== undefined) log(new WsgiError(`onError: must return an application, not ${nameOf(page)}`));
      } catch (inner) {
        log(inner);
      }
    }
    return pages.shift();
  };

  // Answers an error, where nothing has gone out yet, or breaks the response off.
  const fail = (error: unknown, body?: OpenBody): void | Promise<void> => {
    const gone = isGone(error);
    if (!gone) log(error);
    const page = start.committed || gone ? undefined : nextPage(error);
    if (page === undefined) {
      finished = true;
      if (complete) return body?.release();
      if (!gone && start.committed && sent === start.head?.length) return endWhole(error).then(() => body?.release());
      responder.abort(error);
      return body?.release();
    }
    const excInfo = error ?? new WsgiError(describe(error));
    const write = writeOf(++round);
    const startResponse: StartResponse = (status, headers, given) => {
      start.startResponse(status, headers, given ?? excInfo);
      return write;
    };
    // First the page: a client does not wait for close(), which may not settle.
    const answered = serve(page, startResponse);
    return body === undefined ? answered : Promise.resolve(answered).then(() => body.release());
  };

  const flush = (): void => {
    finished = true;
    try {
      errors.flush();
    } catch {
      // As above.
    }
  };

  const done = serve(gateway.application, start.startResponse);
  if (done === undefined) return flush();
  return done.then(flush);
}

// RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5; 101 is a target's own (an upgrade).
function isBodiless(code: number): boolean {
  return code === 204 || code === 205 || code === 304 || code === 101;
}

// A platform may throw where it should reject.
function attempt(task: () => void | Promise<void>): void | Promise<void> {
  try {
    return task();
  } catch (error) {
    return rejected(error);
  }
}

function rejected(reason: unknown): Promise<void> {
  const promise = Promise.reject(reason);
  promise.catch(() => {});
  return promise;
}
