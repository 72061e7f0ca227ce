import type { Head } from '../../../src/start-response.js';
import type { LatticeResult } from '../types.js';
import type { ResultBody } from './body.js';
import { spelledHeaders } from './headers.js';
import { statusDescription } from './status.js';

/** A result for VPC Lattice. AWS documents strings for headers, and nothing for several cookies: they go as to a load
 *  balancer. */
export function latticeResult(head: Head, body: ResultBody): LatticeResult {
  return { statusCode: head.code, ...statusDescription(head), headers: spelledHeaders(head.headers), ...body };
}
