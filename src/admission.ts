import { BodyTooLarge } from './errors.js';
import type { Gateway } from './gateway.js';
import { cancelInput } from './input-stream.js';
import { errorPage, statusPage } from './pages.js';
import type { Application, Environ } from './types.js';
import { splitAuthority } from './url.js';

/** Facts about a request that environ does not hold. */
export interface Circumstances {
  /** The Transfer-Encoding header, if the target sees it. */
  transferEncoding?: string | null | undefined;
  /** The part of the request that the platform has truncated. */
  cut?: 'headers' | 'body' | undefined;
}

/** Decides whether a request may reach the application.
 *  @returns the application that answers instead, or null */
export function refuse(gateway: Gateway, environ: Environ, circumstances: Circumstances): Application | null {
  const status = refusal(environ, circumstances);
  return status === null ? refuseLength(gateway, environ) : statusPage(status);
}

/** Refuses a body that is longer than `maxBody` by its CONTENT_LENGTH. */
export function refuseLength({ maxBody }: Gateway, environ: Environ): Application | null {
  const { CONTENT_LENGTH: length } = environ;
  if (length === undefined || Number(length) <= maxBody) return null;
  const error = new BodyTooLarge(`client: the request body has ${length} bytes, more than maxBody`);
  cancelInput(environ, error);
  return errorPage(error);
}

const BAD_REQUEST = '400 Bad Request';

/** Returns the status to refuse a request with, or null. The platform's own parser already refuses most of these. RFC
 *  9112, sections 2.3, 3.2, 6.1 and 6.3; RFC 6585, section 5. */
export function refusal(environ: Environ, { transferEncoding, cut }: Circumstances): string | null {
  const { HTTP_HOST: host, CONTENT_LENGTH: length, SERVER_PROTOCOL: protocol } = environ;
  // The client could have pushed out headers that a proxy added.
  if (cut === 'headers') return '431 Request Header Fields Too Large';
  // The application must not mistake a truncated body for a complete one.
  if (cut === 'body') return '413 Content Too Large';
  // Node's parser accepts a request line without a version, but such a client can't read the head of a response.
  if (protocol === 'HTTP/0.9') return BAD_REQUEST;
  // The asterisk stands for the server, and only OPTIONS asks about that (RFC 9112, section 3.2.4).
  if (environ.REQUEST_URI === '*' && environ.REQUEST_METHOD !== 'OPTIONS') return BAD_REQUEST;
  // Several lines were joined. Two lengths are not a number, even if they are equal.
  if (length !== undefined && !/^[0-9]+$/.test(length)) return BAD_REQUEST;
  if (transferEncoding !== undefined && transferEncoding !== null) {
    if (length !== undefined) return BAD_REQUEST;
    // The platform has removed the chunk framing; the bytes of another coding would reach the application encoded.
    const codings = transferEncoding
      .toLowerCase()
      .split(',')
      .map((coding) => coding.trim());
    if (codings.filter((coding) => coding !== '').join() !== 'chunked') return '501 Not Implemented';
  }
  if (host !== undefined && protocol.startsWith('HTTP/1.') && splitAuthority(host) === null) return BAD_REQUEST;
  return null;
}
