export { type CollectedResponse, callApp, testEnviron } from '../src/testing.js';
export {
  type LambdaKind,
  type LambdaRequest,
  type LambdaResponse,
  lambdaEvent,
  readLambdaResult,
} from './aws-lambda/testing.js';
