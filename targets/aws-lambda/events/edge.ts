// Lambda@Edge: the viewer-request and origin-request triggers of CloudFront.
import { percentDecode } from '../../../src/native-string.js';
import type { EdgeEvent } from '../types.js';
import { addressOf, type EventFields, entityOf, hostOf, methodOf, nativeOf, pathOf } from './fields.js';
import { headersOf } from './maps.js';

/** CloudFront sends path and query as received, and a body only where the trigger includes it; it cuts one that is too
 *  long. No field tells the scheme. */
export function edgeFields(event: EdgeEvent): EventFields {
  // Detection has seen that it is there.
  const { config, request } = (event.Records as [EdgeEvent['Records'][number]])[0].cf;
  const headers = headersOf(
    Object.fromEntries(
      Object.entries(request.headers ?? {}).map(([name, entries]) => [name, (entries ?? []).map(({ value }) => value)]),
    ),
  );
  const path = pathOf(request.uri);
  const query = nativeOf(request.querystring);
  const { data, encoding, inputTruncated } = request.body ?? {};
  return {
    method: methodOf(request.method),
    path: percentDecode(path),
    query,
    rawUri: `${path}${query === '' ? '' : `?${query}`}`,
    scheme: 'https',
    ...hostOf(headers, config?.distributionDomainName),
    protocol: 'HTTP/1.1',
    remoteAddr: addressOf(request.clientIp),
    ...entityOf(headers, data, encoding !== 'text'),
    truncated: inputTruncated === true,
  };
}
