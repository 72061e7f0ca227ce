// Application Load Balancers, with single or with multi-value maps.
import { percentDecode } from '../../../src/native-string.js';
import { splitAuthority } from '../../../src/url.js';
import type { AlbEvent } from '../types.js';
import { addressOf, bodyOf, type EventFields, hostOf, methodOf, pathOf } from './fields.js';
import { headersOf, headerValues, lastEntry, verbatimQuery } from './maps.js';

/** A load balancer decodes nothing. It tells the client's address by appending to X-Forwarded-For; a health check has
 *  neither that nor a Host. */
export function albFields(event: AlbEvent): EventFields {
  const { headers, multiValueHeaders } = event;
  const path = pathOf(event.path);
  const query = verbatimQuery(event.multiValueQueryStringParameters, event.queryStringParameters);
  const forwarded = (name: string) => lastEntry(`x-forwarded-${name}`, multiValueHeaders, headers);
  const port = splitAuthority(`h:${forwarded('port')}`)?.port;
  return {
    method: methodOf(event.httpMethod),
    path: percentDecode(path),
    query,
    rawUri: `${path}${query === '' ? '' : `?${query}`}`,
    scheme: forwarded('proto') === 'https' ? 'https' : 'http',
    ...hostOf(headerValues('host', multiValueHeaders, headers)[0]),
    ...(port === undefined ? {} : { fallbackPort: port }),
    protocol: 'HTTP/1.1',
    remoteAddr: addressOf(forwarded('for')),
    eachHeader: headersOf(multiValueHeaders, headers),
    ...bodyOf(event.body, event.isBase64Encoded, multiValueHeaders, headers),
  };
}
