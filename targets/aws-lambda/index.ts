export { toLambdaHandler } from './handler.js';
export { toLambdaStreamHandler } from './stream.js';
export type { AwsEnviron, HttpEvent, LambdaContext, LambdaOptions, LambdaResult, ResponseStream } from './types.js';
