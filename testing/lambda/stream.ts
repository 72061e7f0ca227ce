// How the front ends that stream read a response: its head as JSON, eight NUL bytes, and its body.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
import type { HeaderList } from '../../src/types.js';
import type { LambdaKind } from '../../targets/aws-lambda/types.js';
import {
  cookiesIn,
  type LambdaResponse,
  listsIn,
  objectOf,
  type Refuse,
  refusing,
  response,
  statusOf,
  valuesIn,
} from './response.js';

export type StreamingKind = Extract<LambdaKind, 'function-url' | 'apigw-rest-v1'>;

/** The start of a streamed response. */
export interface StreamStart {
  status: number;
  headers: HeaderList;
  /** The bytes of the body that have come with the head. */
  rest: Uint8Array;
}

const WITH_HEAD = 'application/vnd.awslambda.http-integration-response';
const DELIMITER = Buffer.alloc(8);
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html: 16 KB, with the
// delimiter.
const REST_HEAD = 16 * 1024;
const REST_KEYS = ['statusCode', 'headers', 'multiValueHeaders', 'cookies'];

/** Reads the start of a stream as its front end would.
 *  @param contentType  that the function's runtime gives the stream
 *  @param bytes  the bytes received so far
 *  @returns undefined until the whole head has come
 *  @throws {WsgiError} when the front end would answer 502, saying why */
export function readStreamStart(kind: StreamingKind, contentType: string, bytes: Buffer): StreamStart | undefined {
  const rest = kind === 'apigw-rest-v1';
  if (!rest && contentType !== WITH_HEAD) return { status: 200, headers: [['content-type', contentType]], rest: bytes };
  const refuse = refusing(kind, 'stream');
  const end = bytes.indexOf(DELIMITER);
  const size = end < 0 ? bytes.length : end + DELIMITER.length;
  if (rest && size > REST_HEAD) refuse(`a head of ${size} bytes or more, more than ${REST_HEAD}`);
  if (end < 0) return undefined;
  return { ...headOf(kind, bytes.toString('utf8', 0, end), refuse), rest: bytes.subarray(size) };
}

function headOf(kind: StreamingKind, json: string, refuse: Refuse): { status: number; headers: HeaderList } {
  const head = objectOf(parsed(json, refuse), refuse);
  const headers = valuesIn(head.headers, refuse);
  // A Function URL ignores lists of values, and keys that it does not know.
  if (kind === 'apigw-rest-v1') {
    for (const key of Object.keys(head)) if (!REST_KEYS.includes(key)) refuse(`the unknown key "${key}"`);
    headers.push(...listsIn(head.multiValueHeaders, refuse));
  }
  headers.push(...cookiesIn(head.cookies, refuse));
  return { status: statusOf(head.statusCode ?? 200, refuse), headers: headers.map(remapped) };
}

function parsed(json: string, refuse: Refuse): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return refuse('a head that is not JSON');
  }
}

// The front end frames the body itself, and sends a length that the function gave under another name (observed on AWS).
function remapped([name, value]: [string, string]): [string, string] {
  return [name.toLowerCase() === 'content-length' ? 'x-amzn-remapped-content-length' : name, value];
}

/** Reads a buffered result that came to a front end which expects a stream. A Function URL sends it on as it is.
 *  @param json  the result
 *  @throws {WsgiError} when the front end would answer 502, saying why */
export function readUnstreamed(kind: StreamingKind, json: string): LambdaResponse {
  if (kind === 'apigw-rest-v1') refusing(kind, 'result')('it is not a stream');
  return response(200, [], Buffer.from(json));
}

/** The largest body of a request that is sent to a function, in bytes. */
export const REQUEST_LIMIT = 6 * 1024 * 1024;

/** The front ends that the emulation has. */
export type EmulatedKind = StreamingKind | Extract<LambdaKind, 'apigw-http-v2' | 'alb-single'>;

const HTML = 'text/html';
const JSON_TYPE = 'application/json';

/** The answers that front ends make without the function: to a body above `REQUEST_LIMIT`, and to a function that failed or whose
 *  response is refused. AWS documents the status; the texts of an HTTP API and of a load balancer are those that their users report. */
const OWN: Record<
  EmulatedKind,
  Record<'tooLarge' | 'failed', [status: number, type: string | undefined, text: string]>
> = {
  'function-url': {
    tooLarge: [413, undefined, 'Request Too Long'],
    failed: [502, 'text/plain', 'Internal Server Error'],
  },
  'apigw-rest-v1': {
    tooLarge: [413, JSON_TYPE, '{"message":"Request Too Long"}'],
    failed: [502, JSON_TYPE, '{"message":"Internal server error"}'],
  },
  'apigw-http-v2': {
    tooLarge: [413, JSON_TYPE, '{"message":"Request Entity Too Large"}'],
    failed: [500, JSON_TYPE, '{"message":"Internal Server Error"}'],
  },
  'alb-single': {
    tooLarge: [413, HTML, '<html><head><title>413 Request Entity Too Large</title></head></html>'],
    failed: [502, HTML, '<html><head><title>502 Bad Gateway</title></head></html>'],
  },
};

/** An answer that a front end makes without the function. */
export function ownResponse(kind: EmulatedKind, why: 'tooLarge' | 'failed'): LambdaResponse {
  const [status, type, text] = OWN[kind][why];
  return response(status, type === undefined ? [] : [['content-type', type]], Buffer.from(text));
}
