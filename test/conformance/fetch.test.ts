import { ClientDisconnected } from '../../src/errors.js';
import { toFetchHandler } from '../../src/fetch/gateway.js';
import { createApplication } from './application.js';
import { noResponse, type RawRequest, type RawResponse } from './case.js';
import { testTarget } from './suite.js';

// The Fetch API of this Node, in process.
const HOST = 'fetch.example';

function sender(): (request: RawRequest) => Promise<RawResponse> {
  const { application, options } = createApplication();
  const handler = toFetchHandler(application, options);
  return (request) => send(handler, request);
}

async function send(handler: (request: Request) => Promise<Response>, request: RawRequest): Promise<RawResponse> {
  const { method = 'GET', target = '/', headers = [], body } = request;
  const client = new AbortController();
  const hangUp = () => client.abort(new ClientDisconnected());
  if (request.leaveAfter !== undefined) setTimeout(hangUp, request.leaveAfter);
  const given = (name: string) => headers.find(([each]) => each.toLowerCase() === name)?.[1];
  const fields = new Headers(headers);
  if (given('host') === undefined) fields.set('host', HOST);
  if (body instanceof Uint8Array && given('content-length') === undefined)
    fields.set('content-length', String(body.length));
  const response = noResponse();
  let asked: Request;
  try {
    asked = new Request(`http://${given('host') ?? HOST}${target}`, {
      method,
      headers: fields,
      signal: client.signal,
      ...(body === undefined ? {} : { body: streamOf(body), duplex: 'half' }),
    } as RequestInit);
  } catch {
    // Its platform refuses what can be no Request.
    return { ...response, status: 400, complete: true };
  }
  try {
    const answer = await handler(asked);
    response.status = answer.status;
    response.reason = answer.statusText;
    response.headAt = performance.now();
    answer.headers.forEach((value, name) => {
      if (name !== 'set-cookie') response.headers.push([name, value]);
    });
    for (const cookie of answer.headers.getSetCookie()) response.headers.push(['set-cookie', cookie]);
    await read(answer, request, response, client.signal, hangUp);
  } catch {
    // The response broke off; what has come counts.
  }
  response.body = Buffer.concat(response.chunks.map((chunk) => chunk.bytes));
  return response;
}

async function read(
  answer: Response,
  request: RawRequest,
  response: RawResponse,
  gone: AbortSignal,
  hangUp: () => void,
): Promise<void> {
  const reader = answer.body?.getReader();
  if (request.stall !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, request.stall));
    hangUp();
    await reader?.cancel();
    return;
  }
  let received = 0;
  for (;;) {
    const left = new Promise<undefined>((resolve) => gone.addEventListener('abort', () => resolve(undefined)));
    const step = await Promise.race([reader?.read(), left]);
    if (gone.aborted) {
      await reader?.cancel();
      return;
    }
    if (step === undefined || step.done) break;
    response.chunks.push({ at: performance.now(), bytes: step.value });
    request.onChunk?.(step.value);
    received += step.value.length;
    if (request.hangUpAfter !== undefined && received >= request.hangUpAfter) {
      await reader?.cancel();
      return;
    }
  }
  response.complete = true;
}

function streamOf(body: NonNullable<RawRequest['body']>): ReadableStream<Uint8Array> {
  const chunks = body instanceof Uint8Array ? [body] : body;
  const source = (async function* () {
    yield* chunks;
  })();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else if (value.length > 0) controller.enqueue(value);
    },
    async cancel() {
      await source.return();
    },
  });
}

testTarget('fetch', () => ({
  send: sender(),
  lacks: {
    statusAbove599: 'a Response can not have it (Fetch Standard, "Response class")',
    peerAddress: 'a Request does not tell who sent it',
    bodyOnGet: 'a Request with method GET has no body (Fetch Standard)',
  },
  inapplicable: {
    httpParser: 'there is no socket',
    http10: 'there is no socket',
    abortedUpload: 'there is no client that could go away while it sends',
    anyMethod: 'a Request has no other method than those of the Fetch Standard',
    asteriskForm: 'a Request has a URL',
    absoluteForm: 'a Request has a URL',
    headerCase: 'Headers has names in lower case',
    headerLines: 'Headers joins repeated headers, and sorts them',
  },
}));
