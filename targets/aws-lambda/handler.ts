import { concatenate } from '../../src/body.js';
import { WsgiError } from '../../src/errors.js';
import type { Opened, Platform, Sink } from '../../src/outgoing.js';
import { withId } from '../../src/pages.js';
import type { Head } from '../../src/start-response.js';
import type { Application } from '../../src/types.js';
import { detect } from './detect.js';
import { FRONT_ENDS, type FrontEnd } from './front-ends/index.js';
import { createLambdaGateway, Invocation, type LambdaGateway } from './invocation.js';
import type {
  AwsEnviron,
  HttpEvent,
  LambdaContext,
  LambdaKind,
  LambdaOptions,
  LambdaResult,
  LambdaResultOf,
} from './types.js';
import { isTextType, type ResultBody, resultBody } from './write/body.js';

/** Makes a Lambda handler of an application, for every HTTP front end, with buffered results.
 *  @returns a handler that rejects with a `WsgiError` naming the event if it is not an HTTP request, unless
 *    `onOtherEvent` takes it
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type
 *  https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
 *  @example
 *  ```ts
 *  import { demoApp } from 'wsgi-edge';
 *  import { toLambdaHandler } from 'wsgi-edge/aws-lambda';
 *  import { lambdaEvent } from 'wsgi-edge/testing';
 *
 *  export const handler = toLambdaHandler(demoApp);
 *  const result = await handler(lambdaEvent('function-url', { target: '/a' }), {});
 *  result.statusCode; //=> 200
 *  ``` */
export function toLambdaHandler<Kind extends LambdaKind = LambdaKind>(
  app: Application<AwsEnviron<Kind>>,
  options: LambdaOptions = {},
): <Event>(event: Event, context: LambdaContext) => Promise<LambdaResultOf<Event>> {
  const gateway = createLambdaGateway('toLambdaHandler', app, options);
  async function lambdaHandler(event: unknown, context: LambdaContext): Promise<unknown> {
    const kind = detect(event);
    if (kind instanceof WsgiError) {
      if (gateway.onOtherEvent === undefined) throw kind;
      return gateway.onOtherEvent(event, context);
    }
    const invocation = new Invocation(gateway, FRONT_ENDS[kind] as FrontEnd, context);
    const response = new BufferedResponse(invocation, gateway);
    const done = invocation.run(event as HttpEvent, response);
    if (done !== undefined) await done;
    return response.result();
  }
  return lambdaHandler as ReturnType<typeof toLambdaHandler>;
}

const FAILED = 'Internal Server Error\n';
const TOO_LARGE = 'The response is too large to be sent\n';

/** A response that becomes one result. */
class BufferedResponse implements Platform<void>, Sink {
  readonly connection: Invocation['connection'];
  readonly #invocation: Invocation;
  readonly #frontEnd: FrontEnd;
  readonly #gateway: LambdaGateway;
  /** The result is an error page of this class. */
  #failed = false;
  #made: LambdaResult | undefined;
  #head: Head | undefined;
  #chunks: Uint8Array[] | undefined;
  #length = 0; // bytes

  constructor(invocation: Invocation, gateway: LambdaGateway) {
    this.connection = invocation.connection;
    this.#invocation = invocation;
    this.#frontEnd = invocation.frontEnd;
    this.#gateway = gateway;
  }

  // The result is made at once, because the application may free its buffer in close().
  whole(head: Head, bytes: Uint8Array | null): void {
    // Any other status is the answer of middleware, or of an error page, that does not let the request go on.
    const forwarded = head.code === 204 ? this.#invocation.forwarded : undefined;
    this.#made = forwarded ?? this.#make(head, bytes ?? new Uint8Array(0));
  }

  open(head: Head): Opened<void> {
    this.#head = head;
    this.#chunks = [];
    return { out: undefined, sink: this };
  }

  write(chunk: Uint8Array): void {
    this.#length += chunk.length;
    // Stop here, because an endless body would be collected without limit.
    if (this.#length > this.#frontEnd.limit) throw tooLarge(this.#length, this.#frontEnd);
    // A copy: the application may reuse its buffer. slice() would share the memory of a Buffer.
    this.#chunks?.push(new Uint8Array(chunk));
  }

  end(): void {
    if (this.#head !== undefined) this.#made = this.#make(this.#head, concatenate(this.#chunks ?? [], this.#length));
  }

  abort(): void {}

  fail(): void {}

  replaced(): number | undefined {
    return this.#failed || this.#made === undefined ? 500 : undefined;
  }

  /** The result. Nothing has gone out before, so a response that broke off can still become an error page. */
  result(): LambdaResult {
    return this.#made ?? this.#failure(this.#length > this.#frontEnd.limit ? TOO_LARGE : FAILED);
  }

  #make(head: Head, bytes: Uint8Array): LambdaResult {
    const frontEnd = this.#frontEnd;
    const gateway = this.#gateway;
    const { isText = isTextType } = gateway;
    try {
      if (bytes.length > frontEnd.limit) throw tooLarge(bytes.length, frontEnd);
      const body = resultBody(head, bytes, isText);
      const result = frontEnd.result(head, body);
      if (mayExceed(frontEnd.limit, head, body)) {
        const size = Buffer.byteLength(JSON.stringify(result));
        if (size > frontEnd.limit) throw tooLarge(size, frontEnd);
      }
      return result;
    } catch (error) {
      this.connection.report(error, 'before_head');
      // Any other error was thrown by the user's `isText`.
      return this.#failure(error instanceof WsgiError ? TOO_LARGE : FAILED);
    }
  }

  #failure(text: string): LambdaResult {
    this.#failed = true;
    const head: Head = {
      status: '500 Internal Server Error',
      code: 500,
      headers: [['Content-Type', 'text/plain; charset=utf-8']],
      length: undefined,
    };
    return this.#frontEnd.result(head, { body: withId(text, this.connection.environ), isBase64Encoded: false });
  }
}

function tooLarge(bytes: number, { name, limit, prelude }: FrontEnd): WsgiError {
  const more = prelude === undefined ? '' : '; toLambdaStreamHandler can send more';
  return new WsgiError(
    `aws-lambda: the response makes a result of at least ${bytes} bytes; ${name} takes ${limit}${more}`,
  );
}

// An estimate, so that most results are serialized only once, by Lambda's runtime. JSON needs at most six bytes for a
// character ("\u0000") and does not escape base64.
function mayExceed(limit: number, { headers }: Head, { body, isBase64Encoded }: ResultBody): boolean {
  let text = 1024;
  for (const [name, value] of headers) text += name.length + value.length + 32;
  return 6 * text + (isBase64Encoded ? 1 : 6) * body.length > limit;
}
