import type { HeaderList } from '../../src/types.js';
import type { Capability } from './capabilities.js';
import type { RawRequest } from './case.js';

/** What Lambda's front ends for payload 2.0 have not, buffered or streaming. */
export const LAMBDA_LACKS: Partial<Record<Capability, string>> = {
  headerLines: 'a result holds its headers in an object: repeated ones are joined',
  latin1Headers: 'event and result are JSON text: header bytes that are not UTF-8 are lost',
  duplicateHeaders: 'payload 2.0 joins repeated headers with a bare comma, which can not be told from one in a value',
  statusAbove599: 'Lambda@Edge takes status codes up to 599, and no front end documents more',
};

/** What is not the gateway's there, or does not exist. */
export const LAMBDA_INAPPLICABLE: Partial<Record<Capability, string>> = {
  httpParser: 'the front end parses HTTP and refuses what is malformed',
  http10: 'the front end speaks HTTP with the client',
  reasonPhrase: 'a result has no reason phrase',
  anyMethod: 'the front ends take seven methods',
  backPressure: 'the function does not see how fast the client reads',
  disconnect: 'Lambda does not tell a function that its client is gone',
  abortedUpload: 'the function is called when the whole body has arrived',
};

/** The whole body as a front end collects it before it calls the function. */
export async function collect(body: RawRequest['body']): Promise<Uint8Array | undefined> {
  if (body === undefined || body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The headers of a request without those that a front end consumes. */
export function withoutFraming({ headers = [] }: RawRequest): HeaderList {
  return headers.filter(([name]) => !/^(transfer-encoding|connection|expect)$/i.test(name));
}
