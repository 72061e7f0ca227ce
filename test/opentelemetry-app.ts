// A traced application with an SDK that keeps its spans in memory; bundled for workerd too.
import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { openTelemetry } from '../opentelemetry/index.js';
import type { Application } from '../src/types.js';

const exporter = new InMemorySpanExporter();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const bytes = (text: string) => new TextEncoder().encode(text);

export function register(): void {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}

/** The spans that have ended since the last call, in the order of their ends. */
export function takeSpans() {
  const spans = exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    kind: span.kind,
    id: span.spanContext().spanId,
    trace: span.spanContext().traceId,
    parent: span.parentSpanContext?.spanId,
    attributes: span.attributes,
    failed: span.status.code === SpanStatusCode.ERROR,
    events: span.events.map(({ name, attributes }) => [name, attributes?.['exception.message']]),
  }));
  exporter.reset();
  return spans;
}

const step = (name: string) => trace.getTracer('application').startSpan(name).end();

const site: Application = async (environ, startResponse) => {
  await sleep(1);
  step('application');
  if (environ.PATH_INFO === '/boom') throw new Error('boom');
  startResponse(environ.PATH_INFO === '/missing' ? '404 Not Found' : '200 OK', []);
  if (environ.PATH_INFO === '/whole') return [bytes('whole')];
  async function* body() {
    yield bytes('one');
    await sleep(1);
    step('body');
    if (environ.PATH_INFO === '/late') throw new Error('late');
    yield bytes('two');
  }
  const close = async () => {
    await sleep(1);
    step('close');
  };
  return Object.assign(body(), { close });
};

export const app = openTelemetry()(site);
