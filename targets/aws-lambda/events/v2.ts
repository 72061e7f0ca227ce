// API Gateway HTTP APIs with payload 2.0, and Function URLs.
import { percentDecode } from '../../../src/native-string.js';
import type { LambdaKind, ProxyEventV2 } from '../types.js';
import {
  addressOf,
  type EventFields,
  entityOf,
  hostOf,
  methodOf,
  nativeOf,
  pathOf,
  protocolOf,
  record,
  subjectOf,
  text,
  type User,
} from './fields.js';
import { firstValue, headersOf } from './maps.js';
import { splitStage } from './stage.js';

/** A Function URL sends the path as the client spelled it, an HTTP API decoded, so that the client's spelling
 *  (REQUEST_URI) is lost there; both send the query as it is. */
export function v2Fields(event: ProxyEventV2, kind: LambdaKind): EventFields {
  const { requestContext: context, cookies } = event;
  const { http } = context;
  // A Function URL sends cookies twice, in the header and in the list.
  const list = [cookies].flat().filter((each) => each !== null && each !== undefined);
  const headers = headersOf({ cookie: list.join('') === '' ? undefined : list }, event.headers);
  const path = pathOf(event.rawPath ?? http.path);
  const query = nativeOf(event.rawQueryString);
  // Where rawPath is missing, the other field has the path decoded.
  const encoded = kind === 'function-url' && typeof event.rawPath === 'string';
  return {
    method: methodOf(http.method),
    ...(encoded ? { path: percentDecode(path) } : splitStage(context, firstValue(headers, 'host'), path)),
    query,
    rawUri: encoded ? `${path}${query === '' ? '' : `?${query}`}` : undefined,
    // Neither front end speaks plain HTTP; X-Forwarded-Proto may be the client's.
    scheme: 'https',
    ...hostOf(headers, context.domainName),
    protocol: protocolOf(http.protocol),
    remoteAddr: addressOf(http.sourceIp),
    ...entityOf(headers, event.body, event.isBase64Encoded),
    user: userOf(record(context.authorizer)),
  };
}

function userOf({ jwt, lambda, iam }: Record<string, unknown>): User | undefined {
  const claims = record(record(jwt).claims);
  if (Object.keys(claims).length > 0) return { authType: 'JWT', name: subjectOf(claims) };
  if (Object.keys(record(lambda)).length > 0) return { authType: 'CUSTOM', name: text(record(lambda).principalId) };
  const arn = text(record(iam).userArn);
  return arn === undefined ? undefined : { authType: 'AWS_IAM', name: arn };
}
