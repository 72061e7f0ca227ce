import { toLambdaHandler, toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';
import { app } from './app.ts';

/** For an HTTP API, a REST API, and a Function URL with InvokeMode BUFFERED. */
export const handler = toLambdaHandler(app);

/** For a Function URL with InvokeMode RESPONSE_STREAM, and a REST API with responseTransferMode STREAM. */
export const streamHandler = toLambdaStreamHandler(app);
