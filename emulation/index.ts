export { startAlb } from './lambda/alb.js';
export type { FrontEnd, FrontEndOptions } from './lambda/front-end.js';
export { type FunctionUrlOptions, startFunctionUrl } from './lambda/function-url.js';
export { startHttpApi } from './lambda/http-api.js';
export { ensureRuntimeClient } from './lambda/install-ric.js';
export { startRestApi } from './lambda/rest-api.js';
export { startRuntime } from './lambda/runtime.js';
export { type FunctionError, type Outcome, type RuntimeApi, startRuntimeApi } from './lambda/runtime-api.js';
