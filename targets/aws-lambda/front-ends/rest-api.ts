// API Gateway REST APIs, and HTTP APIs with payload 1.0.
import type { Connection } from '../../../src/connection.js';
import { createEnviron, setPeer } from '../../../src/environ.js';
import type { Gateway } from '../../../src/gateway.js';
import { percentDecode } from '../../../src/native-string.js';
import type { Head } from '../../../src/start-response.js';
import type { Environ } from '../../../src/types.js';
import {
  addressOf,
  methodOf,
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
import { addHeaders } from '../read/headers.js';
import { encodedQuery } from '../read/query.js';
import { enterStage, stageBefore } from '../read/stage.js';
import type { ProxyEventV1, ProxyResultV1 } from '../types.js';
import type { ResultBody } from '../write/body.js';
import { define, listedHeaders } from '../write/headers.js';
import { type FrontEnd, LAMBDA_LIMIT } from './front-end.js';

/** A REST API sends the path as the client spelled it, an HTTP API decoded; both send the query decoded. */
function readEvent(event: ProxyEventV1, gateway: Gateway, connection: Connection, rest: boolean): Environ {
  const context = event.requestContext ?? {};
  const query = encodedQuery(event.multiValueQueryStringParameters, event.queryStringParameters);
  const path = pathOf(event.path);
  const line = {
    method: methodOf(event.httpMethod),
    path: rest ? percentDecode(path) : path,
    query,
    protocol: protocolOf(context.protocol),
  };
  const environ = createEnviron(line, connection);
  addHeaders(environ, event.multiValueHeaders, event.headers);
  setPeer(environ, connection, 'https', addressOf(context.identity?.sourceIp));
  const stage = stageBefore(context, environ.HTTP_HOST, path);
  environ.SCRIPT_NAME = stage;
  if (rest) setUri(environ, stage + uriOf(path, query));
  else if (stage === '') enterStage(environ, context);
  setHost(environ, context.domainName);
  setBody(environ, event.body, event.isBase64Encoded, gateway);
  addUser(environ, context, rest);
  return environ;
}

function addUser(
  environ: Environ,
  { authorizer, identity }: NonNullable<ProxyEventV1['requestContext']>,
  rest: boolean,
): void {
  const { claims: given, principalId } = record(authorizer);
  const claims = record(given);
  const principal = text(principalId);
  const arn = text(identity?.userArn);
  if (Object.keys(claims).length > 0) setUser(environ, rest ? 'COGNITO_USER_POOLS' : 'JWT', subjectOf(claims));
  else if (principal !== undefined) setUser(environ, 'CUSTOM', principal);
  // serverless-offline puts the same placeholder here for every client.
  else if (arn?.startsWith('arn:')) setUser(environ, 'AWS_IAM', arn);
}

/** A REST API answers 502 to a key that it does not know. */
function makeResult(head: Head, { body, isBase64Encoded }: ResultBody): ProxyResultV1 {
  return { ...prelude(head), body, isBase64Encoded };
}

/** The head of a result, which is also the metadata of a REST API's stream. A name in both maps would be sent twice. */
function prelude({ code, headers: list }: Head): Pick<ProxyResultV1, 'statusCode' | 'headers' | 'multiValueHeaders'> {
  const headers: Record<string, string> = {};
  const multiValueHeaders: Record<string, string[]> = {};
  let repeated = false;
  for (const [name, values, folded] of listedHeaders(list)) {
    const single = values.length === 1 && folded !== 'set-cookie';
    if (single) define(headers, name, values[0] as string);
    else define(multiValueHeaders, name, values);
    repeated ||= !single;
  }
  return repeated ? { statusCode: code, headers, multiValueHeaders } : { statusCode: code, headers };
}

export const restApi: FrontEnd<'apigw-rest-v1'> = {
  name: 'an API Gateway REST API',
  environ: (event, gateway, connection) => readEvent(event, gateway, connection, true),
  result: makeResult,
  limit: LAMBDA_LIMIT,
  prelude,
  // https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html: 16 KB with the eight
  // NUL bytes that end it.
  preludeLimit: 16_384 - 8,
};

export const httpApiV1: FrontEnd<'apigw-http-v1'> = {
  name: 'an API Gateway HTTP API with payload 1.0',
  environ: (event, gateway, connection) => readEvent(event, gateway, connection, false),
  result: makeResult,
  limit: LAMBDA_LIMIT,
};
