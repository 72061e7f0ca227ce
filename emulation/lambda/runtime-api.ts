// Lambda's Runtime API, as the runtime client sees it, on loopback.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The report of a function about its failure. */
export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

/** The outcome of an invocation. For a stream, `failed` settles when the stream ends. */
export type Outcome =
  | { kind: 'result'; json: string }
  | { kind: 'error'; error: FunctionError }
  | { kind: 'stream'; contentType: string; body: IncomingMessage; failed: Promise<FunctionError | undefined> };

/** A new trace id of X-Ray.
 *  @param time  in ms since 1970
 *  https://docs.aws.amazon.com/xray/latest/devguide/xray-services-elb.html */
export const traceId = (time: number): string =>
  `Root=1-${Math.floor(time / 1000).toString(16)}-${randomUUID().replaceAll('-', '').slice(0, 24)}`;

export interface RuntimeApi {
  /** host:port, for AWS_LAMBDA_RUNTIME_API. */
  address: string;
  /** Hands an event to the runtime; one at a time, as a Lambda environment does. */
  invoke(event: unknown, timeoutMs: number): Promise<Outcome>;
  /** Resolves when the runtime has loaded the function, and asks for its first event. */
  ready: Promise<void>;
  /** Fails the invocation under way: the runtime has died, or the time is up. */
  fail(error: FunctionError): void;
  close(): Promise<void>;
}

interface Invocation {
  id: string;
  event: string;
  deadline: number; // ms since the epoch
  settle(outcome: Outcome): void;
}

const PATH = '/2018-06-01/runtime';

/** Starts a Runtime API on a free port.
 *  @param onInitError  called when the runtime reports that the function can't be loaded
 *  @example
 *  ```ts
 *  import { startRuntimeApi } from 'wsgi-edge/emulation';
 *
 *  const api = await startRuntimeApi((error) => console.error(error.errorMessage));
 *  await api.close();
 *  ``` */
export async function startRuntimeApi(onInitError: (error: FunctionError) => void): Promise<RuntimeApi> {
  let waiting: ServerResponse | undefined; // the runtime's call for the next invocation
  let next: Invocation | undefined; // made, and not fetched yet
  let current: Invocation | undefined; // fetched, and not answered yet
  let turn: Promise<unknown> = Promise.resolve();
  const ready = Promise.withResolvers<void>();

  const hand = (): void => {
    if (waiting === undefined || next === undefined) return;
    const response = waiting;
    current = next;
    waiting = undefined;
    next = undefined;
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': current.id,
      'Lambda-Runtime-Deadline-Ms': String(current.deadline),
      'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-1:123456789012:function:local',
      'Lambda-Runtime-Trace-Id': `${traceId(Date.now())};Sampled=0`,
    });
    response.end(current.event);
  };

  const settle = (outcome: Outcome): void => {
    const invocation = current ?? next;
    current = undefined;
    next = undefined;
    invocation?.settle(outcome);
  };

  const server = createServer(async (req, res) => {
    const { url = '' } = req;
    if (url === `${PATH}/invocation/next`) {
      waiting = res;
      ready.resolve();
      hand();
    } else if (url === `${PATH}/init/error`) {
      onInitError(JSON.parse(await text(req)) as FunctionError);
      accepted(res);
    } else if (current === undefined || !url.startsWith(`${PATH}/invocation/${current.id}/`)) {
      res.writeHead(400, { 'Content-Type': 'application/json' }).end('{"errorType":"InvalidRequestID"}');
    } else if (url.endsWith('/error')) {
      settle({ kind: 'error', error: JSON.parse(await text(req)) as FunctionError });
      accepted(res);
    } else if (req.headers['lambda-runtime-function-response-mode'] === 'streaming') {
      const ended = new Promise<FunctionError | undefined>((resolve) => {
        req.on('close', () => resolve(req.complete ? trailerError(req) : exited));
      });
      // The runtime fetches the next invocation after the stream of this one has been read to its end.
      ended.then(() => accepted(res));
      settle({ kind: 'stream', contentType: req.headers['content-type'] ?? '', body: req, failed: ended });
    } else {
      settle({ kind: 'result', json: await text(req) });
      accepted(res);
    }
  });
  // Switch off the server's timeouts, because a runtime may wait long for its next invocation.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const invokeOnce = (event: unknown, timeoutMs: number): Promise<Outcome> =>
    new Promise((resolve) => {
      const timer = setTimeout(
        () =>
          settle({
            kind: 'error',
            error: { errorType: 'Sandbox.Timedout', errorMessage: `Task timed out after ${timeoutMs / 1000} seconds` },
          }),
        timeoutMs,
      );
      next = {
        id: randomUUID(),
        event: JSON.stringify(event),
        deadline: Date.now() + timeoutMs,
        settle(outcome) {
          clearTimeout(timer);
          resolve(outcome);
        },
      };
      hand();
    });

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    invoke(event, timeoutMs) {
      const outcome = turn.then(() => invokeOnce(event, timeoutMs));
      turn = outcome.then((result) => (result.kind === 'stream' ? result.failed : undefined));
      return outcome;
    },
    ready: ready.promise,
    fail: (error) => settle({ kind: 'error', error }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const exited: FunctionError = { errorType: 'Runtime.ExitError', errorMessage: 'Runtime exited while it streamed' };

// If a streaming function fails after its first byte, trailers report it, with a JSON body in base64.
function trailerError(req: IncomingMessage): FunctionError | undefined {
  const body = req.trailers['lambda-runtime-function-error-body'];
  if (body === undefined) return undefined;
  return JSON.parse(Buffer.from(body, 'base64').toString()) as FunctionError;
}

function accepted(res: ServerResponse): void {
  res.writeHead(202, { 'Content-Type': 'application/json' }).end('{"status":"OK"}');
}

async function text(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
