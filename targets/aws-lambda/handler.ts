import { nameOf, WsgiError } from '../../src/errors.js';
import { createGateway } from '../../src/gateway.js';
import type { Head } from '../../src/start-response.js';
import type { Application } from '../../src/types.js';
import { invoke } from './invocation.js';
import { MAX_STATUS, textToResult, toResult } from './result.js';
import type { LambdaContext, LambdaOptions, LambdaResult } from './types.js';

/** Makes a Lambda handler of an application, for HTTP APIs (payload 2.0) and Function URLs with buffered results.
 *  @returns a handler that rejects with `WsgiError` when the event is not an HTTP request, naming what it is
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type
 *  https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html */
export function toLambdaHandler(
  app: Application,
  options: LambdaOptions = {},
): (event: unknown, context: LambdaContext) => Promise<LambdaResult> {
  const gateway = createGateway('toLambdaHandler', app, options, MAX_STATUS);
  const { isText } = options;
  if (isText !== undefined && typeof isText !== 'function')
    throw new WsgiError(`toLambdaHandler: isText must be a function, not ${nameOf(isText)}`);
  return async (event, context) => {
    let head: Head | undefined;
    let whole = false;
    const chunks: Uint8Array[] = [];
    await invoke(gateway, event, context, {
      head(given, body) {
        head = given;
        // A copy, here and below: the application may use its buffer again, or free it in close().
        if (body) chunks.push(body.slice());
        whole = body !== undefined;
      },
      write(chunk) {
        chunks.push(chunk.slice());
      },
      end() {
        whole = true;
      },
      abort() {},
    });
    // Nothing has gone out yet: a response that broke off can still say so.
    if (head === undefined || !whole) return textToResult(500, 'Internal Server Error\n');
    return toResult(head, chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks), isText);
  };
}
