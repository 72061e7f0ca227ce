import { BodyTooLarge, Refused } from './errors.js';
import type { Gateway } from './gateway.js';
import { cancelInput } from './input-stream.js';
import { errorPage, statusPage } from './pages.js';
import type { Application, Environ } from './types.js';
import { splitAuthority } from './url.js';

/** Facts about a request that environ does not hold. */
export interface Circumstances {
  /** The Transfer-Encoding header, if the target sees it. */
  transferEncoding?: string | null | undefined;
  /** The platform has dropped headers. */
  cut?: boolean;
}

/** The reason why a request must not reach the application, and the application that answers instead. */
export interface Refusal {
  error: Refused;
  page: Application;
}

/** Refuses a request.
 *  @param status  "400 Bad Request"
 *  @param reason  goes to the log */
export function refuseWith(status: string, reason: string): Refusal {
  return { error: new Refused(`${reason}; refused with ${status}`), page: statusPage(status) };
}

/** Decides whether a request may reach the application. */
export function refuse(gateway: Gateway, environ: Environ, circumstances: Circumstances): Refusal | null {
  const fault = faultOf(environ, circumstances);
  return fault === null ? refuseLength(gateway, environ) : refuseWith(...fault);
}

/** Refuses a body that is longer than `maxBody` by its CONTENT_LENGTH. */
export function refuseLength({ maxBody }: Gateway, environ: Environ): Refusal | null {
  const { CONTENT_LENGTH: length } = environ;
  if (length === undefined || Number(length) <= maxBody) return null;
  const error = new BodyTooLarge(`client: the request body has ${length} bytes, more than maxBody`);
  cancelInput(environ, error);
  return { error, page: errorPage(error) };
}

type Fault = [status: string, reason: string];
const badRequest = (reason: string): Fault => ['400 Bad Request', reason];

/** Returns the status to refuse a request with, and the reason. The platform's own parser already refuses most of these. RFC
 *  9112, sections 2.3, 3.2, 6.1 and 6.3; RFC 6585, section 5. */
export function faultOf(environ: Environ, { transferEncoding, cut }: Circumstances): Fault | null {
  const { HTTP_HOST: host, CONTENT_LENGTH: length, REQUEST_URI: target } = environ;
  // The client could have pushed out headers that a proxy added.
  if (cut) return ['431 Request Header Fields Too Large', 'client: sent more headers than the platform keeps'];
  // Node's parser accepts a request line without a version, but such a client can't read the head of a response.
  if (environ.SERVER_PROTOCOL === 'HTTP/0.9') return badRequest('client: the request line has no version');
  // The asterisk stands for the server, and only OPTIONS asks about that (RFC 9112, section 3.2.4).
  if (target?.startsWith('*') && (target !== '*' || environ.REQUEST_METHOD !== 'OPTIONS'))
    return badRequest('client: the target * is only for OPTIONS');
  // Several lines were joined. Two lengths are not a number, even if they are equal.
  if (length !== undefined && !/^[0-9]+$/.test(length)) return badRequest('client: Content-Length is not a number');
  if (transferEncoding !== undefined && transferEncoding !== null) {
    if (length !== undefined) return badRequest('client: sent both Content-Length and Transfer-Encoding');
    // The platform has removed the chunk framing; the bytes of another coding would reach the application encoded.
    const codings = transferEncoding
      .toLowerCase()
      .split(',')
      .map((coding) => coding.trim());
    if (codings.filter((coding) => coding !== '').join() !== 'chunked')
      return ['501 Not Implemented', 'client: sent a Transfer-Encoding other than chunked'];
  }
  if (host !== undefined && splitAuthority(host) === null) return badRequest('client: the Host header is not a host');
  return null;
}
