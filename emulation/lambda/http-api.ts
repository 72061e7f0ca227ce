import { type FrontEnd, type FrontEndOptions, startFrontEnd } from './front-end.js';

/** Serves a function at http://127.0.0.1:port as an API Gateway HTTP API does, with payload 2.0.
 *  @throws when the port is in use, when the runtime client can't be built, or when the function can't be loaded
 *  https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 *  @example
 *  ```ts
 *  import { startHttpApi } from 'wsgi-edge/emulation';
 *
 *  export const serveHere = () => startHttpApi({ port: 0, taskRoot: 'build', handler: 'lambda.handler' });
 *  ``` */
export function startHttpApi(options: FrontEndOptions): Promise<FrontEnd> {
  return startFrontEnd(options, { kind: 'apigw-http-v2', streams: false });
}
