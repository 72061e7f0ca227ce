import { WsgiError } from '../src/errors.js';
import { headerView } from '../src/header-view.js';
import { acceptedEncoding, addVary } from '../src/http-semantics.js';
import type { Environ, Middleware } from '../src/types.js';
import { type Codec, type Compressor, codecs, type Encoding } from './compressor.js';
import { mapResponse, type ResponseHead } from './map-response.js';

/** The options of `compress`. */
export interface CompressOptions {
  /** Shorter bodies (bytes) are not compressed, if the length is known; 1024 by default. */
  threshold?: number;
  /** The media types to compress; by default text, JSON, XML, JavaScript, WebAssembly, SVG and some fonts. */
  types?: RegExp;
  /** The codings to use, the best first; by default all that the platform has: zstd, br, gzip. */
  encodings?: Encoding[];
}

// An event stream is read event by event, and proxies hold back compressed ones.
const TYPES =
  /^(text\/(?!event-stream)|(application|image|model)\/([^;]+\+(json|xml|text|yaml)|json|xml|javascript|ecmascript|manifest|rtf|wasm|x-javascript|x-ndjson|vnd\.ms-fontobject|x-icon|bmp|vnd\.microsoft\.icon)\b|font\/(otf|ttf|collection))/i;

/** Compresses responses with a coding that the client accepts. A list stays a list, whose length the gateway sets. A stream
 *  is flushed after each chunk, or stays as it is if the platform can't flush. These bodies also stay as they are: short,
 *  encoded, ranged (206), of other media types, or under `Cache-Control: no-transform`. A strong ETag becomes weak.
 *  A page that shows a secret next to text from the URL should not be compressed (BREACH, CVE-2013-3587).
 *  @throws {WsgiError} when `encodings` has an unknown one
 *  @example
 *  ```ts
 *  import { text } from 'wsgi-edge/http';
 *  import { compress } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = compress({ threshold: 2048 })(text('a'.repeat(10_000)));
 *  const { headers } = await client(app).get('/', { headers: { 'Accept-Encoding': 'gzip' } });
 *  headers.get('content-encoding'); //=> 'gzip'
 *  ``` */
export function compress<E extends Environ = Environ>({
  threshold = 1024,
  types = TYPES,
  encodings,
}: CompressOptions = {}): Middleware<E> {
  for (const encoding of encodings ?? [])
    if (!/^(gzip|br|zstd)$/.test(encoding)) throw new WsgiError(`compress: "${encoding}" is not gzip, br or zstd`);
  const offered = (): Codec[] =>
    encodings?.flatMap((each) => codecs().filter(({ encoding }) => encoding === each)) ?? codecs();
  return (app) =>
    mapResponse(app, (environ) => {
      const { REQUEST_METHOD: method, HTTP_ACCEPT_ENCODING: accept, HTTP_IF_NONE_MATCH: known = '' } = environ;
      let compressor: Compressor | undefined;
      return {
        head(head) {
          if (head.status.startsWith('304')) return relabel(head, known);
          if (!isEligible(head, threshold, types)) return false;
          addVary(head.headers, 'Accept-Encoding');
          const whole = head.chunks !== undefined || head.file;
          const able = offered().filter(({ flushes }) => whole || flushes);
          const chosen = acceptedEncoding(
            accept,
            able.map(({ encoding }) => encoding),
          );
          if (chosen === undefined || method === 'HEAD') return false;
          compressor = able.find(({ encoding }) => encoding === chosen)?.create(!whole);
          const view = headerView(head.headers);
          view.set('Content-Encoding', chosen);
          view.delete('Accept-Ranges');
          const etag = view.get('ETag');
          if (etag?.startsWith('"')) view.set('ETag', `W/${etag}`);
          return undefined;
        },
        // head() has made the compressor, or has returned false.
        chunk: (chunk) => (compressor as Compressor).push(chunk),
        end: () => (compressor as Compressor).end(),
        close: () => compressor?.destroy(),
      };
    });
}

// A 304 carries the Vary and the ETag of the response that the client has stored (RFC 9110, section 15.4.5; RFC 9111,
// section 4.3.4), which was perhaps compressed.
function relabel({ headers }: ResponseHead, known: string): false {
  addVary(headers, 'Accept-Encoding');
  const view = headerView(headers);
  const etag = view.get('ETag');
  if (etag?.startsWith('"') && known.includes(`W/${etag}`)) view.set('ETag', `W/${etag}`);
  return false;
}

function isEligible({ status, headers, length }: ResponseHead, threshold: number, types: RegExp): boolean {
  const view = headerView(headers);
  return (
    !/^(1|204|205|206|304)/.test(status) &&
    (length === undefined || (length > 0 && length >= threshold)) &&
    !view.has('Content-Encoding') &&
    !view.has('Content-Range') &&
    !/(^|,)\s*no-transform\s*(,|$)/i.test(view.getAll('Cache-Control').join()) &&
    types.test(view.get('Content-Type') ?? '')
  );
}
