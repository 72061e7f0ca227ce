import type { Head } from '../../../src/start-response.js';
import type { AlbResult } from '../types.js';
import type { ResultBody } from './body.js';
import { listedHeaders, spelledHeaders } from './headers.js';
import { statusDescription } from './status.js';

/** A result for a load balancer whose target group sends single values: it would ignore lists. */
export function albSingleResult(head: Head, body: ResultBody): AlbResult {
  return { statusCode: head.code, ...statusDescription(head), headers: spelledHeaders(head.headers), ...body };
}

/** A result for a load balancer whose target group sends lists: it would ignore single values. */
export function albMultiResult(head: Head, body: ResultBody): AlbResult {
  const multiValueHeaders = Object.fromEntries(listedHeaders(head.headers));
  return { statusCode: head.code, ...statusDescription(head), multiValueHeaders, ...body };
}
