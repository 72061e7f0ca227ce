import { textToBytes } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';
import type { LambdaEvents, LambdaKind } from '../../targets/aws-lambda/types.js';
import { frontEndOf } from './front-ends.js';
import { ARRIVAL, type Arrival, valuesOf } from './request.js';

/** A request for `lambdaEvent`, in ordinary text. */
export interface LambdaRequest {
  /** GET by default. */
  method?: string;
  /** The path and query as a client sends them, "/" by default. */
  target?: string;
  headers?: HeaderList;
  /** The front ends send text types as text, others as base64. */
  body?: string | Uint8Array;
}

/** Makes the event that a front end sends for a request, in the form of that front end: the path decoded or as sent, the
 *  query raw, encoded or decoded, repeated headers joined, in a list or lost, cookies in a header or apart.
 *  @returns the event; a promise of it for a Request of the Fetch API, whose body has to be read
 *  @throws {WsgiError} when the kind is not known
 *  @example
 *  ```ts
 *  import { lambdaEvent } from 'wsgi-edge/testing';
 *
 *  lambdaEvent('alb-single', { target: '/a?b=1' }).path; //=> '/a'
 *  (await lambdaEvent('function-url', new Request('https://h/a', { method: 'PUT', body: 'b' }))).body; //=> 'b'
 *  ``` */
export function lambdaEvent<Kind extends LambdaKind>(kind: Kind, request: Request): Promise<LambdaEvents[Kind]>;
export function lambdaEvent<Kind extends LambdaKind>(kind: Kind, request?: LambdaRequest): LambdaEvents[Kind];
export function lambdaEvent<Kind extends LambdaKind>(
  kind: Kind,
  request: LambdaRequest | Request = {},
): LambdaEvents[Kind] | Promise<LambdaEvents[Kind]> {
  if (!('arrayBuffer' in request)) return eventOf(kind, request, ARRIVAL);
  frontEndOf(kind); // refuses an unknown kind at once
  const { pathname, search, host } = new URL(request.url);
  const { method, headers: given, body } = request;
  const headers: LambdaRequest['headers'] = [...given];
  if (!given.has('host')) headers.push(['host', host]);
  return request.arrayBuffer().then((bytes) => {
    const content = body === null ? {} : { body: new Uint8Array(bytes) };
    return eventOf(kind, { method, target: pathname + search, headers, ...content }, ARRIVAL);
  });
}

/** As `lambdaEvent`, for a request that has arrived in another way.
 *  @throws {WsgiError} when the kind is not known */
export function eventOf<Kind extends LambdaKind>(
  kind: Kind,
  request: LambdaRequest,
  arrival: Arrival,
): LambdaEvents[Kind] {
  const frontEnd = frontEndOf(kind);
  const { method = 'GET', target = '/', body: given } = request;
  const [path, ...query] = target.split('?');
  const body = typeof given === 'string' ? textToBytes(given) : given;
  const domain = arrival.customDomain ?? frontEnd.domain;
  const headers = (request.headers ?? []).filter(
    ([name]) => !/^(connection|keep-alive|transfer-encoding)$/i.test(name),
  );
  const has = (name: string) => valuesOf(headers, name).length > 0;
  if (!has('host')) headers.unshift(['Host', domain]);
  if (body !== undefined && !has('content-length')) headers.push(['Content-Length', String(body.length)]);
  return frontEnd.event({ method, path: path || '/', query: query.join('?'), headers, body, domain, arrival }, kind);
}
