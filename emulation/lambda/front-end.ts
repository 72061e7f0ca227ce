// Serves a function over HTTP on loopback. AWS's side in testing/lambda makes the events and reads the results, AWS's
// runtime client runs the function, and this file adds the sockets.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Arrival,
  eventOf,
  type LambdaRequest,
  ownResponse,
  REQUEST_LIMIT,
  readLambdaResult,
  readStreamStart,
  readUnstreamed,
  type StreamingKind,
  type StreamStart,
} from '../../testing/lambda/index.js';
import { startRuntime } from './runtime.js';
import { type FunctionError, type Outcome, startRuntimeApi, traceId } from './runtime-api.js';

export interface FrontEndOptions {
  /** 0 takes a free port. */
  port: number;
  taskRoot: string;
  /** "file.export" */
  handler: string;
  env?: Record<string, string | undefined>;
  /** 30,000 ms by default. */
  timeoutMs?: number;
  /** Takes the output of the function; standard output by default. */
  onOutput?: (text: string) => void;
  /** Told when AWS's runtime client has to be built first. */
  onProgress?: (line: string) => void;
}

export interface FrontEnd {
  url: string;
  port: number;
  close(): Promise<void>;
}

/** The front end to emulate. `streams` is true if it forwards a streamed response in chunks, instead of as a whole. */
export type Part = StreamingPart | { kind: 'apigw-http-v2' | 'alb-single'; streams: false; customDomain?: undefined };
type StreamingPart = { kind: StreamingKind; streams: boolean; customDomain?: string };

/** The head of a response, as text. */
interface Head {
  status: number;
  headers: Array<[name: string, value: string]>;
}

type Stream = Extract<Outcome, { kind: 'stream' }>;
type Report = (why: string) => void;

const HOST = '127.0.0.1';

/** Serves a function at http://127.0.0.1:port.
 *  @throws when the port is in use, when the runtime client can't be built, or when the function can't be loaded */
export async function startFrontEnd(options: FrontEndOptions, part: Part): Promise<FrontEnd> {
  const { onOutput = (text) => process.stdout.write(text), timeoutMs = 30_000 } = options;
  const report: Report = (why) => onOutput(`lambda: ${why}\n`);
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {}); // a function that fails after its start is restarted
  const fail = ({ errorType, errorMessage }: FunctionError) =>
    reject(new Error(`the function can't be loaded: ${errorType}: ${errorMessage}`));
  const api = await startRuntimeApi(fail);
  const runtime = await startRuntime({
    taskRoot: options.taskRoot,
    handler: options.handler,
    runtimeApi: api.address,
    ...(options.env === undefined ? {} : { env: options.env }),
    onOutput,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    onExit: (error) => {
      api.fail(error);
      fail(error);
    },
  }).catch(async (error: unknown) => {
    await api.close();
    throw error;
  });

  const server = createServer(async (req, res) => {
    // A function is not told that its client went away, so it runs to its end.
    res.on('error', () => {});
    try {
      const body = await readBody(req);
      if (body === undefined) return sendOwn(res, part, 'tooLarge');
      const event = eventOf(part.kind, requestOf(req, body), arrivalOf(req, part));
      const outcome = await api.invoke(event, timeoutMs);
      if (outcome.kind !== 'error') runtime.loaded();
      await respond(res, outcome, part, report);
    } catch (error) {
      // The client went away while it sent its request.
      report(String(error));
      res.destroy();
    }
  });

  const stop = async () => {
    await runtime.stop();
    await api.close();
  };
  try {
    await Promise.race([api.ready, failed]);
    await listen(server, options.port);
  } catch (error) {
    await stop();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${port}`,
    port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await stop();
    },
  };
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'is already in use; stop what listens there, or choose another port'
          : `can't be listened on: ${error.message}`;
      reject(new Error(`${HOST}:${port} ${why}`));
    });
    server.listen(port, HOST, () => resolve());
  });
}

async function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > REQUEST_LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function requestOf(req: IncomingMessage, body: Buffer): LambdaRequest {
  const headers: Head['headers'] = [];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2)
    // Node reads header bytes as latin-1, AWS as UTF-8.
    headers.push([req.rawHeaders[i] ?? '', Buffer.from(req.rawHeaders[i + 1] ?? '', 'latin1').toString()]);
  return { method: req.method ?? 'GET', target: req.url ?? '/', headers, ...(body.length > 0 ? { body } : {}) };
}

function arrivalOf({ socket, httpVersion }: IncomingMessage, { customDomain }: Part): Arrival {
  const time = Date.now();
  return {
    client: socket.remoteAddress ?? HOST,
    // The emulation's real port and scheme. On AWS these are always 443 and https.
    port: String(socket.localPort),
    scheme: 'http',
    protocol: `HTTP/${httpVersion}`,
    ...(customDomain === undefined ? {} : { customDomain }),
    time,
    trace: traceId(time),
    requestId: randomUUID(),
  };
}

async function respond(res: ServerResponse, outcome: Outcome, part: Part, report: Report): Promise<void> {
  if (outcome.kind === 'stream') {
    if (part.kind === 'function-url' || part.kind === 'apigw-rest-v1') return sendStream(res, outcome, part, report);
    report(`${part.kind} takes no stream: use toLambdaHandler`);
    outcome.body.resume();
    return sendOwn(res, part, 'failed');
  }
  if (outcome.kind === 'error') {
    report(`${outcome.error.errorType}: ${outcome.error.errorMessage}`);
    return sendOwn(res, part, 'failed');
  }
  const { json } = outcome;
  const read = () => (part.streams ? readUnstreamed(part.kind, json) : readLambdaResult(part.kind, JSON.parse(json)));
  const response = taken(read, report);
  if (response === undefined) sendOwn(res, part, 'failed');
  else sendWhole(res, response, response.body);
}

/** Returns the result of `read`. If the front end refuses the response, reports it and returns undefined. */
function taken<Read>(read: () => Read, report: Report): Read | undefined {
  try {
    return read();
  } catch (error) {
    report((error as Error).message);
    return undefined;
  }
}

function sendOwn(res: ServerResponse, { kind }: Part, why: 'tooLarge' | 'failed'): void {
  const { status, headers, body } = ownResponse(kind, why);
  // Close the connection, because the rest of a body that is too large would be read as the next request.
  if (why === 'tooLarge') res.shouldKeepAlive = false;
  sendWhole(res, { status, headers }, body);
}

function sendWhole(res: ServerResponse, { status, headers }: Head, body: Uint8Array): void {
  const isLength = ([name]: [string, string]) => name.toLowerCase() === 'content-length';
  const others = headers.filter((entry) => !isLength(entry));
  const counted = status === 204 || status === 304 ? undefined : String(body.length);
  const length = res.req.method === 'HEAD' ? headers.find(isLength)?.[1] : counted;
  writeHead(res, { status, headers: length === undefined ? others : [...others, ['content-length', length]] });
  res.end(body);
}

async function sendStream(res: ServerResponse, stream: Stream, part: StreamingPart, report: Report): Promise<void> {
  const chunks = (stream.body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  const pass = (chunk: Uint8Array): void => {
    if (!part.streams) held.push(chunk);
    else if (chunk.length > 0 && !res.destroyed) res.write(chunk);
  };
  const start = await readStart(stream, chunks, part, report);
  if (start !== undefined) {
    writeHead(res, start);
    // Do not use flushHeaders(), because Node then writes the head as UTF-8 instead of latin-1.
    if (part.streams) res.write(Buffer.alloc(0));
    pass(start.rest);
  }
  // Read to the end even if nothing is forwarded, because the runtime waits for that.
  for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) if (start !== undefined) pass(chunk);
  const error = await stream.failed;
  if (error !== undefined) report(`${error.errorType}: ${error.errorMessage}`);
  // After the head the client can't be told of a failure; its body just ends.
  if (start === undefined) sendOwn(res, part, 'failed');
  else res.end(Buffer.concat(held));
}

async function readStart(
  { contentType }: Stream,
  chunks: AsyncIterator<Buffer>,
  { kind }: StreamingPart,
  report: Report,
): Promise<StreamStart | undefined> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const read = taken(() => ({ start: readStreamStart(kind, contentType, bytes) }), report);
    if (read === undefined || read.start !== undefined) return read?.start;
    const { done, value } = await chunks.next();
    if (done) {
      report('the stream ended before its head did');
      return undefined;
    }
    bytes = Buffer.concat([bytes, value]);
  }
}

function writeHead(res: ServerResponse, { status, headers }: Head): void {
  const lines = headers
    .filter(([name]) => !/^(transfer-encoding|connection)$/i.test(name))
    .flatMap(([name, value]) => [name, Buffer.from(value).toString('latin1')]);
  res.writeHead(status, lines);
}
