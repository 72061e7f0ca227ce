import type { Environ, GatewayOptions } from '../../src/types.js';

/** An HTTP API (payload 2.0) or Function URL event; `APIGatewayProxyEventV2` and `LambdaFunctionURLEvent` of
 *  `@types/aws-lambda` fit it. Absent, null and empty mean the same.
 *  https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export interface HttpEvent {
  version: string;
  rawPath?: string | null;
  rawQueryString?: string | null;
  cookies?: string[] | null;
  headers?: Record<string, string | undefined> | null;
  body?: string | null;
  isBase64Encoded?: boolean | null;
  requestContext: {
    domainName?: string | null;
    stage?: string | null;
    http: {
      method: string;
      path?: string | null;
      protocol?: string | null;
      sourceIp?: string | null;
      userAgent?: string | null;
    };
  };
}

/** What the gateway uses of Lambda's context object. */
export interface LambdaContext {
  getRemainingTimeInMillis?(): number;
}

/** The result of a buffered invocation, payload 2.0. */
export interface LambdaResult {
  statusCode: number;
  headers: Record<string, string>;
  cookies?: string[];
  body: string;
  isBase64Encoded: boolean;
}

/** What the gateway uses of the stream that Lambda gives to a streaming handler; it is no `Writable` of Node's. */
export interface ResponseStream {
  write(chunk: Uint8Array | string): boolean;
  end(): void;
  on(event: string, listener: (error?: Error) => void): unknown;
  off(event: string, listener: (error?: Error) => void): unknown;
}

/** The environ of a Lambda function. */
export interface AwsEnviron extends Environ {
  /** The event as received. */
  'aws.event': HttpEvent;
  /** The context as received. */
  'aws.context': LambdaContext;
}

/** Options of the Lambda targets. */
export interface LambdaOptions extends GatewayOptions {
  /** Whether bodies of a media type ("image/svg+xml", lower case, without parameters) are text; a body that is not UTF-8
   *  or has a Content-Encoding is sent as base64 all the same. Buffered results only. */
  isText?: (mediaType: string) => boolean;
}
