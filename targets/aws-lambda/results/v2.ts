import type { Head } from '../../../src/start-response.js';
import type { ProxyResultV2 } from '../types.js';
import type { ResultBody } from './body.js';
import { joinedHeaders } from './headers.js';

/** A result for an HTTP API with payload 2.0, or a Function URL. */
export function v2Result(head: Head, body: ResultBody): ProxyResultV2 {
  return { ...v2Head(head), ...body };
}

/** The head of a result, which is also the metadata of a Function URL's stream. */
export function v2Head({ code, headers: list }: Head): Pick<ProxyResultV2, 'statusCode' | 'headers' | 'cookies'> {
  const { headers, cookies } = joinedHeaders(list);
  return { statusCode: code, headers, ...(cookies.length > 0 ? { cookies } : {}) };
}
