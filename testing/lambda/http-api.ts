// API Gateway HTTP APIs with payload 2.0, and Function URLs.
import type { LambdaKind, ProxyEventV2 } from '../../targets/aws-lambda/types.js';
import { joined, lowered } from './maps.js';
import {
  ACCOUNT,
  ALL_ADDED,
  CLIENT,
  DOMAINS,
  decodedPath,
  decodedQuery,
  entity,
  type Parts,
  TIME,
  valuesOf,
  withAdded,
  withoutName,
} from './request.js';

/** An HTTP API decodes the path and has cookies only in their list; a Function URL keeps the path as sent and has cookies
 *  in the header as well. */
export function v2Event(parts: Parts, kind: LambdaKind): ProxyEventV2 {
  const { method, path, query, headers } = parts;
  const url = kind === 'function-url';
  const cookies = valuesOf(headers, 'cookie').flatMap((value) => value.split(/[ \t]*;[ \t]*/));
  const fields = withAdded(url ? headers : withoutName(headers, 'cookie'), ALL_ADDED);
  const domainName = DOMAINS[kind];
  const apiId = domainName.slice(0, domainName.indexOf('.'));
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: url ? path : decodedPath(path),
    rawQueryString: query,
    ...(cookies.length === 0 ? {} : { cookies }),
    headers: joined(lowered(fields)),
    ...(query === '' ? {} : { queryStringParameters: joined(decodedQuery(query)) }),
    requestContext: {
      accountId: url ? 'anonymous' : ACCOUNT,
      apiId,
      domainName,
      domainPrefix: apiId,
      http: {
        method,
        path: decodedPath(path),
        protocol: 'HTTP/1.1',
        sourceIp: CLIENT,
        userAgent: valuesOf(headers, 'user-agent')[0] ?? '',
      },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '10/Mar/2020:05:16:23 +0000',
      timeEpoch: TIME,
    },
    ...entity(parts),
  };
  return event;
}
