import type { Environ, GatewayOptions } from '../../src/types.js';

// Events as the gateway reads them. Absent, null and empty mean the same everywhere; the types of `@types/aws-lambda` fit.
// Some fields are in every event of AWS but optional here, because events written by hand often lack them.

export type Text = string | null | undefined;
type Flag = boolean | null | undefined;
type Values = Record<string, string | undefined> | null | undefined;
type Lists = Record<string, string[] | undefined> | null | undefined;
type Mixed = Record<string, string | string[] | undefined> | null | undefined;

/** The body of an event: base64 if the flag says so, else text. */
interface EventBody {
  body?: Text;
  isBase64Encoded?: Flag;
}

/** The maps that events of payload 1.0 and of load balancers have in two forms. */
interface EventMaps {
  headers?: Values;
  multiValueHeaders?: Lists;
  queryStringParameters?: Values;
  multiValueQueryStringParameters?: Lists;
}

/** An API Gateway REST API or HTTP API (payload 1.0) event: `APIGatewayProxyEvent`.
 *  https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html */
export interface ProxyEventV1 extends EventBody, EventMaps {
  /** "1.0" from an HTTP API, absent from a REST API. */
  version?: Text;
  httpMethod: string;
  path: string;
  requestContext?:
    | {
        path?: Text;
        stage?: Text;
        domainName?: Text;
        protocol?: Text;
        identity?: { sourceIp?: Text; userArn?: Text } | null | undefined;
        authorizer?: object | null | undefined;
      }
    | null
    | undefined;
}

/** An HTTP API (payload 2.0) or Function URL event: `APIGatewayProxyEventV2`, `LambdaFunctionURLEvent`.
 *  https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export interface ProxyEventV2 extends EventBody {
  version?: Text;
  rawPath?: Text;
  rawQueryString?: Text;
  cookies?: string[] | null | undefined;
  headers?: Values;
  requestContext: {
    domainName?: Text;
    stage?: Text;
    authorizer?: object | null | undefined;
    http: {
      method: string;
      path?: Text;
      protocol?: Text;
      sourceIp?: Text;
      userAgent?: Text;
    };
  };
}

/** An Application Load Balancer event: `ALBEvent`. Its target group sends either the single or the multi-value maps.
 *  https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html */
export interface AlbEvent extends EventBody, EventMaps {
  httpMethod: string;
  path: string;
  requestContext: { elb: { targetGroupArn: string } };
}

/** A VPC Lattice event, version 1.
 *  https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html */
export interface LatticeEventV1 {
  raw_path: string;
  method: string;
  headers?: Values;
  query_string_parameters?: Values;
  body?: Text;
  is_base64_encoded?: Flag;
}

/** A VPC Lattice event, version 2. */
export interface LatticeEventV2 extends EventBody {
  version?: Text;
  path: string;
  method: string;
  headers?: Mixed;
  queryStringParameters?: Mixed;
  /** Some samples have this one instead. */
  query_string_parameters?: Mixed;
  requestContext?:
    | {
        serviceNetworkArn?: Text;
        serviceArn?: Text;
        targetGroupArn?: Text;
        identity?: { sourceVpcArn?: Text; type?: Text; principal?: Text } | null | undefined;
      }
    | null
    | undefined;
}

/** A Lambda@Edge viewer-request or origin-request event: `CloudFrontRequestEvent`.
 *  https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html */
export interface EdgeEvent {
  Records: Array<{
    cf: {
      config?: { distributionDomainName?: Text; eventType?: Text } | null | undefined;
      request: EdgeRequest;
    };
  }>;
}

/** A request of Lambda@Edge: `CloudFrontRequest`. */
export interface EdgeRequest {
  method: string;
  uri: string;
  querystring?: Text;
  clientIp?: Text;
  headers?: Record<string, Array<{ key?: string | undefined; value: string }>> | null | undefined;
  /** A function that changes `data` sets `action` to "replace". */
  body?: { data?: Text; encoding?: Text; action?: Text; inputTruncated?: Flag } | null | undefined;
  origin?: unknown;
}

/** The fields of a request that a function may change before CloudFront goes on with it. */
export type EdgeChanges = Partial<Omit<EdgeRequest, 'method' | 'clientIp'>>;

/** Each HTTP front end of Lambda with its event. */
export interface LambdaEvents {
  'apigw-rest-v1': ProxyEventV1;
  'apigw-http-v1': ProxyEventV1;
  'apigw-http-v2': ProxyEventV2;
  'function-url': ProxyEventV2;
  'alb-single': AlbEvent;
  'alb-multi': AlbEvent;
  'lattice-v1': LatticeEventV1;
  'lattice-v2': LatticeEventV2;
  'edge-viewer-request': EdgeEvent;
  'edge-origin-request': EdgeEvent;
}

/** The HTTP front ends of Lambda. */
export type LambdaKind = keyof LambdaEvents;

/** The event of any HTTP front end. */
export type HttpEvent = LambdaEvents[LambdaKind];

/** A result for a REST API, or an HTTP API with payload 1.0. */
export interface ProxyResultV1 {
  statusCode: number;
  /** Names that occur once. */
  headers: Record<string, string>;
  /** Names that occur several times, and Set-Cookie. */
  multiValueHeaders?: Record<string, string[]>;
  body: string;
  isBase64Encoded: boolean;
}

/** A result for an HTTP API with payload 2.0, or a Function URL. */
export interface ProxyResultV2 {
  statusCode: number;
  headers: Record<string, string>;
  cookies?: string[];
  body: string;
  isBase64Encoded: boolean;
}

/** A result for an Application Load Balancer, with the form of headers that its target group takes. */
export interface AlbResult {
  statusCode: number;
  /** "200 OK" */
  statusDescription?: string;
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
  body: string;
  isBase64Encoded: boolean;
}

/** A result for VPC Lattice. */
export interface LatticeResult {
  statusCode: number;
  /** "200 OK" */
  statusDescription?: string;
  headers: Record<string, string>;
  body: string;
  isBase64Encoded: boolean;
}

/** A response that Lambda@Edge generates instead of the origin. */
export interface EdgeResult {
  /** Three digits. */
  status: string;
  /** "OK" */
  statusDescription?: string;
  headers: Record<string, Array<{ key: string; value: string }>>;
  body?: string;
  bodyEncoding?: 'text' | 'base64';
}

/** The result of any HTTP front end. */
export type LambdaResult = ProxyResultV1 | ProxyResultV2 | AlbResult | LatticeResult | EdgeResult | EdgeRequest;

/** The result for an event. If the event's type does not name the front end, the result of any front end. */
export type LambdaResultOf<Event> = Event extends { Records: Array<{ cf: { request: infer Request } }> }
  ? EdgeResult | Request
  : Event extends { requestContext: { elb: unknown } }
    ? AlbResult
    : Event extends { requestContext: { http: unknown } }
      ? ProxyResultV2
      : Event extends { httpMethod: string }
        ? ProxyResultV1
        : Event extends { raw_path: string } | { method: string; path: string }
          ? LatticeResult
          : LambdaResult;

/** The part of Lambda's context object that the gateway uses. */
export interface LambdaContext {
  awsRequestId?: string | undefined;
  /** The header of X-Ray: "Root=1-…;Parent=…;Sampled=1". */
  xRayTraceId?: string | undefined;
  tenantId?: string | undefined;
  getRemainingTimeInMillis?(): number;
}

/** The part that the gateway uses of the stream of a streaming handler, which is not a `Writable` of Node. */
export interface ResponseStream {
  write(chunk: Uint8Array | string): boolean;
  end(): void;
  on(event: string, listener: (error?: Error) => void): unknown;
  off(event: string, listener: (error?: Error) => void): unknown;
}

/** The environ of a Lambda function, behind one front end or any. */
export type AwsEnviron<Kind extends LambdaKind = LambdaKind> = Environ & {
  /** The event as received. */
  'aws.event': LambdaEvents[Kind];
  /** The context as received. */
  'aws.context': LambdaContext;
  /** The id of the invocation. */
  'aws.request_id'?: string;
  /** The id of the trace of X-Ray: "1-5759e988-bd862e3fe1be46a994272793". */
  'aws.trace_id'?: string;
  /** The tenant of a function with tenant isolation. */
  'aws.tenant_id'?: string;
  /** On Lambda@Edge, lets CloudFront go on with the request, with the fields in `changes` replaced. The request is the result
   *  if the response has status 204; any other response goes to the client.
   *  Throws `WsgiError` when `changes` is not an object, or changes the method or the address of the client. */
  'aws.forward': Kind extends `edge-${string}` ? (changes?: EdgeChanges) => void : undefined;
};

/** Options of the Lambda targets. */
export interface LambdaOptions extends GatewayOptions {
  /** Returns true if bodies of a media type ("image/svg+xml", lower case, without parameters; "" if the response has
   *  none) are text. A body that is not UTF-8 or has a Content-Encoding is always sent as base64. Buffered results
   *  only. */
  isText?: (mediaType: string) => boolean;
  /** A prefix of the path, such as "/v1", that the application's routes do not include: the base path mapping of a
   *  custom domain. It moves to SCRIPT_NAME if the path begins with it; other paths stay as they are. "v1" and "/v1/"
   *  mean the same. */
  basePath?: string;
  /** A stage, such as "prod", that is the first segment of the path, after `basePath`. It moves to SCRIPT_NAME in the same
   *  way. On the default host of an API (execute-api) the stage is detected without this option. */
  stage?: string;
  /** Takes events that are not HTTP requests, instead of the error that names them. The value that it returns, or its
   *  promise of one, is the result. */
  onOtherEvent?(event: unknown, context: LambdaContext): unknown;
}
