// The HTTP front of an API Gateway REST API that streams, on loopback: requests to events (payload 1.0), streams to
// responses. It stands behind a custom domain, so that no stage is in the client's path.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
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
  sendStream,
  startFrontEnd,
} from './front-end.ts';

const PRELUDE_LIMIT = 16_384; // bytes, with the delimiter
const KEYS = new Set(['statusCode', 'headers', 'multiValueHeaders', 'cookies']);

/** Serves a function at http://127.0.0.1:port, as an integration whose responseTransferMode is STREAM does.
 *  @throws when the port is in use, when the runtime client can't be built, or the function can't be loaded */
export function startRestApi(options: FrontEndOptions): Promise<FrontEnd> {
  return startFrontEnd(options, {
    event,
    async respond(res, outcome, report) {
      // A result that is no stream lacks the delimiter.
      const taken =
        outcome.kind === 'stream' && (await sendStream(res, outcome, report, { head: readHead, limit: PRELUDE_LIMIT }));
      if (!taken) refuse(res, 502);
    },
    refuse,
  });
}

function event(request: Received): unknown {
  const { method, path, query, protocol, sourceIp, isBase64Encoded } = request;
  // What a client sends under these names does not arrive.
  const replaced = new Set(['content-length', ...Object.keys(forwardedHeaders(request))]);
  const headers = [
    ...request.headers.filter(([name]) => !replaced.has(name.toLowerCase())),
    ...Object.entries(forwardedHeaders(request)).map(([name, value]): [string, string] => [titled(name), value]),
  ];
  const parameters = [...new URLSearchParams(query)];
  const now = new Date();
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: method,
    headers: Object.fromEntries(headers),
    multiValueHeaders: lists(headers),
    queryStringParameters: parameters.length > 0 ? Object.fromEntries(parameters) : null,
    multiValueQueryStringParameters: parameters.length > 0 ? lists(parameters) : null,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: {
      accountId: '123456789012',
      apiId: 'a1b2c3d4e5',
      domainName: 'api.example.com',
      domainPrefix: 'api',
      httpMethod: method,
      identity: { sourceIp, userAgent: headerOf(request, 'user-agent') ?? null, userArn: null },
      path,
      protocol,
      requestId: randomUUID(),
      requestTime: now.toUTCString(),
      requestTimeEpoch: now.getTime(),
      resourcePath: '/{proxy+}',
      stage: 'local',
    },
    body: eventBody(request) ?? null,
    isBase64Encoded,
  };
}

// API Gateway spells its own headers so.
const titled = (name: string): string => name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());

// As an entry, not by assignment: a header may be named "__proto__".
function lists(pairs: Array<[name: string, value: string]>): Record<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const [name, value] of pairs) byName.set(name, [...(byName.get(name) ?? []), value]);
  return Object.fromEntries(byName);
}

// Another key makes the response malformed.
function readHead(metadata: Metadata): Head | undefined {
  return Object.keys(metadata).every((key) => KEYS.has(key)) ? headOf(metadata) : undefined;
}

function refuse(res: ServerResponse, status: 413 | 502): void {
  const message = status === 413 ? 'Request Too Long' : 'Internal server error';
  res.writeHead(status, { 'content-type': 'application/json', ...(status === 413 ? { connection: 'close' } : {}) });
  res.end(JSON.stringify({ message }));
}
