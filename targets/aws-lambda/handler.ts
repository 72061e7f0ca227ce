import { describe, WsgiError } from '../../src/errors.js';
import type { Head } from '../../src/start-response.js';
import type { Application } from '../../src/types.js';
import type { FrontEnd } from './front-ends.js';
import { createLambdaGateway, invoke, type Received, receive } from './invocation.js';
import { isTextType, type ResultBody, resultBody } from './results/body.js';
import type { LambdaContext, LambdaOptions, LambdaResult, LambdaResultOf } from './types.js';

const FAILED_HEAD: Head = {
  status: '500 Internal Server Error',
  code: 500,
  headers: [['Content-Type', 'text/plain; charset=utf-8']],
  length: undefined,
};

/** Makes a Lambda handler of an application, for every HTTP front end, with buffered results.
 *  @returns a handler that rejects with `WsgiError` when the event is not an HTTP request, naming what it is, unless
 *    `onOtherEvent` takes it
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type
 *  https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html */
export function toLambdaHandler(
  app: Application,
  options: LambdaOptions = {},
): <Event>(event: Event, context: LambdaContext) => Promise<LambdaResultOf<Event>> {
  const gateway = createLambdaGateway('toLambdaHandler', app, options);
  const { isText = isTextType, onOtherEvent } = gateway;

  const respond = async (received: Received, context: LambdaContext): Promise<LambdaResult> => {
    const { kind, frontEnd } = received;
    const chunks: Uint8Array[] = [];
    let length = 0; // bytes
    let head: Head | undefined;
    let whole = false;
    const take = (chunk: Uint8Array) => {
      length += chunk.length;
      // A copy: the application may use its buffer again, or free it in close(). Not slice(), which shares a Buffer's memory.
      if (length <= frontEnd.limit) chunks.push(new Uint8Array(chunk));
    };
    await invoke(gateway, received, context, {
      head(given, body) {
        head = given;
        if (body) take(body);
        whole = body !== undefined;
      },
      write(chunk) {
        take(chunk);
        // What has no end must not be collected to its end.
        if (length > frontEnd.limit) throw tooLarge(length, frontEnd);
      },
      end() {
        whole = true;
      },
      abort() {},
    });
    const failed = (text: string) => frontEnd.result(FAILED_HEAD, { body: text, isBase64Encoded: false }, kind);
    // Nothing has gone out yet: a response that broke off can still say so.
    if (head === undefined || !whole) return failed(length > frontEnd.limit ? TOO_LARGE : FAILED);
    try {
      if (length > frontEnd.limit) throw tooLarge(length, frontEnd);
      const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      const body = resultBody(head, bytes, isText);
      const result = frontEnd.result(head, body, kind);
      if (mayExceed(frontEnd.limit, head, body)) {
        const size = Buffer.byteLength(JSON.stringify(result));
        if (size > frontEnd.limit) throw tooLarge(size, frontEnd);
      }
      return result;
    } catch (error) {
      gateway.errors(describe(error));
      // What is no WsgiError is isText's.
      return failed(error instanceof WsgiError ? TOO_LARGE : FAILED);
    }
  };

  const handler = async (event: unknown, context: LambdaContext): Promise<unknown> => {
    const received = receive(event);
    if (!(received instanceof WsgiError)) return respond(received, context);
    if (onOtherEvent === undefined) throw received;
    return onOtherEvent(event, context);
  };
  return handler as ReturnType<typeof toLambdaHandler>;
}

const FAILED = 'Internal Server Error\n';
const TOO_LARGE = 'The response is too large to be sent\n';

function tooLarge(bytes: number, { name, limit }: FrontEnd): WsgiError {
  return new WsgiError(`aws-lambda: the response makes a result of at least ${bytes} bytes; ${name} takes ${limit}`);
}

// An estimate, so that the JSON of most results is made but once, by Lambda's runtime: six bytes stand for a character at
// most ("\u0000"), base64 for itself.
function mayExceed(limit: number, { headers }: Head, { body, isBase64Encoded }: ResultBody): boolean {
  const text = headers.reduce((total, [name, value]) => total + name.length + value.length + 32, 1024);
  return 6 * text + (isBase64Encoded ? 1 : 6) * body.length > limit;
}
