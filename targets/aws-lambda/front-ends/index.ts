import type { LambdaKind } from '../types.js';
import { albMulti, albSingle } from './alb.js';
import { edgeOriginRequest, edgeViewerRequest } from './edge.js';
import type { FrontEnd } from './front-end.js';
import { functionUrl, httpApi } from './http-api.js';
import { latticeV1, latticeV2 } from './lattice.js';
import { httpApiV1, restApi } from './rest-api.js';

export type { FrontEnd } from './front-end.js';

/** Each HTTP front end of Lambda. */
export const FRONT_ENDS: { [Kind in LambdaKind]: FrontEnd<Kind> } = {
  'apigw-rest-v1': restApi,
  'apigw-http-v1': httpApiV1,
  'apigw-http-v2': httpApi,
  'function-url': functionUrl,
  'alb-single': albSingle,
  'alb-multi': albMulti,
  'lattice-v1': latticeV1,
  'lattice-v2': latticeV2,
  'edge-viewer-request': edgeViewerRequest,
  'edge-origin-request': edgeOriginRequest,
};
