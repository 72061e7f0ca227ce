// VPC Lattice, both versions. AWS does not document whether path and query come encoded: the path is taken as sent, the
// query as decoded.
import { encodeNative, percentDecode } from '../../../src/native-string.js';
import type { LatticeEventV1, LatticeEventV2 } from '../types.js';
import { addressOf, bodyOf, type EventFields, hostOf, methodOf, pathOf, text } from './fields.js';
import { encodedQuery, headersOf, headerValues, lastEntry, type ValueMap } from './maps.js';

/** Version 1: names in snake case, one value each. A sample of AWS's has the query in the path. */
export function latticeV1Fields(event: LatticeEventV1): EventFields {
  const mark = event.raw_path.indexOf('?');
  return {
    ...common(event.headers),
    method: methodOf(event.method),
    path: percentDecode(pathOf(mark < 0 ? event.raw_path : event.raw_path.slice(0, mark))),
    query: mark < 0 ? encodedQuery(event.query_string_parameters) : encodeNative(event.raw_path.slice(mark + 1)),
    ...bodyOf(event.body, event.is_base64_encoded, event.headers),
  };
}

/** Version 2: lists of values. */
export function latticeV2Fields(event: LatticeEventV2): EventFields {
  const { identity } = event.requestContext;
  return {
    ...common(event.headers),
    method: methodOf(event.method),
    path: percentDecode(pathOf(event.path)),
    query: encodedQuery(event.queryStringParameters),
    ...bodyOf(event.body, event.isBase64Encoded, event.headers),
    user: identity?.type === 'AWS_IAM' ? { authType: 'AWS_IAM', name: text(identity.principal) } : undefined,
  };
}

function common(headers: ValueMap) {
  return {
    rawUri: undefined,
    scheme: lastEntry('x-forwarded-proto', headers) === 'https' ? 'https' : 'http',
    ...hostOf(headerValues('host', headers)[0]),
    protocol: 'HTTP/1.1',
    remoteAddr: addressOf(lastEntry('x-forwarded-for', headers)),
    eachHeader: headersOf(headers),
  } satisfies Partial<EventFields>;
}
