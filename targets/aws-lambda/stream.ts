import { ClientDisconnected, WsgiError } from '../../src/errors.js';
import { without } from '../../src/headers.js';
import type { Opened, Platform, Sink } from '../../src/outgoing.js';
import type { Head } from '../../src/start-response.js';
import type { Application } from '../../src/types.js';
import { detect } from './detect.js';
import { FRONT_ENDS, type FrontEnd } from './front-ends/index.js';
import { createLambdaGateway, Invocation } from './invocation.js';
import type { AwsEnviron, HttpEvent, LambdaContext, LambdaKind, LambdaOptions, ResponseStream } from './types.js';

/** The functions that Lambda's Node.js runtime puts into the global scope for response streaming. */
interface LambdaRuntime {
  streamifyResponse<Handler>(handler: Handler): Handler;
  HttpResponseStream: { from(stream: ResponseStream, metadata: unknown): ResponseStream };
}

type StreamHandler = (event: unknown, stream: ResponseStream, context: LambdaContext) => Promise<void>;

/** Makes a Lambda handler with response streaming of an application, for Function URLs with InvokeMode RESPONSE_STREAM
 *  and REST APIs with responseTransferMode STREAM. Export it as the handler: if Lambda's runtime is present, it is marked as
 *  a streaming one.
 *  @returns a handler that rejects with `WsgiError` when the event is not an HTTP request, unless `onOtherEvent` takes
 *    it, or when it comes from a front end that can't stream. Rejects with the error that broke off a response after its
 *    first byte: Lambda reports it, and the client sees a body that ends early
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type
 *  https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
 *  @example
 *  ```ts
 *  import { demoApp } from 'wsgi-edge';
 *  import { toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
 *
 *  export const handler = toLambdaStreamHandler(demoApp);
 *  ``` */
export function toLambdaStreamHandler<Kind extends LambdaKind = LambdaKind>(
  app: Application<AwsEnviron<Kind>>,
  options: LambdaOptions = {},
): StreamHandler {
  const gateway = createLambdaGateway('toLambdaStreamHandler', app, options);
  async function lambdaStreamHandler(event: unknown, stream: ResponseStream, context: LambdaContext): Promise<void> {
    const runtime = lambdaRuntime();
    if (runtime === undefined)
      throw new WsgiError(
        "aws-lambda: response streaming needs the global `awslambda` of Lambda's Node.js runtime; use toLambdaHandler elsewhere",
      );
    const kind = detect(event);
    if (kind instanceof WsgiError) {
      if (gateway.onOtherEvent === undefined) throw kind;
      stream.write(JSON.stringify((await gateway.onOtherEvent(event, context)) ?? null));
      stream.end();
      return;
    }
    const invocation = new Invocation(gateway, FRONT_ENDS[kind] as FrontEnd, context);
    const response = new StreamedResponse(invocation, runtime, stream);
    try {
      await invocation.run(event as HttpEvent, response);
    } finally {
      response.unwatch();
    }
    // destroy(error) would end the process: the runtime treats it as an unhandled rejection.
    if (response.failure !== undefined) throw response.failure.error;
  }
  return lambdaRuntime()?.streamifyResponse(lambdaStreamHandler) ?? lambdaStreamHandler;
}

/** A response that goes out through Lambda's response stream. Each chunk is copied: the application may reuse its buffer,
 *  and the runtime makes JSON of anything except a string or a Buffer of this realm. */
class StreamedResponse implements Platform<void>, Sink {
  readonly connection: Invocation['connection'];
  failure: { error: unknown } | undefined;
  readonly #frontEnd: FrontEnd;
  readonly #runtime: LambdaRuntime;
  #out: ResponseStream;
  readonly #gone = (): void => this.connection.abort(closed());

  constructor({ connection, frontEnd }: Invocation, runtime: LambdaRuntime, stream: ResponseStream) {
    if (frontEnd.prelude === undefined)
      throw new WsgiError(`aws-lambda: ${frontEnd.name} does not stream responses; use toLambdaHandler`);
    this.connection = connection;
    this.#frontEnd = frontEnd;
    this.#runtime = runtime;
    this.#out = stream;
    this.#watch();
  }

  whole(head: Head, bytes: Uint8Array | null): void {
    this.open(head);
    // The prelude goes out with the first write, even an empty one. Without a write, end() would lose it.
    this.#out.write(Buffer.from(bytes ?? new Uint8Array(0)));
    this.unwatch();
    this.#out.end();
  }

  open(head: Head): Opened<void> {
    const out = this.#runtime.HttpResponseStream.from(this.#out, preludeOf(head, this.#frontEnd));
    this.unwatch();
    this.#out = out;
    this.#watch();
    return { out: undefined, sink: this };
  }

  write(chunk: Uint8Array): void | Promise<void> {
    return this.#out.write(Buffer.from(chunk)) ? undefined : settled(this.#out, 'drain');
  }

  end(): Promise<void> {
    const finished = settled(this.#out, 'finish');
    // If the stream closes from here on, the response is complete.
    this.unwatch();
    this.#out.end();
    return finished;
  }

  abort(error: unknown): void {
    this.failure = { error };
  }

  fail(error: unknown): void {
    this.failure = { error };
  }

  // Between two chunks only this shows that the stream is gone, and the function is billed while it waits.
  #watch(): void {
    this.#out.on('close', this.#gone);
    this.#out.on('error', this.#gone);
  }

  unwatch(): void {
    this.#out.off('close', this.#gone);
    this.#out.off('error', this.#gone);
  }
}

function preludeOf(head: Head, { name, prelude, preludeLimit = Number.POSITIVE_INFINITY }: FrontEnd): object {
  // The front end frames the body itself; a Function URL would rename this one to x-amzn-remapped-content-length.
  const metadata = prelude?.({ ...head, headers: without(head.headers, 'content-length') }) ?? {};
  const size = Buffer.byteLength(JSON.stringify(metadata));
  if (size > preludeLimit)
    throw new WsgiError(`aws-lambda: the head of the response makes ${size} bytes; ${name} takes ${preludeLimit}`);
  return metadata;
}

// Looked up only when needed, because the module must also load outside Lambda, which lacks it. Other libraries also
// create a global object of this name.
function lambdaRuntime(): LambdaRuntime | undefined {
  const { awslambda } = globalThis as unknown as { awslambda?: Partial<LambdaRuntime> };
  return awslambda?.streamifyResponse && awslambda.HttpResponseStream ? (awslambda as LambdaRuntime) : undefined;
}

function closed(): ClientDisconnected {
  return new ClientDisconnected('aws-lambda: the response stream was closed');
}

function settled(stream: ResponseStream, event: 'drain' | 'finish'): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => () => {
      stream.off(event, resolved);
      stream.off('error', rejected);
      stream.off('close', rejected);
      done();
    };
    const resolved = settle(resolve);
    const rejected = settle(() => reject(closed()));
    stream.on(event, resolved);
    stream.on('error', rejected);
    stream.on('close', rejected);
  });
}
