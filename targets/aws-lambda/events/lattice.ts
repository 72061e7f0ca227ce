// VPC Lattice, both versions. AWS does not document whether path and query come encoded: the path is taken as sent, the
// query as decoded.
import { encodeNative, percentDecode } from '../../../src/native-string.js';
import type { LatticeEventV1, LatticeEventV2 } from '../types.js';
import { addressOf, type EventFields, entityOf, hostOf, methodOf, pathOf, text } from './fields.js';
import { type EventHeaders, encodedQuery, headersOf, lastEntry } from './maps.js';

/** Version 1: names in snake case, one value each. A sample of AWS's has the query in the path. */
export function latticeV1Fields(event: LatticeEventV1): EventFields {
  const headers = headersOf(event.headers);
  const mark = event.raw_path.indexOf('?');
  return {
    ...common(headers),
    method: methodOf(event.method),
    path: percentDecode(pathOf(mark < 0 ? event.raw_path : event.raw_path.slice(0, mark))),
    query: mark < 0 ? encodedQuery(event.query_string_parameters) : encodeNative(event.raw_path.slice(mark + 1)),
    ...entityOf(headers, event.body, event.is_base64_encoded),
  };
}

/** Version 2: lists of values. */
export function latticeV2Fields(event: LatticeEventV2): EventFields {
  const headers = headersOf(event.headers);
  const { identity } = event.requestContext;
  return {
    ...common(headers),
    method: methodOf(event.method),
    path: percentDecode(pathOf(event.path)),
    query: encodedQuery(event.queryStringParameters ?? event.query_string_parameters),
    ...entityOf(headers, event.body, event.isBase64Encoded),
    user: identity?.type === 'AWS_IAM' ? { authType: 'AWS_IAM', name: text(identity.principal) } : undefined,
  };
}

function common(headers: EventHeaders) {
  return {
    rawUri: undefined,
    // https://docs.aws.amazon.com/vpc-lattice/latest/ug/http-targets.html: its own name, X-Forwarded-Proto is the client's.
    scheme: lastEntry(headers, 'x-forwarded-for-proto') === 'https' ? 'https' : 'http',
    ...hostOf(headers),
    protocol: 'HTTP/1.1',
    remoteAddr: addressOf(lastEntry(headers, 'x-forwarded-for')),
  } satisfies Partial<EventFields>;
}
