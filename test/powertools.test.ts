// Powertools for AWS Lambda around applications: their middlewares, their order, and the end at close().
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { compose } from '../src/index.js';
import type { Application } from '../src/types.js';
import { toLambdaHandler } from '../targets/aws-lambda/index.js';
import { fromMiddy, type MiddyLikeRequest } from '../targets/aws-lambda/powertools.js';
import { callApp, lambdaEvent, readLambdaResult } from '../testing/index.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const context = {
  awsRequestId: 'R-1',
  functionName: 'fn',
  functionVersion: '1',
  memoryLimitInMB: '128',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:1:function:fn',
  getRemainingTimeInMillis: () => 5000,
};
const quiet = { errors: () => {} };
const ask = async (app: Application, options = quiet) => {
  const result = await toLambdaHandler(app, options)(lambdaEvent('function-url', { target: '/p' }), context);
  return readLambdaResult('function-url', result);
};

describe('the hooks of a middleware', () => {
  const noted: string[] = [];
  beforeEach(() => void noted.splice(0));
  const note = (name: string) => ({
    before: (request: MiddyLikeRequest) => {
      request.internal[`powertools-for-aws.${name}`] = () => void noted.push(`${name} cleanup`);
      noted.push(`${name} before`);
    },
    after: ({ response }: MiddyLikeRequest) => void noted.push(`${name} after ${JSON.stringify(response)}`),
    onError: ({ error }: MiddyLikeRequest) => void noted.push(`${name} onError ${error?.message}`),
  });
  const around = fromMiddy(note('logger'), note('metrics'));
  const closing = (body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, close = () => void noted.push('close')) =>
    Object.assign(body, { close });
  const start: Application = (_environ, startResponse) => {
    startResponse('201 Created', [['X-A', 'b']]);
    noted.push('application');
    return [bytes('one')];
  };
  const RESPONSE = '{"statusCode":201,"headers":{"X-A":"b"}}';
  const boom = () => {
    throw new Error('boom');
  };

  it.each<[string, Application]>([
    ['an array', (environ, respond) => closing([...(start(environ, respond) as Uint8Array[])])],
    ['a generator', (environ, respond) => closing(new Set(start(environ, respond) as Uint8Array[]))],
  ])('run around %s: after() is last, when close() has run', async (_, app) => {
    const response = await ask(around(app));
    expect([response.status, response.text()]).toEqual([201, 'one']);
    const expected = ['logger before', 'metrics before', 'application', 'close'];
    expect(noted).toEqual([...expected, `metrics after ${RESPONSE}`, `logger after ${RESPONSE}`]);
  });

  it('leave an array whole, so that it has its Content-Length', async () => {
    const { headers, text } = await callApp((environ, respond) =>
      around(start)({ ...environ, 'aws.context': {} }, respond),
    );
    expect([headers, text()]).toEqual([
      [
        ['X-A', 'b'],
        ['Content-Length', '3'],
      ],
      'one',
    ]);
  });

  it.each<[string, Application]>([
    ['the application', boom],
    [
      'the body',
      (environ, respond) =>
        closing(
          (function* () {
            yield* start(environ, respond) as Uint8Array[];
            boom();
          })(),
        ),
    ],
    ['close()', (environ, respond) => closing([...(start(environ, respond) as Uint8Array[])], boom)],
  ])('hear of an error of %s', async (_, app) => {
    await ask(around(app));
    expect(noted.slice(-2)).toEqual(['metrics onError boom', 'logger onError boom']);
    expect(noted.filter((each) => each.includes('after'))).toEqual([]);
  });

  it('are cleaned up when the response is given up', async () => {
    const stalled: Application = async function* (environ, respond) {
      yield* start(environ, respond) as Uint8Array[];
      await new Promise(() => {});
    };
    const soon = { ...context, getRemainingTimeInMillis: () => 520 };
    await toLambdaHandler(around(stalled), quiet)(lambdaEvent('function-url'), soon);
    await expect.poll(() => noted.slice(-2), { timeout: 3000 }).toEqual(['metrics cleanup', 'logger cleanup']);
  });

  it('must not answer themselves: that is an error', async () => {
    const lines: string[] = [];
    const early = { before: () => ({ statusCode: 204 }) };
    const app = fromMiddy(note('logger'), early)(start);
    const { status } = await ask(app, { errors: (line: string) => void lines.push(line) } as never);
    expect([status, noted]).toEqual([500, ['logger before', expect.stringMatching(/^logger onError fromMiddy/)]]);
    expect(lines[0]).toContain('fromMiddy: a before() returned a result; only an application can answer a request');
  });

  it('run on Lambda only', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    expect((await callApp(around(start))).status).toMatch(/^500/);
    expect(error.mock.calls[0]?.[0]).toMatch(/fromMiddy: there is no aws\.context in environ/);
    error.mockRestore();
  });
});

describe('Powertools', () => {
  const printed: Record<string, unknown>[] = [];
  const parse = (line: unknown) => void printed.push(JSON.parse(String(line)));
  beforeEach(() => {
    printed.splice(0);
    vi.stubEnv('POWERTOOLS_DEV', 'true'); // Powertools' logger then prints through the global console
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'fn');
    for (const level of ['log', 'info', 'error'] as const) vi.spyOn(console, level).mockImplementation(parse);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it('logs with the id of the request, and flushes its metrics, around a stream', async () => {
    const logger = new Logger({ serviceName: 'orders' });
    const metrics = new Metrics({ namespace: 'shop', serviceName: 'orders' });
    const tracer = new Tracer({ serviceName: 'orders', enabled: false });
    const app: Application = async function* (environ, startResponse) {
      startResponse('200 OK', []);
      yield bytes('one');
      logger.info('in the stream', { path: environ.PATH_INFO });
      metrics.addMetric('chunks', 'Count', 1);
      yield bytes('two');
    };
    const around = compose(fromMiddy(injectLambdaContext(logger), captureLambdaHandler(tracer), logMetrics(metrics)));
    expect((await ask(around(app))).text()).toBe('onetwo');
    expect(printed).toMatchObject([
      { level: 'INFO', message: 'in the stream', function_request_id: 'R-1', path: '/p' },
      { chunks: 1, service: 'orders' },
    ]);
  });
});
