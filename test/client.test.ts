import { describe, expect, it, test, vi } from 'vitest';
import { cookies, form, json, jsonBody, noContent, redirect, router, setCookie, stream, text } from '../http/index.js';
import { type Application, inputOf, WsgiError } from '../src/index.js';
import { type ClientOptions, callApp, client, lambdaEvent, testEnviron } from '../testing/index.js';

const site = router()
  .get('/', (environ) => text(`${environ.HTTP_HOST} ${environ.QUERY_STRING}`))
  .get('/cookies', (environ) => json(cookies(environ)))
  .get('/admin/cookies', (environ) => json(cookies(environ)))
  .post('/login', () =>
    redirect('/cookies', {
      status: 303,
      headers: [
        setCookie('user', 'Zoë'),
        setCookie('role', 'admin', { path: '/admin' }),
        setCookie('old', '', { maxAge: 0 }),
      ],
    }),
  )
  .post('/form', async (environ) => json([...(await form(environ))].map(([name, value]) => [name, typeof value])))
  .put('/json', async (environ) => json(await jsonBody(environ)))
  .post('/raw', async (environ) => text(`${environ.CONTENT_TYPE} ${(await environ['wsgi.input'].read()).length}`))
  .get('/loop', () => redirect('/loop'))
  .get('/away', () => redirect('https://elsewhere.example/'))
  .post('/307', () => redirect('/raw', { status: 307 }))
  .delete('/', () => noContent());

describe.each<[target: string, options: ClientOptions]>([
  ['the gateway', {}],
  ['a load balancer', { target: 'lambda:alb' }],
  ['a REST API', { target: 'lambda:apigw-rest-v1' }],
  ['a Function URL', { target: 'lambda:function-url' }],
])('through %s', (_target, options) => {
  it('sends methods, queries, forms, JSON and bytes', async () => {
    const browser = client(site, options);
    expect(await (await browser.get('/?a=1&b=%20')).text()).toMatch(/ a=1&b=(%20|\+)$/);
    expect(await (await browser.post('/form', { form: { a: '1' } })).json()).toEqual([['a', 'string']]);
    const data = new FormData();
    data.append('f', new File(['x'], 'x.txt'));
    expect(await (await browser.post('/form', { form: data })).json()).toEqual([['f', 'object']]);
    expect(await (await browser.put('/json', { json: { a: 'é' } })).json()).toEqual({ a: 'é' });
    const body = Uint8Array.of(0, 255);
    expect(await (await browser.post('/raw', { body, headers: { 'Content-Type': 'a/b' } })).text()).toBe('a/b 2');
    expect((await browser.delete('/')).status).toBe(204);
    expect((await browser.request('OPTIONS', '/')).status).toBe(405);
    const head = await browser.head('/cookies');
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('keeps cookies by their path, and follows redirects', async () => {
    const browser = client(site, options);
    const response = await browser.post('/login', { cookies: { once: '1' } });
    expect([new URL(response.url).pathname, await response.json()]).toEqual(['/cookies', { user: 'Zoë', once: '1' }]);
    expect(await (await browser.get('/cookies')).json()).toEqual({ user: 'Zoë' });
    expect(await (await browser.get('/admin/cookies')).json()).toEqual({ user: 'Zoë', role: 'admin' });
    expect(await (await browser.get('/cookies', { cookies: { user: 'other' } })).json()).toEqual({ user: 'other' });
    expect(await (await client(site, options).get('/cookies')).json()).toEqual({});
  });

  it('repeats the body after 307, and stops at other hosts, at its limit and at none', async () => {
    const browser = client(site, options);
    expect(await (await browser.post('/307', { body: 'abc' })).text()).toBe('text/plain;charset=UTF-8 3');
    expect((await browser.get('/away')).status).toBe(302);
    await expect(browser.get('/loop')).rejects.toThrow('client: /loop redirects more than 20 times');
    expect((await client(site, { ...options, redirects: 0 }).get('/loop')).headers.get('location')).toBe('/loop');
  });

  it("rejects with the application's error, unless onError answers it", async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const failing: Application = () => {
      throw new TypeError('own');
    };
    await expect(client(failing, options).get('/')).rejects.toThrow(new TypeError('own'));
    const response = await client(failing, { ...options, onError: () => text('sorry', { status: 503 }) }).get('/');
    expect([response.status, await response.text()]).toEqual([503, 'sorry']);
    const breach: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Status', '200']]);
      return [];
    };
    await expect(client(breach, options).get('/')).rejects.toThrow(WsgiError);
    expect((await client(breach, { ...options, validate: false }).get('/')).status).toBe(200);
    vi.restoreAllMocks();
  });
});

it('streams a response', async () => {
  let go: (() => void) | undefined;
  const app: Application = (environ, startResponse) =>
    stream(
      (async function* () {
        yield 'a';
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        yield 'b';
      })(),
    )(environ, startResponse);
  const reader = ((await client(app).get('/')).body as ReadableStream<Uint8Array>).getReader();
  expect((await reader.read()).value).toEqual(Uint8Array.of(97));
  const next = reader.read();
  await expect.poll(() => go).toBeDefined();
  go?.();
  expect((await next).value).toEqual(Uint8Array.of(98));
});

test.each<[name: string, call: () => unknown, message: string]>([
  ['an application', () => client(0 as never), 'must be a function'],
  ['a target', () => client(site, { target: 'node' as never }), 'client: target must be like "lambda:function-url"'],
  ['a kind', () => client(site, { target: 'lambda:sqs' as never }), 'unknown kind of front end "sqs"'],
  ['an option', () => client(site, { maxBody: 'x' as never }), 'maxBody must be a number of bytes'],
])('refuses %s', (_name, call, message) => {
  expect(call).toThrow(message);
});

it('refuses two bodies', async () => {
  await expect(client(site).post('/raw', { json: 1, body: '' })).rejects.toThrow(
    'client: give one of form, json and body',
  );
});

describe('inputOf', () => {
  const bytes = new TextEncoder().encode('one\ntwo');
  test.each([
    ['bytes', bytes],
    ['text', 'one\ntwo'],
    ['a stream', new Blob([bytes]).stream() as ReadableStream<Uint8Array>],
  ])('of %s', async (_kind, body) => {
    const input = inputOf(body);
    expect(await input.readline()).toEqual(bytes.subarray(0, 4));
    expect(await input.read()).toEqual(bytes.subarray(4));
    expect((await input.read()).length).toBe(0);
  });

  it('copies bytes, and refuses anything else', async () => {
    const own = bytes.slice();
    const input = inputOf(own);
    own.fill(0);
    expect(await input.read()).toEqual(bytes);
    expect(() => inputOf(7 as never)).toThrow(
      'inputOf: takes a Uint8Array, a string or a ReadableStream, not a number',
    );
  });
});

describe('the rest of testing', () => {
  it('testEnviron takes a body', async () => {
    const environ = testEnviron({ CONTENT_TYPE: 'text/plain' }, 'é');
    expect(environ).toMatchObject({ REQUEST_METHOD: 'POST', CONTENT_LENGTH: '2', CONTENT_TYPE: 'text/plain' });
    expect(await environ['wsgi.input'].read()).toEqual(new TextEncoder().encode('é'));
    const streamed = testEnviron({ REQUEST_METHOD: 'PUT' }, new Blob(['a']).stream() as ReadableStream<Uint8Array>);
    expect([streamed.REQUEST_METHOD, streamed.CONTENT_LENGTH]).toEqual(['PUT', undefined]);
  });

  it('callApp takes a path, and refuses anything else', async () => {
    const app: Application = ({ PATH_INFO, QUERY_STRING }, startResponse) =>
      text(`${PATH_INFO.length} ${QUERY_STRING}`)(testEnviron(), startResponse);
    expect((await callApp(app, '/caf%C3%A9?a=é')).text()).toBe('6 a=Ã©');
    await expect(callApp(app, 'x')).rejects.toThrow('callApp: a path must start with "/", unlike "x"');
    await expect(callApp(app, new Request('http://h/') as never)).rejects.toThrow(
      'callApp: takes an environ or a path',
    );
  });

  it('lambdaEvent takes a Request', async () => {
    const request = new Request('https://h.example/a%20b?c', {
      method: 'POST',
      body: Uint8Array.of(255),
      headers: { A: 'b' },
    });
    const event = await lambdaEvent('function-url', request);
    expect([event.rawPath, event.rawQueryString, event.body, event.isBase64Encoded, event.headers]).toEqual([
      '/a%20b',
      'c',
      '/w==',
      true,
      expect.objectContaining({ a: 'b', host: 'h.example', 'content-length': '1' }),
    ]);
    expect('body' in (await lambdaEvent('function-url', new Request('https://h/')))).toBe(false);
    expect(() => lambdaEvent('sqs' as never, request)).toThrow('unknown kind');
  });
});
