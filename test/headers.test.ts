import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { nameOf, quote } from '../src/errors.js';
import { addRequestHeader, environKey, headersFault, isHopByHop, statusFault } from '../src/headers.js';

const oracle = JSON.parse(readFileSync(new URL('./fixtures/wsgiref-util.json', import.meta.url), 'utf8')) as {
  hopByHop: Array<[name: string, hop: boolean]>;
};

describe('isHopByHop', () => {
  test.each(oracle.hopByHop)('as CPython wsgiref.util: %j', (name, hop) => {
    expect(isHopByHop(name)).toBe(hop);
  });

  test.each(['Trailer', 'Proxy-Connection'])('knows %s, which wsgiref does not', (name) => {
    expect(isHopByHop(name)).toBe(true);
  });
});

describe('statusFault', () => {
  test.each(['200 OK', '404 Not Found', '299 ', '999 Odd', '200 caf\u00e9', '200  two  spaces'])(
    'takes %j',
    (status) => {
      expect(statusFault(status)).toBeNull();
    },
  );

  test.each([
    ['200', /three digits, a space and a reason/],
    ['200OK', /three digits/],
    [' 200 OK', /three digits/],
    ['20 OK', /three digits/],
    ['2000 OK', /three digits/],
    ['abc OK', /three digits/],
    ['200 OK\r\nX: y', /contains CR/],
    ['200 OK\n', /contains LF/],
    ['200 a\u0000b', /contains NUL/],
    ['200 a\tb', /control character 0x09/],
    ['200 \u007f', /control character 0x7f/],
    ['200 €', /code unit above U\+00FF/],
    [200, /must be a string such as "200 OK", not a number/],
    [undefined, /not undefined/],
  ])('refuses %j', (status, why) => {
    expect(statusFault(status)).toMatch(why);
  });
});

describe('headersFault', () => {
  test.each([
    [[]],
    [[['X-A', '']]],
    [[['X-A', 'a\tb']]],
    [[['X-A', 'caf\u00e9']]],
    [
      [
        ['Set-Cookie', 'a'],
        ['set-cookie', 'b'],
      ],
    ],
  ])('takes %j', (headers) => {
    expect(headersFault(headers)).toBeNull();
  });

  test.each([
    ['a string', 'X: y', /must be an array of \[name, value\] pairs, not a string/],
    ['a Map', new Map(), /not a Map/],
    ['an object', { a: 'b' }, /not an Object/],
    ['a bare string', ['X'], /is not a \[name, value\] pair/],
    ['a triple', [['X', 'y', 'z']], /is not a \[name, value\] pair/],
    ['a number as value', [['X', 5]], /value for "X" must be a string, not a number/],
    ['null as value', [['X', null]], /not null/],
    ['a number as name', [[5, 'x']], /name must be a string/],
    ['an empty name', [['', 'x']], /is not a token/],
    ['a space in a name', [['X A', 'x']], /is not a token/],
    ['a colon in a name', [['X:', 'x']], /is not a token/],
    ['non-ASCII in a name', [['Ä', 'x']], /is not a token/],
    ['LF in a value', [['X-A', 'a\nb']], /value for "X-A" contains LF/],
    ['CR in a value', [['X-A', 'a\rb']], /contains CR/],
    ['DEL in a value', [['X-A', '\u007f']], /0x7f/],
    ['text in a value', [['X-A', '€']], /encodeNative\(\) makes it bytes/],
    ['a hop-by-hop header', [['Transfer-Encoding', 'chunked']], /is hop-by-hop/],
    ['Connection', [['connection', 'close']], /is hop-by-hop/],
    ['a length that is none', [['Content-Length', 'abc']], /is not a number of bytes/],
    ['a negative length', [['Content-Length', '-5']], /is not a number of bytes/],
    [
      'two lengths',
      [
        ['Content-Length', '5'],
        ['Content-Length', '6'],
      ],
      /two Content-Length headers/,
    ],
  ])('refuses %s', (_, headers, why) => {
    expect(headersFault(headers)).toMatch(why);
  });
});

describe('request headers', () => {
  const fold = (...pairs: Array<[string, string]>) => {
    const environ: Record<string, unknown> = {};
    for (const [name, value] of pairs) addRequestHeader(environ, name, value);
    return environ;
  };

  it('are named as in CGI', () => {
    expect(fold(['X-Forwarded-For', '1'], ['content-type', 'a/b'], ['Content-Length', '5'], ['X.a', 'b'])).toEqual({
      HTTP_X_FORWARDED_FOR: '1',
      CONTENT_TYPE: 'a/b',
      CONTENT_LENGTH: '5',
      'HTTP_X.A': 'b',
    });
  });

  it('are joined when they repeat, cookies as cookies', () => {
    expect(fold(['A', '1'], ['a', ''], ['A', '3'], ['Cookie', 'x=1'], ['cookie', 'y=2'])).toEqual({
      HTTP_A: '1, , 3',
      HTTP_COOKIE: 'x=1; y=2',
    });
  });

  it('lose outer blanks, and U+00A0 is none of them', () => {
    expect(fold(['A', ' \t x y\t '], ['B', ' '], ['C', '\u00c3\u00a0'])).toEqual({
      HTTP_A: 'x y',
      HTTP_B: '',
      HTTP_C: '\u00c3\u00a0',
    });
  });

  it('keep the space after a last comma, which stands for an empty line', () => {
    expect(fold(['A', '1, '], ['B', ', '], ['C', '1, '], ['C', ''])).toEqual({
      HTTP_A: '1, ',
      HTTP_B: ', ',
      HTTP_C: '1, , ',
    });
  });

  it('do not reach the application when they would pass for another', () => {
    expect(
      fold(['X_Real_Ip', 'spoof'], ['Content_Length', '9'], ['Proxy', 'http://evil'], ['Transfer-Encoding', 'chunked']),
    ).toEqual({});
  });

  it('can not touch the prototype', () => {
    expect(Object.keys(fold(['__proto__', 'x'], ['constructor', 'y']))).toEqual(['HTTP_CONSTRUCTOR']);
  });

  it('are folded through a cache that a flood of names does not grow for ever', () => {
    for (let i = 0; i < 5000; i++) expect(environKey(`x-${i}`)).toBe(`HTTP_X_${i}`);
    expect(environKey('proxy')).toBeNull();
  });
});

test.each([
  [null, 'null'],
  [undefined, 'undefined'],
  ['x', 'a string'],
  [Promise.resolve(), 'a Promise'],
  [[], 'an Array'],
  [Object.create(null), 'an object'],
])('nameOf(%j)', (value, name) => {
  expect(nameOf(value)).toBe(name);
});

test('quote keeps a message short and on one line', () => {
  expect(quote('a\r\nb')).toBe('"a\\r\\nb"');
  expect(quote('x'.repeat(1000)).length).toBe(60);
  expect(quote(10n)).toBe('a bigint');
});
