// API Gateway REST APIs, and HTTP APIs with payload 1.0.
import type { LambdaKind, ProxyEventV1 } from '../../targets/aws-lambda/types.js';
import { lastValues, lists } from './maps.js';
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

const STAGE = 'prod';

/** A REST API keeps the path as sent and Content-Length to itself; an HTTP API decodes the path. Both spell what AWS adds
 *  in title case, and what the client sends as the client does. */
export function v1Event(parts: Parts, kind: LambdaKind): ProxyEventV1 {
  const { method, headers } = parts;
  const rest = kind === 'apigw-rest-v1';
  const fields = withAdded(rest ? withoutName(headers, 'content-length') : headers, ALL_ADDED, titled);
  const parameters = decodedQuery(parts.query);
  const path = rest ? parts.path : decodedPath(parts.path);
  const resource = rest ? '/{proxy+}' : '$default';
  const event = {
    ...(rest ? {} : { version: '1.0' }),
    resource,
    path,
    httpMethod: method,
    headers: lastValues(fields),
    multiValueHeaders: lists(fields),
    queryStringParameters: parameters.length === 0 ? null : lastValues(parameters),
    multiValueQueryStringParameters: parameters.length === 0 ? null : lists(parameters),
    pathParameters: rest ? { proxy: path.slice(1) } : null,
    stageVariables: null,
    requestContext: {
      accountId: ACCOUNT,
      apiId: 'a1b2c3d4e5',
      domainName: DOMAINS[kind],
      domainPrefix: 'a1b2c3d4e5',
      httpMethod: method,
      identity: { sourceIp: CLIENT, userAgent: valuesOf(headers, 'user-agent')[0] ?? null, userArn: null },
      path: rest ? `/${STAGE}${path}` : path,
      protocol: 'HTTP/1.1',
      requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      requestTimeEpoch: TIME,
      resourcePath: resource,
      stage: rest ? STAGE : '$default',
    },
    body: null,
    ...entity(parts),
  };
  return event;
}

const titled = (name: string): string => name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
