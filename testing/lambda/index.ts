// AWS's side of Lambda's front ends, for the emulation, which adds sockets to it.
export { eventOf, type LambdaRequest } from './event.js';
export type { Arrival } from './request.js';
export { readLambdaResult } from './result.js';
export {
  ownResponse,
  REQUEST_LIMIT,
  readStreamStart,
  readUnstreamed,
  type StreamingKind,
  type StreamStart,
} from './stream.js';
