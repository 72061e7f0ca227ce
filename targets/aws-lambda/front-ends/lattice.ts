// VPC Lattice, both versions. AWS does not document whether path and query come encoded: the path is taken as sent, the
// query as decoded.
import type { Connection } from '../../../src/connection.js';
import { createEnviron, setPeer } from '../../../src/environ.js';
import type { Gateway } from '../../../src/gateway.js';
import { encodeNative, percentDecode } from '../../../src/native-string.js';
import type { Head } from '../../../src/start-response.js';
import type { Environ } from '../../../src/types.js';
import { addressOf, methodOf, pathOf, setBody, setHost, setUser, text } from '../read/fields.js';
import { addHeaders, lastEntry, type ValueMap } from '../read/headers.js';
import { encodedQuery } from '../read/query.js';
import type { LatticeEventV1, LatticeEventV2, LatticeResult } from '../types.js';
import type { ResultBody } from '../write/body.js';
import { spelledHeaders } from '../write/headers.js';
import { statusDescription } from '../write/status.js';
import { type FrontEnd, LAMBDA_LIMIT } from './front-end.js';

function begin(method: string, path: string, query: string, headers: ValueMap, connection: Connection): Environ {
  const line = { method: methodOf(method), path: percentDecode(pathOf(path)), query, protocol: 'HTTP/1.1' };
  const environ = createEnviron(line, connection);
  addHeaders(environ, headers);
  // https://docs.aws.amazon.com/vpc-lattice/latest/ug/http-targets.html: its own name, X-Forwarded-Proto is the client's.
  const scheme = lastEntry(environ.HTTP_X_FORWARDED_FOR_PROTO) === 'https' ? 'https' : 'http';
  setPeer(environ, connection, scheme, addressOf(lastEntry(environ.HTTP_X_FORWARDED_FOR)));
  setHost(environ);
  return environ;
}

/** Version 1: names in snake case, one value each. A sample of AWS's has the query in the path. */
function readV1(event: LatticeEventV1, gateway: Gateway, connection: Connection): Environ {
  const { raw_path: raw, method, headers } = event;
  const mark = raw.indexOf('?');
  const query = mark < 0 ? encodedQuery(event.query_string_parameters) : encodeNative(raw.slice(mark + 1));
  const environ = begin(method, mark < 0 ? raw : raw.slice(0, mark), query, headers, connection);
  setBody(environ, event.body, event.is_base64_encoded, gateway);
  return environ;
}

/** Version 2: lists of values. */
function readV2(event: LatticeEventV2, gateway: Gateway, connection: Connection): Environ {
  const query = encodedQuery(event.queryStringParameters ?? event.query_string_parameters);
  const environ = begin(event.method, event.path, query, event.headers, connection);
  setBody(environ, event.body, event.isBase64Encoded, gateway);
  const identity = event.requestContext?.identity;
  if (identity?.type === 'AWS_IAM') setUser(environ, 'AWS_IAM', text(identity.principal));
  return environ;
}

/** AWS documents headers as strings, and does not document several cookies, so cookies are sent as to a load balancer. */
function makeResult(head: Head, body: ResultBody): LatticeResult {
  return { statusCode: head.code, ...statusDescription(head), headers: spelledHeaders(head.headers), ...body };
}

const common = { name: 'VPC Lattice', result: makeResult, limit: LAMBDA_LIMIT };

export const latticeV1: FrontEnd<'lattice-v1'> = { ...common, environ: readV1 };

export const latticeV2: FrontEnd<'lattice-v2'> = { ...common, environ: readV2 };
