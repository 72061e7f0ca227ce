import { isUtf8 } from 'node:buffer';
import { headerValue } from '../../../src/headers.js';
import type { Head } from '../../../src/start-response.js';

/** The body of a result. */
export interface ResultBody {
  body: string;
  isBase64Encoded: boolean;
}

const TEXT = /^(text\/.*|application\/(json|javascript|ecmascript|xml|x-www-form-urlencoded|graphql)|.*\+(json|xml))$/;

/** Whether bodies of a media type are text, unless the user says otherwise. */
export function isTextType(mediaType: string): boolean {
  return TEXT.test(mediaType);
}

/** Makes text of a body if its type is text, its bytes are UTF-8 and no Content-Encoding applies; else base64. */
export function resultBody(head: Head, bytes: Uint8Array, isText: (mediaType: string) => boolean): ResultBody {
  if (bytes.length === 0) return { body: '', isBase64Encoded: false };
  const encoding = headerValue(head.headers, 'content-encoding') ?? 'identity';
  const text = encoding === 'identity' && isText(mediaType(head)) && isUtf8(bytes);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { body: buffer.toString(text ? 'utf8' : 'base64'), isBase64Encoded: !text };
}

function mediaType({ headers }: Head): string {
  const type = headerValue(headers, 'content-type') ?? '';
  const end = type.indexOf(';');
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase();
}
