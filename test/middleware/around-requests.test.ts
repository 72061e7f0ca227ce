import { describe, expect, it, vi } from 'vitest';
import { accessLog, basicAuth, cors, errorPages, requestId, secureHeaders, timeout } from '../../middleware/index.js';
import { compose, toFetchHandler } from '../../src/index.js';
import { textToBytes } from '../../src/native-string.js';
import type { Application, HeaderList, LogRecord } from '../../src/types.js';
import { callApp } from '../../testing/app.js';
import { withoutId } from '../request-id.js';
import { answering, get, requestTo } from './call.js';

const fails: Application = () => {
  throw new Error('broken');
};

describe('accessLog', () => {
  const logged = async (
    format: 'common' | 'combined' | 'json',
    app: Application,
    ...request: Parameters<typeof get> extends [unknown, ...infer R] ? R : never
  ) => {
    const lines: string[] = [];
    vi.useFakeTimers({ now: Date.UTC(2000, 9, 10, 13, 55, 36), toFake: ['Date'] });
    try {
      await get(accessLog({ format, log: (line) => lines.push(line) })(app), ...request).catch(() => {});
    } finally {
      vi.useRealTimers();
    }
    return lines;
  };

  it("writes Apache's formats", async () => {
    const headers: HeaderList = [
      ['User-Agent', 'curl/8'],
      ['Referer', 'http://a.example/'],
    ];
    expect(await logged('common', answering('body'), '/a?b=c', headers, { REMOTE_USER: 'frank' })).toEqual([
      '127.0.0.1 - frank [10/Oct/2000:13:55:36 +0000] "GET /a?b=c HTTP/1.1" 200 4',
    ]);
    expect(await logged('combined', answering('', [], '204 No Content'), '/', headers)).toEqual([
      '127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 204 - "http://a.example/" "curl/8"',
    ]);
  });

  it('writes JSON as ordinary text', async () => {
    const [line = ''] = await logged('json', answering('body'), '/%C3%A9', [['User-Agent', '\xc3\xa9']], {
      'wsgi_edge.request_id': 'id1',
    });
    expect(JSON.parse(line)).toEqual({
      time: '2000-10-10T13:55:36.000Z',
      remoteAddr: '127.0.0.1',
      method: 'GET',
      target: '/%C3%A9',
      protocol: 'HTTP/1.1',
      status: 200,
      bytes: 4,
      duration: 0,
      userAgent: 'é',
      requestId: 'id1',
    });
  });

  it.each(['common', 'combined', 'json'] as const)(
    'lets no client forge a line or steer a terminal: %s',
    async (format) => {
      const evil = 'a"b\\c\x1b[31m\xc2\x85\xc2\x9b2J\xe2\x80\xa8x';
      const lines = await logged(
        format,
        answering('x'),
        '/',
        [
          ['User-Agent', evil],
          ['Referer', evil],
        ],
        {
          REMOTE_USER: 'a b\r\n127.0.0.1 - -',
          REQUEST_URI: '/"\n\x00',
        },
      );
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^[\x20-\x7e]*$/);
      if (format !== 'json') expect(lines[0]).toContain('"GET /\\"\\x0a\\x00 HTTP/1.1"');
      if (format === 'common') expect(lines[0]?.split(' ')[2]).toBe('a\\x20b\\x0d\\x0a127.0.0.1\\x20-\\x20-');
    },
  );

  it('counts a stream, logs the 500 that the gateway will answer, and the 499 of a client that left', async () => {
    const stream: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield textToBytes('one');
      yield textToBytes('two');
    };
    expect((await logged('common', stream))[0]).toMatch(/ 200 6$/);
    expect((await logged('common', fails))[0]).toMatch(/ 500 -$/);
    const gone = { 'wsgi_edge.signal': AbortSignal.abort() };
    expect((await logged('common', async () => fails({} as never, {} as never), '/', [], gone))[0]).toMatch(/ 499 -$/);
  });

  it('writes to the log by default, and refuses a format that it does not know', async () => {
    expect((await get(accessLog()(answering()))).log).toMatch(/"GET \/ HTTP\/1.1" 200 4 "-" "-"\n$/);
    expect(() => accessLog({ format: 'apache' as never })).toThrow('accessLog: format must be');
  });
});

describe('requestId', () => {
  const echo: Application = (environ, startResponse) =>
    answering(String(environ['wsgi_edge.request_id']))(environ, startResponse);

  it.each<[string, HeaderList, object, RegExp]>([
    ["the request's", [['X-Request-Id', 'abc-1']], { trust: true }, /^abc-1$/],
    ["the platform's", [], {}, /^platform$/],
    ["the platform's, if the client is not trusted", [['X-Request-Id', 'abc-1']], { trust: false }, /^platform$/],
    ['not one that would forge a header', [['X-Request-Id', 'a\r\nX-Evil: 1']], {}, /^platform$/],
    ['not one that would forge a log line', [['X-Request-Id', 'a b']], {}, /^platform$/],
    ['not one that is too long', [['X-Request-Id', 'a'.repeat(129)]], {}, /^platform$/],
    ['that of another header', [['X-Amzn-Trace-Id', 'Root=1-2']], { header: 'X-Amzn-Trace-Id' }, /^Root=1-2$/],
  ])('takes %s', async (_, headers, options, id) => {
    const response = await get(requestId(options)(echo), '/', headers, { 'wsgi_edge.request_id': 'platform' });
    expect(response.text()).toMatch(id);
    expect(response.header((options as { header?: string }).header?.toLowerCase() ?? 'x-request-id')).toMatch(id);
  });

  it('makes a UUID if nobody has one, and leaves the header of the application', async () => {
    const made = await get(requestId()(echo), '/', [], { 'wsgi_edge.request_id': '' });
    expect(made.text()).toMatch(/^[0-9a-f-]{36}$/);
    const own = await get(requestId()(answering('x', [['x-request-id', 'own']])));
    expect(own.headers.filter(([name]) => /request-id/i.test(name))).toEqual([['x-request-id', 'own']]);
  });

  it("is that of the gateway's log, which has the access log at its level", async () => {
    const records: LogRecord[] = [];
    const app = compose(requestId(), accessLog())(answering());
    const handler = toFetchHandler(app, { errors: { record: (each) => records.push(each) } });
    await (await handler(new Request('http://h/a', { headers: { 'X-Request-Id': 'abc-1' } }))).text();
    expect(records).toEqual([
      {
        level: 'info',
        request_id: 'abc-1',
        method: 'GET',
        path: '/a',
        message: expect.stringMatching(/"GET \/a HTTP\/1.1" 200 4/),
      },
    ]);
  });
});

describe('cors', () => {
  const preflight: HeaderList = [
    ['Origin', 'https://a.example'],
    ['Access-Control-Request-Method', 'PUT'],
  ];
  const ask = (options: Parameters<typeof cors>[0], headers: HeaderList) =>
    get(cors(options)(answering()), '/', headers, { REQUEST_METHOD: 'OPTIONS' });

  it('refuses credentials with "*", and never mirrors an origin that is not allowed', async () => {
    expect(() => cors({ credentials: true })).toThrow('credentials need origins by name');
    expect(() => cors({ origin: ['*'], credentials: true })).toThrow('credentials need origins by name');
    const sneaky = cors({ origin: () => '*', credentials: true })(answering());
    expect(
      (await get(sneaky, '/', [['Origin', 'https://a.example']])).header('access-control-allow-origin'),
    ).toBeUndefined();
    for (const origin of ['null', 'https://a.example.evil', 'https://A.example', ''])
      expect(
        (await get(cors({ origin: ['https://a.example'] })(answering()), '/', [['Origin', origin]])).header(
          'access-control-allow-origin',
        ),
      ).toBeUndefined();
  });

  it('says Vary: Origin whenever the origin decides, also without one', async () => {
    const app = cors({ origin: ['https://a.example'] })(answering());
    for (const headers of [[], [['Origin', 'https://b.example']]] as HeaderList[])
      expect((await get(app, '/', headers)).header('vary')).toBe('Origin');
    expect((await ask({ origin: ['https://a.example'] }, preflight)).header('vary')).toBe(
      'Origin, Access-Control-Request-Headers',
    );
    expect((await get(cors()(answering()))).header('vary')).toBeUndefined();
  });

  it('answers a preflight itself, but no other OPTIONS', async () => {
    expect((await ask({}, preflight)).code).toBe(204);
    expect((await ask({}, [['Origin', 'https://a.example']])).text()).toBe('body');
  });

  it('does not echo text that is not a list of header names', async () => {
    for (const names of ['a, b c', 'a;b', '<script>', ''])
      expect(
        (await ask({}, [...preflight, ['Access-Control-Request-Headers', names]])).header(
          'access-control-allow-headers',
        ),
      ).toBeUndefined();
  });
});

describe('basicAuth', () => {
  const echo: Application = (environ, startResponse) =>
    answering(`${environ.REMOTE_USER} ${environ.AUTH_TYPE}`)(environ, startResponse);
  const app = basicAuth({ users: { jürgen: 'pä:ss', other: '' }, realm: 'a "b"' })(echo);
  const login = (text: string, scheme = 'Basic'): HeaderList => [
    ['Authorization', `${scheme} ${Buffer.from(text).toString('base64')}`],
  ];

  it('passes the name on', async () => {
    const response = await get(app, '/', login('jürgen:pä:ss', 'basic'));
    expect([response.code, response.text()]).toEqual([200, 'j\xc3\xbcrgen Basic']);
    expect((await get(app, '/', login('other:'))).code).toBe(200);
  });

  it.each<[string, HeaderList]>([
    ['nothing', []],
    ['a wrong password', login('other:x')],
    ['an unknown user', login('nobody:x')],
    ['the password of another', login('other:pä:ss')],
    ['a name that exists on every object', login('constructor:x')],
    ['no colon', login('other')],
    ['a control character', login('other:\0')],
    ['another scheme', login('other:', 'Bearer')],
    ['bytes that are not base64', [['Authorization', 'Basic ????']]],
    ['base64 of an impossible length', [['Authorization', 'Basic a']]],
  ])('refuses %s', async (_, headers) => {
    const response = await get(app, '/', headers);
    expect([response.code, response.header('www-authenticate')]).toEqual([
      401,
      'Basic realm="a \\"b\\"", charset="UTF-8"',
    ]);
  });

  it('lets no control character into REMOTE_USER, whatever users() says', async () => {
    const lax = basicAuth({ users: () => true })(echo);
    expect((await get(lax, '/', login('a\r\nb:x'))).code).toBe(401);
    expect((await get(lax, '/', login('ab:x'))).code).toBe(200);
  });

  it('compares every user in full, whoever asks', async () => {
    const digest = vi.spyOn(crypto.subtle, 'digest');
    const users = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`user${i}`, 'x']));
    const many = basicAuth({ users })(echo);
    await get(many, '/', login('user0:x'));
    digest.mockClear();
    for (const name of ['user0:x', 'user4:x', 'nobody:x']) await get(many, '/', login(name));
    expect(digest).toHaveBeenCalledTimes(3);
    digest.mockRestore();
  });

  it('refuses options that can not work', () => {
    expect(() => basicAuth({ users: undefined as never })).toThrow('users must be an object or a function');
    expect(() => basicAuth({ users: {}, realm: 'é' })).toThrow('the realm must be ASCII');
  });
});

describe('secureHeaders', () => {
  it('sends Strict-Transport-Security over https only', async () => {
    const app = secureHeaders()(answering());
    expect((await get(app)).header('strict-transport-security')).toBeUndefined();
    const secure = await get(app, '/', [], { 'wsgi.url_scheme': 'https' });
    expect(secure.header('strict-transport-security')).toBe('max-age=15552000; includeSubDomains');
  });

  it('makes a value for each request', async () => {
    const app = secureHeaders({ 'content-security-policy': (environ) => `script-src 'nonce-${environ['my.nonce']}'` })(
      answering(),
    );
    expect((await get(app, '/', [], { 'my.nonce': 'n1' })).header('content-security-policy')).toBe(
      "script-src 'nonce-n1'",
    );
  });

  it('reaches the pages for errors', async () => {
    const POLICY = "default-src 'self'";
    const secure = secureHeaders({ 'Content-Security-Policy': POLICY });
    const pages = errorPages({ '404': answering('not here'), '5xx': answering('our fault') });
    const missing = answering('', [], '404 Not Found');
    for (const app of [
      secure(pages(missing)),
      pages(secure(missing)),
      secure(pages(fails)),
      secure(timeout(1)(() => new Promise(() => {}))),
    ])
      expect((await get(app)).header('content-security-policy')).toBe(POLICY);
    const onError = () => secure(answering('our fault', [], '500 Internal Server Error'));
    const response = await toFetchHandler(secure(fails), { errors: () => {}, onError })(new Request('http://h/'));
    expect([response.status, response.headers.get('content-security-policy')]).toEqual([500, POLICY]);
  });
});

describe('timeout', () => {
  it.each<[string, Application]>([
    ['a promise', () => new Promise(() => {})],
    [
      'a generator',
      async function* () {
        yield await new Promise<Uint8Array>(() => {});
      },
    ],
    [
      'a generator after startResponse',
      async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield await new Promise<Uint8Array>(() => {});
      },
    ],
  ])('answers 504 for %s, and aborts its signal', async (_, app) => {
    let aborted: AbortSignal | undefined;
    const noting: Application = (environ, startResponse) => {
      aborted = environ['wsgi_edge.signal'];
      return app(environ, startResponse);
    };
    const response = await get(timeout(5)(noting));
    expect([response.code, response.text(), aborted?.aborted]).toEqual([504, 'Gateway Timeout\n', true]);
    expect(response.log).toContain('timeout: the application gave no head in 5 ms');
  });

  it('closes a body that comes too late, and refuses what is written then', async () => {
    let late: Promise<unknown> | undefined;
    const closed = new Promise<void>((resolve) => {
      const app: Application = async (_environ, startResponse) => {
        const write = startResponse('200 OK', []);
        await new Promise((go) => setTimeout(go, 30));
        late = write(textToBytes('late')).catch((error) => error);
        return Object.assign([], { close: resolve });
      };
      get(timeout(5)(app)).then((response) => expect(response.code).toBe(504));
    });
    await closed;
    expect(String(await late)).toContain('after the response had ended');
  });

  it('lets a stream take any time once its head has gone out', async () => {
    const app: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield textToBytes('one');
      await new Promise((go) => setTimeout(go, 60));
      yield textToBytes('two');
    };
    expect((await get(timeout(30)(app))).text()).toBe('onetwo');
  });

  it.each([0, -1, Number.NaN, 2 ** 31, '5'])('refuses %s milliseconds', (ms) => {
    expect(() => timeout(ms as number)).toThrow('timeout: takes milliseconds above 0');
  });
});

describe('errorPages', () => {
  const page = (text: string): Application => answering(text, [['Content-Type', 'text/html']]);
  const pages = errorPages({ '404': page('not here'), '5xx': page('our fault') });

  it('replaces the body, and keeps the status and the headers that are not about the body', async () => {
    const headers: HeaderList = [
      ['Content-Type', 'text/plain'],
      ['Content-Length', '3'],
      ['ETag', '"a"'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ];
    const response = await get(pages(answering('old', headers, '404 Nowhere')));
    expect([response.status, response.text(), response.headers]).toEqual([
      '404 Nowhere',
      'not here',
      [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['Content-Type', 'text/html'],
        ['Content-Length', '8'],
      ],
    ]);
    expect((await get(pages(answering('own', [], '400 Bad Request')))).text()).toBe('own');
    expect((await get(pages(answering('own', [], '502 Bad Gateway')))).text()).toBe('our fault');
  });

  it('answers an error that was thrown, and logs it', async () => {
    const response = await get(pages(fails));
    expect([response.status, response.text()]).toEqual(['500 Internal Server Error', 'our fault']);
    expect(response.log).toContain('Error: broken');
  });

  it('leaves a page that fails, and a client that left, to the gateway', async () => {
    const failed = await get(errorPages({ '5xx': fails })(fails));
    expect(withoutId(failed.text())).toBe('Internal Server Error\n');
    const { environ, lines } = requestTo('/', [], { 'wsgi_edge.signal': AbortSignal.abort() });
    await callApp(
      pages(async () => fails({} as never, {} as never)),
      environ,
    ).catch(() => {});
    expect(lines.join('')).not.toContain('our fault');
  });

  it('refuses keys and pages that can not work', () => {
    expect(() => errorPages({ '200': page('') })).toThrow('errorPages: "200" is not like "404" or "4xx"');
    expect(() => errorPages({ '404': 'text' as never })).toThrow('the page for "404" is not a function');
  });
});
