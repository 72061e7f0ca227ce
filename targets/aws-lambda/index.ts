export { toLambdaHandler } from './handler.js';
export { toLambdaStreamHandler } from './stream.js';
export type {
  AlbEvent,
  AlbResult,
  AwsEnviron,
  EdgeEvent,
  EdgeResult,
  HttpEvent,
  LambdaContext,
  LambdaEvents,
  LambdaKind,
  LambdaOptions,
  LambdaResult,
  LambdaResultOf,
  LatticeEventV1,
  LatticeEventV2,
  LatticeResult,
  ProxyEventV1,
  ProxyEventV2,
  ProxyResultV1,
  ProxyResultV2,
  ResponseStream,
} from './types.js';
