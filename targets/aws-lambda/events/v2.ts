// API Gateway HTTP APIs with payload 2.0, and Function URLs.
import { encodeNative, percentDecode } from '../../../src/native-string.js';
import type { LambdaKind, ProxyEventV2 } from '../types.js';
import {
  addressOf,
  bodyOf,
  type EventFields,
  hostOf,
  pathOf,
  protocolOf,
  record,
  subjectOf,
  text,
  type User,
} from './fields.js';
import { headerNative, headersOf, headerValues } from './maps.js';
import { splitStage } from './stage.js';

/** A Function URL sends the path as the client spelled it, an HTTP API decoded, so that the client's spelling
 *  (REQUEST_URI) is lost there; both send the query as it is. */
export function v2Fields(event: ProxyEventV2, kind: LambdaKind): EventFields {
  const { requestContext: context, headers, cookies } = event;
  const { http } = context;
  const [hostHeader] = headerValues('host', headers);
  const path = pathOf(event.rawPath ?? http.path);
  const query = encodeNative(event.rawQueryString ?? '');
  // Where rawPath is missing, the other field has the path decoded.
  const encoded = kind === 'function-url' && typeof event.rawPath === 'string';
  return {
    method: http.method,
    ...(encoded ? { path: percentDecode(path) } : splitStage(context, hostHeader, path)),
    query,
    rawUri: encoded ? `${path}${query === '' ? '' : `?${query}`}` : undefined,
    // Neither front end speaks plain HTTP; X-Forwarded-Proto may be the client's.
    scheme: 'https',
    ...hostOf(hostHeader, context.domainName),
    protocol: protocolOf(http.protocol),
    remoteAddr: addressOf(http.sourceIp),
    eachHeader: cookies && cookies.length > 0 ? headersWithCookies(headers, cookies) : headersOf(headers),
    ...bodyOf(event.body, event.isBase64Encoded, headers),
    user: userOf(record(context.authorizer)),
  };
}

// A Function URL sends cookies twice, in the header and in the list.
function headersWithCookies(headers: ProxyEventV2['headers'], cookies: readonly string[]): EventFields['eachHeader'] {
  const each = headersOf(headers);
  return (add) => {
    each((name, value) => {
      if (name !== 'cookie') add(name, value);
    });
    add('cookie', headerNative(cookies.join('; ')));
  };
}

function userOf({ jwt, lambda, iam }: Record<string, unknown>): User | undefined {
  const subject = subjectOf(record(record(jwt).claims));
  if (subject !== undefined) return { authType: 'JWT', name: subject };
  if (Object.keys(record(lambda)).length > 0) return { authType: 'CUSTOM', name: text(record(lambda).principalId) };
  const arn = text(record(iam).userArn);
  return arn === undefined ? undefined : { authType: 'AWS_IAM', name: arn };
}
