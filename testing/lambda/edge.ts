// Lambda@Edge: the viewer-request and origin-request triggers of CloudFront, with the body included.
import type { EdgeEvent, LambdaKind } from '../../targets/aws-lambda/types.js';
import { lists } from './maps.js';
import { CLIENT, DOMAINS, type Parts } from './request.js';

// What CloudFront shows a function of a body, in bytes.
const SHOWN: Partial<Record<LambdaKind, number>> = {
  'edge-viewer-request': 40 * 1024,
  'edge-origin-request': 1_048_576,
};

/** CloudFront sends path and query as received, each line of a header as an entry, and the body as base64 and cut where
 *  it is too long. */
export function edgeEvent({ method, path, query, headers, body }: Parts, kind: LambdaKind): EdgeEvent {
  const shown = body?.subarray(0, SHOWN[kind]);
  const origin = { custom: { domainName: DOMAINS[kind], path: '', port: 443, protocol: 'https' } };
  const request = {
    clientIp: CLIENT,
    headers: lists(headers.map(([key, value]) => [key.toLowerCase(), { key, value }])),
    method,
    querystring: query,
    uri: path,
    ...(kind === 'edge-origin-request' ? { origin } : {}),
    ...(body === undefined || shown === undefined
      ? {}
      : {
          body: {
            inputTruncated: shown.length < body.length,
            action: 'read-only',
            encoding: 'base64',
            data: Buffer.from(shown).toString('base64'),
          },
        }),
  };
  const config = {
    distributionDomainName: DOMAINS['edge-viewer-request'],
    distributionId: 'EDFDVBD6EXAMPLE',
    eventType: kind.slice('edge-'.length),
    requestId: '4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==',
  };
  return { Records: [{ cf: { config, request } }] };
}
