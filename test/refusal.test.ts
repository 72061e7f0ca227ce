import { describe, expect, it, test } from 'vitest';
import { faultOf } from '../src/admission.js';
import { toFetchHandler } from '../src/fetch/gateway.js';
import { testEnviron } from '../testing/app.js';

const refused = (headers: Record<string, string>, transferEncoding?: string) =>
  faultOf(testEnviron({ HTTP_HOST: 'h.example', SERVER_PROTOCOL: 'HTTP/1.1', ...headers }), { transferEncoding });

describe('refusal', () => {
  test.each(['0', '5', '005', '9007199254740991'])('lets CONTENT_LENGTH %j pass', (length) => {
    expect(refused({ CONTENT_LENGTH: length })).toBeNull();
  });

  test.each(['', '-1', '+5', 'abc', '5, 5', '5, 6', '5,5', '5.0', '0x5', ' 5', '\xb2'])(
    'refuses CONTENT_LENGTH %j',
    (length) => {
      expect(refused({ CONTENT_LENGTH: length })?.[0]).toBe('400 Bad Request');
    },
  );

  test.each(['chunked', 'Chunked', ' chunked ', ', chunked'])('lets Transfer-Encoding %j pass', (coding) => {
    expect(refused({}, coding)).toBeNull();
  });

  test.each(['gzip, chunked', 'identity', 'foo', 'chunked, chunked', 'chunked;q=1', ''])(
    'refuses Transfer-Encoding %j, which nobody has decoded',
    (coding) => {
      expect(refused({}, coding)?.[0]).toBe('501 Not Implemented');
    },
  );

  it('refuses a body with two lengths', () => {
    expect(refused({ CONTENT_LENGTH: '5' }, 'chunked')?.[0]).toBe('400 Bad Request');
  });

  test.each(['h', 'H.Example.:80', 'h:', '[::1]:8080', '192.0.2.1', 'a_b', 'b\xc3\xbccher.example', 'xn--bcher-kva'])(
    'lets Host %j pass',
    (host) => {
      expect(refused({ HTTP_HOST: host })).toBeNull();
    },
  );

  test.each(['', 'a, b', 'h/x', 'h?q', 'h#f', 'user@h', 'user:pw@h', 'h:port', 'h:0', 'h:99999', '::1', 'a b', 'h\\x'])(
    'refuses Host %j in every version of HTTP',
    (host) => {
      for (const protocol of ['HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0', 'HTTP/3'])
        expect(refused({ HTTP_HOST: host, SERVER_PROTOCOL: protocol })?.[0]).toBe('400 Bad Request');
    },
  );

  test.each([
    ['HTTP/0.9', '400 Bad Request'],
    ['HTTP/1.0', null],
    ['HTTP/2', null],
  ])('of a request in %s is %j', (protocol, status) => {
    expect(refused({ SERVER_PROTOCOL: protocol })?.[0] ?? null).toBe(status);
  });

  test.each([
    ['GET', '*', '400 Bad Request'],
    ['POST', '*', '400 Bad Request'],
    ['OPTIONS', '*', null],
    ['GET', '/*', null],
    ['GET', '*?q', '400 Bad Request'],
    ['OPTIONS', '*?q', '400 Bad Request'],
    ['OPTIONS', '*x', '400 Bad Request'],
  ])('of %s %s is %j', (method, target, status) => {
    expect(refused({ REQUEST_METHOD: method, REQUEST_URI: target })?.[0] ?? null).toBe(status);
  });

  it('lets a request without a Host pass: the platform knows whether it may', () => {
    const { HTTP_HOST: _, ...environ } = testEnviron({ SERVER_PROTOCOL: 'HTTP/1.1' });
    expect(faultOf(environ as ReturnType<typeof testEnviron>, {})).toBeNull();
  });

  it('answers in place of the application', async () => {
    const handler = toFetchHandler(() => {
      throw new Error('the application was called');
    });
    const response = await handler(new Request('http://h/', { headers: { 'Content-Length': 'abc' } }));
    expect([response.status, await response.text()]).toEqual([400, 'Bad Request\n']);
  });
});
