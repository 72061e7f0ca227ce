import type { Application } from '../../src/types.js';

/** What the application saw of one request. */
export interface Seen {
  /** The strings of environ. */
  environ: Record<string, string>;
  /** What it read: base64 or, above 4,096 bytes, SHA-256. */
  body: string;
}

/** The requests since the last recall. Module state: an isolate and a process keep it from one request to the next. */
const seen: Array<Seen | string> = [];

/** Notes the environ and the body of every request; `X-Recall: 1` gives and forgets them. */
export const application: Application = async (environ, startResponse) => {
  if (environ.HTTP_X_RECALL === '1') {
    startResponse('200 OK', [['Content-Type', 'application/json']]);
    return [new TextEncoder().encode(JSON.stringify(seen.splice(0)))];
  }
  const strings = Object.entries(environ).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const at = seen.push('the body has not been read to its end') - 1;
  seen[at] = { environ: Object.fromEntries(strings), body: await digest(await environ['wsgi.input'].read()) };
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [new TextEncoder().encode('ok')];
};

export async function digest(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= 4096) return btoa(String.fromCharCode(...bytes));
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
