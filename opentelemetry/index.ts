import {
  type Attributes,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api';
import { nameOf } from '../src/errors.js';
import { watchBody } from '../src/middleware/watch-body.js';
import { decodeNative, percentEncode } from '../src/native-string.js';
import type { Environ, Middleware, StartResponse } from '../src/types.js';

/** Makes a server span of each request, by the HTTP conventions. Its parent comes from the headers, by the propagator that
 *  your SDK has registered (`traceparent`). It is active in the application, in the steps of its body and in `close()`,
 *  if your SDK has registered a context manager. It ends when the body has been closed. Without an SDK it does nothing.
 *  https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 *  @example
 *  ```ts
 *  import { compose, demoApp } from 'wsgi-edge';
 *  import { openTelemetry } from 'wsgi-edge/opentelemetry';
 *
 *  // Once the application knows the route, it names it by trace.getActiveSpan()?.updateName('GET /orders/:id').
 *  export const app = compose(openTelemetry())(demoApp);
 *  ``` */
export function openTelemetry(): Middleware {
  const tracer = trace.getTracer('wsgi-edge');
  return (app) => async (environ, startResponse) => {
    const parent = propagation.extract(context.active(), environ, HEADERS);
    const attributes = attributesOf(environ);
    const name = attributes['http.request.method'] === OTHER ? 'HTTP' : environ.REQUEST_METHOD;
    const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
    const active = trace.setSpan(parent, span);
    const inside = <T>(step: () => T): T => context.with(active, step);
    try {
      const body = await inside(() => app(environ, noting(span, startResponse)));
      return watchBody(body, {
        inside,
        failed: (error, begun) => fail(span, error, begun),
        closed: () => span.end(),
      });
    } catch (error) {
      fail(span, error, false);
      span.end();
      throw error;
    }
  };
}

const noting =
  (span: Span, startResponse: StartResponse): StartResponse =>
  (status, headers, excInfo) => {
    const write = startResponse(status, headers, excInfo);
    setStatus(span, Number(status.slice(0, 3)));
    return write;
  };

function setStatus(span: Span, code: number): void {
  span.setAttribute('http.response.status_code', code);
  if (code < 500) return;
  span.setAttribute('error.type', String(code));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** @param begun  the head has gone out, so the gateway can't answer 500 any more */
function fail(span: Span, error: unknown, begun: boolean): void {
  if (!begun) setStatus(span, 500);
  span.recordException(error instanceof Error ? error : String(error));
  span.setAttribute('error.type', error instanceof Error ? error.name : nameOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The headers of a request, for propagators. */
const HEADERS: TextMapGetter<Environ> = {
  keys: (environ) =>
    Object.keys(environ).flatMap((key) =>
      key.startsWith('HTTP_') ? [key.slice(5).toLowerCase().replaceAll('_', '-')] : [],
    ),
  get(environ, name) {
    const value = environ[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`];
    // On Lambda, the trace of the invocation is the nearer parent.
    const { xRayTraceId } = (environ['aws.context'] ?? {}) as { xRayTraceId?: string };
    return name.toLowerCase() === 'x-amzn-trace-id' ? (xRayTraceId ?? value) : value;
  },
};

const OTHER = '_OTHER';
const METHODS = /^(CONNECT|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|QUERY|TRACE)$/;
// Parameters that hold credentials, as the conventions list them.
const SECRETS = /(^|&)(AWSAccessKeyId|Signature|sig|X-Goog-Signature)=[^&]*/g;

function attributesOf(environ: Environ): Attributes {
  const { REQUEST_METHOD: method, QUERY_STRING: query, REMOTE_ADDR: client, HTTP_USER_AGENT: agent } = environ;
  const known = METHODS.test(method);
  return {
    'http.request.method': known ? method : OTHER,
    ...(known ? {} : { 'http.request.method_original': method }),
    'url.scheme': environ['wsgi.url_scheme'],
    'url.path': percentEncode(environ.SCRIPT_NAME + environ.PATH_INFO, '/;=,'),
    ...(query === '' ? {} : { 'url.query': query.replace(SECRETS, '$1$2=REDACTED') }),
    'server.address': environ.SERVER_NAME,
    'server.port': Number(environ.SERVER_PORT),
    'network.protocol.version': environ.SERVER_PROTOCOL.replace('HTTP/', ''),
    ...(client === undefined ? {} : { 'client.address': client }),
    ...(agent === undefined ? {} : { 'user_agent.original': decodeNative(agent) }),
    'wsgi_edge.request_id': environ['wsgi_edge.request_id'],
  };
}
