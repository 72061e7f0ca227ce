// A target told as one object of functions, for tests of the engine.
import { Connection } from '../src/connection.js';
import type { FileWrapper } from '../src/file-wrapper.js';
import type { Gateway } from '../src/gateway.js';
import { answer } from '../src/run.js';
import type { Head } from '../src/start-response.js';
import type { Environ } from '../src/types.js';

export interface Responder {
  /** Takes the head, and all of the body: null if none may be sent, undefined if chunks follow. */
  head(head: Head, body?: Uint8Array | null): void;
  file?(head: Head, file: FileWrapper): Promise<void> | undefined;
  write(chunk: Uint8Array): void | Promise<void>;
  end(): void | Promise<void>;
  upgraded?(): boolean;
  abort(error: unknown): void;
}

/** A connection that ends with the signal of an environ. */
export function connectionOf(environ: Environ, gateway: Gateway): Connection {
  const connection = new Connection(gateway.log, undefined);
  const signal = environ['wsgi_edge.signal'];
  if (signal.aborted) connection.abort(signal.reason);
  signal.addEventListener('abort', () => connection.abort(signal.reason));
  return connection;
}

/** Answers a request through a responder. */
export function run(
  gateway: Gateway,
  environ: Environ,
  responder: Responder,
  connection = connectionOf(environ, gateway),
): Promise<void> | undefined {
  const { done } = answer<void>(gateway, environ, {
    connection,
    whole: (head, bytes) => responder.head(head, bytes),
    open(head) {
      responder.head(head);
      return { out: undefined, sink: responder };
    },
    file(head, file) {
      const sent = responder.file?.(head, file);
      return sent && { out: undefined, sent };
    },
    fail: (error) => responder.abort(error),
    upgraded: () => responder.upgraded?.() ?? false,
  });
  return done;
}
