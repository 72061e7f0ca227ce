// Each HTTP front end of Lambda: how its event is read, how its result is made, and how large that may be.
import type { Head } from '../../src/start-response.js';
import { albFields } from './events/alb.js';
import { edgeFields } from './events/edge.js';
import type { EventFields } from './events/fields.js';
import { latticeV1Fields, latticeV2Fields } from './events/lattice.js';
import { v1Fields } from './events/v1.js';
import { v2Fields } from './events/v2.js';
import { albMultiResult, albSingleResult } from './results/alb.js';
import type { ResultBody } from './results/body.js';
import { edgeResult } from './results/edge.js';
import { latticeResult } from './results/lattice.js';
import { v1Head, v1Result } from './results/v1.js';
import { v2Head, v2Result } from './results/v2.js';
import type { LambdaEvents, LambdaKind, LambdaResult } from './types.js';

export interface FrontEnd<Kind extends LambdaKind = LambdaKind> {
  /** With its article. */
  name: string;
  fields(event: LambdaEvents[Kind], kind: Kind): EventFields;
  result(head: Head, body: ResultBody, kind: Kind): LambdaResult;
  /** The JSON of a result at most, in bytes. */
  limit: number;
  /** The metadata in front of a streamed response, where the front end can stream. */
  prelude?(head: Head): object;
  /** That metadata's JSON at most, in bytes. */
  preludeLimit?: number;
}

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, as Lambda's own error gives it.
const LAMBDA_LIMIT = 6_291_556;
const MB = 1_048_576;
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html: 16 KB with the eight
// NUL bytes that end it.
const REST_PRELUDE_LIMIT = 16_384 - 8;

export const FRONT_ENDS: { [Kind in LambdaKind]: FrontEnd<Kind> } = {
  'apigw-rest-v1': {
    name: 'an API Gateway REST API',
    fields: v1Fields,
    result: v1Result,
    limit: LAMBDA_LIMIT,
    prelude: v1Head,
    preludeLimit: REST_PRELUDE_LIMIT,
  },
  'apigw-http-v1': {
    name: 'an API Gateway HTTP API with payload 1.0',
    fields: v1Fields,
    result: v1Result,
    limit: LAMBDA_LIMIT,
  },
  'apigw-http-v2': { name: 'an API Gateway HTTP API', fields: v2Fields, result: v2Result, limit: LAMBDA_LIMIT },
  'function-url': {
    name: 'a Function URL',
    fields: v2Fields,
    result: v2Result,
    limit: LAMBDA_LIMIT,
    prelude: v2Head,
  },
  'alb-single': { name: 'an Application Load Balancer', fields: albFields, result: albSingleResult, limit: MB },
  'alb-multi': { name: 'an Application Load Balancer', fields: albFields, result: albMultiResult, limit: MB },
  'lattice-v1': { name: 'VPC Lattice', fields: latticeV1Fields, result: latticeResult, limit: LAMBDA_LIMIT },
  'lattice-v2': { name: 'VPC Lattice', fields: latticeV2Fields, result: latticeResult, limit: LAMBDA_LIMIT },
  // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
  'edge-viewer-request': {
    name: 'Lambda@Edge (viewer request)',
    fields: edgeFields,
    result: edgeResult,
    limit: 40 * 1024,
  },
  'edge-origin-request': { name: 'Lambda@Edge (origin request)', fields: edgeFields, result: edgeResult, limit: MB },
};
