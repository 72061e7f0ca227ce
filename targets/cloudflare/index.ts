export type { ExecutionContextLike } from '../../src/gateway.js';
export { toCloudflareHandler } from './handler.js';
export type { CloudflareHandler, WorkersEnviron } from './types.js';
