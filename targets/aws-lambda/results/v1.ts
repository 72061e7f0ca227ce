import type { Head } from '../../../src/start-response.js';
import type { ProxyResultV1 } from '../types.js';
import type { ResultBody } from './body.js';
import { listedHeaders } from './headers.js';

/** A result for a REST API, which answers 502 to a key that it does not know, or for an HTTP API with payload 1.0. */
export function v1Result(head: Head, body: ResultBody): ProxyResultV1 {
  return { ...v1Head(head), ...body };
}

/** The head of a result, which is also the metadata of a REST API's stream. No name is in both maps: it would be sent
 *  twice. */
export function v1Head({ code, headers }: Head): Pick<ProxyResultV1, 'statusCode' | 'headers' | 'multiValueHeaders'> {
  const listed = listedHeaders(headers);
  const isList = ([name, values]: [string, string[]]) => values.length > 1 || name.toLowerCase() === 'set-cookie';
  const lists = listed.filter(isList);
  return {
    statusCode: code,
    headers: Object.fromEntries(listed.filter((each) => !isList(each)).map(([name, values]) => [name, values.join()])),
    ...(lists.length > 0 ? { multiValueHeaders: Object.fromEntries(lists) } : {}),
  };
}
