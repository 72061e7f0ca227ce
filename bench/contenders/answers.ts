/** The content type of every text answer. */
export const TEXT = 'text/plain; charset=utf-8';

/** The other headers of the answer to a GET. Front ends send cookies in their own ways, so one is a cookie. */
export const CACHE = 'private, max-age=60';
export const COOKIE = 'theme=light; Path=/';

let bytes: Uint8Array<ArrayBuffer> | undefined;

/** The body of the binary answer. It is made on first use, because the first invocation of a process is measured too. */
export function binary(): Uint8Array<ArrayBuffer> {
  bytes ??= new Uint8Array(100_000).map((_, i) => i % 251);
  return bytes;
}
