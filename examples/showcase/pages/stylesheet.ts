import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Application, HeaderList } from 'wsgi-edge';
import { STYLE } from '../style.ts';

const bytes = new TextEncoder().encode(STYLE);
const etag = `"${bytesToHex(sha256(bytes)).slice(0, 16)}"`;

/** A static file. A 304 has no body, and so no Content-Type. */
export const stylesheet: Application = (environ, startResponse) => {
  const current = environ.HTTP_IF_NONE_MATCH?.includes(etag);
  const headers: HeaderList = [
    ['Cache-Control', 'no-cache'],
    ['ETag', etag],
  ];
  if (current) {
    startResponse('304 Not Modified', headers);
    return [];
  }
  startResponse('200 OK', [['Content-Type', 'text/css; charset=utf-8'], ...headers]);
  return [bytes];
};
