import { ClientDisconnected, WsgiError } from '../../src/errors.js';
import { without } from '../../src/headers.js';
import type { Head } from '../../src/start-response.js';
import type { Application } from '../../src/types.js';
import type { FrontEnd } from './front-ends.js';
import { createLambdaGateway, invoke, receive } from './invocation.js';
import type { LambdaContext, LambdaOptions, ResponseStream } from './types.js';

/** What Lambda's Node.js runtime puts into the global scope for response streaming. */
interface LambdaRuntime {
  streamifyResponse<Handler>(handler: Handler): Handler;
  HttpResponseStream: { from(stream: ResponseStream, metadata: unknown): ResponseStream };
}

type StreamHandler = (event: unknown, stream: ResponseStream, context: LambdaContext) => Promise<void>;

/** Makes a Lambda handler with response streaming of an application, for Function URLs with InvokeMode RESPONSE_STREAM
 *  and REST APIs with responseTransferMode STREAM. Export it as the handler: where Lambda's runtime is present, it is
 *  marked as a streaming one.
 *  @returns a handler that rejects with `WsgiError` when the event is not an HTTP request, unless `onOtherEvent` takes it,
 *    or comes from a front end that can't stream, and with the error that broke off a response after its first byte;
 *    Lambda reports it, the client sees a body that ends early
 *  @throws {WsgiError} when `app` is not a function or an option has the wrong type
 *  https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html */
export function toLambdaStreamHandler(app: Application, options: LambdaOptions = {}): StreamHandler {
  const gateway = createLambdaGateway('toLambdaStreamHandler', app, options);
  const { onOtherEvent } = gateway;
  const handler: StreamHandler = async (event, stream, context) => {
    const runtime = lambdaRuntime();
    if (runtime === undefined)
      throw new WsgiError(
        "aws-lambda: response streaming needs the global `awslambda` of Lambda's Node.js runtime; use toLambdaHandler elsewhere",
      );
    const received = receive(event);
    if (received instanceof WsgiError) {
      if (onOtherEvent === undefined) throw received;
      stream.write(JSON.stringify((await onOtherEvent(event, context)) ?? null));
      stream.end();
      return;
    }
    const { frontEnd } = received;
    if (frontEnd.prelude === undefined)
      throw new WsgiError(`aws-lambda: ${frontEnd.name} does not stream responses; use toLambdaHandler`);
    let out: ResponseStream = stream;
    let failure: { error: unknown } | undefined;
    // Each chunk is copied: the application may use its buffer again, and what is neither a string nor a Buffer of this
    // realm the runtime turns into JSON.
    await invoke(gateway, received, context, {
      head(head, body) {
        out = runtime.HttpResponseStream.from(stream, preludeOf(head, frontEnd));
        if (body === undefined) return;
        // The prelude goes out with the first write, be it an empty one; end() alone would lose it.
        out.write(Buffer.from(body ?? new Uint8Array(0)));
        out.end();
      },
      write: (chunk) => (out.write(Buffer.from(chunk)) ? undefined : settled(out, 'drain')),
      end() {
        const finished = settled(out, 'finish');
        out.end();
        return finished;
      },
      abort(error) {
        failure = { error };
      },
    });
    // Not destroy(error): the runtime would take that for an unhandled rejection and end the process.
    if (failure !== undefined) throw failure.error;
  };
  return lambdaRuntime()?.streamifyResponse(handler) ?? handler;
}

function preludeOf(head: Head, { name, prelude, preludeLimit = Number.POSITIVE_INFINITY }: FrontEnd): object {
  // The front end frames the body itself; a Function URL would rename this one to x-amzn-remapped-content-length.
  const metadata = prelude?.({ ...head, headers: without(head.headers, 'content-length') }) ?? {};
  const size = Buffer.byteLength(JSON.stringify(metadata));
  if (size > preludeLimit)
    throw new WsgiError(`aws-lambda: the head of the response makes ${size} bytes; ${name} takes ${preludeLimit}`);
  return metadata;
}

// Looked up late: it does not exist outside Lambda, where the module must load all the same, and other libraries put an
// object of the same name there.
function lambdaRuntime(): LambdaRuntime | undefined {
  const { awslambda } = globalThis as unknown as { awslambda?: Partial<LambdaRuntime> };
  return awslambda?.streamifyResponse && awslambda.HttpResponseStream ? (awslambda as LambdaRuntime) : undefined;
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
    const rejected = settle(() => reject(new ClientDisconnected('aws-lambda: the response stream was closed')));
    stream.on(event, resolved);
    stream.on('error', rejected);
    stream.on('close', rejected);
  });
}
