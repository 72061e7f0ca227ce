export { runCgi } from './cgi.js';
export { type NodeEnviron, type NodeOptions, toNodeHandler } from './handler.js';
export { type ServeOptions, serve } from './serve.js';
