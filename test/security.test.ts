// What a client or an application may try, by the name of the attack, on every target that runs in process and on Node by a
// raw socket. What concerns workerd is in the conformance suite, which has these rules too; docs/THREATS.md has the list.
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../command/wire.js';
import { app as showcase } from '../examples/showcase/app.ts';
import { fromFetchHandler } from '../src/fetch/application.js';
import { toFetchHandler } from '../src/fetch/gateway.js';
import { proxyFix } from '../src/middleware/proxy-fix.js';
import { decodeNative } from '../src/native-string.js';
import type { Application, Environ, HeaderList } from '../src/types.js';
import { applicationUri, requestUri } from '../src/url.js';
import { toLambdaHandler } from '../targets/aws-lambda/index.js';
import { serve } from '../targets/node/index.js';
import { type LambdaKind, lambdaEvent, readLambdaResult } from '../testing/index.js';
import { withoutId } from './request-id.js';

interface Asked {
  method?: string;
  target?: string;
  headers?: HeaderList;
}
interface Answered {
  status: number;
  headers: HeaderList;
  body: string;
}

let serving: Application;
let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  server = await serve((environ, startResponse) => serving(environ, startResponse), { errors() {} });
});
afterAll(() => server.close());

const KINDS: LambdaKind[] = ['apigw-rest-v1', 'apigw-http-v2', 'function-url', 'alb-single', 'alb-multi', 'lattice-v2'];
const quiet = { errors() {} };
const targets: Record<string, (app: Application, asked?: Asked) => Promise<Answered>> = {
  async toFetchHandler(app, { method = 'GET', target = '/', headers = [] } = {}) {
    const response = await toFetchHandler(app, quiet)(new Request(`http://h.example${target}`, { method, headers }));
    return { status: response.status, headers: [...response.headers], body: await response.text() };
  },
  async Node(app, asked = {}) {
    serving = app;
    const { status, headers, body } = await sendRaw((server.address() as AddressInfo).port, asked);
    return { status, headers, body: Buffer.from(body).toString() };
  },
  ...Object.fromEntries(
    KINDS.map((kind) => [
      `Lambda, ${kind}`,
      async (app: Application, asked: Asked = {}): Promise<Answered> => {
        const event: unknown = JSON.parse(JSON.stringify(lambdaEvent(kind, asked)));
        const { status, headers, text } = readLambdaResult(kind, await toLambdaHandler(app, quiet)(event, {}));
        return { status, headers, body: text() };
      },
    ]),
  ),
};

const bytes = (text: string) => new TextEncoder().encode(text);
const reading =
  (read: (environ: Environ) => unknown): Application =>
  (environ, startResponse) => {
    startResponse('200 OK', []);
    return [bytes(JSON.stringify(read(environ)) ?? 'undefined')];
  };

describe.each(Object.entries(targets))('%s', (_, ask) => {
  it.each([
    ['a header value with CR LF', [['X-A', 'x\r\nSet-Cookie: stolen=1']], '200 OK'],
    ['a header value with NUL', [['X-A', 'x\0y']], '200 OK'],
    ['a header value beyond latin-1', [['X-A', '\u010d\u010a']], '200 OK'],
    ['a header name with CR LF', [['X-A\r\nX-B', 'x']], '200 OK'],
    ['a header name with a colon', [['X-A: 1', 'x']], '200 OK'],
    ['a framing header', [['Transfer-Encoding', 'chunked']], '200 OK'],
    ['a status with CR LF', [], '200 OK\r\nX-B: 1'],
  ] as Array<[string, HeaderList, string]>)('response splitting: %s becomes a 500', async (_case, headers, status) => {
    const answer = await ask((_environ, startResponse) => {
      startResponse(status, headers);
      return [];
    });
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer.headers)).not.toMatch(/stolen|x-a|x-b/i);
  });

  it('error pages tell neither message nor stack', async () => {
    const { status, headers, body } = await ask(() => {
      throw new Error('the password is hunter2');
    });
    expect([status, withoutId(body)]).toEqual([500, 'Internal Server Error\n']);
    expect(JSON.stringify(headers)).not.toMatch(/hunter2|at .*\.ts/);
  });

  it('httpoxy: the header Proxy does not become HTTP_PROXY', async () => {
    const app = reading(({ HTTP_PROXY, HTTP_X_A }) => [HTTP_PROXY, HTTP_X_A]);
    const headers: HeaderList = [
      ['Proxy', 'http://evil.example'],
      ['X-A', '1'],
    ];
    expect((await ask(app, { headers })).body).toBe('[null,"1"]');
  });

  it('underscore spoofing: X_Real_Ip does not pass for X-Real-Ip', async () => {
    const app = reading(({ HTTP_X_REAL_IP }) => HTTP_X_REAL_IP);
    expect((await ask(app, { headers: [['X-Real-Ip', '192.0.2.1']] })).body).toBe('"192.0.2.1"');
    expect((await ask(app, { headers: [['X_Real_Ip', '127.0.0.1']] })).body).toBe('undefined');
  });

  it('prototype pollution: __proto__ and constructor are names like others', async () => {
    const app = reading((environ) => [
      Object.getPrototypeOf(environ) === Object.prototype,
      environ.HTTP_CONSTRUCTOR,
      environ.QUERY_STRING,
      environ.HTTP_COOKIE,
      'polluted' in {},
    ]);
    const { body } = await ask(app, {
      target: '/?__proto__=polluted&constructor=x',
      headers: [
        ['constructor', 'y'],
        ['Cookie', '__proto__=polluted'],
      ],
    });
    expect(JSON.parse(body)).toEqual([true, 'y', '__proto__=polluted&constructor=x', '__proto__=polluted', false]);
  });

  it('forwarded headers are not trusted without proxyFix, and then from the right, as many as are trusted', async () => {
    const headers: HeaderList = [
      ['X-Forwarded-For', '127.0.0.1, 198.51.100.1'],
      ['X-Forwarded-Proto', 'gopher'],
      ['X-Forwarded-Host', 'evil.example'],
      ['Forwarded', 'for=127.0.0.1;host=evil.example'],
    ];
    const peer = reading(({ REMOTE_ADDR, SERVER_NAME, 'wsgi.url_scheme': scheme }) => [
      REMOTE_ADDR,
      SERVER_NAME,
      scheme,
    ]);
    const [address, name, scheme] = JSON.parse((await ask(peer, { headers })).body);
    expect(address).not.toBe('198.51.100.1');
    expect(name).not.toBe('evil.example');
    expect(scheme).not.toBe('gopher');
    const [trusted] = JSON.parse((await ask(proxyFix({ for: 1 })(peer), { headers })).body);
    expect(trusted).not.toBe('127.0.0.1'); // the client's own text
  });

  it.each(['//evil.example/x', '/@evil.example/x', '/\\evil.example'])(
    'an authority injected by the path %s changes no URL',
    async (target) => {
      const app = reading((environ) => [applicationUri(environ), requestUri(environ)]);
      const [own, whole] = JSON.parse((await ask(app, { target })).body) as [string, string];
      expect(new URL(whole).host).toBe(new URL(own).host);
      expect(new URL(whole).host).not.toMatch(/evil/);
      const bridged = await ask(
        fromFetchHandler((request) => new Response(new URL(request.url).host)),
        { target },
      );
      expect(bridged.body).not.toMatch(/evil/);
    },
  );

  it('open redirect: the showcase answers // with no Location that leaves it', async () => {
    for (const target of ['//evil.example', '//evil.example/', '//evil.example/counter', '/%2F/evil.example/..']) {
      const { headers } = await ask(showcase, { target, method: 'GET' });
      for (const [name, value] of headers)
        if (name.toLowerCase() === 'location') expect(value).not.toMatch(/^(\/\/|\\|http)/);
    }
  });

  it('path traversal: the download of the showcase gives its file or nothing', async () => {
    for (const target of [
      '/download/../../package.json',
      '/download/squares.csv/../../../package.json',
      '/download/..%2f..%2fpackage.json',
      '/%2e%2e/package.json',
      '/..%5cpackage.json',
    ]) {
      const { status, body } = await ask(showcase, { target });
      if (status === 200) expect(body).toMatch(/^(n,square,cube|<!doctype html>)/i);
      expect(body).not.toMatch(/"devDependencies"/);
    }
  });
});

describe('request smuggling, on Node', () => {
  const smuggled = async (head: string, rest: string) => {
    const paths: string[] = [];
    serving = (environ, startResponse) => {
      paths.push(decodeNative(environ.PATH_INFO));
      startResponse('200 OK', []);
      return [];
    };
    const { connect } = await import('node:net');
    await new Promise<void>((resolve) => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () =>
        socket.end(
          `POST /first HTTP/1.1\r\nHost: h\r\n${head}\r\n\r\n${rest}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`,
        ),
      );
      socket.resume();
      socket.on('error', () => {});
      socket.on('close', () => resolve());
    });
    return paths;
  };

  it.each([
    ['Content-Length beside Transfer-Encoding', 'Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
    ['two lengths', 'Content-Length: 0\r\nContent-Length: 5', 'hello'],
    ['a folded length', 'Content-Length:\r\n 5', 'hello'],
    ['a space before the colon', 'Content-Length : 5', 'hello'],
    ['chunked under a false name', 'Transfer-Encoding: xchunked', '0\r\n\r\n'],
    ['chunked twice', 'Transfer-Encoding: chunked, chunked', '0\r\n\r\n'],
    ['a chunk size that is none', 'Transfer-Encoding: chunked', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size beyond 64 bits', 'Transfer-Encoding: chunked', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['chunks ended by LF alone', 'Transfer-Encoding: chunked', '5\nhello\n0\n\n'],
  ])('%s: what follows is no request', async (_case, head, rest) => {
    expect(await smuggled(head, rest)).not.toContain('/smuggled');
  });
});

describe('what a front end of Lambda says of the user', () => {
  const named = async (kind: LambdaKind, authorizer: unknown): Promise<unknown> => {
    const event = lambdaEvent(kind) as unknown as { requestContext: object };
    const app = reading(({ REMOTE_USER, AUTH_TYPE }) => [REMOTE_USER, AUTH_TYPE]);
    const given = { ...event, requestContext: { ...event.requestContext, authorizer } };
    return JSON.parse(readLambdaResult(kind, await toLambdaHandler(app, quiet)(given, {})).text());
  };
  const CONTROLS = ['a\r\nX-Admin: 1', 'a\0b', 'a\u007f', '\ta'];

  it('a claim with a control character is no REMOTE_USER', async () => {
    for (const name of CONTROLS) {
      expect(await named('apigw-http-v2', { jwt: { claims: { sub: name } } })).toEqual([null, 'JWT']);
      expect(await named('apigw-http-v2', { lambda: { principalId: name } })).toEqual([null, 'CUSTOM']);
      expect(await named('apigw-rest-v1', { claims: { sub: name } })).toEqual([null, 'COGNITO_USER_POOLS']);
    }
    // Nor does another claim take its place.
    expect(await named('apigw-rest-v1', { claims: { sub: 'a\n', username: 'root' } })).toEqual([
      null,
      'COGNITO_USER_POOLS',
    ]);
    expect(await named('apigw-http-v2', { jwt: { claims: { sub: 'Zo\u00eb a' } } })).toEqual([
      'Zo\u00c3\u00ab a',
      'JWT',
    ]);
  });
});

it('slow bodies and slow headers have an end: the limits of serve()', () => {
  // Node looks at its connections every 30 seconds; what it enforces is not waited for here.
  expect(server.headersTimeout).toBeLessThanOrEqual(60_000);
  expect(server.requestTimeout).toBeLessThanOrEqual(300_000);
  expect(server.headersTimeout * server.requestTimeout * server.keepAliveTimeout).toBeGreaterThan(0);
  expect(server.maxConnections).toBe(10_000);
});
