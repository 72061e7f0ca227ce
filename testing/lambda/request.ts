// A request on its way through a front end, and the parts of an event that several front ends share.
import { decodeNative, encodeNative, percentDecode } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';

/** The facts that a front end adds to a request. */
export interface Arrival {
  /** The client's address. */
  client: string;
  /** The port and the scheme that the client used. */
  port: string;
  scheme: string;
  /** "HTTP/1.1" */
  protocol: string;
  /** The host, if it is not the front end's default. */
  customDomain?: string;
  /** When it arrived, in ms since 1970. */
  time: number;
  /** The value of X-Amzn-Trace-Id. */
  trace: string;
  /** The id of the invocation, if it is not the one of AWS's samples. */
  requestId?: string;
}

/** The arrival of AWS's samples. */
export const ARRIVAL: Arrival = {
  client: '203.0.113.7',
  port: '443',
  scheme: 'https',
  protocol: 'HTTP/1.1',
  time: 1_583_817_383_220,
  trace: 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e',
};
export const ACCOUNT = '123456789012';

/** The input of the functions that make events. */
export interface Parts {
  method: string;
  /** As sent. */
  path: string;
  /** As sent, without "?". */
  query: string;
  /** The client's headers, with a Host, except those that every front end consumes. */
  headers: HeaderList;
  body: Uint8Array | undefined;
  /** The host that the front end answers to. */
  domain: string;
  arrival: Arrival;
}

/** The values of a header (lower case), one for each line. */
export function valuesOf(headers: HeaderList, name: string): string[] {
  return headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
}

/** The headers without the ones of a given name (lower case). */
export function withoutName(headers: HeaderList, name: string): HeaderList {
  return headers.filter(([given]) => given.toLowerCase() !== name);
}

/** Adds the client's address to X-Forwarded-For, behind the addresses that the client sent.
 *  @param spell  makes a name of a lower-case one */
export function withClient(headers: HeaderList, { client }: Arrival, spell = (name: string) => name): HeaderList {
  const name = 'x-forwarded-for';
  return [...withoutName(headers, name), [spell(name), [...valuesOf(headers, name), client].join(', ')]];
}

/** Adds the headers that API Gateway, a Function URL and a load balancer add. They replace headers of the client with the
 *  same name, except X-Forwarded-For.
 *  @param spell  makes a name of a lower-case one */
export function withForwarded(headers: HeaderList, arrival: Arrival, spell = (name: string) => name): HeaderList {
  const added = {
    'x-forwarded-port': arrival.port,
    'x-forwarded-proto': arrival.scheme,
    'x-amzn-trace-id': arrival.trace,
  };
  return Object.entries(added).reduce(
    (list, [name, value]) => [...withoutName(list, name), [spell(name), value]] as HeaderList,
    withClient(headers, arrival, spell),
  );
}

// The types that load balancers document. The other front ends document none.
const TEXT_TYPE = /^(text\/[^;]*|application\/(json|javascript|xml))[\t ]*(;|$)/i;

/** The body of an event: as text if its type is text and it has no Content-Encoding, even if its bytes are not UTF-8;
 *  otherwise as base64. */
export function entity({ headers, body }: Parts): { body?: string; isBase64Encoded: boolean } {
  if (body === undefined) return { isBase64Encoded: false };
  const [type = ''] = valuesOf(headers, 'content-type');
  const text = TEXT_TYPE.test(type) && valuesOf(headers, 'content-encoding').length === 0;
  return { body: Buffer.from(body).toString(text ? 'utf8' : 'base64'), isBase64Encoded: !text };
}

/** A path as an HTTP API sends it. */
export function decodedPath(path: string): string {
  return decodeNative(percentDecode(encodeNative(path)));
}

/** The parameters of a query, decoded. */
export function decodedQuery(query: string): HeaderList {
  return [...new URLSearchParams(query)];
}

/** A time as API Gateway writes it: "10/Mar/2020:05:16:23 +0000". */
export function loggedTime(ms: number): string {
  return new Date(ms).toUTCString().replace(/^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/, '$1/$2/$3:$4 +0000');
}
