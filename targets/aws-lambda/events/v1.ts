// API Gateway REST APIs, and HTTP APIs with payload 1.0.
import { percentDecode } from '../../../src/native-string.js';
import type { LambdaKind, ProxyEventV1 } from '../types.js';
import {
  addressOf,
  type EventFields,
  entityOf,
  hostOf,
  methodOf,
  pathOf,
  protocolOf,
  record,
  subjectOf,
  text,
  type User,
} from './fields.js';
import { encodedQuery, firstValue, headersOf } from './maps.js';
import { splitStage, stageBefore } from './stage.js';

/** A REST API sends the path as the client spelled it, an HTTP API decoded; both send the query decoded. */
export function v1Fields(event: ProxyEventV1, kind: LambdaKind): EventFields {
  const rest = kind === 'apigw-rest-v1';
  const context = event.requestContext ?? {};
  const headers = headersOf(event.multiValueHeaders, event.headers);
  const hostHeader = firstValue(headers, 'host');
  const query = encodedQuery(event.multiValueQueryStringParameters, event.queryStringParameters);
  const path = pathOf(event.path);
  const stage = stageBefore(context, hostHeader, path);
  const plain = rest ? { path: percentDecode(path) } : stage === '' ? splitStage(context, hostHeader, path) : { path };
  return {
    method: methodOf(event.httpMethod),
    scriptName: stage,
    ...plain,
    query,
    rawUri: rest ? `${stage}${path}${query === '' ? '' : `?${query}`}` : undefined,
    scheme: 'https',
    ...hostOf(headers, context.domainName),
    protocol: protocolOf(context.protocol),
    remoteAddr: addressOf(context.identity?.sourceIp),
    ...entityOf(headers, event.body, event.isBase64Encoded),
    user: userOf(context, rest),
  };
}

function userOf(
  { authorizer, identity }: NonNullable<ProxyEventV1['requestContext']>,
  rest: boolean,
): User | undefined {
  const { claims: given, principalId } = record(authorizer);
  const claims = record(given);
  if (Object.keys(claims).length > 0) return { authType: rest ? 'COGNITO_USER_POOLS' : 'JWT', name: subjectOf(claims) };
  const principal = text(principalId);
  if (principal !== undefined) return { authType: 'CUSTOM', name: principal };
  // serverless-offline has a word here for everybody.
  const arn = text(identity?.userArn);
  return arn?.startsWith('arn:') ? { authType: 'AWS_IAM', name: arn } : undefined;
}
