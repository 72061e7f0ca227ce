import { WsgiError } from '../src/errors.js';
import { formatHttpDate, rangeHeaders, select } from '../src/http-semantics.js';
import type { Application, FileSource } from '../src/types.js';
import { CONTENT_TYPE, headerList, type Init, statusLine } from './response.js';

/** The content of `file`: a Blob (Node's `openAsBlob` makes one of a file), or an object that reads a part of something. */
export interface FileContent {
  /** Bytes. */
  readonly size: number;
  /** The media type, `application/octet-stream` if empty. */
  readonly type?: string;
  /** Returns the bytes from `start` to `end`, without the one at `end`. */
  slice(start: number, end: number): FileSource | Promise<FileSource>;
}

/** The headers and the validators of a file. */
export interface FileInit extends Omit<Init, 'status'> {
  /** An entity tag with its quotes: `"a"` or `W/"a"`. */
  etag?: string;
  lastModified?: Date;
}

/** Answers with a file: the whole, a range (206, 416), or 304 and 412 by its validators (RFC 9110, sections 13 and 14). The
 *  platform sends the bytes by its quickest way. A request for several ranges gets the whole.
 *  @throws {WsgiError} when the entity tag has no quotes
 *  @example
 *  ```ts
 *  import { attachment, file } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const csv = new Blob(['a,b\r\n1,2\r\n'], { type: 'text/csv' });
 *  const app = file(csv, { etag: '"1"', headers: [attachment('table.csv')] });
 *  await (await client(app).get('/', { headers: { Range: 'bytes=0-2' } })).text(); //=> 'a,b'
 *  ``` */
export function file(content: FileContent, { headers, etag, lastModified }: FileInit = {}): Application {
  const { size } = content;
  if (etag !== undefined && !/^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag))
    throw new WsgiError(`file: etag must be like "a" or W/"a", quotes included, not ${etag} (RFC 9110, section 8.8.3)`);
  const modified = lastModified === undefined ? undefined : Math.floor(lastModified.getTime() / 1000);
  const validators = { etag, modified };
  return async (environ, startResponse) => {
    const list = headerList(headers, CONTENT_TYPE(content.type || 'application/octet-stream'), [
      'Accept-Ranges',
      'bytes',
    ]);
    if (etag !== undefined) list.push(['ETag', etag]);
    if (modified !== undefined) list.push(['Last-Modified', formatHttpDate(modified)]);
    const range = select(environ, list, size, validators);
    if (typeof range === 'function') return range(environ, startResponse);
    if (range === undefined) startResponse(statusLine(200), [...list, ['Content-Length', String(size)]]);
    else startResponse(statusLine(206), [...list, ...rangeHeaders(range, size)]);
    if (environ.REQUEST_METHOD === 'HEAD') return [];
    return environ['wsgi.file_wrapper'](await content.slice(range?.first ?? 0, range ? range.last + 1 : size));
  };
}
