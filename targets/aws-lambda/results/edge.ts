import type { Head } from '../../../src/start-response.js';
import type { EdgeResult, LambdaKind } from '../types.js';
import type { ResultBody } from './body.js';
import { listedHeaders } from './headers.js';
import { reasonOf } from './status.js';

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html: CloudFront
// answers 502 to a response with one of these.
const DISALLOWED =
  /^(connection|expect|keep-alive|proxy-(authenticate|authorization|connection)|trailer|transfer-encoding|upgrade|x-accel-(buffering|charset|limit-rate|redirect)|x-amz-cf-.*|x-amzn-(auth|cf-billing|cf-id|cf-xff|errortype|fle-profile|header-count|header-order|lambda-integration-tag|requestid)|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip|content-length|via)$/;
const READ_ONLY: Partial<Record<LambdaKind, RegExp>> = {
  'edge-viewer-request': /^host$/,
  'edge-origin-request': /^(accept-encoding|if-modified-since|if-none-match|if-range|if-unmodified-since)$/,
};

/** Whether CloudFront takes a response header (lower case) from a trigger. */
function edgeTakes(name: string, kind: LambdaKind): boolean {
  return !DISALLOWED.test(name) && !READ_ONLY[kind]?.test(name);
}

/** A generated response. Headers that CloudFront does not take are left out; so is the body where there is none, since
 *  a 204 with an empty one is a 502. */
export function edgeResult(head: Head, { body, isBase64Encoded }: ResultBody, kind: LambdaKind): EdgeResult {
  const headers = listedHeaders(head.headers).map(([name, values]): [string, EdgeResult['headers'][string]] => [
    name.toLowerCase(),
    values.map((value) => ({ key: name, value })),
  ]);
  const reason = reasonOf(head);
  return {
    status: String(head.code),
    ...(reason === '' ? {} : { statusDescription: reason }),
    headers: Object.fromEntries(headers.filter(([name]) => edgeTakes(name, kind))),
    ...(body === '' ? {} : { body, bodyEncoding: isBase64Encoded ? 'base64' : 'text' }),
  };
}
