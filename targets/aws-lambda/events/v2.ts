// API Gateway HTTP APIs with payload 2.0, and Function URLs.
import { percentDecode } from '../../../src/native-string.js';
import type { LambdaKind, ProxyEventV2 } from '../types.js';
import {
  addressOf,
  bodyOf,
  type EventFields,
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
import { headersOf, headerValues } from './maps.js';
import { splitStage } from './stage.js';

/** A Function URL sends the path as the client spelled it, an HTTP API decoded, so that the client's spelling
 *  (REQUEST_URI) is lost there; both send the query as it is. */
export function v2Fields(event: ProxyEventV2, kind: LambdaKind): EventFields {
  const { requestContext: context, headers, cookies } = event;
  const { http } = context;
  const [hostHeader] = headerValues('host', headers);
  const path = pathOf(event.rawPath ?? http.path);
  const query = nativeOf(event.rawQueryString);
  // Where rawPath is missing, the other field has the path decoded.
  const encoded = kind === 'function-url' && typeof event.rawPath === 'string';
  return {
    method: methodOf(http.method),
    ...(encoded ? { path: percentDecode(path) } : splitStage(context, hostHeader, path)),
    query,
    rawUri: encoded ? `${path}${query === '' ? '' : `?${query}`}` : undefined,
    // Neither front end speaks plain HTTP; X-Forwarded-Proto may be the client's.
    scheme: 'https',
    ...hostOf(hostHeader, context.domainName),
    protocol: protocolOf(http.protocol),
    remoteAddr: addressOf(http.sourceIp),
    // A Function URL sends cookies twice, in the header and in the list.
    eachHeader: headersOf({ cookie: cookies ?? undefined }, headers),
    ...bodyOf(event.body, event.isBase64Encoded, headers),
    user: userOf(record(context.authorizer)),
  };
}

function userOf({ jwt, lambda, iam }: Record<string, unknown>): User | undefined {
  const subject = subjectOf(record(record(jwt).claims));
  if (subject !== undefined) return { authType: 'JWT', name: subject };
  if (Object.keys(record(lambda)).length > 0) return { authType: 'CUSTOM', name: text(record(lambda).principalId) };
  const arn = text(record(iam).userArn);
  return arn === undefined ? undefined : { authType: 'AWS_IAM', name: arn };
}
