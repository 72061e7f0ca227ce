import type { LambdaKind } from '../../targets/aws-lambda/types.js';
import { frontEndOf } from './front-ends.js';
import { jsonOf, type LambdaResponse, refusing } from './response.js';

export type { LambdaResponse };

/** Reads a buffered result as its front end would.
 *  @throws {WsgiError} when the front end would answer 502, saying why, and when the kind is not known
 *  @example
 *  ```ts
 *  import { readLambdaResult } from 'wsgi-edge/testing';
 *
 *  readLambdaResult('function-url', { statusCode: 200, body: 'a' }).text(); //=> 'a'
 *  ``` */
export function readLambdaResult(kind: LambdaKind, result: unknown): LambdaResponse {
  const { limit, read } = frontEndOf(kind);
  const refuse = refusing(kind, 'result');
  const json = jsonOf(result, refuse);
  const size = Buffer.byteLength(json);
  if (size > limit) refuse(`${size} bytes, more than ${limit}`);
  return read(JSON.parse(json), refuse, kind);
}
