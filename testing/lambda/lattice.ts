// VPC Lattice, both versions. AWS does not document whether path and query come encoded: the path is sent as it came, the
// query decoded.
import type { LatticeEventV1, LatticeEventV2 } from '../../targets/aws-lambda/types.js';
import { joined, lastValues, lists, lowered } from './maps.js';
import { ACCOUNT, decodedQuery, entity, type Parts, TIME, withAdded } from './request.js';

/** Version 1: one value for each name. */
export function latticeV1Event(parts: Parts): LatticeEventV1 {
  const { isBase64Encoded, body = '' } = entity(parts);
  return {
    raw_path: parts.path,
    method: parts.method,
    headers: joined(lowered(withAdded(parts.headers, ['x-forwarded-for']))),
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
    timeEpoch: `${TIME}000`, // microseconds
  };
  return {
    version: '2.0',
    path: parts.path,
    method: parts.method,
    headers: lists(lowered(withAdded(parts.headers, ['x-forwarded-for']))),
    queryStringParameters: lists(decodedQuery(parts.query)),
    ...entity(parts),
    requestContext,
  };
}
