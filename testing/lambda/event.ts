import { textToBytes } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';
import type { LambdaEvents, LambdaKind } from '../../targets/aws-lambda/types.js';
import { albEvent } from './alb.js';
import { edgeEvent } from './edge.js';
import { v2Event } from './http-api.js';
import { latticeV1Event, latticeV2Event } from './lattice.js';
import { checkKind, DOMAINS, type Parts, valuesOf } from './request.js';
import { v1Event } from './rest-api.js';

/** A request for `lambdaEvent`, in ordinary text. */
export interface LambdaRequest {
  /** GET by default. */
  method?: string;
  /** The path and query as a client sends them, "/" by default. */
  target?: string;
  headers?: HeaderList;
  /** Text types arrive as text, others as base64, as the front ends do it. */
  body?: string | Uint8Array;
}

const MAKERS: { [Kind in LambdaKind]: (parts: Parts, kind: Kind) => LambdaEvents[Kind] } = {
  'apigw-rest-v1': v1Event,
  'apigw-http-v1': v1Event,
  'apigw-http-v2': v2Event,
  'function-url': v2Event,
  'alb-single': albEvent,
  'alb-multi': albEvent,
  'lattice-v1': latticeV1Event,
  'lattice-v2': latticeV2Event,
  'edge-viewer-request': edgeEvent,
  'edge-origin-request': edgeEvent,
};

/** Makes the event that a front end sends for a request, in that front end's own way: the path decoded or as sent, the
 *  query raw, encoded or decoded, repeated headers joined, in a list or lost, cookies in a header or apart.
 *  @throws {WsgiError} when the kind is not known */
export function lambdaEvent<Kind extends LambdaKind>(kind: Kind, request: LambdaRequest = {}): LambdaEvents[Kind] {
  checkKind(kind);
  const { method = 'GET', target = '/', body: given } = request;
  const [path, ...query] = target.split('?');
  const body = typeof given === 'string' ? textToBytes(given) : given;
  const headers = (request.headers ?? []).filter(([name]) => !/^(connection|transfer-encoding)$/i.test(name));
  const has = (name: string) => valuesOf(headers, name).length > 0;
  if (!has('host')) headers.unshift(['Host', DOMAINS[kind]]);
  if (body !== undefined && !has('content-length')) headers.push(['Content-Length', String(body.length)]);
  return MAKERS[kind]({ method, path: path || '/', query: query.join('?'), headers, body }, kind);
}
