// Each HTTP front end of Lambda: how it makes an event of a request, and how it reads a result. These tables are AWS's
// side, written from its documentation. The gateway has its own, so a mistake in either turns a test red.
import { WsgiError } from '../../src/errors.js';
import type { LambdaEvents, LambdaKind } from '../../targets/aws-lambda/types.js';
import { albEvent, readAlb } from './alb.js';
import { edgeEvent, readEdge } from './edge.js';
import { httpApiEvent, readHttpApi } from './http-api.js';
import { latticeV1Event, latticeV2Event, readLattice } from './lattice.js';
import type { Parts } from './request.js';
import type { LambdaResponse, Refuse } from './response.js';
import { readRestApi, restApiEvent } from './rest-api.js';

interface FrontEnd<Kind extends LambdaKind> {
  /** The host that it answers to. */
  domain: string;
  /** The largest result as JSON, in bytes. */
  limit: number;
  event(parts: Parts, kind: Kind): LambdaEvents[Kind];
  read(result: unknown, refuse: Refuse, kind: Kind): LambdaResponse;
}

// The 6 MB of https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, as Lambda's error message gives it.
const PAYLOAD = 6_291_556;
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html: 1 MB.
const ALB_RESULT = 1024 * 1024;
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html: 40 KB and 1 MB.
const VIEWER_RESULT = 40 * 1024;
const ORIGIN_RESULT = 1024 * 1024;

const API = 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com';
const FUNCTION_URL = 'abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws';
const BALANCER = 'lb-1234567890.eu-central-1.elb.amazonaws.com';
const SERVICE = 'svc-0123456789abcdef0.7d67968.vpc-lattice-svcs.eu-central-1.on.aws';
const DISTRIBUTION = 'd111111abcdef8.cloudfront.net';
const ORIGIN = 'origin.example.com';

const FRONT_ENDS: { [Kind in LambdaKind]: FrontEnd<Kind> } = {
  'apigw-rest-v1': { domain: API, limit: PAYLOAD, event: restApiEvent, read: readRestApi },
  'apigw-http-v1': { domain: API, limit: PAYLOAD, event: restApiEvent, read: readRestApi },
  'apigw-http-v2': { domain: API, limit: PAYLOAD, event: httpApiEvent, read: readHttpApi },
  'function-url': { domain: FUNCTION_URL, limit: PAYLOAD, event: httpApiEvent, read: readHttpApi },
  'alb-single': { domain: BALANCER, limit: ALB_RESULT, event: albEvent, read: readAlb },
  'alb-multi': { domain: BALANCER, limit: ALB_RESULT, event: albEvent, read: readAlb },
  'lattice-v1': { domain: SERVICE, limit: PAYLOAD, event: latticeV1Event, read: readLattice },
  'lattice-v2': { domain: SERVICE, limit: PAYLOAD, event: latticeV2Event, read: readLattice },
  'edge-viewer-request': { domain: DISTRIBUTION, limit: VIEWER_RESULT, event: edgeEvent, read: readEdge },
  'edge-origin-request': { domain: ORIGIN, limit: ORIGIN_RESULT, event: edgeEvent, read: readEdge },
};

/** The front end of a kind.
 *  @throws {WsgiError} when the kind is not known */
export function frontEndOf<Kind extends LambdaKind>(kind: Kind): FrontEnd<Kind> {
  if (!Object.hasOwn(FRONT_ENDS, kind))
    throw new WsgiError(
      `testing: unknown kind of front end "${kind}"; known are ${Object.keys(FRONT_ENDS).join(', ')}`,
    );
  return FRONT_ENDS[kind];
}
