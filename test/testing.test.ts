import { afterEach, expect, test, vi } from 'vitest';
import { textToBytes } from '../src/native-string.js';
import type { Application } from '../src/types.js';
import { callApp, testEnviron } from '../testing/app.js';

afterEach(() => {
  vi.restoreAllMocks();
});

test('testEnviron makes the environ of a GET', async () => {
  const environ = testEnviron();
  const strings = Object.fromEntries(Object.entries(environ).filter(([, value]) => typeof value === 'string'));
  expect(strings).toEqual({
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '',
    PATH_INFO: '/',
    QUERY_STRING: '',
    SERVER_NAME: '127.0.0.1',
    SERVER_PORT: '80',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_SOFTWARE: expect.stringMatching(/^wsgi-edge\/\d+\.\d+\.\d+$/),
    GATEWAY_INTERFACE: 'CGI/1.1',
    REMOTE_ADDR: '127.0.0.1',
    HTTP_HOST: '127.0.0.1',
    'wsgi.url_scheme': 'http',
    'wsgi_edge.request_id': 'test',
  });
  expect(await environ['wsgi.input'].read()).toEqual(new Uint8Array(0));
  expect(environ['wsgi_edge.wait_until'](Promise.resolve())).toBeUndefined();
});

test('testEnviron takes overrides, and the port from the scheme', () => {
  const environ = testEnviron({ 'wsgi.url_scheme': 'https', PATH_INFO: '/a' });
  expect(environ).toMatchObject({ PATH_INFO: '/a', SERVER_PORT: '443', HTTPS: 'on' });
});

test('testEnviron goes by HTTPS and SERVER_NAME', () => {
  expect(testEnviron({ HTTPS: 'on', SERVER_NAME: 'h.example' })).toMatchObject({
    'wsgi.url_scheme': 'https',
    SERVER_PORT: '443',
    SERVER_NAME: 'h.example',
    HTTP_HOST: 'h.example',
  });
});

test('the log of testEnviron goes to console.error', () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
  testEnviron()['wsgi.errors'].write('one line\n');
  expect(logged.mock.calls).toEqual([['[test] one line']]);
});

test('callApp collects a response', async () => {
  const app: Application = function* (_environ, startResponse) {
    startResponse('201 Created', [['X-A', '1']]);
    const buffer = textToBytes('a');
    yield buffer;
    buffer[0] = 98;
    yield buffer;
  };
  const { status, headers, body, text } = await callApp(app);
  expect([status, headers, body, text()]).toEqual(['201 Created', [['X-A', '1']], textToBytes('ab'), 'ab']);
});

test('callApp copies what stands in a Buffer of Node, too', async () => {
  const buffer = Buffer.from('a');
  const app: Application = function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield buffer;
    buffer.write('b');
    yield buffer;
  };
  expect((await callApp(app)).text()).toBe('ab');
  const whole: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return Object.assign([buffer], { close: () => void buffer.fill(42) });
  };
  expect((await callApp(whole)).text()).toBe('b');
});

test('callApp rejects with the error that broke a response off', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const app: Application = function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield textToBytes('a');
    throw new Error('broken off');
  };
  await expect(callApp(app)).rejects.toThrow('broken off');
});

test('callApp refuses what is no application', async () => {
  await expect(callApp('app' as never)).rejects.toThrow('callApp: the application must be a function');
});
