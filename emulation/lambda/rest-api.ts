import { type FrontEnd, type FrontEndOptions, startFrontEnd } from './front-end.js';

/** Serves a function at http://127.0.0.1:port as an API Gateway REST API does whose responseTransferMode is STREAM. The API
 *  has a custom domain, so its clients send no stage.
 *  @throws when the port is in use, when the runtime client can't be built, or when the function can't be loaded
 *  @example
 *  ```ts
 *  import { startRestApi } from 'wsgi-edge/emulation';
 *
 *  export const serveHere = () => startRestApi({ port: 0, taskRoot: 'build', handler: 'lambda.handler' });
 *  ``` */
export function startRestApi(options: FrontEndOptions): Promise<FrontEnd> {
  return startFrontEnd(options, { kind: 'apigw-rest-v1', streams: true, customDomain: 'api.example.com' });
}
