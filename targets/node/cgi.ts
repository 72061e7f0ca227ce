import { createEnviron } from '../../src/environ.js';
import { ClientDisconnected, WsgiError } from '../../src/errors.js';
import { admit, createGateway, loggedWaitUntil } from '../../src/gateway.js';
import { headerView } from '../../src/header-view.js';
import { without } from '../../src/headers.js';
import type { InputSource } from '../../src/input-stream.js';
import { encodeNative, nativeToBytes } from '../../src/native-string.js';
import { type Responder, run } from '../../src/run.js';
import type { Application, Environ, GatewayOptions } from '../../src/types.js';
import { guessScheme } from '../../src/url.js';

/** The highest status code that the Status line can have (RFC 3875, section 6.3.3). */
const MAX_STATUS = 999;

// The meta-variables of RFC 3875, section 4.1, and those that Apache and others add. Other variables do not belong to the
// request.
const VARIABLE =
  /^(AUTH_TYPE|CONTENT_(LENGTH|TYPE)|DOCUMENT_(ROOT|URI)|GATEWAY_INTERFACE|HTTPS|PATH_(INFO|TRANSLATED)|QUERY_STRING|REMOTE_(ADDR|HOST|IDENT|PORT|USER)|REQUEST_(METHOD|SCHEME|URI)|SCRIPT_(FILENAME|NAME|URI|URL)|SERVER_(ADDR|ADMIN|NAME|PORT|PROTOCOL|SIGNATURE|SOFTWARE)|(HTTP|REDIRECT|SSL)_.+)$/;
// Libraries would take the header "Proxy" for the setting HTTP_PROXY (httpoxy, CVE-2016-5385). The others have names without
// HTTP_, or are for the web server.
const DROPPED = /^HTTP_(PROXY|CONTENT_LENGTH|CONTENT_TYPE|TRANSFER_ENCODING)$/;

/** Serves the one request that a web server has started this process for, by CGI (RFC 3875): environ from the process's
 *  environment, the request's body from stdin, the response to stdout, `wsgi.errors` to stderr. As
 *  `wsgiref.handlers.CGIHandler`. A response that broke off, which CGI can't tell, leaves a `process.exitCode` of 1.
 *  SIGTERM ends the process once all of that is done.
 *  @returns a promise resolved when the response has gone out, `close()` has run and what `wsgi_edge.wait_until` was
 *    given has settled
 *  @throws {WsgiError} (as a rejection) when `app` is not a function, an option has the wrong type, or no web server has
 *    started this process */
export async function runCgi(app: Application, options: GatewayOptions = {}): Promise<void> {
  const gateway = createGateway('runCgi', app, options, MAX_STATUS);
  const chunked = Boolean(process.env.HTTP_TRANSFER_ENCODING);
  const variables = readVariables();
  // Libraries take their proxy from here.
  delete process.env.HTTP_PROXY;
  const { REQUEST_METHOD: method, CONTENT_LENGTH: length } = variables;
  if (method === undefined)
    throw new WsgiError('cgi: REQUEST_METHOD is not set: no web server has started this process (RFC 3875)');

  // It stays 1 until the response is complete, so a process that ends early shows the failure.
  const earlier = process.exitCode;
  process.exitCode = 1;
  let broken = false;
  const gone = new AbortController();
  const disconnect = (cause: unknown) => gone.abort(new ClientDisconnected(undefined, { cause }));
  process.stdout.on('error', disconnect);
  // A server sends SIGTERM when the client has gone: close() runs before the process ends.
  let terminated = false;
  const terminate = () => {
    terminated = true;
    disconnect('SIGTERM');
  };
  process.once('SIGTERM', terminate);
  const background: Promise<unknown>[] = [];
  // If there is no length, only a server that has decoded a chunked body ends stdin at the end of the body.
  const input = stdinSource(length === undefined && chunked ? Number.POSITIVE_INFINITY : Number(length ?? 0));
  const environ: Environ = createEnviron({
    method,
    path: '',
    query: '',
    rawUri: variables.REQUEST_URI,
    scheme: guessScheme(variables),
    host: '',
    fallbackHost: 'localhost',
    protocol: 'HTTP/1.0',
    remoteAddr: undefined,
    eachHeader: () => {},
    ...(length === undefined ? {} : { contentLength: Number(length) }),
    body: input,
    maxBody: gateway.maxBody,
    signal: gone.signal,
    waitUntil: loggedWaitUntil(gateway, { waitUntil: (promise) => background.push(promise) }),
    errors: gateway.errors,
  });
  Object.assign(environ, variables, { 'wsgi.run_once': true });
  if (environ.SCRIPT_NAME === '' && environ.PATH_INFO === '') environ.PATH_INFO = '/';

  const responder = stdoutResponder(gone.signal, (error) => {
    broken = !(error instanceof ClientDisconnected);
  });
  await run(admit(gateway, environ, undefined), environ, responder);
  await toStdout(new Uint8Array(0)).catch(() => {}); // until all is written
  if (!broken) process.exitCode = earlier;
  process.off('SIGTERM', terminate);
  await input.cancel(undefined);
  while (background.length > 0) await Promise.all(background.splice(0));
  if (terminated) process.kill(process.pid, 'SIGTERM');
}

// An empty variable counts as not set (RFC 3875, section 4.1), except a header.
function readVariables(): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(process.env)) {
    if (!VARIABLE.test(name) || DROPPED.test(name) || (value === '' && !name.startsWith('HTTP_'))) continue;
    variables[name] = (value.includes('\ufffd') ? rawVariable(name) : undefined) ?? encodeNative(value);
  }
  return variables;
}

// Node decodes the environment as UTF-8 and loses other bytes. Linux still has them.
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

function stdoutResponder(gone: AbortSignal, abort: Responder['abort']): Responder {
  return {
    head({ status, headers }, body) {
      // A header named "Status" would be taken for the status, and only here.
      const head = nativeToBytes(`Status: ${status}\r\n${headerView(without(headers, 'status'))}`);
      toStdout(body ? Buffer.concat([head, body]) : head).catch(() => {}); // the error event tells
    },
    write(chunk) {
      if (gone.aborted) throw gone.reason;
      // A copy: the application may use its buffer again.
      return chunk.length > 0 ? toStdout(Buffer.from(chunk)) : undefined;
    },
    end() {},
    abort,
  };
}

function toStdout(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (cause) => (cause ? reject(new ClientDisconnected(undefined, { cause })) : resolve()));
  });
}
