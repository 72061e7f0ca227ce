import type { Connection } from '../../../src/connection.js';
import type { Gateway } from '../../../src/gateway.js';
import type { Head } from '../../../src/start-response.js';
import type { Environ } from '../../../src/types.js';
import type { EdgeChanges, LambdaEvents, LambdaKind, LambdaResult } from '../types.js';
import type { ResultBody } from '../write/body.js';

/** An HTTP front end of Lambda: how its event is read, how its result is made, and how large that may be. */
export interface FrontEnd<Kind extends LambdaKind = LambdaKind> {
  /** The name with its article. */
  name: string;
  environ(event: LambdaEvents[Kind], gateway: Gateway, connection: Connection): Environ;
  /** Tells if the front end has truncated the body of a request. */
  isCut?(event: LambdaEvents[Kind]): boolean;
  result(head: Head, body: ResultBody): LambdaResult;
  /** Makes the result that lets the front end go on with a request, if it can. @throws {WsgiError} when the front end
   *  does not accept these changes */
  forward?(event: LambdaEvents[Kind], changes: EdgeChanges | undefined): LambdaResult;
  /** The largest result as JSON, in bytes. */
  limit: number;
  /** The metadata in front of a streamed response, if the front end can stream. */
  prelude?(head: Head): object;
  /** The largest metadata as JSON, in bytes. */
  preludeLimit?: number;
}

/** The largest result in bytes, as Lambda's own error gives it.
 *  https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const LAMBDA_LIMIT = 6_291_556;

export const MB = 1_048_576;
