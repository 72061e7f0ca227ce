import { concatenate } from '../src/body.js';
import { Connection } from '../src/connection.js';
import { createEnviron, setInput, setPeer, setServer, setTarget } from '../src/environ.js';
import { nameOf, quote, WsgiError } from '../src/errors.js';
import { createGateway } from '../src/gateway.js';
import { addRequestHeader } from '../src/headers.js';
import { bytesSource, inputOf } from '../src/input-stream.js';
import { createLog } from '../src/log.js';
import { bytesToText, encodeNative, textToBytes } from '../src/native-string.js';
import type { Opened, Platform, Sink } from '../src/outgoing.js';
import { answer } from '../src/run.js';
import type { Head } from '../src/start-response.js';
import type { Application, Environ, HeaderList } from '../src/types.js';
import { guessScheme } from '../src/url.js';

/** A response collected by `callApp`. */
export interface CollectedResponse {
  /** "200 OK" */
  status: string;
  headers: HeaderList;
  body: Uint8Array;
  /** The body as UTF-8 text. */
  text(): string;
}

/** A complete environ for a test: GET / on 127.0.0.1 with an empty body, changed by `overrides`. Dependent values follow:
 *  the scheme from HTTPS, the port from the scheme, Host from SERVER_NAME. As
 *  `wsgiref.util.setup_testing_defaults`.
 *  @param body  the request body; the method is then POST, and CONTENT_LENGTH is set unless the body is a stream
 *  @example
 *  ```ts
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  const environ = testEnviron({ PATH_INFO: '/a' }, 'four');
 *  [environ.REQUEST_METHOD, environ.CONTENT_LENGTH]; //=> ['POST', '4']
 *  ``` */
export function testEnviron(overrides: Partial<Environ> = {}, body?: Parameters<typeof inputOf>[0]): Environ {
  const host = overrides.SERVER_NAME ?? '127.0.0.1';
  const connection = new Connection(createLog('testEnviron', undefined), undefined);
  const line = { method: 'GET', path: '/', query: '', protocol: 'HTTP/1.1' };
  const environ = createEnviron(line, connection);
  addRequestHeader(environ, 'host', host);
  environ['wsgi_edge.request_id'] = 'test';
  setPeer(environ, connection, overrides['wsgi.url_scheme'] ?? guessScheme(overrides), '127.0.0.1');
  setServer(environ, host, '127.0.0.1');
  setInput(environ, bytesSource(new Uint8Array(0)), Number.POSITIVE_INFINITY);
  if (body !== undefined) {
    const content = typeof body === 'string' ? textToBytes(body) : body;
    environ.REQUEST_METHOD = 'POST';
    environ['wsgi.input'] = inputOf(content);
    if (content instanceof Uint8Array) environ.CONTENT_LENGTH = String(content.length);
  }
  return Object.assign(environ, overrides);
}

/** Calls an application as a gateway does and collects its response, the gateway's 500 for an error included. `close()`
 *  has run when the promise settles.
 *  @param request  an environ, for example from `testEnviron()`, or the path and query of a GET
 *  @throws the error (as a rejection) that broke off a response after its head had gone out
 *  @throws {WsgiError} (as a rejection) when `app` is not a function, or `request` is neither an environ nor a path
 *  @example
 *  ```ts
 *  import { demoApp } from 'wsgi-edge';
 *  import { callApp } from 'wsgi-edge/testing';
 *
 *  const { status } = await callApp(demoApp, '/path?a=1');
 *  status; //=> '200 OK'
 *  ``` */
export async function callApp<E extends Environ = Environ>(
  app: Application<E>,
  request: Environ | string = '/',
): Promise<CollectedResponse> {
  const gateway = createGateway('callApp', app, {}, 999);
  const environ = typeof request === 'string' ? environOf(request) : request;
  if (typeof environ?.REQUEST_METHOD !== 'string')
    throw new WsgiError(`callApp: takes an environ or a path such as "/a?b=1", not ${nameOf(request)}`);
  const connection = new Connection(gateway.log, undefined);
  const signal = environ['wsgi_edge.signal'];
  const disconnect = () => connection.abort(signal.reason);
  if (signal.aborted) disconnect();
  signal.addEventListener('abort', disconnect);
  const collected = new Collected(connection);
  await answer(gateway, environ, collected).done;
  signal.removeEventListener('abort', disconnect);
  if (collected.failure !== undefined) throw collected.failure.error;
  const { status, headers } = collected.head as Head; // there is one, or a failure
  const body = concatenate(collected.chunks, collected.length);
  return { status, headers, body, text: () => bytesToText(body) };
}

function environOf(target: string): Environ {
  if (!target.startsWith('/')) throw new WsgiError(`callApp: a path must start with "/", unlike ${quote(target)}`);
  const environ = testEnviron();
  setTarget(environ, encodeNative(target));
  return environ;
}

class Collected implements Platform<void>, Sink {
  readonly connection: Connection;
  readonly chunks: Uint8Array[] = [];
  length = 0; // bytes
  head: Head | undefined;
  failure: { error: unknown } | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  whole(head: Head, bytes: Uint8Array | null): void {
    this.head = head;
    if (bytes !== null) this.write(bytes);
  }

  open(head: Head): Opened<void> {
    this.head = head;
    return { out: undefined, sink: this };
  }

  write(chunk: Uint8Array): void {
    // A copy: the application may reuse its buffer. slice() would share the memory of a Buffer.
    this.chunks.push(new Uint8Array(chunk));
    this.length += chunk.length;
  }

  end(): void {}

  abort(error: unknown): void {
    this.failure = { error };
  }

  fail(error: unknown): void {
    this.failure = { error };
  }
}
