import { createEnviron } from '../../src/environ.js';
import { ClientDisconnected } from '../../src/errors.js';
import { createGateway, type Gateway, loggedWaitUntil } from '../../src/gateway.js';
import { percentDecode } from '../../src/native-string.js';
import { run } from '../../src/run.js';
import { createApplication } from './application.js';
import { noResponse, type RawRequest, type RawResponse } from './case.js';
import { testTarget } from './suite.js';

// The smallest target there can be: fields in, head and chunks out.
function sender(): (request: RawRequest) => Promise<RawResponse> {
  const { application, options } = createApplication();
  const gateway = createGateway('core', application, options, 999);
  return (request) => send(gateway, request);
}

async function send(gateway: Gateway, request: RawRequest): Promise<RawResponse> {
  const { method = 'GET', target = '/', headers = [], body } = request;
  const [path = '', ...query] = target.split('?');
  const gone = new AbortController();
  const response = noResponse();
  const chunks = body === undefined || body instanceof Uint8Array ? [body ?? new Uint8Array(0)] : body;
  const source = (async function* () {
    yield* chunks;
  })();
  const hangUp = () => gone.abort(new ClientDisconnected());
  if (request.leaveAfter !== undefined) setTimeout(hangUp, request.leaveAfter);
  const take = (bytes: Uint8Array) => {
    response.chunks.push({ at: performance.now(), bytes: bytes.slice() });
    request.onChunk?.(bytes);
    if (request.hangUpAfter !== undefined) setTimeout(hangUp, 5);
  };
  const environ = createEnviron({
    method,
    path: percentDecode(path),
    query: query.join('?'),
    rawUri: target,
    scheme: 'http',
    host: headers.find(([name]) => name === 'Host')?.[1] ?? 'core.example',
    fallbackHost: 'core.example',
    protocol: 'HTTP/1.1',
    remoteAddr: '192.0.2.1',
    eachHeader: (add) => {
      for (const [name, value] of headers) add(name, value);
    },
    ...(body instanceof Uint8Array ? { contentLength: body.length } : {}),
    body: {
      pull: async () => (await source.next()).value ?? null,
      cancel: async () => void (await source.return()),
    },
    signal: gone.signal,
    waitUntil: loggedWaitUntil(gateway, undefined),
    errors: gateway.errors,
    maxBody: gateway.maxBody,
  });
  const ended = run(gateway, environ, {
    head(head, whole) {
      Object.assign(response, {
        status: head.code,
        reason: head.status.slice(4),
        headers: head.headers,
        headAt: performance.now(),
      });
      response.complete = whole !== undefined;
      if (whole) take(whole);
      if (request.stall !== undefined) setTimeout(hangUp, request.stall);
    },
    write(chunk) {
      if (gone.signal.aborted) throw new ClientDisconnected();
      if (chunk.length > 0) take(chunk);
      if (request.stall === undefined) return undefined;
      return new Promise((_, reject) => gone.signal.addEventListener('abort', () => reject(gone.signal.reason)));
    },
    end() {
      response.complete = true;
    },
    abort() {},
  });
  // A client that is gone does not see the end of the run.
  const left = new Promise<void>((resolve) => gone.signal.addEventListener('abort', () => resolve()));
  await Promise.race([ended, left]);
  response.body = Buffer.concat(response.chunks.map((chunk) => chunk.bytes));
  return response;
}

testTarget('core', () => ({
  send: sender(),
  inapplicable: {
    httpParser: 'there is no socket',
    http10: 'there is no socket',
    abortedUpload: 'there is no client that could go away while it sends; test/input-stream.test.ts has the rule',
  },
}));
