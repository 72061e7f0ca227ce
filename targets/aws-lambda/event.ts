import { isRecord, isString } from '@aws-lambda-powertools/commons/typeutils';
import { getStringFromEnv } from '@aws-lambda-powertools/commons/utils/env';
import type { RequestFields } from '../../src/environ.js';
import { WsgiError } from '../../src/errors.js';
import { bytesSource } from '../../src/input-stream.js';
import { encodeNative, percentDecode } from '../../src/native-string.js';
import type { Environ } from '../../src/types.js';
import { enterMount, splitAuthority } from '../../src/url.js';
import type { HttpEvent } from './types.js';

type Test = (event: Record<string, unknown>) => boolean;

/** The part of an environ that an event tells. */
type EventFields = Pick<
  RequestFields,
  | 'method'
  | 'path'
  | 'query'
  | 'rawUri'
  | 'scheme'
  | 'host'
  | 'fallbackHost'
  | 'protocol'
  | 'remoteAddr'
  | 'eachHeader'
  | 'contentLength'
  | 'body'
>;

const context: (event: Record<string, unknown>) => Record<string, unknown> = (event) => record(event.requestContext);
const firstRecord: Test = (event) => Array.isArray(event.Records);
const fromSource =
  (...sources: string[]): Test =>
  (event) => {
    const first: unknown = Array.isArray(event.Records) ? event.Records[0] : undefined;
    const source = record(first).eventSource ?? record(first).EventSource;
    return isString(source) && sources.includes(source);
  };

// No event carries a type: it is told by its shape, in this order. What is not HTTP is refused by name.
const OTHERS: Array<[name: string, test: Test]> = [
  ['a Lambda@Edge event', (event) => 'cf' in record(Array.isArray(event.Records) ? event.Records[0] : undefined)],
  ['an SQS event', fromSource('aws:sqs')],
  ['an SNS event', fromSource('aws:sns')],
  ['an S3 event', fromSource('aws:s3')],
  ['a DynamoDB Streams event', fromSource('aws:dynamodb')],
  ['a Kinesis event', fromSource('aws:kinesis')],
  ['an SES event', fromSource('aws:ses')],
  ['a Records event', firstRecord],
  [
    'a Lambda authorizer event',
    (event) => (event.type === 'REQUEST' || event.type === 'TOKEN') && ('methodArn' in event || 'routeArn' in event),
  ],
  ['an API Gateway WebSocket event', (event) => 'connectionId' in context(event)],
  ['an Application Load Balancer event', (event) => 'elb' in context(event)],
  ['a VPC Lattice event', (event) => 'serviceArn' in context(event) || (isString(event.raw_path) && 'method' in event)],
  ['an API Gateway REST or HTTP API payload 1.0 event', (event) => 'httpMethod' in event && 'path' in event],
  ['an EventBridge event', (event) => 'detail-type' in event],
  ['a CloudWatch Logs event', (event) => 'awslogs' in event],
  ['a Cognito trigger event', (event) => 'triggerSource' in event],
  ['an AppSync event', (event) => 'fieldName' in record(event.info)],
  ['a Bedrock agent event', (event) => 'agent' in event && 'messageVersion' in event],
  ['a warm-up event', (event) => event.source === 'serverless-plugin-warmup'],
];

/** Narrows what Lambda handed over to an HTTP event.
 *  @throws {WsgiError} which names the event, when it is another one */
export function toHttpEvent(event: unknown): HttpEvent {
  if (!isRecord(event) || Array.isArray(event))
    throw new WsgiError('aws-lambda: the event is not an object, so not an HTTP request');
  if (event.version === '2.0' && isString(record(context(event).http).method) && !('routeArn' in event))
    return event as unknown as HttpEvent;
  const name = OTHERS.find(([, test]) => test(event))?.[0] ?? 'an event of unknown kind';
  const http = /Edge|Load Balancer|Lattice|payload 1\.0/.test(name);
  throw new WsgiError(
    http
      ? `aws-lambda: this is ${name}; this version takes HTTP API (payload 2.0) and Function URL events`
      : `aws-lambda: this is ${name}, not an HTTP request`,
  );
}

/** Turns an event into the fields of an environ. A Function URL sends the path as the client spelled it, an HTTP API
 *  sends it decoded, so that the client's spelling (REQUEST_URI) is lost there. */
export function eventFields(event: HttpEvent): EventFields {
  const { requestContext } = event;
  const { http } = requestContext;
  const domain = requestContext.domainName ?? '';
  const headers = event.headers ?? {};
  const cookies = event.cookies ?? [];
  const path = slashed(encodeNative(event.rawPath ?? http.path ?? '/'));
  const query = encodeNative(event.rawQueryString ?? '');
  // Where rawPath is missing, the other field has the path decoded.
  const encoded = domain.includes('.lambda-url.') && isString(event.rawPath);
  const text = event.body ?? '';
  const bytes = () => Buffer.from(text, event.isBase64Encoded ? 'base64' : 'utf8');
  // Base64 may be wrapped into lines, which Buffer.byteLength does not see.
  const wrapped = event.isBase64Encoded && text.includes('\n');
  const length = wrapped ? bytes().length : Buffer.byteLength(text, event.isBase64Encoded ? 'base64' : 'utf8');
  const fields: EventFields = {
    method: http.method,
    path: encoded ? percentDecode(path) : path,
    query,
    rawUri: encoded ? `${path}${query === '' ? '' : `?${query}`}` : undefined,
    // Neither front end speaks plain HTTP; X-Forwarded-Proto may be the client's.
    scheme: 'https',
    host: encodeNative(value(headers, 'host') ?? domain),
    fallbackHost:
      splitAuthority(domain)?.name ?? getStringFromEnv({ key: 'AWS_LAMBDA_FUNCTION_NAME', defaultValue: 'localhost' }),
    protocol: http.protocol || 'HTTP/1.1',
    // A capture of 2020 has a space in front.
    remoteAddr: http.sourceIp?.trim(),
    eachHeader(add) {
      for (const name of Object.keys(headers)) {
        const header = headers[name];
        // A Function URL sends cookies twice, in the header and in the list.
        if (header === undefined || header === null || (cookies.length > 0 && name.toLowerCase() === 'cookie'))
          continue;
        // JSON can carry what no HTTP parser lets through (RFC 9110, section 5.5).
        add(name, encodeNative(String(header).replace(/[\r\n\0]/g, ' ')));
      }
      if (cookies.length > 0) add('cookie', encodeNative(cookies.join('; ')));
    },
    body: bytesSource(bytes),
  };
  // The header may differ from what arrived, or be absent; a request without either has no length.
  if (length > 0 || value(headers, 'content-length') !== undefined) fields.contentLength = length;
  return fields;
}

/** Moves a named stage from PATH_INFO to SCRIPT_NAME: the default host of an HTTP API has it in the path. */
export function enterStage(environ: Environ, event: HttpEvent): void {
  const { domainName, stage } = event.requestContext;
  if (stage && stage !== '$default' && domainName?.includes('.execute-api.')) enterMount(environ, `/${stage}`);
}

function value(headers: Record<string, string | undefined>, name: string): string | undefined {
  for (const key of Object.keys(headers)) if (key.toLowerCase() === name) return headers[key] ?? undefined;
  return undefined;
}

function slashed(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
