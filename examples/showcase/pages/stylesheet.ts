import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Application } from 'wsgi-edge';
import { STYLE } from '../style.ts';

const bytes = new TextEncoder().encode(STYLE);
const etag = `"${bytesToHex(sha256(bytes)).slice(0, 16)}"`;

/** A static file. The gateway knows that a 304 has no body. */
export const stylesheet: Application = (environ, startResponse) => {
  const current = environ.HTTP_IF_NONE_MATCH?.includes(etag);
  startResponse(current ? '304 Not Modified' : '200 OK', [
    ['Content-Type', 'text/css; charset=utf-8'],
    ['Cache-Control', 'no-cache'],
    ['ETag', etag],
  ]);
  return current ? [] : [bytes];
};
