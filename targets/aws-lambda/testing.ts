import { isRecord, isString } from '@aws-lambda-powertools/commons/typeutils';
import { WsgiError } from '../../src/errors.js';
import { bytesToText, percentDecode, textToBytes } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';
import type { HttpEvent } from './types.js';

/** The front ends whose events can be made and whose results can be read. */
export type LambdaKind = 'apigw-http-v2' | 'function-url';

/** A request for `lambdaEvent`, in ordinary text. */
export interface LambdaRequest {
  /** GET by default. */
  method?: string;
  /** The path and query as a client sends them, "/" by default. */
  target?: string;
  headers?: HeaderList;
  /** Text types arrive as text, others as base64, as the front ends do it. */
  body?: string | Uint8Array;
}

/** A result as its front end would send it on. */
export interface LambdaResponse {
  status: number;
  headers: HeaderList;
  body: Uint8Array;
  /** The body as UTF-8 text. */
  text(): string;
}

const HOSTS: Record<LambdaKind, string> = {
  'apigw-http-v2': 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
  'function-url': 'abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws',
};

/** Makes the event that a front end sends for a request: an HTTP API (payload 2.0) with a decoded path and cookies in a
 *  list only, a Function URL with the path as sent and cookies in both places.
 *  @throws {WsgiError} when the kind is not known */
export function lambdaEvent(kind: LambdaKind, request: LambdaRequest = {}): HttpEvent {
  const domainName = hostOf(kind);
  const { method = 'GET', target = '/', body } = request;
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const decoded = bytesToText(Buffer.from(percentDecode(Buffer.from(path).toString('latin1')), 'latin1'));
  const fields = new Map([
    ['host', domainName],
    ['x-amzn-trace-id', 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e'],
    ['x-forwarded-for', '203.0.113.7'],
    ['x-forwarded-port', '443'],
    ['x-forwarded-proto', 'https'],
  ]);
  const cookies: string[] = [];
  for (const [given, value] of request.headers ?? []) {
    const name = given.toLowerCase();
    if (name === 'cookie') {
      cookies.push(...value.split(/; */));
      if (kind === 'apigw-http-v2') continue;
    }
    fields.set(name, name === 'host' || !fields.has(name) ? value : `${fields.get(name)},${value}`);
  }
  const bytes = typeof body === 'string' ? textToBytes(body) : body;
  if (bytes !== undefined && !fields.has('content-length')) fields.set('content-length', String(bytes.length));
  const isBase64Encoded =
    bytes !== undefined && !/^(text\/|application\/(json|javascript|xml))/.test(fields.get('content-type') ?? '');
  // More than HttpEvent declares: what an application finds in `aws.event` on AWS.
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: kind === 'function-url' ? path : decoded,
    rawQueryString: mark < 0 ? '' : target.slice(mark + 1),
    ...(cookies.length > 0 ? { cookies } : {}),
    headers: Object.fromEntries(fields),
    requestContext: {
      accountId: kind === 'function-url' ? 'anonymous' : '123456789012',
      apiId: domainName.slice(0, domainName.indexOf('.')),
      domainName,
      domainPrefix: domainName.slice(0, domainName.indexOf('.')),
      http: {
        method,
        path: decoded,
        protocol: 'HTTP/1.1',
        sourceIp: '203.0.113.7',
        userAgent: fields.get('user-agent') ?? '',
      },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '10/Mar/2020:05:16:23 +0000',
      timeEpoch: 1583817383220,
    },
    ...(bytes === undefined ? {} : { body: Buffer.from(bytes).toString(isBase64Encoded ? 'base64' : 'utf8') }),
    isBase64Encoded,
  };
  return event;
}

/** Reads a buffered result as its front end would.
 *  @throws {WsgiError} where the front end would answer 502, saying why, and when the kind is not known */
export function readLambdaResult(kind: LambdaKind, result: unknown): LambdaResponse {
  hostOf(kind);
  // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html: a result
  // without a status code is the body itself.
  if (!isRecord(result) || result.statusCode === undefined) {
    const body = textToBytes(isString(result) ? result : JSON.stringify(result ?? null));
    return response(200, [['content-type', 'application/json']], body);
  }
  const { statusCode, headers = {}, cookies = [], body = '', isBase64Encoded = false } = result;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) refuse(kind, `statusCode ${String(statusCode)}`);
  if (!isRecord(headers)) return refuse(kind, 'headers that are no object');
  if (!Array.isArray(cookies) || !cookies.every(isString)) return refuse(kind, 'cookies that are no strings');
  if (!isString(body)) return refuse(kind, 'a body that is no string');
  const list: HeaderList = [];
  for (const [name, value] of Object.entries(headers)) {
    if (!isString(value)) return refuse(kind, `header "${name}" that is no string`);
    list.push([name, value]);
  }
  for (const cookie of cookies) list.push(['set-cookie', cookie]);
  return response(status, list, isBase64Encoded === true ? Buffer.from(body, 'base64') : textToBytes(body));
}

function response(status: number, headers: HeaderList, body: Uint8Array): LambdaResponse {
  return { status, headers, body, text: () => bytesToText(body) };
}

function hostOf(kind: LambdaKind): string {
  const host = Object.hasOwn(HOSTS, kind) ? HOSTS[kind] : undefined;
  if (host === undefined)
    throw new WsgiError(`testing: unknown kind of front end "${kind}"; known are ${Object.keys(HOSTS).join(', ')}`);
  return host;
}

function refuse(kind: LambdaKind, what: string): never {
  throw new WsgiError(`testing: ${kind} answers 502 to a result with ${what}`);
}
