import type { Environ } from './types.js';
import { splitAuthority } from './url.js';

const BAD_REQUEST = '400 Bad Request';

/** The status to refuse a request with before the application sees it, or null: the end of its body or the host that it
 *  is for can't be told for certain, or its client speaks HTTP/0.9. A platform's parser refuses most of these by itself.
 *  RFC 9112, sections 2.3, 3.2, 6.1 and 6.3. */
export function refusal(environ: Environ, transferEncoding: string | undefined): string | null {
  const { HTTP_HOST: host, CONTENT_LENGTH: length, SERVER_PROTOCOL: protocol } = environ;
  // Node's parser takes a request line without a version; its client would get a head that it can't read.
  if (protocol === 'HTTP/0.9') return BAD_REQUEST;
  // Several lines have been joined: two lengths, even equal ones, are no number.
  if (length !== undefined && !/^[0-9]+$/.test(length)) return BAD_REQUEST;
  if (transferEncoding !== undefined) {
    if (length !== undefined) return BAD_REQUEST;
    // The platform has taken off the chunks; what another coding did to the bytes would reach the application.
    const codings = transferEncoding
      .toLowerCase()
      .split(',')
      .map((coding) => coding.trim());
    if (codings.filter((coding) => coding !== '').join() !== 'chunked') return '501 Not Implemented';
  }
  if (host !== undefined && protocol === 'HTTP/1.1' && splitAuthority(host) === null) return BAD_REQUEST;
  return null;
}
