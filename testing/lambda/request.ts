// A request on its way through a front end: what the makers of events have in common.
import { WsgiError } from '../../src/errors.js';
import { bytesToText, encodeNative, nativeToBytes, percentDecode } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';
import type { LambdaKind } from '../../targets/aws-lambda/types.js';

/** A request as the makers of events take it. */
export interface Parts {
  method: string;
  /** As sent. */
  path: string;
  /** As sent, without "?". */
  query: string;
  /** The client's headers but those that every front end consumes, with a Host. */
  headers: HeaderList;
  body: Uint8Array | undefined;
}

/** The host that each front end answers to. */
export const DOMAINS: Record<LambdaKind, string> = {
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
export const CLIENT = '203.0.113.7';
export const ACCOUNT = '123456789012';
export const TIME = 1_583_817_383_220; // ms

/** @throws {WsgiError} when the kind is not known */
export function checkKind(kind: LambdaKind): void {
  if (!Object.hasOwn(DOMAINS, kind))
    throw new WsgiError(`testing: unknown kind of front end "${kind}"; known are ${Object.keys(DOMAINS).join(', ')}`);
}

/** The values of a header (lower case), one for each line. */
export function valuesOf(headers: HeaderList, name: string): string[] {
  return headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
}

/** The headers but those of one name (lower case). */
export function withoutName(headers: HeaderList, name: string): HeaderList {
  return headers.filter(([given]) => given.toLowerCase() !== name);
}

// What AWS says of the client: its address goes behind what the client sent, the rest goes in its place.
const ADDED = {
  'x-forwarded-for': CLIENT,
  'x-forwarded-port': '443',
  'x-forwarded-proto': 'https',
  'x-amzn-trace-id': 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e',
};

/** The headers with those that AWS adds.
 *  @param spell  makes a name of a lower-case one */
export function withAdded(headers: HeaderList, names: Array<keyof typeof ADDED>, spell = (name: string) => name) {
  return names.reduce((list, name) => {
    const sent = name === 'x-forwarded-for' ? valuesOf(list, name) : [];
    return [...withoutName(list, name), [spell(name), [...sent, ADDED[name]].join(', ')] as [string, string]];
  }, headers);
}

/** All that API Gateway, a Function URL and a load balancer add. */
export const ALL_ADDED = Object.keys(ADDED) as Array<keyof typeof ADDED>;

// The types that load balancers document; the other front ends have none documented.
const TEXT_TYPE = /^(text\/[^;]*|application\/(json|javascript|xml))[\t ]*(;|$)/i;

/** The body of an event: as text where its type is text and nothing has encoded it, whatever its bytes, else as base64. */
export function entity({ headers, body }: Parts): { body?: string; isBase64Encoded: boolean } {
  if (body === undefined) return { isBase64Encoded: false };
  const [type = ''] = valuesOf(headers, 'content-type');
  const text = TEXT_TYPE.test(type) && valuesOf(headers, 'content-encoding').length === 0;
  return { body: Buffer.from(body).toString(text ? 'utf8' : 'base64'), isBase64Encoded: !text };
}

/** A path as an HTTP API sends it. */
export function decodedPath(path: string): string {
  return bytesToText(nativeToBytes(percentDecode(encodeNative(path))));
}

/** The parameters of a query, decoded. */
export function decodedQuery(query: string): HeaderList {
  return [...new URLSearchParams(query)];
}
