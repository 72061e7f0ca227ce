import { refuse } from '../../src/admission.js';
import { Connection } from '../../src/connection.js';
import { createEnviron, setInput, setPeer, setRequestId, setServer } from '../../src/environ.js';
import { ClientDisconnected, WsgiError } from '../../src/errors.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { headerView } from '../../src/header-view.js';
import { without } from '../../src/headers.js';
import type { InputSource } from '../../src/input-stream.js';
import { encodeNative, nativeToBytes } from '../../src/native-string.js';
import type { Opened, Platform, Sink } from '../../src/outgoing.js';
import { answer } from '../../src/run.js';
import type { Head } from '../../src/start-response.js';
import type { Application, Environ, GatewayOptions } from '../../src/types.js';
import { guessScheme } from '../../src/url.js';

/** The highest status code that the Status line can have (RFC 3875, section 6.3.3). */
const MAX_STATUS = 999;

// The meta-variables of RFC 3875, section 4.1, and the ones that Apache and others add. The rest of the environment does
// not belong to the request.
const VARIABLE =
  /^(AUTH_TYPE|CONTENT_(LENGTH|TYPE)|DOCUMENT_(ROOT|URI)|GATEWAY_INTERFACE|HTTPS|PATH_(INFO|TRANSLATED)|QUERY_STRING|REMOTE_(ADDR|HOST|IDENT|PORT|USER)|REQUEST_(METHOD|SCHEME|URI)|SCRIPT_(FILENAME|NAME|URI|URL)|SERVER_(ADDR|ADMIN|NAME|PORT|PROTOCOL|SIGNATURE|SOFTWARE)|(HTTP|REDIRECT|SSL)_.+)$/;
// The header "Proxy" would look like the setting (httpoxy, CVE-2016-5385). Length and type are in other variables, and
// the transfer coding has been decoded.
const DROPPED = /^HTTP_(PROXY|CONTENT_LENGTH|CONTENT_TYPE|TRANSFER_ENCODING)$/;

/** Serves the one request that a web server has started this process for, by CGI (RFC 3875): environ comes from the
 *  process's environment, the request's body from stdin; the response goes to stdout, `wsgi.errors` to stderr. As
 *  `wsgiref.handlers.CGIHandler`. If a response breaks off, which CGI can't express, `process.exitCode` is 1. SIGTERM
 *  ends the process after all of that.
 *  @returns a promise resolved when the response has gone out, `close()` has run and the promises given to
 *    `wsgi_edge.wait_until` have settled
 *  @throws {WsgiError} (as a rejection) when `app` is not a function, an option has the wrong type, or no web server has
 *    started this process
 *  @example
 *  ```ts
 *  import { demoApp } from 'wsgi-edge';
 *  import { runCgi } from 'wsgi-edge/node';
 *
 *  export const main = () => runCgi(demoApp);
 *  ``` */
export async function runCgi(app: Application, options: GatewayOptions = {}): Promise<void> {
  // The console prints records of a lower level to stdout, which is the response.
  const { errors = (line) => console.error(line), ...rest } = options;
  const gateway = createGateway('runCgi', app, { errors, ...rest }, MAX_STATUS);
  const chunked = Boolean(process.env.HTTP_TRANSFER_ENCODING);
  const variables = readVariables();
  // Some libraries read their proxy setting from here.
  delete process.env.HTTP_PROXY;
  const { CONTENT_LENGTH: length } = variables;
  const background: Promise<unknown>[] = [];
  const connection = new Connection(gateway.log, { waitUntil: (promise) => background.push(promise) });
  // Without a length, stdin ends with the body only if the server has decoded a chunked one.
  const input = stdinSource(length === undefined && chunked ? Number.POSITIVE_INFINITY : Number(length ?? 0));
  const environ = cgiEnviron(variables, input, gateway, connection);

  // The code is 1 until the response is complete, so that it also shows a process that ends early.
  const earlier = process.exitCode;
  process.exitCode = 1;
  process.stdout.on('error', (cause) => connection.abort(new ClientDisconnected(undefined, { cause })));
  // If the client is gone, a server ends the script by SIGTERM; close() runs before the signal takes effect.
  let terminated = false;
  const terminate = () => {
    terminated = true;
    connection.abort(new ClientDisconnected(undefined, { cause: 'SIGTERM' }));
  };
  process.once('SIGTERM', terminate);
  const platform = new StdoutPlatform(connection);
  await answer(gateway, environ, platform, refuse(gateway, environ, {})).done;
  await toStdout(new Uint8Array(0)).catch(() => {}); // until all is written
  if (!platform.broken) process.exitCode = earlier;
  process.off('SIGTERM', terminate);
  await input.cancel(undefined);
  while (background.length > 0) await Promise.all(background.splice(0));
  if (terminated) process.kill(process.pid, 'SIGTERM');
}

function cgiEnviron(
  variables: Record<string, string>,
  input: InputSource,
  gateway: Gateway,
  connection: Connection,
): Environ {
  const { REQUEST_METHOD: method, REQUEST_URI: rawUri } = variables;
  if (method === undefined)
    throw new WsgiError('cgi: REQUEST_METHOD is not set: no web server has started this process (RFC 3875)');
  const environ = createEnviron({ method, path: '', query: '', protocol: 'HTTP/1.0' }, connection);
  setPeer(environ, connection, guessScheme(variables), undefined);
  if (rawUri !== undefined) environ.RAW_URI = rawUri;
  setServer(environ, '', 'localhost');
  Object.assign(environ, variables, { 'wsgi.run_once': true });
  setRequestId(environ, gateway);
  if (environ.SCRIPT_NAME === '' && environ.PATH_INFO === '') environ.PATH_INFO = '/';
  setInput(environ, input, gateway.maxBody);
  return environ;
}

// Native strings. An empty variable counts as not set (RFC 3875, section 4.1), except a header.
function readVariables(): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(process.env)) {
    if (!VARIABLE.test(name) || DROPPED.test(name) || (value === '' && !name.startsWith('HTTP_'))) continue;
    variables[name] = (value.includes('\ufffd') ? rawVariable(name) : undefined) ?? encodeNative(value);
  }
  return variables;
}

// Node decodes the environment as UTF-8 and loses other bytes; Linux still has them.
function rawVariable(name: string): string | undefined {
  try {
    // An `import` of node:fs takes 3 ms, as long as the import of this package.
    const entries = process.getBuiltinModule('node:fs').readFileSync('/proc/self/environ', 'latin1').split('\0');
    return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}

/** The first `length` bytes of stdin; some servers leave it open after them. */
function stdinSource(length: number): InputSource {
  let chunks: AsyncIterator<Buffer> | undefined;
  let left = length;
  return {
    async pull() {
      if (left === 0) return null;
      chunks ??= process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      try {
        const { done, value } = await chunks.next();
        if (done) return null;
        const part = value.subarray(0, left);
        left -= part.length;
        return part;
      } catch (cause) {
        throw new ClientDisconnected('client: the request body broke off', { cause });
      }
    },
    async cancel() {
      // A stdin that is being read keeps the process alive.
      if (chunks !== undefined) process.stdin.destroy();
    },
  };
}

class StdoutPlatform implements Platform<void>, Sink {
  readonly connection: Connection;
  /** The response broke off although its client was there. */
  broken = false;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  whole({ status, headers }: Head, bytes: Uint8Array | null): void {
    // A header named "Status" would be read as the status, and only in CGI.
    const head = nativeToBytes(`Status: ${status}\r\n${headerView(without(headers, 'status'))}`);
    toStdout(bytes ? Buffer.concat([head, bytes]) : head).catch(() => {}); // the error event tells
  }

  open(head: Head): Opened<void> {
    this.whole(head, null);
    return { out: undefined, sink: this };
  }

  fail(error: unknown): void {
    this.abort(error);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.connection.aborted) throw this.connection.reason;
    // A copy: the application may reuse its buffer.
    return chunk.length > 0 ? toStdout(Buffer.from(chunk)) : undefined;
  }

  end(): void {}

  abort(error: unknown): void {
    this.broken = !(error instanceof ClientDisconnected);
  }
}

function toStdout(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (cause) => (cause ? reject(new ClientDisconnected(undefined, { cause })) : resolve()));
  });
}
