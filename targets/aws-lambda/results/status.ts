import { decodeNativeOrKeep } from '../../../src/native-string.js';
import type { Head } from '../../../src/start-response.js';

/** The reason phrase of a response, "" where the application gave none. */
export function reasonOf({ status }: Head): string {
  return decodeNativeOrKeep(status.slice(4)).trim();
}

/** "200 OK" where there is a reason phrase. A load balancer answers 502 where the key is there without one. */
export function statusDescription(head: Head): { statusDescription?: string } {
  const reason = reasonOf(head);
  return reason === '' ? {} : { statusDescription: `${head.code} ${reason}` };
}
