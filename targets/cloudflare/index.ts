export { toCloudflareHandler } from './handler.js';
export type { CloudflareHandler, ExecutionContextLike, WorkersEnviron } from './types.js';
