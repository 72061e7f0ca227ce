import { decodeNative } from '../../src/native-string.js';
import type { HttpEvent, LambdaKind } from '../../targets/aws-lambda/index.js';
import { eventOf as makeEvent } from '../../testing/lambda/event.js';
import { ARRIVAL } from '../../testing/lambda/request.js';
import type { Capability } from './capabilities.js';
import type { RawRequest } from './case.js';

export type Reasons = Partial<Record<Capability, string>>;

/** What no front end of Lambda has, buffered or streaming. */
export const LAMBDA_LACKS: Reasons = {
  headerLines: 'a result holds its headers in an object, by name: their order is lost',
  latin1Headers: 'event and result are JSON text: header bytes that are not UTF-8 are lost',
  statusAbove599: 'Lambda@Edge takes status codes up to 599, and no front end documents more',
};

/** What is not the gateway's there, or does not exist. */
export const LAMBDA_INAPPLICABLE: Reasons = {
  httpParser: 'the front end parses HTTP and refuses what is malformed',
  http10: 'the front end speaks HTTP with the client',
  anyMethod: 'the front ends document seven methods',
  backPressure: 'the function does not see how fast the client reads',
  disconnect: 'Lambda does not tell a function that its client is gone',
  abortedUpload: 'the function is called when the whole body has arrived',
};

const NO_REASON: Reasons = { reasonPhrase: 'a result has no reason phrase' };
const TRIMMED: Reasons = { reasonSpaces: 'what the front end makes of them is not known: they are not sent to it' };
const JOINED: Reasons = {
  duplicateHeaders: 'payload 2.0 joins repeated headers with a bare comma, which can not be told from one in a value',
};
const API_DECODED: Reasons = {
  pathBytes: 'an HTTP API decodes the path to text: bytes that are not UTF-8 are lost',
  requestUri: 'an HTTP API sends the path decoded: the spelling of the client is lost',
};
const DECODED_QUERY: Reasons = {
  rawQuery: 'the query arrives decoded, by name: it is encoded again, as a form',
};
const MAPPED_QUERY: Reasons = {
  rawQuery: 'the query arrives as a map: the order of names is lost, and whether one without a value had a "="',
};
const LATTICE: Reasons = {
  rawQuery: 'the query arrives as a map: AWS does not say whether encoded, and it is encoded again, as a form',
  requestUri: 'AWS does not say whether Lattice sends the path as the client spelled it',
};
const ALB_SIZE: Reasons = { largeResponse: 'a load balancer takes 1 MB as the JSON of a result' };
const EDGE: Reasons = {
  contentLength: 'CloudFront tells the length itself, and answers 502 to a response with a Content-Length',
  viaHeader: 'CloudFront answers 502 to a response with a Via',
};
const ALB_METHODS: Reasons = { anyMethod: 'a load balancer answers 405 to TRACE; AWS says no more of methods' };
const LATTICE_METHODS: Reasons = { anyMethod: 'AWS does not say which methods Lattice takes' };
const EDGE_GET: Reasons = { bodyOnGet: 'CloudFront answers 403 to a GET with a body' };

/** What each front end has not, beside what none has. */
export const FRONT_ENDS: Record<LambdaKind, { name: string; lacks: Reasons; inapplicable: Reasons }> = {
  'apigw-rest-v1': {
    name: 'lambda REST API',
    lacks: { ...DECODED_QUERY, zeroLength: 'a REST API keeps the Content-Length to itself' },
    inapplicable: NO_REASON,
  },
  'apigw-http-v1': {
    name: 'lambda HTTP API 1.0',
    lacks: { ...DECODED_QUERY, ...API_DECODED },
    inapplicable: NO_REASON,
  },
  'apigw-http-v2': {
    name: 'lambda HTTP API',
    lacks: { ...JOINED, ...API_DECODED },
    inapplicable: NO_REASON,
  },
  'function-url': { name: 'lambda Function URL', lacks: JOINED, inapplicable: NO_REASON },
  'alb-single': {
    name: 'lambda ALB',
    lacks: {
      ...MAPPED_QUERY,
      ...ALB_SIZE,
      ...TRIMMED,
      repeatedParameters: 'of a repeated parameter the last one is sent, in the mode without lists',
      duplicateHeaders: 'of repeated headers the last one is sent, in the mode without lists',
      cookieLines: 'of several Cookie lines the last one is sent, in the mode without lists',
    },
    inapplicable: ALB_METHODS,
  },
  'alb-multi': {
    name: 'lambda ALB multi-value',
    lacks: { ...MAPPED_QUERY, ...ALB_SIZE, ...TRIMMED },
    inapplicable: ALB_METHODS,
  },
  'lattice-v1': {
    name: 'lambda Lattice v1',
    lacks: {
      ...LATTICE,
      ...TRIMMED,
      repeatedParameters: 'a parameter has one value in version 1',
      duplicateHeaders: 'version 1 joins repeated headers with a bare comma, which can not be told from one in a value',
      cookieLines: 'version 1 joins Cookie lines with a comma, as it does other headers',
    },
    inapplicable: LATTICE_METHODS,
  },
  'lattice-v2': {
    name: 'lambda Lattice v2',
    lacks: { ...LATTICE, ...TRIMMED },
    inapplicable: LATTICE_METHODS,
  },
  'edge-viewer-request': {
    name: 'lambda@Edge viewer request',
    lacks: {
      ...EDGE,
      ...TRIMMED,
      largeRequest: 'CloudFront shows a viewer-request trigger 40 KB of a body: the rest is cut, and the answer is 413',
      largeHeader: 'CloudFront takes 40 KB as the JSON of a response to a viewer request',
      mediumResponse: 'CloudFront takes 40 KB as the JSON of a response to a viewer request',
      largeResponse: 'CloudFront takes 40 KB as the JSON of a response to a viewer request',
    },
    inapplicable: EDGE_GET,
  },
  'edge-origin-request': {
    name: 'lambda@Edge origin request',
    lacks: {
      ...EDGE,
      ...TRIMMED,
      largeResponse: 'CloudFront takes 1 MB as the JSON of a response to an origin request',
    },
    inapplicable: EDGE_GET,
  },
};

/** The event that a front end makes of a request. A REST API has a custom domain here, so that no stage is in the
 *  client's path. test/aws-lambda.test.ts has the default host, whose stage is in SCRIPT_NAME. */
export async function eventOf(kind: LambdaKind, request: RawRequest): Promise<HttpEvent> {
  const body = await collect(request.body);
  const given = {
    method: request.method ?? 'GET',
    target: decodeNative(request.target ?? '/'),
    headers: (request.headers ?? [])
      .filter(([name]) => !/^expect$/i.test(name))
      .map(([name, value]): [string, string] => [name, decodeNative(value)]),
    ...(body === undefined ? {} : { body }),
  };
  const own = kind === 'apigw-rest-v1' ? { customDomain: 'api.example.com' } : {};
  return makeEvent(kind, given, { ...ARRIVAL, ...own });
}

/** The whole body as a front end collects it before it calls the function. */
async function collect(body: RawRequest['body']): Promise<Uint8Array | undefined> {
  if (body === undefined || body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
