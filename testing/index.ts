export type { LambdaKind } from '../targets/aws-lambda/types.js';
export { type CollectedResponse, callApp, testEnviron } from './app.js';
export { type Client, type ClientOptions, type ClientRequest, client } from './client.js';
export { type LambdaRequest, lambdaEvent } from './lambda/event.js';
export { type LambdaResponse, readLambdaResult } from './lambda/result.js';
export { type RecordedRequest, record } from './record.js';
