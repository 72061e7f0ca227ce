import { WsgiError } from '../../src/errors.js';
import { bytesToText, textToBytes } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';
import { edgeTakes } from '../../targets/aws-lambda/front-ends/edge.js';
import { FRONT_ENDS } from '../../targets/aws-lambda/front-ends/index.js';
import { record } from '../../targets/aws-lambda/read/fields.js';
import type { LambdaKind } from '../../targets/aws-lambda/types.js';
import { checkKind } from './request.js';
import {
  bodyOf,
  checkDescription,
  entriesOf,
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

const READERS: Record<LambdaKind, Reader> = {
  'apigw-rest-v1': readV1,
  'apigw-http-v1': readV1,
  'apigw-http-v2': readV2,
  'function-url': readV2,
  'alb-single': readAlb,
  'alb-multi': readAlb,
  'lattice-v1': readLattice,
  'lattice-v2': readLattice,
  'edge-viewer-request': readEdge,
  'edge-origin-request': readEdge,
};

/** Reads a buffered result as its front end would.
 *  @throws {WsgiError} where the front end would answer 502, saying why, and when the kind is not known */
export function readLambdaResult(kind: LambdaKind, result: unknown): LambdaResponse {
  checkKind(kind);
  const refuse: Refuse = (what) => {
    throw new WsgiError(`testing: ${kind} answers 502 to this result: ${what}`);
  };
  const json = jsonOf(result, refuse);
  const size = Buffer.byteLength(json);
  const { limit } = FRONT_ENDS[kind];
  if (size > limit) refuse(`${size} bytes, more than ${limit}`);
  return READERS[kind](JSON.parse(json), kind, refuse);
}

// Payload 1.0: a key that is not known is an error, and what both maps have is sent once.
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
  const result = record(given);
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

// null is an error wherever it stands; headers in the form of the other mode are not looked at.
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
    if (!edgeTakes(name.toLowerCase(), kind)) refuse(`header "${name}", which CloudFront keeps to itself`);
    for (const entry of entries) {
      const { key = name, value } = record(entry);
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
