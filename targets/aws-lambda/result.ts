import { isUtf8 } from 'node:buffer';
import { headerValue } from '../../src/headers.js';
import { decodeNativeOrKeep } from '../../src/native-string.js';
import type { Head } from '../../src/start-response.js';
import type { LambdaResult } from './types.js';

/** The highest status code that the gateway sends through Lambda's front ends. */
export const MAX_STATUS = 599;

const TEXT = /^(text\/.*|application\/(json|javascript|ecmascript|xml|x-www-form-urlencoded|graphql)|.*\+(json|xml))$/;

/** Turns a response into a result, payload 2.0. */
export function toResult(
  head: Head,
  body: Uint8Array,
  isText: (mediaType: string) => boolean = (mediaType) => TEXT.test(mediaType),
): LambdaResult {
  const type = (headerValue(head.headers, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const encoding = headerValue(head.headers, 'content-encoding') ?? 'identity';
  const text = body.length === 0 || (encoding === 'identity' && isText(type) && isUtf8(body));
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return {
    ...headOf(head),
    body: bytes.toString(text ? 'utf8' : 'base64'),
    isBase64Encoded: !text,
  };
}

/** The head of a result: repeated headers joined, cookies apart. A name keeps its first spelling. */
export function headOf(head: Head): Pick<LambdaResult, 'statusCode' | 'headers' | 'cookies'> {
  const headers: Record<string, string> = {};
  const spelling = new Map<string, string>();
  const cookies: string[] = [];
  for (const [name, native] of head.headers) {
    const folded = name.toLowerCase();
    const value = decodeNativeOrKeep(native);
    if (folded === 'set-cookie') {
      cookies.push(value);
      continue;
    }
    const first = spelling.get(folded);
    if (first === undefined) {
      spelling.set(folded, name);
      // Not an assignment: a header may be named "__proto__".
      Object.defineProperty(headers, name, { value, enumerable: true, writable: true, configurable: true });
    } else headers[first] += `, ${value}`;
  }
  return { statusCode: head.code, headers, ...(cookies.length > 0 ? { cookies } : {}) };
}

/** A result that the gateway makes by itself. */
export function textToResult(statusCode: number, body: string): LambdaResult {
  return { statusCode, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body, isBase64Encoded: false };
}
