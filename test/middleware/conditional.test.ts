import { describe, expect, it } from 'vitest';
import { conditional } from '../../middleware/index.js';
import { textToBytes } from '../../src/native-string.js';
import type { Application, HeaderList } from '../../src/types.js';
import { answering, get } from './call.js';

const DATE = 'Tue, 15 Nov 1994 12:45:26 GMT';
const LATER = 'Wed, 16 Nov 1994 12:45:26 GMT';
const tagged = conditional()(
  answering('0123456789', [
    ['ETag', '"v1"'],
    ['Last-Modified', DATE],
    ['Content-Type', 'text/plain'],
  ]),
);

describe('conditional: preconditions (RFC 9110, section 13.2.2)', () => {
  it.each<[string, HeaderList, number]>([
    ['If-None-Match: the tag', [['If-None-Match', '"v1"']], 304],
    ['If-None-Match: a weak form of it', [['If-None-Match', 'W/"v1"']], 304],
    ['If-None-Match: another', [['If-None-Match', '"v2"']], 200],
    ['If-None-Match: one with a comma in it', [['If-None-Match', '"a,b", "v1"']], 304],
    [
      'If-None-Match goes before If-Modified-Since',
      [
        ['If-None-Match', '"v2"'],
        ['If-Modified-Since', LATER],
      ],
      200,
    ],
    ['If-Modified-Since: the date', [['If-Modified-Since', DATE]], 304],
    ['If-Modified-Since: earlier', [['If-Modified-Since', 'Mon, 14 Nov 1994 12:45:26 GMT']], 200],
    ['If-Modified-Since: in the form of RFC 850', [['If-Modified-Since', 'Tuesday, 15-Nov-94 12:45:26 GMT']], 304],
    ['If-Modified-Since: in the form of asctime', [['If-Modified-Since', 'Tue Nov 15 12:45:26 1994']], 304],
    ['If-Modified-Since: no date', [['If-Modified-Since', '99999']], 200],
    ['If-Match: the tag', [['If-Match', '"v1"']], 200],
    ['If-Match: a weak form, which never matches', [['If-Match', 'W/"v1"']], 412],
    ['If-Match: another', [['If-Match', '"v2"']], 412],
    ['If-Match: *', [['If-Match', '*']], 200],
    ['If-Unmodified-Since: earlier', [['If-Unmodified-Since', 'Mon, 14 Nov 1994 12:45:26 GMT']], 412],
    ['If-Unmodified-Since: later', [['If-Unmodified-Since', LATER]], 200],
  ])('%s', async (_, headers, code) => {
    const response = await get(tagged, '/', headers);
    expect(response.code).toBe(code);
    expect(response.text()).toBe(code === 200 ? '0123456789' : code === 304 ? '' : 'Precondition Failed\n');
    if (code === 304) expect([response.header('etag'), response.header('content-type')]).toEqual(['"v1"', undefined]);
  });

  it('never takes a weak tag for the same bytes', async () => {
    const weak = conditional()(answering('0123456789', [['ETag', 'W/"v1"']]));
    const ask = async (...headers: HeaderList) => (await get(weak, '/', headers)).code;
    expect(await ask(['If-Match', 'W/"v1"'])).toBe(412);
    expect(await ask(['Range', 'bytes=0-1'], ['If-Range', 'W/"v1"'])).toBe(200);
    expect(await ask(['If-None-Match', '"v1"'])).toBe(304);
  });

  it('leaves other methods and statuses alone', async () => {
    const headers: HeaderList = [
      ['If-None-Match', '*'],
      ['Range', 'bytes=0-1'],
    ];
    expect((await get(tagged, '/', headers, { REQUEST_METHOD: 'POST' })).code).toBe(200);
    expect((await get(conditional()(answering('x', [], '404 Not Found')), '/', headers)).code).toBe(404);
  });

  it('gives a list a tag of its bytes, and the same for HEAD', async () => {
    const app = conditional()(answering('one', [['Content-Length', '3']]));
    const first = await get(app);
    const tag = first.header('etag') as string;
    expect(tag).toMatch(/^"[0-9a-f]{32}"$/);
    expect((await get(conditional()(answering('two')))).header('etag')).not.toBe(tag);
    expect((await get(app, '/', [], { REQUEST_METHOD: 'HEAD' })).header('etag')).toBe(tag);
    expect((await get(app, '/', [['If-None-Match', tag]])).code).toBe(304);
    expect((await get(conditional({ etag: false })(answering('one')))).header('etag')).toBeUndefined();
    const bare: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '3']]);
      return [];
    };
    expect((await get(conditional()(bare), '/', [], { REQUEST_METHOD: 'HEAD' })).header('etag')).toBeUndefined();
  });
});

describe('conditional: ranges (RFC 9110, section 14)', () => {
  it.each<[string, number, string | undefined, string]>([
    ['bytes=0-0', 206, 'bytes 0-0/10', '0'],
    ['bytes=2-4', 206, 'bytes 2-4/10', '234'],
    ['bytes=7-', 206, 'bytes 7-9/10', '789'],
    ['bytes=-3', 206, 'bytes 7-9/10', '789'],
    ['bytes=-99', 206, 'bytes 0-9/10', '0123456789'],
    ['bytes=0-', 206, 'bytes 0-9/10', '0123456789'],
    ['bytes=5-99999', 206, 'bytes 5-9/10', '56789'],
    ['bytes=10-', 416, 'bytes */10', 'Range Not Satisfiable\n'],
    ['bytes=-0', 416, 'bytes */10', 'Range Not Satisfiable\n'],
    ['bytes=4-2', 200, undefined, '0123456789'],
    ['bytes=-', 200, undefined, '0123456789'],
    ['bytes=0-1,3-4', 200, undefined, '0123456789'],
    [`bytes=${'0-,'.repeat(5000)}0-`, 200, undefined, '0123456789'],
    ['bytes=0-1e3', 200, undefined, '0123456789'],
    ['bytes=99999999999999999999-', 200, undefined, '0123456789'],
    ['lines=0-1', 200, undefined, '0123456789'],
  ])('%.20s is answered with %i', async (range, code, contentRange, text) => {
    const response = await get(tagged, '/', [['Range', range]]);
    expect([response.code, response.header('content-range'), response.text()]).toEqual([code, contentRange, text]);
    expect(response.header('content-length')).toBe(String(text.length));
  });

  it.each<[string, number]>([
    ['"v1"', 206],
    ['W/"v1"', 200],
    ['"v2"', 200],
    [DATE, 206],
    [LATER, 200],
    ['nonsense', 200],
  ])('If-Range: %s gives %i', async (ifRange, code) => {
    expect(
      (
        await get(tagged, '/', [
          ['Range', 'bytes=2-4'],
          ['If-Range', ifRange],
        ])
      ).code,
    ).toBe(code);
  });

  it('cuts a range out of a stream, and asks for no more than that', async () => {
    let made = 0;
    const app: Application = function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Length', '30']]);
      for (; made < 10; made++) yield textToBytes(`${made}${made}${made}`);
    };
    const response = await get(conditional()(app), '/', [['Range', 'bytes=2-4']]);
    expect([response.code, response.text(), response.header('content-length')]).toEqual([206, '011', '3']);
    expect(made).toBeLessThan(4);
  });

  it('offers no ranges for a stream of unknown length, or if the application refuses them', async () => {
    const stream: Application = function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield textToBytes('stream');
    };
    const unknown = await get(conditional()(stream), '/', [['Range', 'bytes=0-1']]);
    const none = await get(conditional()(answering('list', [['Accept-Ranges', 'none']])), '/', [
      ['Range', 'bytes=0-1'],
    ]);
    expect([unknown.code, unknown.header('accept-ranges'), none.code]).toEqual([200, undefined, 200]);
    expect((await get(tagged)).header('accept-ranges')).toBe('bytes');
  });
});
