// What each front end of Lambda accepts as a result, written from AWS's documentation and from what its users have met, and
// not from the code that makes results or reads them: the tests hold all three against each other.
import type { LambdaKind } from '../testing/index.js';

interface Shape {
  required: string[];
  optional?: string[];
  /** The JSON of the result at most, in bytes. */
  limit: number;
}

const LAMBDA = 6_291_556;
const V1: Shape = {
  required: ['statusCode', 'headers', 'body', 'isBase64Encoded'],
  optional: ['multiValueHeaders'],
  limit: LAMBDA,
};
const V2: Shape = {
  required: ['statusCode', 'headers', 'body', 'isBase64Encoded'],
  optional: ['cookies'],
  limit: LAMBDA,
};
const SINGLE: Shape = {
  required: ['statusCode', 'headers', 'body', 'isBase64Encoded'],
  optional: ['statusDescription'],
  limit: LAMBDA,
};
const EDGE: Shape = {
  required: ['status', 'headers'],
  optional: ['statusDescription', 'body', 'bodyEncoding'],
  limit: 1_048_576,
};
const SHAPES: Record<LambdaKind, Shape> = {
  'apigw-rest-v1': V1,
  'apigw-http-v1': V1,
  'apigw-http-v2': V2,
  'function-url': V2,
  'alb-single': { ...SINGLE, limit: 1_048_576 },
  'alb-multi': {
    required: ['statusCode', 'multiValueHeaders', 'body', 'isBase64Encoded'],
    optional: ['statusDescription'],
    limit: 1_048_576,
  },
  'lattice-v1': SINGLE,
  'lattice-v2': SINGLE,
  'edge-viewer-request': { ...EDGE, limit: 40_960 },
  'edge-origin-request': EDGE,
};

/** Every front end. */
export const KINDS = Object.keys(SHAPES) as LambdaKind[];

const HOP_BY_HOP =
  'connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade';
const EDGE_DISALLOWED =
  'expect x-accel-buffering x-accel-charset x-accel-limit-rate x-accel-redirect x-amzn-auth x-amzn-cf-billing x-amzn-cf-id x-amzn-cf-xff x-amzn-errortype x-amzn-fle-profile x-amzn-header-count x-amzn-header-order x-amzn-lambda-integration-tag x-amzn-requestid x-cache x-forwarded-proto x-real-ip content-length via';
const EDGE_READ_ONLY: Partial<Record<LambdaKind, string>> = {
  'edge-viewer-request': 'host',
  'edge-origin-request': 'accept-encoding if-modified-since if-none-match if-range if-unmodified-since',
};

/** Whether CloudFront refuses a response header (lower case) from a trigger. */
export function edgeRefuses(kind: LambdaKind, name: string): boolean {
  const names = `${HOP_BY_HOP} ${EDGE_DISALLOWED} ${EDGE_READ_ONLY[kind]}`.split(' ');
  return names.includes(name) || /^x-(amz-cf|edge)-/.test(name);
}

type Json = Record<string, unknown>;

function ensure(fact: unknown, what: string): asserts fact {
  if (!fact) throw new Error(`result: ${what}`);
}

/** Checks that a result has exactly the shape that its front end accepts.
 *  @throws {Error} that says what is wrong with it */
export function checkResult(kind: LambdaKind, result: unknown): void {
  checkJson(result, 'it');
  ensure(isObject(result), 'it is no object');
  const { required, optional = [], limit } = SHAPES[kind];
  for (const key of required) ensure(Object.hasOwn(result, key), `${key} is missing`);
  for (const key of Object.keys(result)) ensure([...required, ...optional].includes(key), `${key} is unknown`);
  const size = Buffer.byteLength(JSON.stringify(result));
  ensure(size <= limit, `${size} bytes are more than ${limit}`);
  if ('status' in result) checkEdge(kind, result);
  else checkProxy(kind, result);
}

function checkProxy(kind: LambdaKind, result: Json): void {
  const { statusCode, statusDescription, headers, multiValueHeaders, cookies, body, isBase64Encoded } = result;
  ensure(Number.isInteger(statusCode), 'statusCode is no integer');
  checkStatus(Number(statusCode));
  if (statusDescription !== undefined)
    ensure(
      new RegExp(`^${statusCode} [^ \\p{Cc}]\\P{Cc}*$`, 'u').test(String(statusDescription)),
      'statusDescription is not like "200 OK"',
    );
  const names: string[] = [];
  const spelled = ['alb-single', 'lattice-v1', 'lattice-v2'].includes(kind);
  for (const [name, value] of entriesOf(headers, 'headers')) {
    checkHeader(name, value);
    const isCookie = name.toLowerCase() === 'set-cookie';
    ensure(spelled || !isCookie, 'Set-Cookie is in headers');
    if (!(spelled && isCookie)) names.push(name.toLowerCase());
  }
  for (const [name, values] of entriesOf(multiValueHeaders, 'multiValueHeaders')) {
    ensure(Array.isArray(values) && values.length > 0, `header "${name}" is no list`);
    for (const value of values) checkHeader(name, value);
    ensure(
      kind === 'alb-multi' || name.toLowerCase() === 'set-cookie' || values.length > 1,
      `header "${name}" occurs once and is in multiValueHeaders`,
    );
    names.push(name.toLowerCase());
  }
  ensure(new Set(names).size === names.length, 'a header is there twice');
  ensure(kind === 'alb-multi' || !isEmpty(multiValueHeaders), 'multiValueHeaders is empty');
  if (cookies !== undefined) {
    ensure(Array.isArray(cookies) && cookies.length > 0, 'cookies is no list or empty');
    for (const cookie of cookies) checkHeader('cookies', cookie);
  }
  ensure(typeof isBase64Encoded === 'boolean', 'isBase64Encoded is no boolean');
  checkBody(body, isBase64Encoded);
  ensure(body === '' || !isBodiless(Number(statusCode)), `a body with status ${statusCode}`);
}

function checkEdge(kind: LambdaKind, result: Json): void {
  const { status, statusDescription = 'OK', headers, body, bodyEncoding } = result;
  ensure(typeof status === 'string' && /^[0-9]{3}$/.test(status), 'status is no text of three digits');
  checkStatus(Number(status));
  ensure(
    typeof statusDescription === 'string' && /^[^ \p{Cc}]\P{Cc}*$/u.test(statusDescription),
    'statusDescription is not like "OK"',
  );
  for (const [name, entries] of entriesOf(headers, 'headers')) {
    ensure(name === name.toLowerCase(), `the key "${name}" of headers is not in lower case`);
    ensure(!edgeRefuses(kind, name), `CloudFront keeps header "${name}" to itself`);
    ensure(Array.isArray(entries) && entries.length > 0, `header "${name}" is no list`);
    for (const entry of entries) {
      ensure(
        isObject(entry) && Object.keys(entry).sort().join() === 'key,value',
        `header "${name}" is no key and value`,
      );
      const { key, value } = entry;
      checkHeader(key, value);
      ensure(key.toLowerCase() === name, `header "${name}" has the key "${key}"`);
    }
  }
  ensure((body === undefined) === (bodyEncoding === undefined), 'one of body and bodyEncoding is alone');
  if (body === undefined) return;
  ensure(body !== '', 'body is empty');
  ensure(!isBodiless(Number(status)), `a body with status ${status}`);
  ensure(bodyEncoding === 'text' || bodyEncoding === 'base64', 'bodyEncoding is neither "text" nor "base64"');
  checkBody(body, bodyEncoding === 'base64');
}

function checkStatus(status: number): void {
  ensure(status >= 200 && status <= 599, `status ${status} is not one of 200 to 599`);
}

const isBodiless = (status: number): boolean => status === 204 || status === 205 || status === 304;

function checkHeader(name: unknown, value: unknown): asserts name is string {
  ensure(typeof name === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name), `header name "${name}" is no token`);
  ensure(!HOP_BY_HOP.split(' ').includes(name.toLowerCase()), `header "${name}" is hop-by-hop`);
  ensure(typeof value === 'string', `header "${name}" is no string`);
  ensure(!/[\r\n\0]/.test(value), `header "${name}" has CR, LF or NUL in it`);
}

function checkBody(body: unknown, base64: boolean): void {
  ensure(typeof body === 'string', 'body is no string');
  ensure(body.isWellFormed(), 'body is not well-formed text');
  if (base64) ensure(Buffer.from(body, 'base64').toString('base64') === body, 'body is no base64');
}

function checkJson(value: unknown, where: string): void {
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return;
  ensure(Array.isArray(value) || isObject(value), `${where} is nothing that JSON can hold, or null`);
  for (const [key, each] of Object.entries(value)) checkJson(each, `${where}.${key}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isEmpty(map: unknown): boolean {
  return map !== undefined && Object.keys(map as object).length === 0;
}

function entriesOf(map: unknown, where: string): Array<[string, unknown]> {
  if (map === undefined) return [];
  ensure(isObject(map), `${where} is no object`);
  return Object.entries(map);
}
