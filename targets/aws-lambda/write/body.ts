import { lowerName } from '../../../src/headers.js';
import { bytesToTextOrNull } from '../../../src/native-string.js';
import type { Head } from '../../../src/start-response.js';

/** The body of a result. */
export interface ResultBody {
  body: string;
  isBase64Encoded: boolean;
}

const TEXT = /^application\/(?:json|javascript|ecmascript|xml|x-www-form-urlencoded|graphql)$|\+(?:json|xml)$/;

/** The default `isText`. Bodies without a type count as text, because a REST API without binaryMediaTypes would show
 *  base64 to the client, and every front end sends text on as its original bytes. */
export function isTextType(mediaType: string): boolean {
  return mediaType === '' || mediaType.startsWith('text/') || TEXT.test(mediaType);
}

/** Makes text of a body if its type is text or missing, its bytes are UTF-8 and no Content-Encoding applies; else base64. */
export function resultBody(head: Head, bytes: Uint8Array, isText: (mediaType: string) => boolean): ResultBody {
  if (bytes.length === 0) return { body: '', isBase64Encoded: false };
  let type = '';
  let encoding = 'identity';
  // Go backwards, so that the first value of a name stays.
  for (let i = head.headers.length - 1; i >= 0; i--) {
    const [name, value] = head.headers[i] as [string, string];
    const folded = lowerName(name);
    if (folded === 'content-type') type = value;
    else if (folded === 'content-encoding') encoding = value;
  }
  const text = encoding === 'identity' && isText(mediaTypeOf(type)) ? bytesToTextOrNull(bytes) : null;
  if (text !== null) return { body: text, isBase64Encoded: false };
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { body: buffer.toString('base64'), isBase64Encoded: true };
}

function mediaTypeOf(type: string): string {
  const end = type.indexOf(';');
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase();
}
