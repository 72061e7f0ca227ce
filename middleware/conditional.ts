import { concatenate } from '../src/body.js';
import { headerValue, without } from '../src/headers.js';
import {
  type ByteRange,
  contentRange,
  notModifiedHeaders,
  precondition,
  requestedRange,
  validatorsOf,
} from '../src/http-semantics.js';
import { statusPage } from '../src/pages.js';
import type { Environ, Middleware } from '../src/types.js';
import { mapResponse, type ResponseHead, type ResponseMapping } from './map-response.js';

/** The options of `conditional`. */
export interface ConditionalOptions {
  /** Gives a list without an ETag one, from the SHA-256 of its bytes; true by default. A stream gets none, because it would
   *  have to be held back. */
  etag?: boolean;
}

/** Answers conditional and range requests for 200 responses to GET and HEAD: 304, 412, 206 and 416, by the response's ETag,
 *  Last-Modified and Content-Length. RFC 9110, sections 13 and 14. Several ranges are answered with the whole body.
 *  An application that checks `If-Match` before it writes has to do that itself, because middleware sees the response only
 *  when everything is done. Place it inside of `compress`.
 *  @example
 *  ```ts
 *  import { compose } from 'wsgi-edge';
 *  import { text } from 'wsgi-edge/http';
 *  import { compress, conditional } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = compose(compress(), conditional())(text('hello'));
 *  const etag = (await client(app).get('/')).headers.get('etag') ?? '';
 *  (await client(app).get('/', { headers: { 'If-None-Match': etag } })).status; //=> 304
 *  ``` */
export function conditional<E extends Environ = Environ>({ etag = true }: ConditionalOptions = {}): Middleware<E> {
  return (app) =>
    mapResponse(app, (outer) => {
      const environ = { ...outer }; // The application may change its own.
      if (!/^(GET|HEAD)$/.test(environ.REQUEST_METHOD)) return {};
      let part: ByteRange | undefined;
      let at = 0;
      const mapping: ResponseMapping = {
        head(head) {
          if (!head.status.startsWith('200 ')) return false;
          const answer = () => {
            const evaluated = evaluate(head, environ);
            if (typeof evaluated === 'function') return evaluated;
            part = evaluated;
            return part === undefined ? false : undefined;
          };
          return etag && lacksEtag(head, environ) ? addEtag(head).then(answer) : answer();
        },
        chunk(chunk) {
          const { first, last } = part as ByteRange; // head() returned false without one
          const from = at;
          at += chunk.length;
          if (from > last) return null;
          return chunk.subarray(Math.max(0, first - from), Math.min(chunk.length, last + 1 - from));
        },
      };
      return mapping;
    });
}

function lacksEtag({ headers, chunks, length }: ResponseHead, { REQUEST_METHOD: method }: Environ): boolean {
  if (chunks === undefined || headerValue(headers, 'etag') !== undefined) return false;
  // An application may leave out the body of a response to HEAD.
  return method === 'GET' || totalOf(chunks) === length;
}

async function addEtag({ headers, chunks = [] }: ResponseHead): Promise<void> {
  const bytes = concatenate(chunks, totalOf(chunks)) as Uint8Array<ArrayBuffer>;
  const hash = await crypto.subtle.digest('SHA-256', bytes);
  const hex = Array.from(new Uint8Array(hash, 0, 16), (byte) => byte.toString(16).padStart(2, '0'));
  headers.push(['ETag', `"${hex.join('')}"`]);
}

const totalOf = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0);

// Turns the head into a 304 or 206; returns the range, or the page for 412 and 416.
function evaluate(head: ResponseHead, environ: Environ): ByteRange | ReturnType<typeof statusPage> | undefined {
  const { headers, length } = head;
  const validators = validatorsOf(headers);
  const failed = precondition(environ, validators);
  if (failed === 412) return statusPage('412 Precondition Failed');
  if (failed === 304) {
    head.status = '304 Not Modified';
    head.headers = notModifiedHeaders(headers);
    return undefined;
  }
  const accepted = headerValue(headers, 'accept-ranges');
  if (length === undefined || (accepted !== undefined && accepted !== 'bytes')) return undefined;
  if (accepted === undefined) headers.push(['Accept-Ranges', 'bytes']);
  const range = requestedRange(environ, length, validators);
  if (range === undefined) return undefined;
  if (range === 'unsatisfiable') return statusPage('416 Range Not Satisfiable', contentRange(undefined, length));
  head.status = '206 Partial Content';
  head.headers = [
    ...without(headers, 'content-length'),
    contentRange(range, length),
    ['Content-Length', String(range.last - range.first + 1)],
  ];
  return range;
}
