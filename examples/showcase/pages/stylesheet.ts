import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { file } from 'wsgi-edge/http';
import { STYLE } from '../style.ts';

const bytes = new TextEncoder().encode(STYLE);

/** A static file. A client that has it gets a 304. */
export const stylesheet = file(new Blob([bytes], { type: 'text/css; charset=utf-8' }), {
  etag: `"${bytesToHex(sha256(bytes)).slice(0, 16)}"`,
  headers: { 'Cache-Control': 'no-cache' },
});
