import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  bytesToNative,
  decodeNative,
  decodeNativeOrKeep,
  encodeNative,
  nativeToBytes,
  percentDecode,
  percentEncode,
} from '../src/native-string.js';

describe('native strings', () => {
  it('carry any bytes there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const native = bytesToNative(bytes);
        expect(native.length).toBe(bytes.length);
        expect(nativeToBytes(native)).toEqual(bytes);
      }),
    );
  });

  it('carry more bytes than fit on a stack', () => {
    const bytes = new Uint8Array(3_000_000).map((_, i) => i);
    expect(Buffer.compare(nativeToBytes(bytesToNative(bytes)), bytes)).toBe(0);
  });

  it('carry any text there and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const native = encodeNative(text);
        expect(/^[\u0000-\u00ff]*$/.test(native)).toBe(true);
        expect(decodeNative(native)).toBe(text);
      }),
    );
  });

  it('are the UTF-8 bytes of text', () => {
    expect(encodeNative('é€')).toBe('\u00c3\u00a9\u00e2\u0082\u00ac');
    expect(encodeNative('\ufeffx')).toBe('\u00ef\u00bb\u00bfx');
    expect(decodeNative('\u00ef\u00bb\u00bfx')).toBe('\ufeffx');
  });

  it('decode with U+FFFD where they are not UTF-8, or stay as they are', () => {
    expect(decodeNative('caf\u00e9')).toBe('caf\ufffd');
    expect(decodeNativeOrKeep('caf\u00e9')).toBe('caf\u00e9');
    expect(decodeNativeOrKeep('caf\u00c3\u00a9')).toBe('café');
    expect(decodeNativeOrKeep('\u00ef\u00bb\u00bfx')).toBe('\ufeffx');
  });

  it('are refused when a code unit is no byte', () => {
    expect(() => decodeNative('é€')).toThrow(RangeError);
    expect(() => nativeToBytes('\u0100')).toThrow('not a native string: it has a code unit above U+00FF');
  });
});

test.each([
  ['/a%20b', '/a b'],
  ['/caf%C3%A9', '/caf\u00c3\u00a9'],
  ['/%ff%FE', '/\u00ff\u00fe'],
  ['/%2541', '/%41'],
  ['/%zz%/a%', '/%zz%/a%'],
  ['/a+b%2Bc', '/a+b+c'],
  ['/%00', '/\u0000'],
  ['/%u0041', '/%u0041'],
])('percentDecode(%j)', (escaped, native) => {
  expect(percentDecode(escaped)).toBe(native);
});

test('percentEncode undoes percentDecode', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const native = bytesToNative(bytes);
      const escaped = percentEncode(native, '/');
      expect(/^[A-Za-z0-9_.~/%-]*$/.test(escaped)).toBe(true);
      expect(percentDecode(escaped)).toBe(native);
    }),
  );
});
