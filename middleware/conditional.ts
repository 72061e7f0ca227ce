import { concatenate } from '../src/body.js';
import { headerValue, without } from '../src/headers.js';
import { type ByteRange, rangeHeaders, select, validatorsOf } from '../src/http-semantics.js';
import type { Application, Environ, Middleware } from '../src/types.js';
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

// Turns the head into a 206; returns the range, or the application that answers 304, 412 or 416.
function evaluate(head: ResponseHead, environ: Environ): ByteRange | Application | undefined {
  const { headers, length } = head;
  const accepted = headerValue(headers, 'accept-ranges');
  const size = accepted === undefined || accepted === 'bytes' ? length : undefined;
  if (size !== undefined && accepted === undefined) headers.push(['Accept-Ranges', 'bytes']);
  const range = select(environ, headers, size, validatorsOf(headers));
  if (range === undefined || typeof range === 'function' || size === undefined) return range;
  head.status = '206 Partial Content';
  head.headers = [...without(headers, 'content-length'), ...rangeHeaders(range, size)];
  return range;
}
