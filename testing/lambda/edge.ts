// Lambda@Edge: the viewer-request and origin-request triggers of CloudFront, with the body included.
import type { HeaderList } from '../../src/types.js';
import type { EdgeEvent, LambdaKind } from '../../targets/aws-lambda/types.js';
import { lists } from './maps.js';
import type { Parts } from './request.js';
import {
  bodyOf,
  entriesOf,
  type LambdaResponse,
  numeral,
  objectOf,
  type Refuse,
  response,
  statusOf,
} from './response.js';

// The largest body that CloudFront shows to a function, in bytes.
const SHOWN: Partial<Record<LambdaKind, number>> = {
  'edge-viewer-request': 40 * 1024,
  'edge-origin-request': 1_048_576,
};

/** CloudFront sends path and query as received, each line of a header as an entry, and the body as base64, cut if it is
 *  too long. */
export function edgeEvent(parts: Parts, kind: LambdaKind): EdgeEvent {
  const { method, path, query, headers, body, domain, arrival } = parts;
  const shown = body?.subarray(0, SHOWN[kind]);
  const origin = { custom: { domainName: domain, path: '', port: 443, protocol: 'https' } };
  const request = {
    clientIp: arrival.client,
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
    distributionDomainName: 'd111111abcdef8.cloudfront.net',
    distributionId: 'EDFDVBD6EXAMPLE',
    eventType: kind.slice('edge-'.length),
    requestId: arrival.requestId ?? '4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==',
  };
  return { Records: [{ cf: { config, request } }] };
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
const DISALLOWED =
  'connection expect keep-alive proxy-authenticate proxy-authorization proxy-connection trailer upgrade x-accel-buffering x-accel-charset x-accel-limit-rate x-accel-redirect x-amzn-auth x-amzn-cf-billing x-amzn-cf-id x-amzn-cf-xff x-amzn-errortype x-amzn-fle-profile x-amzn-header-count x-amzn-header-order x-amzn-lambda-integration-tag x-amzn-requestid x-cache x-forwarded-proto x-real-ip';
const READ_ONLY: Partial<Record<LambdaKind, string>> = {
  'edge-viewer-request': 'content-length host transfer-encoding via',
  'edge-origin-request':
    'accept-encoding content-length if-modified-since if-none-match if-range if-unmodified-since transfer-encoding via',
};

/** CloudFront answers 502 to a header that functions may not set, and to a 204 with a body, even an empty one. */
export function readEdge(given: unknown, refuse: Refuse, kind: LambdaKind): LambdaResponse {
  const result = objectOf(given, refuse);
  const status = statusOf(numeral(result.status), refuse, 200);
  const headers = entriesOf(result.headers, refuse).flatMap(([name, entries]) => linesOf(name, entries, refuse, kind));
  const { body, bodyEncoding = 'text' } = result;
  if (status === 204 && body !== undefined) refuse('a body and status 204');
  if (bodyEncoding !== 'text' && bodyEncoding !== 'base64') refuse(`bodyEncoding "${String(bodyEncoding)}"`);
  return response(status, headers, bodyOf({ body, isBase64Encoded: bodyEncoding === 'base64' }, refuse));
}

function linesOf(name: string, entries: unknown, refuse: Refuse, kind: LambdaKind): HeaderList {
  const folded = name.toLowerCase();
  const kept = `${DISALLOWED} ${READ_ONLY[kind]}`.split(' ');
  if (!Array.isArray(entries)) return refuse(`header "${name}" that is not a list`);
  if (kept.includes(folded) || /^x-(amz-cf|edge)-/.test(folded))
    refuse(`header "${name}", which CloudFront keeps to itself`);
  return entries.map((entry: { key?: unknown; value?: unknown } | null) => {
    const { key = name, value } = entry ?? {};
    if (typeof value !== 'string') return refuse(`header "${name}" that is not a string`);
    if (String(key).toLowerCase() !== folded) refuse(`header "${name}" under the key "${key}"`);
    return [String(key), value];
  });
}
