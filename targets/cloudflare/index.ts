export type { ExecutionContextLike } from '../../src/connection.js';
export { toCloudflareHandler } from './handler.js';
export type { CloudflareHandler, WorkersEnviron } from './types.js';
