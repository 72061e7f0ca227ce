// PEP 3333, "A Note On String Types": a native string carries bytes, one code unit (U+0000 to U+00FF) each. This file has
// every conversion of this package between bytes, native strings and ordinary text.

// Bundlers drop an unused call only if it has this mark.
const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true, fatal: false });
const strictDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
const NON_ASCII = /[^\x00-\x7f]/;
const NON_LATIN1 = /[^\u0000-\u00ff]/;
// The arguments of a call are on the stack. This number of them is safe in every engine.
const APPLY_LIMIT = 8192;

/** Tells if every code unit of `text` fits in a byte. */
export function isNative(text: string): boolean {
  return !NON_LATIN1.test(text);
}

/** The bytes that a native string stands for.
 *  @throws {RangeError} when a code unit is above U+00FF */
export function nativeToBytes(native: string): Uint8Array {
  if (!NON_ASCII.test(native)) return encoder.encode(native);
  if (NON_LATIN1.test(native)) throw new RangeError('not a native string: it has a code unit above U+00FF');
  const bytes = new Uint8Array(native.length);
  for (let i = 0; i < native.length; i++) bytes[i] = native.charCodeAt(i);
  return bytes;
}

/** The native string that stands for `bytes`. */
export function bytesToNative(bytes: Uint8Array): string {
  if (bytes.length <= APPLY_LIMIT) return String.fromCharCode(...bytes);
  let native = '';
  for (let i = 0; i < bytes.length; i += APPLY_LIMIT) native += bytesToNative(bytes.subarray(i, i + APPLY_LIMIT));
  return native;
}

/** Turns a native string into ordinary text: its bytes decoded as UTF-8, with U+FFFD for bytes that are not UTF-8.
 *  PEP 3333, "Unicode Issues".
 *  @throws {RangeError} when a code unit is above U+00FF
 *  @example
 *  ```ts
 *  import { decodeNative } from 'wsgi-edge';
 *
 *  decodeNative('caf\u00c3\u00a9'); //=> 'café'
 *  ``` */
export function decodeNative(native: string): string {
  return NON_ASCII.test(native) ? decoder.decode(nativeToBytes(native)) : native;
}

/** Like `decodeNative`, but keeps a string whose bytes are not UTF-8. For platforms whose headers are text. */
export function decodeNativeOrKeep(native: string): string {
  if (!NON_ASCII.test(native)) return native;
  try {
    return strictDecoder.decode(nativeToBytes(native));
  } catch {
    return native;
  }
}

/** Turns ordinary text into a native string: its UTF-8 bytes, one code unit each. PEP 3333, "Unicode Issues".
 *  @example
 *  ```ts
 *  import { encodeNative } from 'wsgi-edge';
 *
 *  encodeNative('café'); //=> 'caf\u00c3\u00a9'
 *  ``` */
export function encodeNative(text: string): string {
  return NON_ASCII.test(text) ? bytesToNative(encoder.encode(text)) : text;
}

/** The UTF-8 bytes of ordinary text. */
export function textToBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Ordinary text from UTF-8 bytes, with U+FFFD for bytes that are not UTF-8. */
export function bytesToText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Ordinary text from bytes, or null when they are not UTF-8. */
export function bytesToTextOrNull(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Decodes percent escapes once, byte by byte, and keeps invalid escapes. */
export function percentDecode(native: string): string {
  if (!native.includes('%')) return native;
  return native.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Escapes every byte except unreserved characters and the characters in `safe` (RFC 3986, section 2). */
export function percentEncode(native: string, safe: string): string {
  return native.replace(/[^A-Za-z0-9_.~-]/g, (char) =>
    safe.includes(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
