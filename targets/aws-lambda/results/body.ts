import { headerValue } from '../../../src/headers.js';
import type { Head } from '../../../src/start-response.js';

/** The body of a result. */
export interface ResultBody {
  body: string;
  isBase64Encoded: boolean;
}

const TEXT = /^(text\/.*|application\/(json|javascript|ecmascript|xml|x-www-form-urlencoded|graphql)|.*\+(json|xml))$/;

// An `import` of node:buffer makes the import of this package 5 % slower.
const buffers = /* @__PURE__ */ process.getBuiltinModule('node:buffer');

/** Tells whether bodies of a media type are text, unless the option `isText` decides it. */
export function isTextType(mediaType: string): boolean {
  return TEXT.test(mediaType);
}

/** Makes text of a body if its type is text, its bytes are UTF-8 and it has no Content-Encoding, and base64 otherwise. */
export function resultBody(head: Head, bytes: Uint8Array, isText: (mediaType: string) => boolean): ResultBody {
  if (bytes.length === 0) return { body: '', isBase64Encoded: false };
  const encoding = headerValue(head.headers, 'content-encoding') ?? 'identity';
  const text = encoding === 'identity' && isText(mediaType(head)) && buffers.isUtf8(bytes);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { body: buffer.toString(text ? 'utf8' : 'base64'), isBase64Encoded: !text };
}

function mediaType({ headers }: Head): string {
  const type = headerValue(headers, 'content-type') ?? '';
  const end = type.indexOf(';');
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase();
}
