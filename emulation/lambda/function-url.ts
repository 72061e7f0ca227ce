import { type FrontEnd, type FrontEndOptions, startFrontEnd } from './front-end.js';

export interface FunctionUrlOptions extends FrontEndOptions {
  invokeMode: 'BUFFERED' | 'RESPONSE_STREAM';
}

/** Serves a function at http://127.0.0.1:port as a Lambda Function URL does.
 *  https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 *  @throws when the port is in use, when the runtime client can't be built, or when the function can't be loaded
 *  @example
 *  ```ts
 *  import { startFunctionUrl } from 'wsgi-edge/emulation';
 *
 *  export const serveHere = () =>
 *    startFunctionUrl({ port: 0, taskRoot: 'build', handler: 'lambda.streamHandler', invokeMode: 'RESPONSE_STREAM' });
 *  ``` */
export function startFunctionUrl({ invokeMode, ...options }: FunctionUrlOptions): Promise<FrontEnd> {
  return startFrontEnd(options, { kind: 'function-url', streams: invokeMode === 'RESPONSE_STREAM' });
}
