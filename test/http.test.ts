import { describe, expect, it, test } from 'vitest';
import {
  accepts,
  attachment,
  badRequest,
  body,
  cookies,
  eventStream,
  file,
  forbidden,
  HttpError,
  html,
  json,
  jsonBody,
  noContent,
  notFound,
  pathText,
  query,
  raw,
  redirect,
  requestOf,
  respond,
  router,
  scriptJson,
  setCookie,
  stream,
  text,
  view,
} from '../http/index.js';
import { type Application, type Environ, fromFetchHandler, WsgiError } from '../src/index.js';
import { callApp, client, testEnviron } from '../testing/index.js';

const bytes = (content: string) => new TextEncoder().encode(content);

/** The status line, the headers and the text of a response. */
async function answer(app: Application, environ?: Environ | string) {
  const { status, headers, text } = await callApp(app, environ);
  return [status, Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])), text()];
}

/** The status and the text that a reader's refusal is answered with. */
async function refusal(read: (environ: Environ) => unknown, environ: Environ) {
  const app = view(async (given) => {
    await read(given);
    return text('accepted');
  });
  const { status, text: content } = await callApp(app, environ);
  return [status.slice(0, 3), content()];
}

describe('responses', () => {
  const HTML = 'text/html; charset=utf-8';
  const TEXT = 'text/plain; charset=utf-8';
  test.each<[name: string, app: Application, status: string, type: string | undefined, content: string]>([
    ['text', text('é'), '200 OK', TEXT, 'é'],
    ['json', json({ a: [1, null] }), '200 OK', 'application/json', '{"a":[1,null]}'],
    ['html', html`<p>${'é'}</p>`, '200 OK', HTML, '<p>é</p>'],
    ['html with an init', html(raw('<p>'), { status: 404 }), '404 Not Found', HTML, '<p>'],
    ['noContent', noContent(), '204 No Content', undefined, ''],
    ['badRequest', badRequest(), '400 Bad Request', TEXT, 'Bad Request\n'],
    ['forbidden', forbidden('no'), '403 Forbidden', TEXT, 'no'],
    ['notFound', notFound(), '404 Not Found', TEXT, 'Not Found\n'],
    ['a status with its reason', text('', { status: '299 Odd' }), '299 Odd', TEXT, ''],
    ['a code without a known reason', text('', { status: 418 }), '418 ', TEXT, ''],
    ['another type', text('a', { headers: { 'content-type': 'text/csv' } }), '200 OK', 'text/csv', 'a'],
  ])('%s', async (_name, app, status, type, content) => {
    const [line, headers, given] = await answer(app);
    expect([line, (headers as Record<string, string>)['content-type'], given]).toEqual([status, type, content]);
  });

  it('can be used for several requests, each with a list of headers of its own', async () => {
    const app = text('a', { headers: [['X-A', '1']] });
    const lists: unknown[] = [];
    const seen: Application = (environ, startResponse) =>
      app(environ, (status, headers) => {
        lists.push(headers);
        (headers as [string, string][]).push(['X-B', '2']);
        return startResponse(status, headers);
      });
    for (let i = 0; i < 2; i++)
      expect((await callApp(seen)).headers).toEqual([
        ['Content-Type', 'text/plain; charset=utf-8'],
        ['X-A', '1'],
        ['X-B', '2'],
        ['Content-Length', '1'],
      ]);
    expect(lists[0]).not.toBe(lists[1]);
  });

  it('keep several headers of one name', async () => {
    const headers = [setCookie('a', '1'), setCookie('b', '2')];
    expect((await callApp(redirect('/', { headers }))).headers.map(([name]) => name)).toEqual([
      'Set-Cookie',
      'Set-Cookie',
      'Location',
      'Content-Length',
    ]);
  });

  test.each([
    ['text', () => text(undefined as never), 'text: the content must be a string, not undefined'],
    ['json', () => json(undefined), 'json: undefined has no form in JSON'],
    ['redirect', () => redirect(new URL('http://h/') as never), 'redirect: the location must be a string, not a URL'],
    ['html', () => html('<b>' as never), 'html: the content must be made by html`…` or raw(), not a string'],
    [
      'a template',
      () => html`${{ markup: '<script>' } as never}`,
      'html: a value must be text, a number or markup, not an Object',
    ],
    [
      'stream',
      () => stream('text'),
      'stream: the source must be a stream, or an iterable such as a generator, not a string',
    ],
    ['eventStream', () => eventStream((() => {}) as never), 'eventStream: the source must be'],
    ['file', () => file(new Blob([]), { etag: 'a' }), 'file: etag must be like "a" or W/"a", quotes included, not a'],
  ])('%s refuses what it can not send', (_name, make, message) => {
    expect(make).toThrow(WsgiError);
    expect(make).toThrow(message);
  });
});

describe('redirect', () => {
  test.each([
    ['/a?b=c%20d#e', '/a?b=c%20d#e'],
    ['/café', '/caf%C3%A9'],
    ['/a\r\nSet-Cookie: x=1', '/a%0D%0ASet-Cookie:%20x=1'],
    ['/\\evil.example', '/%5Cevil.example'],
    ['\t//evil.example', '%09//evil.example'],
    ['http://[::1]:80/"<>', 'http://[::1]:80/%22%3C%3E'],
  ])('%j is sent as %s', async (location, sent) => {
    expect(await answer(redirect(location))).toEqual(['302 Found', { location: sent, 'content-length': '0' }, '']);
  });
});

describe('html', () => {
  it('escapes values in text and in quoted attributes, and nothing that is markup', () => {
    const evil = `"'><script>&`;
    expect(html`<p title="${evil}">${evil}${html`<b>`}${[1, html`<i>`, null, undefined, false, true]}</p>`.markup).toBe(
      '<p title="&quot;&#39;&gt;&lt;script&gt;&amp;">&quot;&#39;&gt;&lt;script&gt;&amp;<b>1<i></p>',
    );
  });

  it('writes JSON that ends neither a script nor an attribute', () => {
    const value = { a: `</script><!--'\u2028\u2029&` };
    const { markup } = scriptJson(value);
    expect(markup).not.toMatch(/[<>&'\u2028\u2029]/);
    expect(JSON.parse(markup)).toEqual(value);
    expect(() => scriptJson(undefined)).toThrow(WsgiError);
  });
});

describe('view', () => {
  it('answers with the response that its function returns or promises', async () => {
    expect(
      (
        await callApp(
          view((environ) => text(pathText(environ))),
          '/caf%C3%A9',
        )
      ).text(),
    ).toBe('/café');
    expect((await callApp(view(async () => text('later')))).text()).toBe('later');
  });

  it('answers an HttpError with its response, and passes other errors on', async () => {
    const thrown = () => {
      throw new HttpError(notFound('gone'));
    };
    expect((await callApp(view(thrown))).text()).toBe('gone');
    expect((await callApp(view(async () => thrown()))).text()).toBe('gone');
    const failing = view(() => {
      throw new TypeError('own');
    });
    await expect(client(failing).get('/')).rejects.toThrow('own');
  });

  it('says that a return is missing', async () => {
    const app = view((() => {}) as never);
    await expect(client(app).get('/')).rejects.toThrow("view: must return a response such as text('…'), not undefined");
  });
});

describe('stream', () => {
  it('sends text, markup and bytes in order', async () => {
    const app = view(() => stream(['a', html`<b>`, bytes('c')]));
    expect((await callApp(app)).text()).toBe('a<b>c');
  });

  it('sends each piece before the next is made', async () => {
    let made = 0;
    async function* pieces() {
      for (made = 1; made <= 2; made++) yield `${made}`;
    }
    const response = await client(view(() => stream(pieces()))).get('/');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect([(await reader.read()).value, made]).toEqual([bytes('1'), 1]);
    await reader.cancel();
  });

  it('ends a generator and closes a body when the client leaves', async () => {
    const ended: string[] = [];
    async function* pieces() {
      try {
        for (;;) yield 'x';
      } finally {
        ended.push('return');
      }
    }
    const source = Object.assign(pieces(), { close: () => void ended.push('close') });
    const response = await client(view(() => stream(source))).get('/');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    await expect.poll(() => ended).toEqual(['return', 'close']);
  });

  it('cancels a stream that a HEAD does not read', async () => {
    let cancelled = 0;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes('a')),
      cancel: () => void cancelled++,
    });
    await callApp(
      view(() => stream(source)),
      testEnviron({ REQUEST_METHOD: 'HEAD' }),
    );
    expect(cancelled).toBe(1);
  });
});

describe('eventStream', () => {
  it('writes the fields of events, a line of data for each line of text', async () => {
    const app = view(() =>
      eventStream([{ event: 'e', id: '1', retry: 10, data: 'a\r\nb\rc\nd' }, 'plain', { data: '' }]),
    );
    const [, headers, content] = await answer(app);
    expect(headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' });
    expect(content).toBe('event: e\nid: 1\nretry: 10\ndata: a\ndata: b\ndata: c\ndata: d\n\ndata: plain\n\ndata: \n\n');
  });

  test.each([{ event: 'a\ndata: b' }, { event: 'a\r' }, { id: 'a\n' }, { id: 'a\0' }, { retry: 1.5 }])(
    'refuses %j',
    async (event) => {
      const app = view(() => eventStream([event]));
      await expect(client(app).get('/')).rejects.toThrow('eventStream: ');
    },
  );
});

describe('file', () => {
  const app = file(new Blob(['0123456789'], { type: 'text/csv' }), {
    etag: '"v1"',
    lastModified: new Date('2024-01-02T03:04:05.678Z'),
    headers: [attachment('a.csv')],
  });
  const since = 'Tue, 02 Jan 2024 03:04:05 GMT';

  it('sends the whole with its validators', async () => {
    expect(await answer(app)).toEqual([
      '200 OK',
      {
        'content-type': 'text/csv',
        'content-disposition': 'attachment; filename="a.csv"',
        'accept-ranges': 'bytes',
        etag: '"v1"',
        'last-modified': since,
        'content-length': '10',
      },
      '0123456789',
    ]);
    const head = await callApp(app, testEnviron({ REQUEST_METHOD: 'HEAD' }));
    expect([head.headers.at(-1), head.text()]).toEqual([['Content-Length', '10'], '']);
  });

  test.each<[request: Partial<Environ>, status: number, content: string, range?: string]>([
    [{ HTTP_RANGE: 'bytes=2-4' }, 206, '234', 'bytes 2-4/10'],
    [{ HTTP_RANGE: 'bytes=8-99' }, 206, '89', 'bytes 8-9/10'],
    [{ HTTP_RANGE: 'bytes=-3' }, 206, '789', 'bytes 7-9/10'],
    [{ HTTP_RANGE: 'bytes=10-' }, 416, 'Range Not Satisfiable\n', 'bytes */10'],
    [{ HTTP_RANGE: 'bytes=0-1,3-4' }, 200, '0123456789'],
    [{ HTTP_RANGE: 'bytes=4-2' }, 200, '0123456789'],
    [{ HTTP_RANGE: 'bytes=0-1', HTTP_IF_RANGE: '"v0"' }, 200, '0123456789'],
    [{ HTTP_RANGE: 'bytes=0-1', HTTP_IF_RANGE: '"v1"' }, 206, '01', 'bytes 0-1/10'],
    [{ HTTP_IF_NONE_MATCH: 'W/"v1"' }, 304, ''],
    [{ HTTP_IF_MODIFIED_SINCE: since }, 304, ''],
    [{ HTTP_IF_MATCH: '"v0"' }, 412, 'Precondition Failed\n'],
  ])('%j', async (request, status, content, range) => {
    const [line, headers, given] = await answer(app, testEnviron(request));
    expect([Number(String(line).slice(0, 3)), given, (headers as Record<string, string>)['content-range']]).toEqual([
      status,
      content,
      range,
    ]);
    if (status === 304) expect(headers).not.toHaveProperty('content-type');
  });

  it('reads only the range of a source that reads by itself, and nothing for HEAD', async () => {
    const read: number[][] = [];
    const source = {
      size: 1e12,
      slice: async (start: number, end: number) => {
        read.push([start, end]);
        return new Blob(['x'.repeat(end - start)]).stream() as ReadableStream<Uint8Array>;
      },
    };
    const part = await callApp(file(source), testEnviron({ HTTP_RANGE: 'bytes=500-503' }));
    await callApp(file(source), testEnviron({ REQUEST_METHOD: 'HEAD' }));
    expect([part.text(), read]).toEqual(['xxxx', [[500, 504]]]);
  });

  test.each([
    ['a "b".csv', 'attachment; filename="a \\"b\\".csv"'],
    ['../../etc/passwd', 'attachment; filename=".._.._etc_passwd"'],
    ['a\r\nX-Evil: 1', 'attachment; filename="a__X-Evil: 1"'],
    ['日本.csv', "attachment; filename*=UTF-8''%E6%97%A5%E6%9C%AC.csv"],
    ['\ud800', "attachment; filename*=UTF-8''%EF%BF%BD"],
  ])('attachment(%j)', (name, value) => {
    expect(attachment(name)).toEqual(['Content-Disposition', value]);
  });
});

describe('readers', () => {
  const JSON_TYPE = { CONTENT_TYPE: 'application/json; charset=utf-8' };

  it('reads query and cookies without a prototype to pollute', () => {
    const environ = testEnviron({
      QUERY_STRING: '__proto__=1&a=caf%C3%A9&b=caf\u00c3\u00a9&%zz=%zz',
      HTTP_COOKIE: '__proto__=1; a="b"; a=2; constructor=3; b=%zz; c=caf\u00c3\u00a9',
    });
    expect([...query(environ)]).toEqual([
      ['__proto__', '1'],
      ['a', 'café'],
      ['b', 'café'],
      ['%zz', '%zz'],
    ]);
    const jar = cookies(environ);
    expect(Object.entries(jar)).toEqual([
      ['__proto__', '1'],
      ['a', '"b"'],
      ['constructor', '3'],
      ['b', '%zz'],
      ['c', 'café'],
    ]);
    expect(jar.toString).toBeUndefined();
    expect(cookies(testEnviron()).a).toBeUndefined();
  });

  it('reads a body with a length, without one, and no longer one than it may', async () => {
    expect(await body(testEnviron({}, 'four'), { maxBytes: 4 })).toEqual(bytes('four'));
    const unknown = () => testEnviron({}, new Blob(['four']).stream() as ReadableStream<Uint8Array>);
    expect(await body(unknown(), { maxBytes: 4 })).toEqual(bytes('four'));
    for (const environ of [testEnviron({}, 'four'), unknown()])
      expect(await refusal((given) => body(given, { maxBytes: 3 }), environ)).toEqual([
        '413',
        'The client sent more than 3 bytes\n',
      ]);
    expect(await refusal(body, testEnviron({}, new Uint8Array(1024 * 1024 + 1)))).toEqual(['413', expect.anything()]);
    expect((await body(unknown(), { maxBytes: Number.POSITIVE_INFINITY })).length).toBe(4);
    expect((await refusal((given) => body(given, { maxBytes: Number.NaN }), testEnviron({}, 'a')))[0]).toBe('413');
  });

  it('reads JSON', async () => {
    expect(await jsonBody(testEnviron(JSON_TYPE, '{"a":"é"}'))).toEqual({ a: 'é' });
    expect(await jsonBody(testEnviron({ CONTENT_TYPE: 'application/ld+json' }, '1'))).toBe(1);
    const value = await jsonBody<object>(testEnviron(JSON_TYPE, '{"__proto__":{"polluted":1}}'));
    expect([Object.keys(value), ({} as { polluted?: 1 }).polluted]).toEqual([['__proto__'], undefined]);
  });

  test.each<[status: string, environ: Environ]>([
    ['400', testEnviron(JSON_TYPE, '{')],
    ['400', testEnviron(JSON_TYPE, '')],
    ['400', testEnviron(JSON_TYPE, Uint8Array.of(0x22, 0xff, 0x22))],
    ['415', testEnviron({ CONTENT_TYPE: 'text/plain' }, '{}')],
    ['415', testEnviron({ CONTENT_TYPE: 'text/plain;application/json' }, '{}')],
    ['415', testEnviron({}, '{}')],
  ])('refuses JSON with %s', async (status, environ) => {
    expect((await refusal(jsonBody, environ))[0]).toBe(status);
  });

  test.each([
    [undefined, 'text/html'],
    ['*/*', 'text/html'],
    ['application/json', 'application/json'],
    ['text/*;q=0.3, application/json;q=0.7', 'application/json'],
    ['text/html;q=0, */*', 'application/json'],
    ['TEXT/HTML; Q=0.9, application/json;q=0.1', 'text/html'],
    ['image/png', undefined],
    ['text/html;q=x', undefined],
  ])('accepts %j: %s', (accept, expected) => {
    const environ = testEnviron(accept === undefined ? {} : { HTTP_ACCEPT: accept });
    expect(accepts(environ, 'text/html', 'application/json')).toBe(expected);
  });
});

describe('setCookie', () => {
  it('encodes the value and writes the attributes', () => {
    expect(
      setCookie('a', 'é; b\r\n', { maxAge: 60, domain: 'h.example', secure: true, httpOnly: true, sameSite: 'lax' }),
    ).toEqual([
      'Set-Cookie',
      'a=%C3%A9%3B%20b%0D%0A; Max-Age=60; Domain=h.example; Path=/; HttpOnly; Secure; SameSite=Lax',
    ]);
    expect(setCookie('a', '', { maxAge: 0, path: '/x', partitioned: true })[1]).toBe(
      'a=; Max-Age=0; Path=/x; Partitioned',
    );
  });

  test.each([
    ['a;b', '', {}],
    ['a\r\nX', '', {}],
    ['a', '', { path: '/; HttpOnly' }],
    ['a', '', { domain: 'h\r\nX: 1' }],
    ['a', '', { maxAge: 0.5 }],
    ['a', '', { sameSite: 'none; x' as never }],
  ])('refuses %j', (name, value, options) => {
    expect(() => setCookie(name, value, options)).toThrow(WsgiError);
  });
});

describe('Fetch', () => {
  it('gives a Request and takes a Response', async () => {
    const app: Application = async (environ, startResponse) => {
      const request = requestOf(environ);
      return respond(
        new Response(`${request.method} ${request.url} ${await request.text()}`, { status: 201 }),
        startResponse,
      );
    };
    const response = await client(app).post('/a?b', { body: 'c' });
    expect([response.status, await response.text()]).toEqual([201, 'POST http://localhost/a?b c']);
    await expect(client(fromFetchHandler(() => 'x' as never)).get('/')).rejects.toThrow('must return a Response');
  });
});

describe('router', () => {
  const echo: Application = (environ, startResponse) =>
    text(`${environ.SCRIPT_NAME}|${environ.PATH_INFO}`)(environ, startResponse);
  const app = router(notFound('nothing here'))
    .get('/', () => text('home'))
    .get('/users/me', () => text('me'))
    .get('/users/:id', (_environ, { id }) => text(`user ${id}`))
    .put('/users/:id', async (_environ, { id }) => text(`put ${id}`))
    .delete('/users/:id', () => noContent())
    .patch('/users/:id/:field', (_environ, { id, field }) => text(`${id} ${field}`))
    .get('/files/*rest', (_environ, { rest }) => text(rest))
    .get('/caf\u00e9', () => text('café'))
    .on('OPTIONS', '/users/:id', () => noContent({ headers: { Allow: 'GET' } }))
    .get('/throws', () => {
      throw new HttpError(badRequest('bad'));
    })
    .mount('/api', echo)
    .mount('/api/v2', echo)
    .mount(
      '/inner',
      router().get('/', () => text('inner')),
    );

  test.each<[method: string, target: string, status: number, content: string]>([
    ['GET', '/', 200, 'home'],
    ['HEAD', '/', 200, ''],
    ['GET', '/users/me', 200, 'me'],
    ['GET', '/users/7/', 200, 'user 7'],
    ['GET', '/users/caf%C3%A9%20%25', 200, 'user café %'],
    ['GET', '/Users/7', 404, 'nothing here'],
    ['GET', '/users/', 404, 'nothing here'],
    ['GET', '/users/a%2Fb', 405, 'Method Not Allowed\n'], // PATH_INFO is /users/a/b
    ['PUT', '/users/7', 200, 'put 7'],
    ['DELETE', '/users/7', 204, ''],
    ['PATCH', '/users/7/name', 200, '7 name'],
    ['OPTIONS', '/users/7', 204, ''],
    ['GET', '/files/a/b%20c', 200, 'a/b c'],
    ['GET', '/caf%C3%A9', 200, 'café'],
    ['GET', '/throws', 400, 'bad'],
    ['POST', '/api/x', 200, '/api|/x'],
    ['GET', '/api', 200, '/api|'],
    ['GET', '/api/v2/x', 200, '/api/v2|/x'],
    ['GET', '/apiary', 404, 'nothing here'],
    ['GET', '/inner', 200, 'inner'],
    ['GET', '/inner/', 200, 'inner'],
    ['POST', '/', 405, 'Method Not Allowed\n'],
    ['__proto__', '/', 405, 'Method Not Allowed\n'],
    ['GET', '/__proto__', 404, 'nothing here'],
  ])('%s %s: %i', async (method, target, status, content) => {
    const { status: line, text: given } = await callApp(app, { ...(await environOf(target)), REQUEST_METHOD: method });
    expect([Number(line.slice(0, 3)), given()]).toEqual([status, content]);
  });

  // The environ of a path, as the gateway makes it.
  async function environOf(target: string): Promise<Environ> {
    let made: Environ | undefined;
    await callApp((environ, startResponse) => {
      made = environ;
      return noContent()(environ, startResponse);
    }, target);
    return made as Environ;
  }

  it('names the methods of a path that has no route for this one', async () => {
    const response = await client(app).post('/users/7');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, DELETE, OPTIONS']);
  });

  it('has the parameters of the path in its types', async () => {
    router().get('/a/:b/*c', (_environ, params) => {
      const { b, c }: { b: string; c: string } = params;
      // @ts-expect-error the path has no such parameter
      return text(b + c + params.d);
    });
    // A path that is not literal, or has other syntax, gives any parameter.
    router().get('/a/:year-:month{.:ext}', (_environ, { year, month, ext }) => text(`${year}${month}${ext}`));
    const app = router()
      .get('/:user@home', (_environ, { user }) => text(`${user}`))
      .get('/:"full name"', (_environ, { 'full name': name }) => text(`${name}`));
    expect(await (await client(app).get('/zoe@home')).text()).toBe('zoe');
    expect(await (await client(app).get('/zoe')).text()).toBe('zoe');
    router().get('/a' as string, (_environ, { anything }) => text(String(anything)));
  });

  it('refuses a malformed path and a malformed prefix', () => {
    expect(() => router().get('/:', () => text(''))).toThrow(TypeError);
    expect(() => router().mount('api', echo)).toThrow(WsgiError);
  });
});
