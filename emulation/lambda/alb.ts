import { type FrontEnd, type FrontEndOptions, startFrontEnd } from './front-end.js';

/** Serves a function at http://127.0.0.1:port as an Application Load Balancer does, without multi-value headers.
 *  @throws when the port is in use, when the runtime client can't be built, or when the function can't be loaded
 *  https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
 *  @example
 *  ```ts
 *  import { startAlb } from 'wsgi-edge/emulation';
 *
 *  export const serveHere = () => startAlb({ port: 0, taskRoot: 'build', handler: 'lambda.handler' });
 *  ``` */
export function startAlb(options: FrontEndOptions): Promise<FrontEnd> {
  return startFrontEnd(options, { kind: 'alb-single', streams: false });
}
