import { Connection } from '../../src/connection.js';
import { createEnviron, setInput, setPeer, setServer, setTarget } from '../../src/environ.js';
import { ClientDisconnected } from '../../src/errors.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { addRequestHeader } from '../../src/headers.js';
import { run } from '../responder.js';
import { createApplication } from './application.js';
import { noResponse, type RawRequest, type RawResponse } from './case.js';

/** The smallest target there can be: fields in, head and chunks out. */
export function sender(): (request: RawRequest) => Promise<RawResponse> {
  const { application, options } = createApplication();
  const gateway = createGateway('core', application, options, 999);
  return (request) => send(gateway, request);
}

async function send(gateway: Gateway, request: RawRequest): Promise<RawResponse> {
  const { method = 'GET', target = '/', headers = [], body } = request;
  const connection = new Connection(gateway.log, undefined);
  const gone = connection.signal;
  const response = noResponse();
  const chunks = body === undefined || body instanceof Uint8Array ? [body ?? new Uint8Array(0)] : body;
  const source = (async function* () {
    yield* chunks;
  })();
  const hangUp = () => connection.abort();
  if (request.leaveAfter !== undefined) setTimeout(hangUp, request.leaveAfter);
  const take = (bytes: Uint8Array) => {
    response.chunks.push({ at: performance.now(), bytes: bytes.slice() });
    request.onChunk?.(bytes);
    if (request.hangUpAfter !== undefined) setTimeout(hangUp, 5);
  };
  const environ = createEnviron({ method, path: '', query: '', protocol: 'HTTP/1.1' }, connection);
  for (const [name, value] of headers) addRequestHeader(environ, name, value);
  setTarget(environ, target);
  setPeer(environ, connection, 'http', '192.0.2.1');
  setServer(environ, environ.HTTP_HOST ?? 'core.example', 'core.example');
  const input = {
    pull: async () => (await source.next()).value ?? null,
    cancel: async () => void (await source.return()),
  };
  setInput(environ, input, gateway.maxBody, body instanceof Uint8Array ? body.length : undefined);
  const ended = run(
    gateway,
    environ,
    {
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
        if (gone.aborted) throw new ClientDisconnected();
        if (chunk.length > 0) take(chunk);
        if (request.stall === undefined) return undefined;
        return new Promise((_, reject) => gone.addEventListener('abort', () => reject(gone.reason)));
      },
      end() {
        response.complete = true;
      },
      abort() {},
    },
    connection,
  );
  // A client that is gone does not see the end of the run.
  const left = new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve()));
  await Promise.race([ended, left]);
  response.body = Buffer.concat(response.chunks.map((chunk) => chunk.bytes));
  return response;
}

export const core = {
  inapplicable: {
    httpParser: 'there is no socket',
    http10: 'there is no socket',
    abortedUpload: 'there is no client that could go away while it sends; test/input-stream.test.ts has the rule',
  },
};
