import { decodeNativeOrKeep, encodeNative } from '../native-string.js';

let textHeaders: boolean | undefined;

// Header values are byte strings by the Fetch Standard, that is, native strings; workerd makes text of them. The reason
// phrase tells, since it is a byte string too: text in a header would make workerd print a warning.
/** Whether the platform makes text of header values; such a platform adds the reason "OK" by itself. */
export function headersAreText(): boolean {
  if (textHeaders === undefined) {
    try {
      new Response(null, { statusText: '\u20ac' });
      textHeaders = true;
    } catch {
      textHeaders = false;
    }
  }
  return textHeaders;
}

/** A header value of the platform's as a native string. */
export const fromPlatform = (value: string): string => (headersAreText() ? encodeNative(value) : value);

/** A native string as the platform takes header values. */
export const toPlatform = (value: string): string => (headersAreText() ? decodeNativeOrKeep(value) : value);
