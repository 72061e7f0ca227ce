import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import { compose, type GatewayOptions, type Middleware } from 'wsgi-edge';
import { toLambdaHandler, toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import { fromMiddy } from 'wsgi-edge/aws-lambda/powertools';
import { app } from './app.ts';

const serviceName = 'showcase';
const logger = new Logger({ serviceName });
const metrics = new Metrics({ namespace: 'wsgi-edge', serviceName });
const tracer = new Tracer({ serviceName });

const counted: Middleware = (app) => (environ, startResponse) => {
  metrics.addMetric('requests', 'Count', 1);
  return app(environ, startResponse);
};

const observed = compose(
  fromMiddy(injectLambdaContext(logger), captureLambdaHandler(tracer, { captureResponse: false }), logMetrics(metrics)),
  counted,
)(app);

const options: GatewayOptions = {
  errors: { record: ({ level, message, ...fields }) => logger[level](message, fields) },
};

/** For an HTTP API, a REST API, and a Function URL with InvokeMode BUFFERED. */
export const handler = toLambdaHandler(observed, options);

/** For a Function URL with InvokeMode RESPONSE_STREAM, and a REST API with responseTransferMode STREAM. */
export const streamHandler = toLambdaStreamHandler(observed, options);
