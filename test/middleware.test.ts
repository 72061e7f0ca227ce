import { describe, expect, it, test, vi } from 'vitest';
import { compose } from '../src/middleware/compose.js';
import { mount } from '../src/middleware/mount.js';
import { proxyFix } from '../src/middleware/proxy-fix.js';
import { textToBytes } from '../src/native-string.js';
import type { Application, Environ, Middleware } from '../src/types.js';
import { callApp, testEnviron } from '../testing/app.js';

const show =
  (name: string): Application =>
  (environ, startResponse) => {
    startResponse('200 OK', []);
    return [textToBytes(`${name} ${environ.SCRIPT_NAME}|${environ.PATH_INFO}`)];
  };
const at = async (app: Application, path: string) => (await callApp(app, testEnviron({ PATH_INFO: path }))).text();

test('compose(a, b, c)(app) is a(b(c(app)))', async () => {
  const order: string[] = [];
  const named =
    (name: string): Middleware =>
    (app) =>
    (environ, startResponse) => {
      order.push(name);
      return app(environ, startResponse);
    };
  await callApp(compose(named('a'), named('b'), named('c'))(show('app')));
  expect(order).toEqual(['a', 'b', 'c']);
  expect(await at(compose()(show('app')), '/x')).toBe('app |/x');
});

describe('mount', () => {
  const app = mount({ '/a': show('a'), '/a/b': show('ab'), '/é': show('é') }, show('fallback'));

  test.each([
    ['/a', 'a /a|'],
    ['/a/', 'a /a|/'],
    ['/a/x', 'a /a|/x'],
    ['/a/b', 'ab /a/b|'],
    ['/a/b/c', 'ab /a/b|/c'],
    ['/a/bc', 'a /a|/bc'],
    ['/ab', 'fallback |/ab'],
    ['/', 'fallback |/'],
    ['', 'fallback |'],
  ])('sends %j to the longest prefix at a "/"', async (path, answer) => {
    expect(await at(app, path)).toBe(answer);
  });

  it('takes prefixes as ordinary text', async () => {
    expect(await at(app, '/\u00c3\u00a9/x')).toBe('é /Ã©|/x');
  });

  it('nests, and leaves the outer environ alone', async () => {
    const environ = testEnviron({ PATH_INFO: '/a/b/c', SCRIPT_NAME: '/base' });
    const nested = mount({ '/a': mount({ '/b': show('inner') }) });
    expect((await callApp(nested, environ)).text()).toBe('inner /base/a/b|/c');
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual(['/base', '/a/b/c']);
  });

  it('answers 404 without a fallback', async () => {
    expect((await callApp(mount({ '/a': show('a') }), testEnviron({ PATH_INFO: '/b' }))).status).toBe('404 Not Found');
  });

  test.each(['a', '', '/', '/a/', 'a/b'])('refuses the prefix %j', (prefix) => {
    expect(() => mount({ [prefix]: show('x') })).toThrow(/mount: a prefix must be like "\/api"/);
  });

  it('refuses what is no application', () => {
    expect(() => mount({ '/a': 'x' as unknown as Application })).toThrow(
      /mount: the application at "\/a" is not a function/,
    );
  });
});

// The rows follow what Werkzeug's ProxyFix does (documentation, "X-Forwarded-For Proxy Fix").
describe('proxyFix', () => {
  const fixed = async (hops: Parameters<typeof proxyFix>[0], keys: Partial<Environ>) => {
    const seen = vi.fn<Application>((_, startResponse) => {
      startResponse('200 OK', []);
      return [];
    });
    await callApp(proxyFix(hops)(seen), testEnviron({ REMOTE_ADDR: '10.0.0.1', ...keys }));
    return seen.mock.calls[0]?.[0] as Environ;
  };

  it('takes address and scheme from one proxy by default, and nothing else', async () => {
    const environ = await fixed(undefined, {
      HTTP_X_FORWARDED_FOR: '1.1.1.1, 2.2.2.2',
      HTTP_X_FORWARDED_PROTO: 'http,https',
      HTTP_X_FORWARDED_HOST: 'evil.example',
      HTTP_X_FORWARDED_PORT: '1',
      HTTP_X_FORWARDED_PREFIX: '/evil',
    });
    expect(environ).toMatchObject({
      REMOTE_ADDR: '2.2.2.2',
      'wsgi.url_scheme': 'https',
      HTTPS: 'on',
      HTTP_HOST: '127.0.0.1',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: '80',
      SCRIPT_NAME: '',
    });
  });

  it('counts proxies from the right and trusts none that has not written', async () => {
    const header = { HTTP_X_FORWARDED_FOR: 'spoof, 1.1.1.1, 2.2.2.2' };
    expect((await fixed({ for: 2 }, header)).REMOTE_ADDR).toBe('1.1.1.1');
    expect((await fixed({ for: 4 }, header)).REMOTE_ADDR).toBe('10.0.0.1');
    expect((await fixed({ for: 0 }, header)).REMOTE_ADDR).toBe('10.0.0.1');
  });

  it('takes host, port and prefix when told so', async () => {
    const environ = await fixed(
      { host: 1, port: 1, prefix: 1 },
      {
        HTTP_X_FORWARDED_HOST: 'public.example:8443',
        HTTP_X_FORWARDED_PORT: '444',
        HTTP_X_FORWARDED_PREFIX: '/app',
      },
    );
    expect(environ).toMatchObject({
      HTTP_HOST: 'public.example:444',
      SERVER_NAME: 'public.example',
      SERVER_PORT: '444',
      SCRIPT_NAME: '/app',
    });
  });

  it('leaves out what is malformed', async () => {
    const all = { for: 1, proto: 1, host: 1, port: 1, prefix: 1 };
    const malformed = [
      { HTTP_X_FORWARDED_PROTO: 'ftp' },
      { HTTP_X_FORWARDED_HOST: '::1' },
      { HTTP_X_FORWARDED_HOST: 'a b' },
      { HTTP_X_FORWARDED_PORT: '99999' },
      { HTTP_X_FORWARDED_PORT: 'x' },
      { HTTP_X_FORWARDED_PREFIX: 'x' },
    ];
    for (const header of malformed) {
      const environ = await fixed(all, header as Partial<Environ>);
      expect(environ).toMatchObject({
        'wsgi.url_scheme': 'http',
        HTTP_HOST: '127.0.0.1',
        SERVER_NAME: '127.0.0.1',
        SERVER_PORT: '80',
        SCRIPT_NAME: '',
      });
    }
    expect(await fixed(all, { HTTP_X_FORWARDED_PROTO: 'HTTPS' })).toMatchObject({
      'wsgi.url_scheme': 'https',
      HTTPS: 'on',
    });
    expect(await fixed(all, { HTTP_X_FORWARDED_HOST: 'a.example:' })).toMatchObject({ SERVER_PORT: '80' });
    expect((await fixed(all, { HTTP_X_FORWARDED_PREFIX: '/x/' })).SCRIPT_NAME).toBe('/x');
    expect((await fixed(all, { HTTP_X_FORWARDED_PREFIX: '/', SCRIPT_NAME: '/y' })).SCRIPT_NAME).toBe('');
  });

  it('takes a host with and without a port', async () => {
    const host = (name: string) => fixed({ host: 1, port: 1 }, { HTTP_X_FORWARDED_HOST: name });
    expect(await host('public.example:8443')).toMatchObject({ SERVER_NAME: 'public.example', SERVER_PORT: '8443' });
    expect(await host('public.example')).toMatchObject({ SERVER_NAME: 'public.example', SERVER_PORT: '80' });
  });

  it('takes a port where there is no Host', async () => {
    const environ = await fixed({ port: 1 }, { HTTP_HOST: '', HTTP_X_FORWARDED_PORT: '444' });
    expect(environ).toMatchObject({ HTTP_HOST: '', SERVER_PORT: '444' });
  });

  it('leaves the scheme where no trusted proxy has written one', async () => {
    for (const HTTP_X_FORWARDED_PROTO of ['', 'https,'])
      expect(await fixed({}, { 'wsgi.url_scheme': 'https', HTTPS: 'on', HTTP_X_FORWARDED_PROTO })).toMatchObject({
        'wsgi.url_scheme': 'https',
        HTTPS: 'on',
      });
  });

  it('keeps the brackets of IPv6', async () => {
    const environ = await fixed({ host: 1 }, { HTTP_X_FORWARDED_HOST: '[2001:db8::1]' });
    expect(environ).toMatchObject({ HTTP_HOST: '[2001:db8::1]', SERVER_NAME: '[2001:db8::1]', SERVER_PORT: '80' });
  });

  it('keeps what it replaced', async () => {
    const environ = await fixed({}, { HTTP_X_FORWARDED_FOR: '1.1.1.1' });
    expect(environ['wsgi_edge.proxy_fix.orig']).toEqual({
      REMOTE_ADDR: '10.0.0.1',
      'wsgi.url_scheme': 'http',
      HTTP_HOST: '127.0.0.1',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: '80',
      SCRIPT_NAME: '',
    });
  });

  it('drops HTTPS when the client spoke plain HTTP', async () => {
    const keys = { 'wsgi.url_scheme': 'https', HTTPS: 'on', HTTP_X_FORWARDED_PROTO: 'http' };
    expect(await fixed({}, keys)).not.toHaveProperty('HTTPS');
  });

  test.each([-1, 1.5, Number.NaN])('refuses %s proxies', (count) => {
    expect(() => proxyFix({ for: count })).toThrow(/is not a number of proxies/);
  });
});
