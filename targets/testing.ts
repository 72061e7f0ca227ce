export { type CollectedResponse, callApp, testEnviron } from '../src/testing.js';
export { type LambdaRequest, lambdaEvent } from './aws-lambda/testing/event.js';
export { type LambdaResponse, readLambdaResult } from './aws-lambda/testing/result.js';
export type { LambdaKind } from './aws-lambda/types.js';
