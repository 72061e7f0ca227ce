// API Gateway REST APIs, and HTTP APIs with payload 1.0.
import type { LambdaKind, ProxyEventV1 } from '../../targets/aws-lambda/types.js';
import { lastValues, lists } from './maps.js';
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
  type LambdaResponse,
  listsIn,
  numeral,
  objectOf,
  type Refuse,
  response,
  statusOf,
  valuesIn,
} from './response.js';

const STAGE = 'prod';

/** A REST API keeps the path as sent and drops Content-Length; an HTTP API decodes the path. Both spell the headers
 *  that AWS adds in title case, and the client's as the client does. */
export function restApiEvent(parts: Parts, kind: LambdaKind): ProxyEventV1 {
  const { method, headers, domain, arrival } = parts;
  const rest = kind === 'apigw-rest-v1';
  const fields = withForwarded(rest ? withoutName(headers, 'content-length') : headers, arrival, titled);
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
      domainName: domain,
      domainPrefix: domain.slice(0, domain.indexOf('.')),
      httpMethod: method,
      identity: { sourceIp: arrival.client, userAgent: valuesOf(headers, 'user-agent')[0] ?? null, userArn: null },
      // The client of a custom domain does not send the stage.
      path: rest && arrival.customDomain === undefined ? `/${STAGE}${path}` : path,
      protocol: arrival.protocol,
      requestId: arrival.requestId ?? 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      requestTime: loggedTime(arrival.time),
      requestTimeEpoch: arrival.time,
      resourcePath: resource,
      stage: rest ? STAGE : '$default',
    },
    body: null,
    ...entity(parts),
  };
  return event;
}

const titled = (name: string): string => name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());

const KEYS = ['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded'];

/** A key that API Gateway does not know is an error. A header in both maps is sent once. */
export function readRestApi(given: unknown, refuse: Refuse): LambdaResponse {
  const result = objectOf(given, refuse);
  for (const key of Object.keys(result)) if (!KEYS.includes(key)) refuse(`the unknown key "${key}"`);
  const lists = listsIn(result.multiValueHeaders, refuse);
  const isTwice = ([name, value]: [string, string]) =>
    lists.some(([other, same]) => other.toLowerCase() === name.toLowerCase() && same === value);
  const values = valuesIn(result.headers, refuse).filter((pair) => !isTwice(pair));
  return response(statusOf(numeral(result.statusCode), refuse), [...values, ...lists], bodyOf(result, refuse));
}
