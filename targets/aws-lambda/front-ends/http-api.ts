// API Gateway HTTP APIs with payload 2.0, and Function URLs.
import type { Connection } from '../../../src/connection.js';
import { createEnviron, setPeer } from '../../../src/environ.js';
import type { Gateway } from '../../../src/gateway.js';
import { percentDecode } from '../../../src/native-string.js';
import type { Head } from '../../../src/start-response.js';
import type { Environ } from '../../../src/types.js';
import {
  addressOf,
  methodOf,
  nativeOf,
  pathOf,
  protocolOf,
  record,
  setBody,
  setHost,
  setUri,
  setUser,
  subjectOf,
  text,
  uriOf,
} from '../read/fields.js';
import { addHeaders, headerNative } from '../read/headers.js';
import { enterStage } from '../read/stage.js';
import type { ProxyEventV2, ProxyResultV2 } from '../types.js';
import type { ResultBody } from '../write/body.js';
import { joinedHeaders } from '../write/headers.js';
import { type FrontEnd, LAMBDA_LIMIT } from './front-end.js';

/** A Function URL sends the path as the client spelled it. An HTTP API sends it decoded, so the client's spelling
 *  (REQUEST_URI) is lost there. Both send the query as it is. */
function readEvent(event: ProxyEventV2, gateway: Gateway, connection: Connection, spelled: boolean): Environ {
  const { requestContext: context, rawPath } = event;
  const { http } = context;
  const path = pathOf(rawPath ?? http.path);
  const query = nativeOf(event.rawQueryString);
  // If rawPath is missing, the other field has the decoded path.
  const encoded = spelled && typeof rawPath === 'string';
  const line = {
    method: methodOf(http.method),
    path: encoded ? percentDecode(path) : path,
    query,
    protocol: protocolOf(http.protocol),
  };
  const environ = createEnviron(line, connection);
  addHeaders(environ, event.headers);
  addCookies(environ, event.cookies);
  // Neither front end speaks plain HTTP; X-Forwarded-Proto may be the client's.
  setPeer(environ, connection, 'https', addressOf(http.sourceIp));
  if (encoded) setUri(environ, uriOf(path, query));
  else enterStage(environ, context);
  setHost(environ, context.domainName);
  setBody(environ, event.body, event.isBase64Encoded, gateway);
  if (context.authorizer) addUser(environ, record(context.authorizer));
  return environ;
}

// A Function URL sends cookies twice, in the header and in the list. Only the list is used.
function addCookies(environ: Environ, cookies: unknown): void {
  if (cookies === undefined || cookies === null) return;
  const list = (Array.isArray(cookies) ? cookies : [cookies]).filter((each) => each !== null && each !== undefined);
  const joined = headerNative(list.join('; '));
  if (joined !== '') environ.HTTP_COOKIE = joined;
}

function addUser(environ: Environ, { jwt, lambda, iam }: Record<string, unknown>): void {
  const claims = record(record(jwt).claims);
  const arn = text(record(iam).userArn);
  if (Object.keys(claims).length > 0) setUser(environ, 'JWT', subjectOf(claims));
  else if (Object.keys(record(lambda)).length > 0) setUser(environ, 'CUSTOM', text(record(lambda).principalId));
  else if (arn !== undefined) setUser(environ, 'AWS_IAM', arn);
}

function makeResult(head: Head, { body, isBase64Encoded }: ResultBody): ProxyResultV2 {
  const { headers, cookies } = joinedHeaders(head.headers);
  return cookies === undefined
    ? { statusCode: head.code, headers, body, isBase64Encoded }
    : { statusCode: head.code, headers, cookies, body, isBase64Encoded };
}

/** The metadata of a Function URL's stream. */
function prelude(head: Head): Pick<ProxyResultV2, 'statusCode' | 'headers' | 'cookies'> {
  const { headers, cookies } = joinedHeaders(head.headers);
  return { statusCode: head.code, headers, ...(cookies && { cookies }) };
}

export const httpApi: FrontEnd<'apigw-http-v2'> = {
  name: 'an API Gateway HTTP API',
  environ: (event, gateway, connection) => readEvent(event, gateway, connection, false),
  result: makeResult,
  limit: LAMBDA_LIMIT,
};

export const functionUrl: FrontEnd<'function-url'> = {
  name: 'a Function URL',
  environ: (event, gateway, connection) => readEvent(event, gateway, connection, true),
  result: makeResult,
  limit: LAMBDA_LIMIT,
  prelude,
};
