// Lambda@Edge: the viewer-request and origin-request triggers of CloudFront.
import type { Connection } from '../../../src/connection.js';
import { createEnviron, setPeer } from '../../../src/environ.js';
import { nameOf, WsgiError } from '../../../src/errors.js';
import type { Gateway } from '../../../src/gateway.js';
import { percentDecode } from '../../../src/native-string.js';
import type { Head } from '../../../src/start-response.js';
import type { Environ } from '../../../src/types.js';
import { addressOf, methodOf, nativeOf, pathOf, setBody, setHost, setUri, uriOf } from '../read/fields.js';
import { addHeaders, type ValueMap } from '../read/headers.js';
import type { EdgeChanges, EdgeEvent, EdgeRequest, EdgeResult, LambdaKind } from '../types.js';
import type { ResultBody } from '../write/body.js';
import { define, listedHeaders } from '../write/headers.js';
import { reasonOf } from '../write/status.js';
import { type FrontEnd, MB } from './front-end.js';

type Cf = EdgeEvent['Records'][number]['cf'];

// Detection has already checked that the record exists.
const cfOf = ({ Records }: EdgeEvent): Cf => (Records as [EdgeEvent['Records'][number]])[0].cf;

/** CloudFront sends path and query as received, and a body only if the trigger includes it; it truncates a body that
 *  is too long. No field contains the scheme. */
function readEvent(event: EdgeEvent, gateway: Gateway, connection: Connection): Environ {
  const { config, request } = cfOf(event);
  const path = pathOf(request.uri);
  const query = nativeOf(request.querystring);
  const line = { method: methodOf(request.method), path: percentDecode(path), query, protocol: 'HTTP/1.1' };
  const environ = createEnviron(line, connection);
  addHeaders(environ, valuesOf(request.headers));
  setUri(environ, uriOf(path, query));
  setPeer(environ, connection, 'https', addressOf(request.clientIp));
  setHost(environ, config?.distributionDomainName);
  setBody(environ, request.body?.data, request.body?.encoding !== 'text', gateway);
  return environ;
}

function valuesOf(headers: Cf['request']['headers']): ValueMap {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, entries]) => [name, (entries ?? []).map(({ value }) => value)]),
  );
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html: CloudFront
// answers 502 to a response with one of these.
const DISALLOWED =
  /^(connection|expect|keep-alive|proxy-(authenticate|authorization|connection)|trailer|transfer-encoding|upgrade|x-accel-(buffering|charset|limit-rate|redirect)|x-amz-cf-.*|x-amzn-(auth|cf-billing|cf-id|cf-xff|errortype|fle-profile|header-count|header-order|lambda-integration-tag|requestid)|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip|content-length|via)$/;

const READ_ONLY: Partial<Record<LambdaKind, RegExp>> = {
  'edge-viewer-request': /^host$/,
  'edge-origin-request': /^(accept-encoding|if-(modified-since|none-match|range|unmodified-since))$/,
};

/** Tells if CloudFront accepts a response header (lower case) from a trigger. */
function edgeTakes(folded: string, kind: LambdaKind): boolean {
  return !DISALLOWED.test(folded) && !READ_ONLY[kind]?.test(folded);
}

/** A generated response. It omits the headers that CloudFront does not accept. It also omits an empty body, because
 *  CloudFront answers 502 to a 204 with one. */
function resultOf(kind: LambdaKind): FrontEnd<'edge-origin-request'>['result'] {
  return (head: Head, { body, isBase64Encoded }: ResultBody): EdgeResult => {
    const headers: EdgeResult['headers'] = {};
    for (const [name, values, folded] of listedHeaders(head.headers))
      if (edgeTakes(folded, kind))
        define(
          headers,
          folded,
          values.map((value) => ({ key: name, value })),
        );
    const reason = reasonOf(head);
    return {
      status: String(head.code),
      ...(reason === '' ? {} : { statusDescription: reason }),
      headers,
      ...(body === '' ? {} : { body, bodyEncoding: isBase64Encoded ? 'base64' : 'text' }),
    };
  };
}

/** The request of an event with some of its fields replaced. The event stays as it is, because it is in environ. */
function forward(event: EdgeEvent, changes: EdgeChanges = {}): EdgeRequest {
  if (typeof changes !== 'object' || changes === null)
    throw new WsgiError(`application: aws.forward takes an object of changes, not ${nameOf(changes)}`);
  const { request } = cfOf(event);
  const forwarded: EdgeRequest = { ...request, ...changes };
  for (const key of ['method', 'clientIp'] as const)
    if (forwarded[key] !== request[key])
      throw new WsgiError(
        `application: aws.forward can't change the ${key} of a request, because CloudFront answers 502 to that`,
      );
  return forwarded;
}

const common = {
  environ: readEvent,
  forward,
  isCut: (event: EdgeEvent): boolean => cfOf(event).request.body?.inputTruncated === true,
};

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html has the limits.
export const edgeViewerRequest: FrontEnd<'edge-viewer-request'> = {
  ...common,
  name: 'Lambda@Edge (viewer request)',
  result: resultOf('edge-viewer-request'),
  limit: 40 * 1024,
};

export const edgeOriginRequest: FrontEnd<'edge-origin-request'> = {
  ...common,
  name: 'Lambda@Edge (origin request)',
  result: resultOf('edge-origin-request'),
  limit: MB,
};
