// The HTTP front of a Lambda Function URL, on loopback: requests to events (payload 2.0), results to responses.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import {
  eventBody,
  type FrontEnd,
  type FrontEndOptions,
  forwardedHeaders,
  type Head,
  headerOf,
  headOf,
  type Metadata,
  type Received,
  type Report,
  type Result,
  type Stream,
  sendStream,
  sendWhole,
  startFrontEnd,
} from './front-end.ts';

export interface FunctionUrlOptions extends FrontEndOptions {
  invokeMode: 'BUFFERED' | 'RESPONSE_STREAM';
}

const DOMAIN = 'abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws';
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response';

/** Serves a function at http://127.0.0.1:port.
 *  @throws when the port is in use, when the runtime client can't be built, or the function can't be loaded */
export function startFunctionUrl(options: FunctionUrlOptions): Promise<FrontEnd> {
  const { invokeMode } = options;
  return startFrontEnd(options, {
    event,
    respond: (res, outcome, report) =>
      outcome.kind === 'stream'
        ? respondStream(res, outcome, invokeMode, report)
        : respondResult(res, outcome, invokeMode),
    refuse,
  });
}

function event(request: Received): unknown {
  const { method, path, query, protocol, sourceIp, isBase64Encoded } = request;
  const headers = new Map<string, string>();
  const cookies: string[] = [];
  for (const [given, value] of request.headers) {
    const name = given.toLowerCase();
    if (name === 'cookie') cookies.push(...value.split(/; */));
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}${name === 'cookie' ? '; ' : ','}${value}`);
  }
  if (request.body.length > 0) headers.set('content-length', String(request.body.length));
  const body = eventBody(request);
  const apiId = DOMAIN.slice(0, DOMAIN.indexOf('.'));
  const now = new Date();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers: { ...Object.fromEntries(headers), ...forwardedHeaders(request) },
    requestContext: {
      accountId: 'anonymous',
      apiId,
      domainName: DOMAIN,
      domainPrefix: apiId,
      http: { method, path: safeDecode(path), protocol, sourceIp, userAgent: headerOf(request, 'user-agent') ?? '' },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded,
  };
}

function safeDecode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function respondResult(res: ServerResponse, { json }: Result, invokeMode: FunctionUrlOptions['invokeMode']): void {
  const result: unknown = JSON.parse(json);
  // In RESPONSE_STREAM mode a buffered result reaches the client as it is, envelope and all.
  if (invokeMode === 'RESPONSE_STREAM') sendWhole(res, { status: 200, headers: [] }, Buffer.from(json));
  else if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    const text = typeof result === 'string' ? result : json;
    sendWhole(res, { status: 200, headers: [['content-type', 'application/json']] }, Buffer.from(text));
  } else {
    const { body = '', isBase64Encoded = false } = result as { body?: unknown; isBase64Encoded?: boolean };
    const head = readHead(result as Metadata);
    if (typeof body !== 'string' || head === undefined) refuse(res, 502);
    else sendWhole(res, head, Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
  }
}

async function respondStream(
  res: ServerResponse,
  stream: Stream,
  invokeMode: FunctionUrlOptions['invokeMode'],
  report: Report,
): Promise<void> {
  const bare: Head = { status: 200, headers: [['content-type', stream.contentType]] };
  const head = stream.contentType === PRELUDE_TYPE ? readHead : bare;
  if (!(await sendStream(res, stream, report, { head, hold: invokeMode === 'BUFFERED' }))) refuse(res, 502);
}

// It ignores lists of values.
function readHead({ statusCode, headers, cookies }: Metadata): Head | undefined {
  return headOf({ statusCode, headers, cookies });
}

function refuse(res: ServerResponse, status: 413 | 502): void {
  if (status === 413) res.writeHead(413, { connection: 'close' }).end('Request Too Long');
  else res.writeHead(502, { 'content-type': 'text/plain' }).end('Internal Server Error');
}
