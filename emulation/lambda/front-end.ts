// What the HTTP fronts of a function have in common, on loopback: a server whose requests become events, the function in
// AWS's runtime client, and responses that stream.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startRuntime } from './runtime.ts';
import { type FunctionError, type Outcome, startRuntimeApi } from './runtime-api.ts';

export interface FrontEndOptions {
  /** 0 takes a free port. */
  port: number;
  taskRoot: string;
  /** "file.export" */
  handler: string;
  env?: Record<string, string>;
  /** 30,000 ms by default. */
  timeoutMs?: number;
  /** Takes what the function logs; standard output by default. */
  onOutput?: (text: string) => void;
}

export interface FrontEnd {
  url: string;
  port: number;
  close(): Promise<void>;
}

/** A request that has arrived to its end. */
export interface Received {
  method: string;
  /** As sent. */
  path: string;
  /** As sent, without "?". */
  query: string;
  /** In the client's order and spelling, as text, without those that end at this hop. */
  headers: Array<[name: string, value: string]>;
  /** HTTP/1.1 */
  protocol: string;
  sourceIp: string;
  /** This server's. */
  localPort: number;
  body: Buffer;
  isBase64Encoded: boolean;
}

/** The head of a response, as text. */
export interface Head {
  status: number;
  headers: Array<[name: string, value: string]>;
}

export type Result = Extract<Outcome, { kind: 'result' }>;
export type Stream = Extract<Outcome, { kind: 'stream' }>;
export type Report = (error: FunctionError) => void;

/** How one front end speaks with its clients and with the function. */
export interface Protocol {
  event(request: Received): unknown;
  respond(res: ServerResponse, outcome: Result | Stream, report: Report): void | Promise<void>;
  /** 413 for a request that is too large, 502 for a function that failed. */
  refuse(res: ServerResponse, status: 413 | 502): void;
}

const HOST = '127.0.0.1';
const BODY_LIMIT = 6 * 1024 * 1024; // bytes
const TEXT = /^(text\/|application\/(json|javascript|xml))/;
const DELIMITER = Buffer.alloc(8);

/** Serves a function at http://127.0.0.1:port.
 *  @throws when the port is in use, when the runtime client can't be built, or the function can't be loaded */
export async function startFrontEnd(options: FrontEndOptions, protocol: Protocol): Promise<FrontEnd> {
  const { onOutput = (text) => process.stdout.write(text), timeoutMs = 30_000 } = options;
  const api = await startRuntimeApi((error) => {
    onOutput(`lambda: the function can't be loaded: ${error.errorType}: ${error.errorMessage}\n`);
  });
  const runtime = await startRuntime({
    taskRoot: options.taskRoot,
    handler: options.handler,
    runtimeApi: api.address,
    ...(options.env === undefined ? {} : { env: options.env }),
    onOutput,
    onExit: (error) => api.fail(error),
  }).catch(async (error: unknown) => {
    await api.close();
    throw error;
  });

  const report: Report = (error) => onOutput(`lambda: ${error.errorType}: ${error.errorMessage}\n`);
  const server = createServer(async (req, res) => {
    // Lambda is not told of a client that goes away: the function is heard to its end.
    res.on('error', () => {});
    try {
      const body = await readBody(req);
      if (body === undefined) return protocol.refuse(res, 413);
      const outcome = await api.invoke(protocol.event(receivedOf(req, body)), timeoutMs);
      if (outcome.kind === 'error') {
        report(outcome.error);
        return protocol.refuse(res, 502);
      }
      runtime.loaded();
      await protocol.respond(res, outcome, report);
    } catch (error) {
      // The client went away while it sent its request.
      onOutput(`lambda: ${String(error)}\n`);
      res.destroy();
    }
  });

  const stop = async () => {
    await runtime.stop();
    await api.close();
  };
  await listen(server, options.port).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
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
    if (length > BODY_LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function receivedOf(req: IncomingMessage, body: Buffer): Received {
  const [path = '/', ...query] = (req.url ?? '/').split('?');
  const headers: Received['headers'] = [];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i] ?? '';
    // Node reads header bytes as latin-1, AWS as UTF-8.
    const value = Buffer.from(req.rawHeaders[i + 1] ?? '', 'latin1').toString();
    if (!/^(connection|transfer-encoding|keep-alive)$/i.test(name)) headers.push([name, value]);
  }
  return {
    method: req.method ?? 'GET',
    path,
    query: query.join('?'),
    headers,
    protocol: `HTTP/${req.httpVersion}`,
    sourceIp: req.socket.remoteAddress ?? HOST,
    localPort: req.socket.localPort ?? 0,
    body,
    isBase64Encoded: body.length > 0 && !TEXT.test(req.headers['content-type'] ?? ''),
  };
}

/** The value of a header (lower case) that was sent once, or its last one. */
export function headerOf({ headers }: Received, name: string): string | undefined {
  return headers.findLast(([given]) => given.toLowerCase() === name)?.[1];
}

/** The headers that AWS adds or replaces, names in lower case. */
export function forwardedHeaders(request: Received): Record<string, string> {
  const earlier = headerOf(request, 'x-forwarded-for');
  return {
    'x-forwarded-for': earlier ? `${earlier},${request.sourceIp}` : request.sourceIp,
    // The truth of this machine; on AWS these are always 443 and https.
    'x-forwarded-port': String(request.localPort),
    'x-forwarded-proto': 'http',
    'x-amzn-trace-id': `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomUUID().replaceAll('-', '').slice(0, 24)}`,
  };
}

/** The body of an event; undefined where the request has none. */
export function eventBody({ body, isBase64Encoded }: Received): string | undefined {
  return body.length > 0 ? body.toString(isBase64Encoded ? 'base64' : 'utf8') : undefined;
}

/** What a result and the metadata of a stream have in common. */
export interface Metadata {
  statusCode?: number | undefined;
  headers?: Record<string, string> | undefined;
  multiValueHeaders?: Record<string, string[]> | undefined;
  cookies?: string[] | undefined;
}

/** The head that metadata makes; undefined where the front end does not take it. */
export function headOf(metadata: Metadata): Head | undefined {
  const { statusCode = 200, headers = {}, multiValueHeaders = {}, cookies = [] } = metadata;
  const lists = Object.entries(multiValueHeaders);
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 599) return undefined;
  if (!Array.isArray(cookies) || !lists.every(([, values]) => Array.isArray(values))) return undefined;
  const all: Head['headers'] = [
    ...Object.entries(headers),
    ...lists.flatMap(([name, values]) => values.map((value): [string, string] => [name, value])),
    ...cookies.map((cookie): [string, string] => ['Set-Cookie', cookie]),
  ];
  return all.every(([, value]) => typeof value === 'string') ? { status: statusCode, headers: all } : undefined;
}

/** Sends a response that is there as a whole. */
export function sendWhole(res: ServerResponse, head: Head, body: Buffer): void {
  const { given, headers } = takeLength(head);
  const counted = head.status === 204 || head.status === 304 ? undefined : String(body.length);
  const length = res.req.method === 'HEAD' ? given : counted;
  writeHead(res, { ...head, headers: length === undefined ? headers : [...headers, ['content-length', length]] });
  res.end(body);
}

/** How a front end sends a streamed response on. */
export interface Streaming {
  /** Reads the metadata in front of the body, and returns undefined to refuse it; a head where there is none. */
  head: Head | ((metadata: Metadata) => Head | undefined);
  /** Bytes in which the metadata must have come, with its delimiter. */
  limit?: number;
  /** Whether the body is held back until it is whole. */
  hold?: boolean;
}

/** Sends a streamed response on as it comes.
 *  @returns whether its metadata was taken; nothing has been sent where it was not */
export async function sendStream(
  res: ServerResponse,
  { body, failed }: Stream,
  report: Report,
  { head, limit = Number.POSITIVE_INFINITY, hold = false }: Streaming,
): Promise<boolean> {
  const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  const pass = (chunk: Buffer): void => {
    if (hold) held.push(chunk);
    else if (chunk.length > 0 && !res.destroyed) res.write(chunk);
  };
  const prelude = typeof head === 'function' ? await readPrelude(chunks, limit) : undefined;
  const given = typeof head === 'function' ? prelude && head(prelude.metadata) : head;
  if (given !== undefined) {
    writeStreamHead(res, given);
    // Not flushHeaders(): Node writes such a head as UTF-8 instead of latin-1.
    if (!hold) res.write(Buffer.alloc(0));
    if (prelude !== undefined) pass(prelude.rest);
  }
  // Heard to its end even where nothing is passed on: the runtime waits for that.
  for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) if (given !== undefined) pass(chunk);
  const error = await failed;
  if (error !== undefined) report(error);
  // What went wrong after the head, the client is not told: it sees a body that ends.
  if (given !== undefined) res.end(Buffer.concat(held));
  return given !== undefined;
}

async function readPrelude(
  chunks: AsyncIterator<Buffer>,
  limit: number,
): Promise<{ metadata: Metadata; rest: Buffer } | undefined> {
  let read = Buffer.alloc(0);
  for (;;) {
    const end = read.indexOf(DELIMITER);
    const size = end < 0 ? read.length : end + DELIMITER.length;
    if (size > limit) return undefined;
    if (end >= 0) {
      const metadata = JSON.parse(read.subarray(0, end).toString()) as Metadata;
      return { metadata, rest: read.subarray(size) };
    }
    const { done, value } = await chunks.next();
    if (done) return undefined;
    read = Buffer.concat([read, value]);
  }
}

// A front end that streams frames the body itself; a length that the function gave comes out renamed (observed on AWS).
function writeStreamHead(res: ServerResponse, head: Head): void {
  const { given, headers } = takeLength(head);
  const remapped: Head['headers'] = given === undefined ? [] : [['x-amzn-remapped-content-length', given]];
  writeHead(res, { ...head, headers: [...headers, ...remapped] });
}

function takeLength({ headers }: Head): { given: string | undefined; headers: Head['headers'] } {
  const isLength = ([name]: [string, string]) => name.toLowerCase() === 'content-length';
  return { given: headers.find(isLength)?.[1], headers: headers.filter((entry) => !isLength(entry)) };
}

function writeHead(res: ServerResponse, { status, headers }: Head): void {
  const lines = headers
    .filter(([name]) => !/^(transfer-encoding|connection)$/i.test(name))
    .flatMap(([name, value]) => [name, Buffer.from(value).toString('latin1')]);
  res.writeHead(status, lines);
}
