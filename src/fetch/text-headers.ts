import { decodeNativeOrKeep, encodeNative } from '../native-string.js';

let textHeaders: boolean | undefined;

// Header values are byte strings by the Fetch Standard, that is, native strings; workerd decodes them to text. Test this
// with the reason phrase, which is a byte string too, because text in a header would make workerd print a warning.
/** True if the platform decodes header values to text. Such a platform also adds the reason "OK" to a response. */
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
