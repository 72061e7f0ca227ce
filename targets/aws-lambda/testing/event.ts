import { WsgiError } from '../../../src/errors.js';
import { bytesToText, percentDecode, textToBytes } from '../../../src/native-string.js';
import type { HeaderList } from '../../../src/types.js';
import type { AlbEvent, EdgeEvent, LambdaEvents, LambdaKind, ProxyEventV1, ProxyEventV2 } from '../types.js';

/** A request for `lambdaEvent`, in ordinary text. */
export interface LambdaRequest {
  /** GET by default. */
  method?: string;
  /** The path and query as a client sends them, "/" by default. */
  target?: string;
  headers?: HeaderList;
  /** Text types arrive as text, others as base64, as the front ends do it. */
  body?: string | Uint8Array;
}

/** A request as the makers of events take it. */
interface Parts {
  method: string;
  /** As sent. */
  path: string;
  /** As sent, without "?". */
  query: string;
  /** The client's headers but those that the front end consumes, with a Host. */
  headers: HeaderList;
  body: Uint8Array | undefined;
}

const DOMAINS: Record<LambdaKind, string> = {
  'apigw-rest-v1': 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
  'apigw-http-v1': 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
  'apigw-http-v2': 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
  'function-url': 'abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws',
  'alb-single': 'lb-1234567890.eu-central-1.elb.amazonaws.com',
  'alb-multi': 'lb-1234567890.eu-central-1.elb.amazonaws.com',
  'lattice-v1': 'svc-0123456789abcdef0.7d67968.vpc-lattice-svcs.eu-central-1.on.aws',
  'lattice-v2': 'svc-0123456789abcdef0.7d67968.vpc-lattice-svcs.eu-central-1.on.aws',
  'edge-viewer-request': 'd111111abcdef8.cloudfront.net',
  'edge-origin-request': 'origin.example.com',
};
const CLIENT = '203.0.113.7';
const TRACE_ID = 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e';
const ACCOUNT = '123456789012';
const STAGE = 'prod';
// What CloudFront shows a function of a body, in bytes.
const EDGE_BODY = { 'edge-viewer-request': 40 * 1024, 'edge-origin-request': 1_048_576 };

const MAKERS: { [Kind in LambdaKind]: (parts: Parts, kind: Kind) => LambdaEvents[Kind] } = {
  'apigw-rest-v1': v1Event,
  'apigw-http-v1': v1Event,
  'apigw-http-v2': v2Event,
  'function-url': v2Event,
  'alb-single': albEvent,
  'alb-multi': albEvent,
  'lattice-v1': ({ method, path, query, headers, body }) => {
    const { isBase64Encoded, body: content = '' } = entity(body, TEXT_TYPE.test(typeOf(headers)));
    return {
      raw_path: path,
      method,
      headers: joined(withForwarded(headers, ['for'])),
      query_string_parameters: lastValues(decodedQuery(query)),
      body: content,
      is_base64_encoded: isBase64Encoded,
    };
  },
  'lattice-v2': ({ method, path, query, headers, body }) => {
    const vpcLattice = `arn:aws:vpc-lattice:eu-central-1:${ACCOUNT}:`;
    const requestContext = {
      serviceNetworkArn: `${vpcLattice}servicenetwork/sn-0123456789abcdef0`,
      serviceArn: `${vpcLattice}service/svc-0123456789abcdef0`,
      targetGroupArn: `${vpcLattice}targetgroup/tg-0123456789abcdef0`,
      identity: { sourceVpcArn: `arn:aws:ec2:eu-central-1:${ACCOUNT}:vpc/vpc-0123456789abcdef0` },
      region: 'eu-central-1',
      timeEpoch: '1583817383220000', // microseconds
    };
    return {
      version: '2.0',
      path,
      method,
      headers: lists(lowered(withForwarded(headers, ['for']))),
      queryStringParameters: lists(decodedQuery(query)),
      ...entity(body, TEXT_TYPE.test(typeOf(headers))),
      requestContext,
    };
  },
  'edge-viewer-request': edgeEvent,
  'edge-origin-request': edgeEvent,
};

/** Makes the event that a front end sends for a request, in that front end's own way: the path decoded or as sent, the
 *  query raw, encoded or decoded, repeated headers joined, in a list or lost, cookies in a header or apart.
 *  @throws {WsgiError} when the kind is not known */
export function lambdaEvent<Kind extends LambdaKind>(kind: Kind, request: LambdaRequest = {}): LambdaEvents[Kind] {
  checkKind(kind);
  const { method = 'GET', target = '/', body } = request;
  const [path = '', ...query] = target.split('?');
  const headers = (request.headers ?? []).filter(([name]) => !/^(connection|transfer-encoding)$/i.test(name));
  const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
  const bytes = typeof body === 'string' ? textToBytes(body) : body;
  if (!has('host')) headers.unshift(['Host', DOMAINS[kind]]);
  if (bytes !== undefined && !has('content-length')) headers.push(['Content-Length', String(bytes.length)]);
  return MAKERS[kind]({ method, path, query: query.join('?'), headers, body: bytes }, kind);
}

/** @throws {WsgiError} when the kind is not known */
export function checkKind(kind: LambdaKind): void {
  if (!Object.hasOwn(DOMAINS, kind))
    throw new WsgiError(`testing: unknown kind of front end "${kind}"; known are ${Object.keys(DOMAINS).join(', ')}`);
}

// A REST API keeps the path as sent and Content-Length to itself; an HTTP API decodes the path.
function v1Event({ method, path, query, headers, body }: Parts, kind: 'apigw-rest-v1' | 'apigw-http-v1'): ProxyEventV1 {
  const rest = kind === 'apigw-rest-v1';
  const own = rest ? headers.filter(([name]) => name.toLowerCase() !== 'content-length') : headers;
  const fields = withForwarded(own, ['for', 'port', 'proto'], titled);
  const parameters = decodedQuery(query);
  const given = rest ? path : decoded(path);
  const requestContext = {
    accountId: ACCOUNT,
    apiId: 'a1b2c3d4e5',
    domainName: DOMAINS[kind],
    domainPrefix: 'a1b2c3d4e5',
    httpMethod: method,
    identity: { sourceIp: CLIENT, userAgent: headerOf(headers, 'user-agent') ?? null, userArn: null },
    path: rest ? `/${STAGE}${given}` : given,
    protocol: 'HTTP/1.1',
    requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
    requestTimeEpoch: 1_583_817_383_220,
    resourcePath: rest ? '/{proxy+}' : '$default',
    stage: rest ? STAGE : '$default',
  };
  const event = {
    ...(rest ? {} : { version: '1.0' }),
    resource: rest ? '/{proxy+}' : '$default',
    path: given,
    httpMethod: method,
    headers: lastValues(fields),
    multiValueHeaders: lists(fields),
    queryStringParameters: parameters.length === 0 ? null : lastValues(parameters),
    multiValueQueryStringParameters: parameters.length === 0 ? null : lists(parameters),
    pathParameters: rest ? { proxy: given.slice(1) } : null,
    stageVariables: null,
    requestContext,
    body: null,
    ...entity(body, TEXT_TYPE.test(typeOf(headers))),
  };
  return event;
}

function v2Event({ method, path, query, headers, body }: Parts, kind: 'apigw-http-v2' | 'function-url'): ProxyEventV2 {
  const url = kind === 'function-url';
  const cookies = headers
    .filter(([name]) => name.toLowerCase() === 'cookie')
    .flatMap(([, value]) => value.split(/; */));
  // A Function URL sends cookies in the header too.
  const own = url ? headers : headers.filter(([name]) => name.toLowerCase() !== 'cookie');
  const domainName = DOMAINS[kind];
  const apiId = domainName.slice(0, domainName.indexOf('.'));
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: url ? path : decoded(path),
    rawQueryString: query,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers: joined(withForwarded(own, ['for', 'port', 'proto'])),
    requestContext: {
      accountId: url ? 'anonymous' : ACCOUNT,
      apiId,
      domainName,
      domainPrefix: apiId,
      http: {
        method,
        path: decoded(path),
        protocol: 'HTTP/1.1',
        sourceIp: CLIENT,
        userAgent: headerOf(headers, 'user-agent') ?? '',
      },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '10/Mar/2020:05:16:23 +0000',
      timeEpoch: 1_583_817_383_220,
    },
    ...entity(body, TEXT_TYPE.test(typeOf(headers))),
  };
  return event;
}

// A load balancer decodes nothing. With single values the last one wins.
function albEvent({ method, path, query, headers, body }: Parts, kind: 'alb-single' | 'alb-multi'): AlbEvent {
  const fields = lowered(withForwarded(headers, ['for', 'port', 'proto']));
  const parameters = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => {
      const [name = '', ...value] = pair.split('=');
      return [name, value.join('=')];
    });
  const text = ALB_TEXT_TYPE.test(typeOf(headers)) && headerOf(headers, 'content-encoding') === undefined;
  return {
    requestContext: {
      elb: {
        targetGroupArn: `arn:aws:elasticloadbalancing:eu-central-1:${ACCOUNT}:targetgroup/app/0123456789abcdef`,
      },
    },
    httpMethod: method,
    path,
    ...(kind === 'alb-multi'
      ? { multiValueQueryStringParameters: lists(parameters), multiValueHeaders: lists(fields) }
      : { queryStringParameters: lastValues(parameters), headers: lastValues(fields) }),
    body: '',
    ...entity(body, text),
  };
}

function edgeEvent(
  { method, path, query, headers, body }: Parts,
  kind: 'edge-viewer-request' | 'edge-origin-request',
): EdgeEvent {
  const entries: Record<string, Array<{ key: string; value: string }>> = {};
  for (const [key, value] of headers) define(entries, key.toLowerCase(), [{ key, value }], (a, b) => [...a, ...b]);
  const shown = body?.subarray(0, EDGE_BODY[kind]);
  const request = {
    clientIp: CLIENT,
    headers: entries,
    method,
    querystring: query,
    uri: path,
    ...(kind === 'edge-origin-request'
      ? { origin: { custom: { domainName: DOMAINS[kind], path: '', port: 443, protocol: 'https' } } }
      : {}),
    ...(body === undefined || shown === undefined
      ? {}
      : {
          body: {
            inputTruncated: shown.length < body.length,
            action: 'read-only',
            encoding: 'base64',
            data: Buffer.from(shown).toString('base64'),
          },
        }),
  };
  const config = {
    distributionDomainName: DOMAINS['edge-viewer-request'],
    distributionId: 'EDFDVBD6EXAMPLE',
    eventType: kind.slice('edge-'.length),
    requestId: '4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==',
  };
  return { Records: [{ cf: { config, request } }] };
}

const TEXT_TYPE = /^(text\/|application\/(json|javascript|xml))/;
const ALB_TEXT_TYPE = /^(text\/|application\/(json|javascript|xml)\b)/;

function entity(bytes: Uint8Array | undefined, text: boolean): { body?: string; isBase64Encoded: boolean } {
  if (bytes === undefined) return { isBase64Encoded: false };
  return { body: Buffer.from(bytes).toString(text ? 'utf8' : 'base64'), isBase64Encoded: !text };
}

function decoded(path: string): string {
  return bytesToText(Buffer.from(percentDecode(Buffer.from(path).toString('latin1')), 'latin1'));
}

const decodedQuery = (query: string): HeaderList => [...new URLSearchParams(query)];
const typeOf = (headers: HeaderList): string => headerOf(headers, 'content-type') ?? '';
const lowered = (headers: HeaderList): HeaderList => headers.map(([name, value]) => [name.toLowerCase(), value]);
const same = (name: string): string => name;
const titled = (name: string): string => name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());

function headerOf(headers: HeaderList, name: string): string | undefined {
  return headers.find(([given]) => given.toLowerCase() === name)?.[1];
}

// What AWS adds; the client's address goes behind what the client sent.
function withForwarded(
  headers: HeaderList,
  added: Array<'for' | 'port' | 'proto'>,
  spell: (name: string) => string = same,
): HeaderList {
  const values = { for: CLIENT, port: '443', proto: 'https' };
  const sent = headerOf(headers, 'x-forwarded-for');
  const own = added.map((name): [string, string] => [
    spell(`x-forwarded-${name}`),
    name === 'for' && sent !== undefined ? `${sent}, ${CLIENT}` : values[name],
  ]);
  const replaced = new Set(own.map(([name]) => name.toLowerCase()));
  return [
    ...headers.filter(([name]) => !replaced.has(name.toLowerCase())),
    ...own,
    ...(added.length > 1 ? ([[spell('x-amzn-trace-id'), TRACE_ID]] as HeaderList) : []),
  ];
}

function lastValues(pairs: HeaderList): Record<string, string> {
  return collected(pairs, (_, value) => value);
}

function joined(pairs: HeaderList): Record<string, string> {
  return collected(lowered(pairs), (earlier, value) => `${earlier},${value}`);
}

function lists(pairs: HeaderList): Record<string, string[]> {
  const byName: Record<string, string[]> = {};
  for (const [name, value] of pairs) define(byName, name, [value], (a, b) => [...a, ...b]);
  return byName;
}

function collected(pairs: HeaderList, join: (earlier: string, value: string) => string): Record<string, string> {
  const byName: Record<string, string> = {};
  for (const [name, value] of pairs) define(byName, name, value, join);
  return byName;
}

// Not an assignment: a header may be named "__proto__".
function define<T>(map: Record<string, T>, name: string, value: T, join: (earlier: T, value: T) => T): void {
  const earlier = Object.hasOwn(map, name) ? (map[name] as T) : undefined;
  Object.defineProperty(map, name, {
    value: earlier === undefined ? value : join(earlier, value),
    enumerable: true,
    writable: true,
    configurable: true,
  });
}
