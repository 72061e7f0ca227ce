// The HTTP front of a Lambda Function URL, on loopback: requests to events (payload 2.0), results to responses.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startRuntime } from './runtime.ts';
import { type FunctionError, type Outcome, startRuntimeApi } from './runtime-api.ts';

export interface FunctionUrlOptions {
  /** 0 takes a free port. */
  port: number;
  taskRoot: string;
  /** "file.export" */
  handler: string;
  invokeMode: 'BUFFERED' | 'RESPONSE_STREAM';
  env?: Record<string, string>;
  /** 30,000 ms by default. */
  timeoutMs?: number;
  /** Takes what the function logs; standard output by default. */
  onOutput?: (text: string) => void;
}

export interface FunctionUrl {
  url: string;
  port: number;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const DOMAIN = 'abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws';
const BODY_LIMIT = 6 * 1024 * 1024; // bytes
const TEXT = /^(text\/|application\/(json|javascript|xml))/;
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response';
const DELIMITER = Buffer.alloc(8);

interface Metadata {
  statusCode?: number;
  headers?: Record<string, string>;
  cookies?: string[];
}

/** Serves a function at http://127.0.0.1:port.
 *  @throws when the port is in use, when the runtime client can't be built, or the function can't be loaded */
export async function startFunctionUrl(options: FunctionUrlOptions): Promise<FunctionUrl> {
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

  const server = createServer(async (req, res) => {
    try {
      const body = await readBody(req);
      if (body === undefined) {
        res.writeHead(413, { connection: 'close' }).end('Request Too Long');
        return;
      }
      const outcome = await api.invoke(toEvent(req, body), timeoutMs);
      if (outcome.kind !== 'error') runtime.loaded();
      await respond(res, outcome, options.invokeMode, (error) =>
        onOutput(`lambda: ${error.errorType}: ${error.errorMessage}\n`),
      );
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

function toEvent(req: IncomingMessage, body: Buffer): unknown {
  const [rawPath = '/', ...query] = (req.url ?? '/').split('?');
  const headers = new Map<string, string>();
  const cookies: string[] = [];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i]?.toLowerCase() ?? '';
    // Node reads header bytes as latin-1, AWS as UTF-8.
    const value = Buffer.from(req.rawHeaders[i + 1] ?? '', 'latin1').toString();
    if (/^(connection|transfer-encoding|keep-alive)$/.test(name)) continue;
    if (name === 'cookie') cookies.push(...value.split(/; */));
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}${name === 'cookie' ? '; ' : ','}${value}`);
  }
  if (body.length > 0) headers.set('content-length', String(body.length));
  const sourceIp = req.socket.remoteAddress ?? HOST;
  const forwarded = headers.get('x-forwarded-for');
  headers.set('x-forwarded-for', forwarded ? `${forwarded},${sourceIp}` : sourceIp);
  // The truth of this machine; on AWS these are always 443 and https.
  headers.set('x-forwarded-port', String(req.socket.localPort));
  headers.set('x-forwarded-proto', 'http');
  headers.set('x-amzn-trace-id', traceId());
  const isBase64Encoded = body.length > 0 && !TEXT.test(headers.get('content-type') ?? '');
  const now = new Date();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString: query.join('?'),
    ...(cookies.length > 0 ? { cookies } : {}),
    headers: Object.fromEntries(headers),
    requestContext: {
      accountId: 'anonymous',
      apiId: DOMAIN.slice(0, DOMAIN.indexOf('.')),
      domainName: DOMAIN,
      domainPrefix: DOMAIN.slice(0, DOMAIN.indexOf('.')),
      http: {
        method: req.method,
        path: safeDecode(rawPath),
        protocol: `HTTP/${req.httpVersion}`,
        sourceIp,
        userAgent: headers.get('user-agent') ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 ? { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') } : {}),
    isBase64Encoded,
  };
}

function traceId(): string {
  return `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomUUID().replaceAll('-', '').slice(0, 24)}`;
}

function safeDecode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

async function respond(
  res: ServerResponse,
  outcome: Outcome,
  invokeMode: FunctionUrlOptions['invokeMode'],
  report: (error: FunctionError) => void,
): Promise<void> {
  if (outcome.kind === 'error') {
    report(outcome.error);
    return badGateway(res);
  }
  if (outcome.kind === 'stream') return respondStream(res, outcome, invokeMode, report);
  // In RESPONSE_STREAM mode a buffered result reaches the client as it is, envelope and all.
  if (invokeMode === 'RESPONSE_STREAM') return send(res, {}, Buffer.from(outcome.json));
  const result: unknown = JSON.parse(outcome.json);
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    const text = typeof result === 'string' ? result : outcome.json;
    return send(res, { headers: { 'content-type': 'application/json' } }, Buffer.from(text));
  }
  const {
    body = '',
    isBase64Encoded = false,
    ...metadata
  } = result as Metadata & {
    body?: unknown;
    isBase64Encoded?: boolean;
  };
  if (typeof body !== 'string' || !isValid(metadata)) return badGateway(res);
  send(res, metadata, Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
}

async function respondStream(
  res: ServerResponse,
  { contentType, body, failed }: Extract<Outcome, { kind: 'stream' }>,
  invokeMode: FunctionUrlOptions['invokeMode'],
  report: (error: FunctionError) => void,
): Promise<void> {
  let prelude: Buffer | undefined = contentType === PRELUDE_TYPE ? Buffer.alloc(0) : undefined;
  if (prelude === undefined) writeStreamHead(res, { headers: { 'content-type': contentType } });
  const held: Buffer[] = [];
  const pass = (chunk: Buffer) => {
    if (invokeMode === 'BUFFERED') held.push(chunk);
    else if (chunk.length > 0 && !res.destroyed) res.write(chunk);
  };
  // Lambda is not told of a client that goes away: the function is heard to its end.
  res.on('error', () => {});
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (prelude === undefined) {
      pass(chunk);
      continue;
    }
    prelude = Buffer.concat([prelude, chunk]);
    const end = prelude.indexOf(DELIMITER);
    if (end < 0) continue;
    const metadata = JSON.parse(prelude.subarray(0, end).toString()) as Metadata;
    if (!isValid(metadata)) break;
    writeStreamHead(res, metadata);
    // Not flushHeaders(): Node writes such a head as UTF-8 instead of latin-1.
    if (invokeMode === 'RESPONSE_STREAM') res.write(Buffer.alloc(0));
    pass(prelude.subarray(end + DELIMITER.length));
    prelude = undefined;
  }
  const error = await failed;
  if (error !== undefined) report(error);
  if (prelude !== undefined) return badGateway(res);
  // What went wrong after the head, the client is not told: it sees a body that ends (observed on AWS).
  res.end(Buffer.concat(held));
}

function isValid({ statusCode = 200, headers = {}, cookies = [] }: Metadata): boolean {
  return (
    Number.isInteger(statusCode) &&
    statusCode >= 100 &&
    statusCode <= 599 &&
    Object.values(headers).every((value) => typeof value === 'string') &&
    cookies.every((cookie) => typeof cookie === 'string')
  );
}

function send(res: ServerResponse, metadata: Metadata, body: Buffer): void {
  const { statusCode = 200 } = metadata;
  const { given, headers } = takeLength(metadata);
  const counted = statusCode === 204 || statusCode === 304 ? undefined : String(body.length);
  const length = res.req.method === 'HEAD' ? given : counted;
  writeHead(res, { ...metadata, headers: length === undefined ? headers : { ...headers, 'content-length': length } });
  res.end(body);
}

// A streaming Function URL frames the body itself; a length that the function gave comes out renamed (observed on AWS).
function writeStreamHead(res: ServerResponse, metadata: Metadata): void {
  const { given, headers } = takeLength(metadata);
  const remapped = given === undefined ? {} : { 'x-amzn-remapped-content-length': given };
  writeHead(res, { ...metadata, headers: { ...headers, ...remapped } });
}

function takeLength(metadata: Metadata): { given: string | undefined; headers: Record<string, string> } {
  const entries = Object.entries(metadata.headers ?? {});
  const isLength = ([name]: [string, string]) => name.toLowerCase() === 'content-length';
  return {
    given: entries.find(isLength)?.[1],
    headers: Object.fromEntries(entries.filter((entry) => !isLength(entry))),
  };
}

function writeHead(res: ServerResponse, { statusCode = 200, headers = {}, cookies = [] }: Metadata): void {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(headers))
    if (!/^(transfer-encoding|connection)$/i.test(name)) lines.push(name, Buffer.from(value).toString('latin1'));
  for (const cookie of cookies) lines.push('Set-Cookie', Buffer.from(cookie).toString('latin1'));
  res.writeHead(statusCode, lines);
}

function badGateway(res: ServerResponse): void {
  if (!res.headersSent) res.writeHead(502, { 'content-type': 'text/plain' });
  res.end('Internal Server Error');
}
