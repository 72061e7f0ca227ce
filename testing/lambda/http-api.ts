// API Gateway HTTP APIs with payload 2.0, and Function URLs.
import { textToBytes } from '../../src/native-string.js';
import type { LambdaKind, ProxyEventV2 } from '../../targets/aws-lambda/types.js';
import { joined, lowered } from './maps.js';
import {
  ACCOUNT,
  decodedPath,
  decodedQuery,
  entity,
  loggedTime,
  type Parts,
  valuesOf,
  withForwarded,
  withoutName,
} from './request.js';
import {
  bodyOf,
  cookiesIn,
  type LambdaResponse,
  numeral,
  type Refuse,
  type Result,
  response,
  statusOf,
  valuesIn,
} from './response.js';

/** An HTTP API decodes the path and has cookies only in their list. A Function URL keeps the path as sent and has
 *  cookies in both the list and the header. */
export function httpApiEvent(parts: Parts, kind: LambdaKind): ProxyEventV2 {
  const { method, path, query, headers, domain, arrival } = parts;
  const url = kind === 'function-url';
  const cookies = valuesOf(headers, 'cookie').flatMap((value) => value.split(/[ \t]*;[ \t]*/));
  const fields = withForwarded(url ? headers : withoutName(headers, 'cookie'), arrival);
  const apiId = domain.slice(0, domain.indexOf('.'));
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
      domainName: domain,
      domainPrefix: apiId,
      http: {
        method,
        path: decodedPath(path),
        protocol: arrival.protocol,
        sourceIp: arrival.client,
        userAgent: valuesOf(headers, 'user-agent')[0] ?? '',
      },
      requestId: arrival.requestId ?? 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: loggedTime(arrival.time),
      timeEpoch: arrival.time,
    },
    ...entity(parts),
  };
  return event;
}

/** A result without a status code is the body itself.
 *  https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export function readHttpApi(given: unknown, refuse: Refuse): LambdaResponse {
  const result: Result = typeof given === 'object' && given !== null ? (given as Result) : {};
  if (result.statusCode === undefined) {
    const body = textToBytes(typeof given === 'string' ? given : JSON.stringify(given));
    return response(200, [['content-type', 'application/json']], body);
  }
  const headers = [...valuesIn(result.headers, refuse), ...cookiesIn(result.cookies, refuse)];
  return response(statusOf(numeral(result.statusCode), refuse), headers, bodyOf(result, refuse));
}
