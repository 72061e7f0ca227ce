import { decodeNativeOrKeep } from '../../../src/native-string.js';
import type { Head } from '../../../src/start-response.js';

/** The reason phrase of a response, "" if the application gave none. */
export function reasonOf({ status }: Head): string {
  return decodeNativeOrKeep(status.slice(4)).trim();
}

/** "200 OK" if there is a reason phrase. A load balancer answers 502 to a `statusDescription` without one. */
export function statusDescription(head: Head): { statusDescription?: string } {
  if (head.status === '200 OK') return { statusDescription: '200 OK' };
  const reason = reasonOf(head);
  return reason === '' ? {} : { statusDescription: `${head.code} ${reason}` };
}
