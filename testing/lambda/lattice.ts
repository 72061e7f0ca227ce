// VPC Lattice, both versions. AWS does not document whether path and query are encoded. Here the path is sent as it came
// and the query is decoded.
import type { LatticeEventV1, LatticeEventV2 } from '../../targets/aws-lambda/types.js';
import { joined, lastValues, lists, lowered } from './maps.js';
import { ACCOUNT, decodedQuery, entity, type Parts, withClient } from './request.js';
import {
  bodyOf,
  checkDescription,
  type LambdaResponse,
  objectOf,
  type Refuse,
  response,
  statusOf,
  valuesIn,
} from './response.js';

/** Version 1: one value for each name. */
export function latticeV1Event(parts: Parts): LatticeEventV1 {
  const { isBase64Encoded, body = '' } = entity(parts);
  return {
    raw_path: parts.path,
    method: parts.method,
    headers: joined(lowered(withClient(parts.headers, parts.arrival))),
    query_string_parameters: lastValues(decodedQuery(parts.query)),
    body,
    is_base64_encoded: isBase64Encoded,
  };
}

/** Version 2: lists of values. */
export function latticeV2Event(parts: Parts): LatticeEventV2 {
  const vpcLattice = `arn:aws:vpc-lattice:eu-central-1:${ACCOUNT}`;
  const requestContext = {
    serviceNetworkArn: `${vpcLattice}:servicenetwork/sn-0123456789abcdef0`,
    serviceArn: `${vpcLattice}:service/svc-0123456789abcdef0`,
    targetGroupArn: `${vpcLattice}:targetgroup/tg-0123456789abcdef0`,
    identity: { sourceVpcArn: `arn:aws:ec2:eu-central-1:${ACCOUNT}:vpc/vpc-0123456789abcdef0` },
    region: 'eu-central-1',
    timeEpoch: `${parts.arrival.time}000`, // microseconds
  };
  return {
    version: '2.0',
    path: parts.path,
    method: parts.method,
    headers: lists(lowered(withClient(parts.headers, parts.arrival))),
    queryStringParameters: lists(decodedQuery(parts.query)),
    ...entity(parts),
    requestContext,
  };
}

export function readLattice(given: unknown, refuse: Refuse): LambdaResponse {
  const result = objectOf(given, refuse);
  const status = statusOf(result.statusCode, refuse);
  checkDescription(status, result, refuse);
  return response(status, valuesIn(result.headers, refuse), bodyOf(result, refuse));
}
