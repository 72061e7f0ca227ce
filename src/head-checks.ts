import { trim } from './headers.js';
import type { HeaderList } from './types.js';

// Faults of middleware that looks at the head too early or changes it too late. The gateway warns of them, the validator
// refuses them.

type Given = readonly (readonly [string, string])[];

/** Compares a list of headers that `startResponse` has been given with the copy that was made of it.
 *  @returns the name of a header that was added, changed or removed afterwards, or undefined */
export function changedSince(given: Given, copy: HeaderList): string | undefined {
  for (let i = 0; i < copy.length; i++) {
    const [name, value] = copy[i] as [string, string];
    const now = given[i];
    if (now === undefined || now[0] !== name) return name;
    if (now[1] !== value && trim(now[1]) !== value) return name;
  }
  return given.length > copy.length ? String(given[copy.length]?.[0]) : undefined;
}

// RFC 1952, section 2.3.1; RFC 8878, section 3.1.1. Brotli has no such bytes.
const MAGIC: Record<string, readonly number[]> = {
  gzip: [0x1f, 0x8b],
  'x-gzip': [0x1f, 0x8b],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
};

/** Tells if a body can't have the coding that Content-Encoding names, by its first bytes. RFC 9110, section 8.4.
 *  @param encoding  the value of Content-Encoding
 *  @param code  a part of a body (206) begins anywhere */
export function isMislabelled(encoding: string, code: number, first: Uint8Array): boolean {
  const magic = code === 206 ? undefined : MAGIC[encoding.toLowerCase()];
  return magic?.some((byte, i) => i < first.length && first[i] !== byte) ?? false;
}

/** The place of the code that called a function. V8 makes its text when `stack` is read, which costs more than to note it. */
export interface Place {
  stack?: string;
}

/** Notes the place of the code that called a function.
 *  @param callee  the function that was called */
export function placeOfCall(callee: (...args: never) => unknown): Place {
  type Capture = { captureStackTrace?: (target: object, callee: unknown) => void };
  const place: Place = {};
  (Error as Capture).captureStackTrace?.(place, callee);
  return place;
}

/** A place as a warning shows it: " at gzip (file:///app/gzip.ts:7:12)". Empty if none was noted, or if the engine has no
 *  stacks. */
export function textOfPlace(place: Place | undefined): string {
  const line = place?.stack?.split('\n')[1]?.trim();
  return line === undefined ? '' : ` ${line}`;
}

/** The advice for both faults. */
export const ADVICE = 'mapResponse() of wsgi-edge/middleware sees the head when it is final';
