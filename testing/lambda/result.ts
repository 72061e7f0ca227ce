import { WsgiError } from '../../src/errors.js';
import { bytesToText, textToBytes } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';
import type { LambdaKind } from '../../targets/aws-lambda/types.js';
import { checkKind } from './request.js';
import {
  bodyOf,
  checkDescription,
  entriesOf,
  fieldsOf,
  jsonOf,
  listsOf,
  numeral,
  objectOf,
  type Refuse,
  statusOf,
  valuesOf,
} from './response.js';

/** A result as its front end would send it on. */
export interface LambdaResponse {
  status: number;
  headers: HeaderList;
  body: Uint8Array;
  /** The body as UTF-8 text. */
  text(): string;
}

type Reader = (result: unknown, kind: LambdaKind, refuse: Refuse) => LambdaResponse;

// These tables repeat those of the target, because a mistake in a shared table would not show.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; the exact number is from Lambda's error.
const LAMBDA_LIMIT = 6_291_556; // bytes
const MB = 1_048_576; // bytes

/** The reader of a result, and the limit of its JSON in bytes. */
const READERS: Record<LambdaKind, [read: Reader, limit: number]> = {
  'apigw-rest-v1': [readV1, LAMBDA_LIMIT],
  'apigw-http-v1': [readV1, LAMBDA_LIMIT],
  'apigw-http-v2': [readV2, LAMBDA_LIMIT],
  'function-url': [readV2, LAMBDA_LIMIT],
  'alb-single': [readAlb, MB],
  'alb-multi': [readAlb, MB],
  'lattice-v1': [readLattice, LAMBDA_LIMIT],
  'lattice-v2': [readLattice, LAMBDA_LIMIT],
  // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
  'edge-viewer-request': [readEdge, 40 * 1024],
  'edge-origin-request': [readEdge, MB],
};

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
const EDGE_DISALLOWED =
  /^(connection|expect|keep-alive|proxy-(authenticate|authorization|connection)|trailer|transfer-encoding|upgrade|x-accel-(buffering|charset|limit-rate|redirect)|x-amz-cf-.*|x-amzn-(auth|cf-billing|cf-id|cf-xff|errortype|fle-profile|header-count|header-order|lambda-integration-tag|requestid)|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip|content-length|via)$/i;
const EDGE_READ_ONLY: Partial<Record<LambdaKind, RegExp>> = {
  'edge-viewer-request': /^host$/i,
  'edge-origin-request': /^(accept-encoding|if-modified-since|if-none-match|if-range|if-unmodified-since)$/i,
};

/** Reads a buffered result as its front end would.
 *  @throws {WsgiError} if the front end would answer 502, with the reason, and if the kind is unknown */
export function readLambdaResult(kind: LambdaKind, result: unknown): LambdaResponse {
  checkKind(kind);
  const refuse: Refuse = (what) => {
    throw new WsgiError(`testing: ${kind} answers 502 to this result: ${what}`);
  };
  const json = jsonOf(result, refuse);
  const size = Buffer.byteLength(json);
  const [read, limit] = READERS[kind];
  if (size > limit) refuse(`${size} bytes, more than ${limit}`);
  return read(JSON.parse(json), kind, refuse);
}

// Payload 1.0: an unknown key is an error, and a header that is in both maps is sent once.
function readV1(given: unknown, _: LambdaKind, refuse: Refuse): LambdaResponse {
  const result = objectOf(given, refuse);
  const known = ['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded'];
  for (const key of Object.keys(result)) if (!known.includes(key)) refuse(`the unknown key "${key}"`);
  const lists = listsOf(result.multiValueHeaders, refuse);
  const isTwice = ([name, value]: [string, string]) =>
    lists.some(([other, same]) => other.toLowerCase() === name.toLowerCase() && same === value);
  const values = valuesOf(result.headers, refuse).filter((pair) => !isTwice(pair));
  return response(statusOf(numeral(result.statusCode), refuse), [...values, ...lists], bodyOf(result, refuse));
}

// Payload 2.0. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html: a
// result without a status code is the body itself.
function readV2(given: unknown, _: LambdaKind, refuse: Refuse): LambdaResponse {
  const result = fieldsOf(given);
  if (result.statusCode === undefined) {
    const body = textToBytes(typeof given === 'string' ? given : JSON.stringify(given));
    return response(200, [['content-type', 'application/json']], body);
  }
  const { cookies = [] } = result;
  if (!Array.isArray(cookies) || !cookies.every((cookie) => typeof cookie === 'string'))
    return refuse('cookies that are no strings');
  const headers = valuesOf(result.headers, refuse);
  for (const cookie of cookies) headers.push(['set-cookie', cookie]);
  return response(statusOf(numeral(result.statusCode), refuse), headers, bodyOf(result, refuse));
}

// A load balancer refuses null as any value, and ignores headers in the form of the other mode.
function readAlb(given: unknown, kind: LambdaKind, refuse: Refuse): LambdaResponse {
  const result = objectOf(given, refuse);
  for (const [key, value] of Object.entries(result)) if (value === null) refuse(`null as its ${key}`);
  const status = statusOf(result.statusCode, refuse);
  checkDescription(status, result, refuse);
  const headers = kind === 'alb-multi' ? listsOf(result.multiValueHeaders, refuse) : valuesOf(result.headers, refuse);
  return response(status, headers, bodyOf(result, refuse));
}

function readLattice(given: unknown, _: LambdaKind, refuse: Refuse): LambdaResponse {
  const result = objectOf(given, refuse);
  const status = statusOf(result.statusCode, refuse);
  checkDescription(status, result, refuse);
  return response(status, valuesOf(result.headers, refuse), bodyOf(result, refuse));
}

function readEdge(given: unknown, kind: LambdaKind, refuse: Refuse): LambdaResponse {
  const result = objectOf(given, refuse);
  const status = statusOf(numeral(result.status), refuse, 200);
  const headers: HeaderList = [];
  for (const [name, entries] of entriesOf(result.headers, refuse)) {
    if (!Array.isArray(entries)) return refuse(`header "${name}" that is no list`);
    if (EDGE_DISALLOWED.test(name) || EDGE_READ_ONLY[kind]?.test(name))
      refuse(`header "${name}", which CloudFront keeps to itself`);
    for (const entry of entries) {
      const { key = name, value } = fieldsOf(entry);
      if (typeof value !== 'string') return refuse(`header "${name}" that is no string`);
      if (String(key).toLowerCase() !== name.toLowerCase()) refuse(`header "${name}" under the key "${key}"`);
      headers.push([String(key), value]);
    }
  }
  const { body, bodyEncoding = 'text' } = result;
  if (status === 204 && body !== undefined) refuse('a body and status 204');
  if (bodyEncoding !== 'text' && bodyEncoding !== 'base64') refuse(`bodyEncoding "${String(bodyEncoding)}"`);
  return response(status, headers, bodyOf({ body, isBase64Encoded: bodyEncoding === 'base64' }, refuse));
}

function response(status: number, headers: HeaderList, body: Uint8Array): LambdaResponse {
  return { status, headers, body, text: () => bytesToText(body) };
}
