// Application Load Balancers, with single or with multi-value maps.
import { percentDecode } from '../../../src/native-string.js';
import { splitAuthority } from '../../../src/url.js';
import type { AlbEvent } from '../types.js';
import { addressOf, type EventFields, entityOf, hostOf, methodOf, pathOf } from './fields.js';
import { headersOf, lastEntry, verbatimQuery } from './maps.js';

/** A load balancer decodes nothing. It tells the client's address by appending to X-Forwarded-For; a health check has
 *  neither that nor a Host. */
export function albFields(event: AlbEvent): EventFields {
  const headers = headersOf(event.multiValueHeaders, event.headers);
  const path = pathOf(event.path);
  const query = verbatimQuery(event.multiValueQueryStringParameters, event.queryStringParameters);
  const port = splitAuthority(`h:${lastEntry(headers, 'x-forwarded-port')}`)?.port;
  return {
    method: methodOf(event.httpMethod),
    path: percentDecode(path),
    query,
    rawUri: `${path}${query === '' ? '' : `?${query}`}`,
    scheme: lastEntry(headers, 'x-forwarded-proto') === 'https' ? 'https' : 'http',
    ...hostOf(headers),
    ...(port === undefined ? {} : { fallbackPort: port }),
    protocol: 'HTTP/1.1',
    remoteAddr: addressOf(lastEntry(headers, 'x-forwarded-for')),
    ...entityOf(headers, event.body, event.isBase64Encoded),
  };
}
