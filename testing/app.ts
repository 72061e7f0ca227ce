import { concatenate } from '../src/body.js';
import { createEnviron } from '../src/environ.js';
import { createGateway } from '../src/gateway.js';
import { bytesSource } from '../src/input-stream.js';
import { bytesToText } from '../src/native-string.js';
import { run } from '../src/run.js';
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

/** A complete environ for a test: GET / on 127.0.0.1 with an empty body, changed by `overrides`; what follows from those
 *  (the scheme from HTTPS, the port from the scheme, Host from SERVER_NAME) does. As
 *  `wsgiref.util.setup_testing_defaults`. */
export function testEnviron(overrides: Partial<Environ> = {}): Environ {
  const host = overrides.SERVER_NAME ?? '127.0.0.1';
  const environ = createEnviron({
    method: 'GET',
    path: '/',
    query: '',
    rawUri: undefined,
    scheme: overrides['wsgi.url_scheme'] ?? guessScheme(overrides),
    host,
    fallbackHost: '127.0.0.1',
    protocol: 'HTTP/1.1',
    remoteAddr: '127.0.0.1',
    eachHeader: (add) => add('host', host),
    body: bytesSource(() => new Uint8Array(0)),
    maxBody: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    waitUntil: () => {},
    errors: (line) => console.error(line),
  });
  return Object.assign(environ, overrides);
}

/** Calls an application as a gateway does and collects its response, the gateway's 500 for an error included. `close()`
 *  has run when the promise settles.
 *  @param environ  such as `testEnviron()` makes it
 *  @throws the error (as a rejection) that broke off a response after its head had gone out */
export async function callApp(app: Application, environ: Environ = testEnviron()): Promise<CollectedResponse> {
  const gateway = createGateway('callApp', app, {}, 999);
  let response: Head | undefined;
  let failure: { error: unknown } | undefined;
  const chunks: Uint8Array[] = [];
  await run(gateway, environ, {
    head(head, body) {
      response = head;
      // A copy, here and below: the application may use its buffer again. Not slice(), which shares a Buffer's memory.
      if (body) chunks.push(new Uint8Array(body));
    },
    write(chunk) {
      chunks.push(new Uint8Array(chunk));
    },
    end() {},
    abort(error) {
      failure = { error };
    },
  });
  if (failure !== undefined) throw failure.error;
  const { status, headers } = response as Head; // run() has given a head or an error
  const body = concatenate(
    chunks,
    chunks.reduce((total, chunk) => total + chunk.length, 0),
  );
  return { status, headers, body, text: () => bytesToText(body) };
}
