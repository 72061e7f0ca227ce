import { readFileSync } from 'node:fs';
import { describe, expect, it, test, vi } from 'vitest';
import type { Environ } from '../src/types.js';
import {
  applicationUri,
  enterMount,
  guessScheme,
  rawPathInfo,
  requestUri,
  shiftPathInfo,
  splitAuthority,
} from '../src/url.js';
import { testEnviron } from '../testing/app.js';

interface Oracle {
  shift: Array<[script: string, path: string, result: string | null, scriptAfter: string, pathAfter: string]>;
  uris: Array<[environ: Record<string, string>, application: string, request: string, withoutQuery: string]>;
  scheme: Array<[https: string | null, scheme: string]>;
}
const oracle = JSON.parse(readFileSync(new URL('./fixtures/wsgiref-util.json', import.meta.url), 'utf8')) as Oracle;

describe('as CPython wsgiref.util', () => {
  test.each(oracle.shift)(
    'shiftPathInfo: SCRIPT_NAME %j, PATH_INFO %j',
    (script, path, result, scriptAfter, pathAfter) => {
      const environ = testEnviron({ SCRIPT_NAME: script, PATH_INFO: path });
      expect([shiftPathInfo(environ), environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual([
        result,
        scriptAfter,
        pathAfter,
      ]);
    },
  );

  test.each(oracle.uris)('applicationUri and requestUri of %j', (keys, application, request, withoutQuery) => {
    const environ: Environ = testEnviron(keys);
    if (keys.HTTP_HOST === undefined) delete environ.HTTP_HOST;
    expect([applicationUri(environ), requestUri(environ), requestUri(environ, false)]).toEqual([
      application,
      request,
      withoutQuery,
    ]);
  });

  test.each(oracle.scheme)('guessScheme with HTTPS %j', (https, scheme) => {
    expect(guessScheme(https === null ? {} : { HTTPS: https })).toBe(scheme);
  });
});

describe('shiftPathInfo', () => {
  it('cleans a path once for all its segments', () => {
    const environ = testEnviron({ PATH_INFO: `/${'/./a/..'.repeat(500)}${'/a'.repeat(1000)}` });
    const length = environ.PATH_INFO.length;
    const spies = [vi.spyOn(String.prototype, 'split'), vi.spyOn(String.prototype, 'replace')];
    let segments = 0;
    while (shiftPathInfo(environ) !== null) segments++;
    const scanned = spies.flatMap((spy) => spy.mock.contexts.map(String)).reduce((sum, text) => sum + text.length, 0);
    for (const spy of spies) spy.mockRestore();
    expect(segments).toBe(2000);
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual(['/a'.repeat(1000), '']);
    expect(scanned).toBeLessThanOrEqual(2 * length);
  });

  it('cleans again when the application has changed the paths', () => {
    const environ = testEnviron({ PATH_INFO: '/a/b' });
    shiftPathInfo(environ);
    Object.assign(environ, { SCRIPT_NAME: '/x//y/', PATH_INFO: '//./c/d' });
    expect(shiftPathInfo(environ)).toBe('c');
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual(['/x/y/c', '/d']);
  });

  it('gives null for the path of OPTIONS *, which has no segments', () => {
    const environ = testEnviron({ PATH_INFO: '*' });
    expect(shiftPathInfo(environ)).toBeNull();
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual(['', '*']);
  });
});

test('applicationUri goes by the Host header before the name of the server', () => {
  expect(applicationUri(testEnviron({ HTTP_HOST: 'public.example:81', SERVER_NAME: 'inner', SERVER_PORT: '80' }))).toBe(
    'http://public.example:81/',
  );
});

describe('enterMount', () => {
  test.each([
    ['/api', '/api', '/api', ''],
    ['/api', '/api/', '/api', '/'],
    ['/api', '/api/x', '/api', '/x'],
    ['/api', '/api/api/x', '/api', '/api/x'],
    ['/caf\u00e9', '/caf\u00c3\u00a9/x', '/caf\u00c3\u00a9', '/x'],
  ])('%j takes %j', (prefix, path, script, rest) => {
    const environ = testEnviron({ PATH_INFO: path });
    expect(enterMount(environ, prefix)).toBe(true);
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual([script, rest]);
  });

  test.each(['/apix', '/ap', '/', '', '/x/api', '/API'])('"/api" leaves %j alone', (path) => {
    const environ = testEnviron({ PATH_INFO: path });
    expect(enterMount(environ, '/api')).toBe(false);
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual(['', path]);
  });
});

describe('rawPathInfo', () => {
  it('keeps the spelling of the client while REQUEST_URI tells it', () => {
    const environ = testEnviron({ REQUEST_URI: '/m%6eт/a%2Fb?q', SCRIPT_NAME: '/mnт', PATH_INFO: '/a/b' });
    expect(rawPathInfo(environ)).toBe('/a%2Fb');
  });

  it('escapes PATH_INFO anew when middleware has changed it', () => {
    expect(rawPathInfo(testEnviron({ REQUEST_URI: '/old', PATH_INFO: '/a b%?#\u00ff' }))).toBe('/a%20b%25%3F%23%FF');
  });

  it('finds the end of a mount all of whose characters are escaped', () => {
    const environ = { SCRIPT_NAME: '/app/v1', PATH_INFO: '/b' };
    expect(rawPathInfo(testEnviron({ ...environ, REQUEST_URI: '/%61%70%70%2f%76%31/%62' }))).toBe('/%62');
    expect(rawPathInfo(testEnviron({ ...environ, REQUEST_URI: '/app/v1/%62' }))).toBe('/%62');
  });

  it('does not cut inside an escape where the mount ends', () => {
    expect(rawPathInfo(testEnviron({ REQUEST_URI: '/a%2Fb', SCRIPT_NAME: '/a', PATH_INFO: '/b' }))).toBe('/b');
  });
});

test.each([
  ['h', 'h', undefined],
  ['H.example.:8080', 'H.example.', '8080'],
  ['[::1]:80', '[::1]', '80'],
  ['[2001:db8::1]', '[2001:db8::1]', undefined],
  ['h:', 'h', undefined],
  ['h:65535', 'h', '65535'],
  ['b\u00c3\u00bccher.example', 'b\u00c3\u00bccher.example', undefined],
])('splitAuthority(%j)', (authority, name, port) => {
  expect(splitAuthority(authority)).toEqual({ name, port });
});

test.each(['', 'a b', 'h/evil', 'u@h', 'h:x', 'h:65536', '::1', 'bad host<>:99999', 'h?x', 'h#x', 'a\\b'])(
  'splitAuthority refuses %j',
  (authority) => {
    expect(splitAuthority(authority)).toBeNull();
  },
);
