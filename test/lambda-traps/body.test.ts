import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fromFetchHandler } from '../../src/fetch/application.js';
import type { Application, HeaderList, StartResponse } from '../../src/types.js';
import { type LambdaKind, readLambdaResult } from '../../testing/index.js';
import {
  ALB,
  type AnyEvent,
  answering,
  bytesOf,
  EDGE,
  environOf,
  eventOf,
  KINDS,
  LATTICE,
  REST,
  requestOf,
  resultOf,
  statusOf,
  URL_KIND,
  V1,
  V2,
} from './harness.js';

const BINARY = Uint8Array.of(0, 255, 128, 10, 13, 195, 40, 0xe9);
const type = (value: string): HeaderList => [['Content-Type', value]];

/** The event of a front end with this body, and whether in base64, as its own fields have it. */
function eventWithBody(kind: LambdaKind, body: unknown, base64: unknown, headers: HeaderList = []): AnyEvent {
  const event = eventOf(kind, { method: 'POST', headers });
  if (kind === 'lattice-v1') return { ...event, body, is_base64_encoded: base64 };
  if (!EDGE.includes(kind)) return { ...event, body, isBase64Encoded: base64 };
  event.Records[0].cf.request.body = { data: body, encoding: base64 ? 'base64' : 'text', inputTruncated: false };
  return event;
}
const bodyOf = async (event: unknown) => {
  const environ = await environOf(event);
  return { length: environ.CONTENT_LENGTH, bytes: Buffer.from(await environ['wsgi.input'].read()) };
};
/** Whether a raw result has its body as text. */
const isText = (result: AnyEvent) => ('status' in result ? result.bodyEncoding === 'text' : !result.isBase64Encoded);

describe('requests', () => {
  it.each(KINDS)('B-01: %s without a body, or with null or "", has no bytes', async (kind) => {
    for (const body of [null, undefined, '']) {
      for (const base64 of [true, false, null]) {
        expect(await bodyOf(eventWithBody(kind, body, base64))).toEqual({ length: undefined, bytes: Buffer.alloc(0) });
      }
    }
  });

  it.each(KINDS)('B-02: %s has the bytes of a body in base64', async (kind) => {
    const base64 = Buffer.from(BINARY).toString('base64');
    expect(await bodyOf(eventWithBody(kind, base64, true))).toEqual({ length: '8', bytes: Buffer.from(BINARY) });
    expect(await bodyOf(eventOf(kind, { method: 'POST', body: BINARY }))).toMatchObject({ length: '8' });
    // Without padding, and in the alphabet for URLs.
    expect((await bodyOf(eventWithBody(kind, '-_8', true))).bytes).toEqual(Buffer.from([251, 255]));
  });

  it.each(KINDS)('B-03: %s hands the body of a GET on, but for a Fetch handler', async (kind) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'get']) {
      const event = eventOf(kind, { method, body: 'data', headers: type('text/plain') });
      expect(await bodyOf(event), method).toEqual({ length: '4', bytes: Buffer.from('data') });
      const request = await requestOf(event);
      const bodiless = method !== 'OPTIONS';
      expect([request.body === null, request.headers.get('content-length')], method).toEqual([
        bodiless,
        bodiless ? null : '4',
      ]);
    }
  });

  it.each(KINDS)('B-05: %s runs the application once for an empty body, whose end is said again', async (kind) => {
    const reads: number[] = [];
    const app: Application = async (environ, startResponse) => {
      for (let i = 0; i < 3; i++) reads.push((await environ['wsgi.input'].read()).length);
      startResponse('200 OK', []);
      return [];
    };
    await resultOf(kind, app, {}, { method: 'POST', body: '' });
    expect(reads).toEqual([0, 0, 0]);
  });

  it('B-17: a REST API, which keeps Content-Length to itself, has the length of the body', async () => {
    const event = eventOf(REST, { method: 'POST', body: 'a=\u00fc', headers: type('text/plain') });
    expect(JSON.stringify(event)).not.toMatch(/content-length/i);
    expect((await bodyOf(event)).length).toBe('4');
    expect(await (await requestOf(event)).text()).toBe('a=\u00fc');
  });

  it.each(KINDS)('B-18: %s has the true length, whatever the header says', async (kind) => {
    for (const said of ['1', '0', '999', '-1', '4, 4', 'abc']) {
      const event = eventWithBody(kind, 'data', false, [['Content-Length', said]]);
      expect((await bodyOf(event)).length, said).toBe('4');
      expect((await requestOf(event)).headers.get('content-length'), said).toBe('4');
      await expect(environOf(event, { maxBody: 3, errors: () => {} }), said).rejects.toThrow('called 0 times');
    }
  });

  it.each(KINDS)('B-19: %s counts bytes, not characters', async (kind) => {
    const event = eventWithBody(kind, '\u00fc\u20ac\u{1f600}', false, [['Content-Length', '4']]);
    expect(await bodyOf(event)).toEqual({ length: '9', bytes: Buffer.from('\u00fc\u20ac\u{1f600}') });
  });

  it.each(KINDS)('B-22: %s hands a multipart body on, byte by byte', async (kind) => {
    const multipart = Buffer.concat([
      Buffer.from('--b\r\nContent-Disposition: form-data; name="a[]"; filename="\u00fc.png"\r\n\r\n'),
      Buffer.from(BINARY),
      Buffer.from('\r\n--b\r\nContent-Disposition: form-data; name="a[]"\r\n\r\nx\r\n--b--\r\n'),
    ]);
    const event = eventOf(kind, {
      method: 'POST',
      headers: type('multipart/form-data; boundary="b"'),
      body: multipart,
    });
    expect((await bodyOf(event)).bytes).toEqual(multipart);
    expect((await environOf(event)).CONTENT_TYPE).toBe('multipart/form-data; boundary="b"');
    const form = await (await requestOf(event)).formData();
    expect(form.getAll('a[]').map((part) => typeof part)).toEqual(['object', 'string']);
  });

  it.each(KINDS)('B-25: %s has the type of a body whatever the method', async (kind) => {
    for (const method of ['DELETE', 'PUT', 'PATCH', 'GET', 'OPTIONS', 'PURGE']) {
      const environ = await environOf(eventOf(kind, { method, headers: type('text/plain'), body: 'x' }));
      expect([environ.REQUEST_METHOD, environ.CONTENT_TYPE, environ.CONTENT_LENGTH]).toEqual([
        method,
        'text/plain',
        '1',
      ]);
      expect(environ).not.toHaveProperty('HTTP_CONTENT_TYPE');
      expect(environ).not.toHaveProperty('HTTP_CONTENT_LENGTH');
    }
  });
});

describe('responses', () => {
  const zipped = gzipSync('<p>hello</p>');

  it.each(KINDS)('B-06: %s gets base64 of what has a Content-Encoding', async (kind) => {
    for (const encoding of ['gzip', 'br', 'deflate', 'zstd', 'x-anything', 'GZIP']) {
      const headers: HeaderList = [...type('text/html'), ['Content-Encoding', encoding]];
      const result = await resultOf(kind, answering('200 OK', headers, zipped));
      expect([isText(result), bytesOf(result)], encoding).toEqual([false, zipped]);
    }
    const plain: HeaderList = [...type('text/html'), ['Content-Encoding', 'identity']];
    expect(isText(await resultOf(kind, answering('200 OK', plain, 'x')))).toBe(true);
    // Even where the encoded bytes happen to be text.
    const ascii: HeaderList = [...type('text/html'), ['Content-Encoding', 'x-own']];
    expect(isText(await resultOf(kind, answering('200 OK', ascii, 'abc')))).toBe(false);
  });

  it.each(KINDS)('B-08: %s gets base64 of compressed JSON', async (kind) => {
    for (const bytes of [gzipSync('{"a":1}'), brotliCompressSync('{"a":1}')]) {
      const headers: HeaderList = [...type('application/json'), ['content-encoding', 'gzip']];
      const result = await resultOf(kind, answering('200 OK', headers, bytes));
      expect([isText(result), bytesOf(result)]).toEqual([false, bytes]);
    }
  });

  it.each(KINDS)('B-09: %s gets base64 of every type that is not text, without a list', async (kind) => {
    for (const headers of [type('image/png'), type('application/wasm'), type('font/woff2'), type(''), []]) {
      const result = await resultOf(kind, answering('200 OK', headers, BINARY));
      expect([isText(result), [...bytesOf(result)]], JSON.stringify(headers)).toEqual([false, [...BINARY]]);
      const untyped = headers.every(([, value]) => value === '');
      // Without a type the bytes decide.
      expect(isText(await resultOf(kind, answering('200 OK', headers, 'abc')))).toBe(untyped);
    }
  });

  it.each(KINDS)('B-10: %s gets base64 of text that is no UTF-8', async (kind) => {
    for (const charset of ['text/plain; charset=iso-8859-1', 'text/plain; charset=utf-16', 'application/json']) {
      const result = await resultOf(kind, answering('200 OK', type(charset), Uint8Array.of(0xe9, 0x41)));
      expect([isText(result), result.body], charset).toEqual([false, '6UE=']);
    }
    const marked = await resultOf(kind, answering('200 OK', type('text/plain'), '\ufeffa'));
    expect([isText(marked), marked.body]).toEqual([true, '\ufeffa']);
  });

  it.each([
    ['application/problem+json', true],
    ['application/vnd.api+json; charset=utf-8', true],
    ['application/ATOM+XML', true],
    ['image/svg+xml', true],
    ['application/javascript', true],
    ['text/javascript', true],
    ['application/x-www-form-urlencoded', true],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', false],
    ['application/vnd.ms-excel.sheet.macroEnabled.12+xml.zip', false],
    ['application/json-seq+gzip', false],
    ['audio/xml', false],
  ])('B-11: %s is text: %s', async (mediaType, text) => {
    const result = await resultOf(URL_KIND, answering('200 OK', type(mediaType), 'abc'));
    expect(result).toMatchObject({ isBase64Encoded: !text, body: text ? 'abc' : 'YWJj' });
  });

  it('B-11: a predicate of the user’s decides in place of the rule', async () => {
    const options = { isText: (mediaType: string) => mediaType === 'application/x-odd' };
    const odd = await resultOf(URL_KIND, answering('200 OK', type('Application/X-Odd; v=1'), 'abc'), options);
    expect(odd).toMatchObject({ isBase64Encoded: false, body: 'abc' });
    const html = await resultOf(URL_KIND, answering('200 OK', type('text/html'), 'abc'), options);
    expect(html).toMatchObject({ isBase64Encoded: true, body: 'YWJj' });
    const lines: string[] = [];
    const failing = {
      isText: () => {
        throw new TypeError('broken');
      },
      errors: (line: string) => void lines.push(line),
    };
    const failed = await resultOf(URL_KIND, answering('200 OK', type('text/html'), 'abc'), failing);
    expect(failed).toMatchObject({
      statusCode: 500,
      body: expect.stringMatching(/^Internal Server Error\nRequest id: \S+\n$/),
    });
    expect(lines[0]).toMatch(/^\[\S+\] GET \/: TypeError: broken$/);
  });

  it.each(V1)('B-12: %s sends as text, by the option, what is text and what its API would not decode', async (kind) => {
    const app = answering('200 OK', type('application/x-yaml'), 'a: \u00fc');
    expect(await resultOf(kind, app)).toMatchObject({ isBase64Encoded: true });
    const options = { isText: () => true };
    expect(await resultOf(kind, app, options)).toMatchObject({ isBase64Encoded: false, body: 'a: \u00fc' });
    const image = await resultOf(kind, answering('200 OK', type('image/png'), BINARY), options);
    expect([image.isBase64Encoded, [...bytesOf(image)]]).toEqual([true, [...BINARY]]);
    const page = readFileSync(new URL('../../docs/TARGETS.md', import.meta.url), 'utf8');
    expect(page).toMatch(/binaryMediaTypes/);
  });

  it.each([...ALB, ...V2, ...LATTICE] as LambdaKind[])('B-13: %s takes bytes without any option', async (kind) => {
    const result = await resultOf(kind, answering('200 OK', type('image/png'), BINARY));
    expect(result).toMatchObject({ isBase64Encoded: true, body: Buffer.from(BINARY).toString('base64') });
  });

  it.each(KINDS.filter((kind) => !EDGE.includes(kind)))('B-14: %s always says whether it is base64', async (kind) => {
    for (const app of [
      answering('200 OK', type('text/plain'), 'x'),
      answering('200 OK', type('image/png'), BINARY),
      answering('204 No Content'),
      answering('bad', []),
    ])
      expect(typeof (await resultOf(kind, app, { errors: () => {} })).isBase64Encoded).toBe('boolean');
  });

  it.each(EDGE)('B-15: %s says so by bodyEncoding', async (kind) => {
    expect(await resultOf(kind, answering('200 OK', type('image/png'), BINARY))).toEqual({
      status: '200',
      statusDescription: 'OK',
      headers: { 'content-type': [{ key: 'Content-Type', value: 'image/png' }] },
      body: Buffer.from(BINARY).toString('base64'),
      bodyEncoding: 'base64',
    });
    expect(await resultOf(kind, answering('200 OK', type('text/plain'), 'x'))).toEqual({
      status: '200',
      statusDescription: 'OK',
      headers: { 'content-type': [{ key: 'Content-Type', value: 'text/plain' }] },
      body: 'x',
      bodyEncoding: 'text',
    });
  });

  it.each(EDGE)('B-16: %s gets a compressed page whole', async (kind) => {
    const headers: HeaderList = [...type('text/html'), ['Content-Encoding', 'gzip']];
    const result = await resultOf(kind, answering('200 OK', headers, zipped));
    expect([result.bodyEncoding, bytesOf(result)]).toEqual(['base64', zipped]);
    expect(result.headers['content-encoding']).toEqual([{ key: 'Content-Encoding', value: 'gzip' }]);
  });

  it.each(KINDS)('B-20: %s gets a string for a body, or none where that is an error', async (kind) => {
    for (const app of [
      answering('200 OK', type('text/plain'), 'x'),
      answering('200 OK'),
      fromFetchHandler(() => new Response(null)),
    ]) {
      const result = await resultOf(kind, app);
      expect(typeof result.body).toBe(EDGE.includes(kind) && result.body === undefined ? 'undefined' : 'string');
      expect(Object.values(result)).not.toContain(null);
    }
    for (const body of [{ a: 1 }, null, undefined, 'text', 5]) {
      const app = ((_environ: unknown, startResponse: StartResponse) => {
        startResponse('200 OK', []);
        return body;
      }) as unknown as Application;
      expect(statusOf(await resultOf(kind, app, { errors: () => {} }))).toBe(500);
    }
  });

  it.each(KINDS)('B-23: %s sends no body with 204, 205 and 304, nor a length that is another’s', async (kind) => {
    const lengthOf = (result: AnyEvent) =>
      readLambdaResult(kind, result).headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
    for (const status of ['204 No Content', '304 Not Modified', '205 Reset Content']) {
      let closed = 0;
      const app: Application = (_environ, startResponse) => {
        startResponse(status, [...type('text/plain'), ['Content-Length', '5'], ['ETag', '"x"']]);
        return Object.assign([Buffer.from('hello')], { close: () => void closed++ });
      };
      const result = await resultOf(kind, app, { errors: () => {} });
      expect([statusOf(result), result.body ?? '', closed], status).toEqual([Number(status.slice(0, 3)), '', 1]);
      expect(JSON.stringify(result)).toContain('\\"x\\"');
      // A 205 says itself that nothing follows, a 304 how long it would be (RFC 9110, section 8.6); CloudFront takes no length.
      const said: Record<string, string> = EDGE.includes(kind) ? {} : { 205: '0', 304: '5' };
      expect(lengthOf(result), status).toBe(said[status.slice(0, 3)]);
    }
    const fetched = fromFetchHandler(() => new Response(null, { status: 204 }));
    expect(lengthOf(await resultOf(kind, fetched))).toBeUndefined();
  });

  it.each(KINDS)('B-24: %s gets the head of a HEAD, and no body', async (kind) => {
    const large = new Uint8Array(8 * 1024 * 1024);
    const app = answering('200 OK', [...type('image/png'), ['Content-Length', String(large.length)]], large);
    const result = await resultOf(kind, app, {}, { method: 'HEAD' });
    expect([statusOf(result), result.body ?? '']).toEqual([200, '']);
    const headers = readLambdaResult(kind, result).headers.map(([name, value]) => `${name}: ${value}`);
    expect(headers).toContain('Content-Type: image/png');
    if (!EDGE.includes(kind)) expect(headers).toContain(`Content-Length: ${large.length}`);
  });

  it.each(['application/vnd.x-text/odd', 'x-text/plain', 'application/x-json', 'nottext/html', 'image/text'])(
    'B-26: %s is no text by a part of its name',
    async (mediaType) => {
      for (const kind of KINDS)
        expect(isText(await resultOf(kind, answering('200 OK', type(mediaType), 'abc')))).toBe(false);
    },
  );
});
