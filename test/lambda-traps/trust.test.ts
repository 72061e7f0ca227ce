import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { proxyFix } from '../../src/middleware/proxy-fix.js';
import type { Application, Environ, HeaderList } from '../../src/types.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { type LambdaKind, lambdaEvent } from '../../testing/index.js';
import {
  ALB,
  type AnyEvent,
  answering,
  context,
  EDGE,
  environOf,
  eventOf,
  eventWithHeaders,
  eventWithMethod,
  eventWithPath,
  HTTP2,
  KINDS,
  LATTICE,
  REST,
  requestOf,
  resultOf,
  sample,
  statusOf,
  targetOf,
  URL_KIND,
  V1,
  V2,
} from './harness.js';

const refusal = (event: unknown, options = {}) => toLambdaHandler(answering('200 OK'), options)(event, context);
/** Those whose events tell the client's address in a field of their own. */
const VOUCHED: LambdaKind[] = [...V1, ...V2, ...EDGE];

describe('other events', () => {
  const sockets = readdirSync(new URL('../events/', import.meta.url)).filter(
    (file) => file.startsWith('ws-') && !file.includes('environ'),
  );

  it.each(sockets)('X-02: %s is refused by name', async (file) => {
    await expect(refusal(sample(file))).rejects.toThrow(
      /^aws-lambda: this is an API Gateway WebSocket event, not an HTTP request; the option onOtherEvent can take it$/,
    );
  });

  it('X-02: a $connect that looks like a request is refused, and its connection with it', async () => {
    const event = eventOf(REST);
    for (const eventType of ['CONNECT', 'MESSAGE', 'DISCONNECT']) {
      const requestContext = {
        ...event.requestContext,
        connectionId: 'L0SM9cOFvHcCIhw=',
        eventType,
        routeKey: '$connect',
      };
      await expect(refusal({ ...event, requestContext })).rejects.toThrow(/WebSocket/);
      await expect(refusal({ ...event, version: '2.0', requestContext })).rejects.toThrow(/WebSocket/);
    }
    // The field alone, empty or null, makes no socket of a request.
    for (const connectionId of [null, '', undefined])
      expect((await environOf({ ...event, requestContext: { ...event.requestContext, connectionId } })).PATH_INFO).toBe(
        '/',
      );
  });

  it.each([
    [REST, { type: 'REQUEST', methodArn: 'arn:aws:execute-api:eu-central-1:123456789012:a/prod/GET/' }],
    [REST, { type: 'TOKEN', methodArn: 'arn:aws:execute-api:eu-central-1:123456789012:a/prod/GET/' }],
    ['apigw-http-v1', { type: 'REQUEST', methodArn: 'arn:aws:execute-api:eu-central-1:123456789012:a/prod/GET/' }],
    [HTTP2, { type: 'REQUEST', routeArn: 'arn:aws:execute-api:eu-central-1:123456789012:a/$default/GET/' }],
  ] as Array<[LambdaKind, object]>)(
    'X-03: an authorizer’s event in the form of %s is refused (%#)',
    async (kind, more) => {
      await expect(refusal(eventOf(kind, {}, more))).rejects.toThrow(
        /^aws-lambda: this is a Lambda authorizer event, not an HTTP request; the option onOtherEvent can take it$/,
      );
    },
  );

  it('X-03: the token form, which has no request in it', async () => {
    const event = { type: 'TOKEN', authorizationToken: 'x', methodArn: 'arn:aws:execute-api:x' };
    await expect(refusal(event)).rejects.toThrow(/Lambda authorizer/);
  });

  it.each([
    { source: 'serverless-plugin-warmup' },
    { warmer: true, concurrency: 3 },
    { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} },
    {},
  ])('X-04: a warm-up is refused unless somebody takes it (%#)', async (event) => {
    await expect(refusal(event)).rejects.toThrow(
      /^aws-lambda: this is .*, not an HTTP request; the option onOtherEvent can take it$/,
    );
    const onOtherEvent = (given: unknown, own: unknown) => ({ taken: given, own: own === context });
    expect(await refusal(event, { onOtherEvent })).toEqual({ taken: event, own: true });
    // It takes no request.
    const never = { onOtherEvent: () => 'never' };
    expect(await refusal(lambdaEvent(URL_KIND), never)).toMatchObject({ statusCode: 200 });
  });
});

describe('addresses', () => {
  it.each(KINDS)('X-05: %s does not believe the client about its address', async (kind) => {
    const spoof: HeaderList = [
      ['X-Forwarded-For', '127.0.0.1'],
      ['X-Real-IP', '127.0.0.1'],
      ['Client-IP', '127.0.0.1'],
      ['Forwarded', 'for=127.0.0.1'],
      ['True-Client-IP', '127.0.0.1'],
      ['CF-Connecting-IP', '127.0.0.1'],
      ['Remote-Addr', '127.0.0.1'],
    ];
    const environ = await environOf(eventOf(kind, { headers: spoof }));
    expect(environ.REMOTE_ADDR).toBe('203.0.113.7');
    expect(environ.HTTP_REMOTE_ADDR).toBe('127.0.0.1');
  });

  it.each(VOUCHED)('X-05: %s takes no address from a header where its own field has none', async (kind) => {
    const event = eventWithHeaders(kind, [['X-Forwarded-For', '127.0.0.1']]);
    if (EDGE.includes(kind)) delete event.Records[0].cf.request.clientIp;
    else if (V1.includes(kind)) delete event.requestContext.identity;
    else delete event.requestContext.http.sourceIp;
    expect(await environOf(event)).not.toHaveProperty('REMOTE_ADDR');
  });

  it.each(VOUCHED)('X-24: %s gives an address without what stands around it', async (kind) => {
    for (const [given, address] of [
      [' 3.231.2.1', '3.231.2.1'],
      ['3.231.2.1\n', '3.231.2.1'],
      ['192.168.0.1/32', '192.168.0.1'],
      ['2001:db8::1', '2001:db8::1'],
      ['test-invoke-source-ip', undefined],
      ['IP', undefined],
      ['', undefined],
      [null, undefined],
    ] as const) {
      const event = eventOf(kind);
      if (EDGE.includes(kind)) event.Records[0].cf.request.clientIp = given;
      else if (V1.includes(kind)) event.requestContext.identity.sourceIp = given;
      else event.requestContext.http.sourceIp = given;
      expect((await environOf(event)).REMOTE_ADDR, String(given)).toBe(address);
    }
    expect((await environOf(sample('http-v2-behind-cloudfront.json'))).REMOTE_ADDR).toBe('3.231.2.1');
  });

  it('X-23: the hops to trust are counted from the right, by proxyFix', async () => {
    const through = async (kind: LambdaKind, hops: number) => {
      let seen: Environ | undefined;
      const app: Application = (environ, startResponse) => {
        seen = environ;
        startResponse('200 OK', []);
        return [];
      };
      // The client has forged the first entry; CloudFront has added the client, the front end CloudFront.
      const headers: HeaderList = [['X-Forwarded-For', '127.0.0.1, 198.51.100.1']];
      await resultOf(kind, proxyFix({ for: hops, proto: 0 })(app), {}, { headers });
      return seen?.REMOTE_ADDR;
    };
    for (const kind of [URL_KIND, REST, HTTP2, ...ALB] as LambdaKind[]) {
      expect(await through(kind, 0)).toBe('203.0.113.7');
      expect(await through(kind, 1)).toBe('203.0.113.7');
      expect(await through(kind, 2)).toBe('198.51.100.1');
      expect(await through(kind, 9)).toBe('203.0.113.7');
    }
  });
});

describe('hosts and URLs', () => {
  const originOf = async (event: unknown) => new URL((await requestOf(event)).url).origin;

  it.each(KINDS)('X-06: %s: no path and no Host changes the host that a request is for', async (kind) => {
    const host = (await environOf(eventOf(kind))).SERVER_NAME;
    for (const path of [
      '//evil.example/x',
      'https://evil.example/x',
      '/\\evil.example/x',
      '///evil.example',
      '/@evil.example/',
    ]) {
      const event = eventWithPath(kind, path);
      expect(new URL(await originOf(event)).hostname, path).toBe(host);
      expect((await environOf(event)).PATH_INFO).toBe(path.startsWith('/') ? path : `/${path}`);
    }
    for (const given of ['a@b', 'user:secret@evil.example', 'h/evil', 'h?x', 'h#x', 'a\\b', 'h\t.example']) {
      const event = eventWithHeaders(kind, [['Host', given]]);
      const { SERVER_NAME, HTTP_HOST } = await environOf(event);
      const fallback = (await environOf(eventWithHeaders(kind, [['X-A', '1']]))).SERVER_NAME;
      expect([SERVER_NAME, HTTP_HOST], given).toEqual([fallback, given]);
      // SERVER_NAME and the URL are of one mind.
      expect(new URL(await originOf(event)).hostname, given).toBe(fallback);
    }
  });

  it.each(KINDS)('X-07: %s has a path that starts with "/"', async (kind) => {
    for (const [path, info] of [
      ['@evil.example/x', '/@evil.example/x'],
      ['.evil.example', '/.evil.example'],
      [':8080/x', '/:8080/x'],
      ['x', '/x'],
      ['', '/'],
    ] as const) {
      expect((await environOf(eventWithPath(kind, path))).PATH_INFO).toBe(info);
      expect(await targetOf(eventWithPath(kind, path))).toBe(info);
    }
  });

  it.each(KINDS)('X-08: %s lives with a Host that is none', async (kind) => {
    const fallback = (await environOf(eventWithHeaders(kind, [['X-A', '1']]))).SERVER_NAME;
    for (const host of ['bad host<>:99999', '', 'h:0', 'h:99999', 'h:x', '[::1', '{dns_suffix}', ' ']) {
      const event = eventWithHeaders(kind, [['Host', host]]);
      const environ = await environOf(event);
      expect([environ.SERVER_NAME, /^(80|443)$/.test(environ.SERVER_PORT)], host).toEqual([fallback, true]);
      expect(URL.canParse((await requestOf(event)).url), host).toBe(true);
      const result = await toLambdaHandler(answering('200 OK'))(event, context);
      expect(statusOf(result)).toBe(200);
    }
  });

  it.each(KINDS)('X-09: %s keeps the text of a path like an authority’s', async (kind) => {
    const environ = await environOf(eventWithPath(kind, '//evil.example/x'));
    expect(environ.PATH_INFO).toBe('//evil.example/x');
    expect(environ.REQUEST_URI ?? '//evil.example/x').toMatch(/\/\/evil\.example\/x$/);
    const request = await requestOf(eventWithPath(kind, '//evil.example/x'));
    expect(new URL(request.url).pathname).toBe('//evil.example/x');
  });

  it.each([...V1, ...V2, ...EDGE])('X-11: %s is https, whatever a client says', async (kind) => {
    const spoof: HeaderList = [
      ['X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Port', '80'],
      ['Forwarded', 'proto=http'],
      ['CloudFront-Forwarded-Proto', 'http'],
      ['X-Forwarded-Host', 'evil.example'],
      ['X-Forwarded-Prefix', '/evil'],
      ['Host', 'h.example'],
    ];
    const lower = spoof.map(([name, value]): [string, string] => [name.toLowerCase(), value]);
    for (const headers of [spoof, lower]) {
      const environ = await environOf(eventWithHeaders(kind, headers));
      expect([environ['wsgi.url_scheme'], environ.HTTPS, environ.SERVER_PORT]).toEqual(['https', 'on', '443']);
      expect([environ.SERVER_NAME, environ.SCRIPT_NAME]).toEqual(['h.example', kind === REST ? '/prod' : '']);
      expect((await requestOf(eventWithHeaders(kind, headers))).url).toBe('https://h.example/');
    }
  });

  it.each(ALB)('X-11: %s tells the scheme that the last hop wrote', async (kind) => {
    for (const [given, scheme, port] of [
      ['https', 'https', '443'],
      ['http', 'http', '80'],
      ['http, https', 'https', '443'],
      ['https,http', 'http', '80'],
      ['ftp', 'http', '80'],
      ['', 'http', '80'],
    ] as const) {
      const environ = await environOf(
        eventWithHeaders(kind, [
          ['x-forwarded-proto', given],
          ['host', 'h.example'],
        ]),
      );
      expect([environ['wsgi.url_scheme'], environ.SERVER_PORT], given).toEqual([scheme, port]);
    }
  });

  it.each(KINDS)('X-25: %s takes an IPv6 literal for a host', async (kind) => {
    for (const [host, name, port] of [
      ['[2001:db8::1]:8443', '[2001:db8::1]', '8443'],
      ['[::1]', '[::1]', undefined],
    ] as const) {
      const environ = await environOf(eventWithHeaders(kind, [['Host', host]]));
      expect(environ.SERVER_NAME).toBe(name);
      expect(environ.SERVER_PORT).toBe(port ?? (environ['wsgi.url_scheme'] === 'https' ? '443' : '80'));
      expect(new URL((await requestOf(eventWithHeaders(kind, [['Host', host]]))).url).host).toBe(host);
    }
  });
});

describe('header names', () => {
  it.each(KINDS)('X-14: %s takes names of Object.prototype for names', async (kind) => {
    const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];
    const event = eventWithHeaders(
      kind,
      names.map((name): [string, string] => [name, 'x']),
    );
    const environ = await environOf(event);
    for (const name of names) expect(environ[`HTTP_${name.toUpperCase()}`]).toBe('x');
    expect(Object.getPrototypeOf(environ)).toBe(Object.prototype);
    expect({}).not.toHaveProperty('x');
    expect((await requestOf(event)).headers.get('constructor')).toBe('x');
    // Once, not joined to something that was there.
    const headers = names.map((name): [string, string] => [name, 'y']);
    const result = await resultOf(kind, answering('200 OK', headers));
    const sent = new Map<string, AnyEvent>(Object.entries(result.headers ?? result.multiValueHeaders));
    for (const name of names) {
      const value = sent.get(EDGE.includes(kind) ? name.toLowerCase() : name);
      expect([value].flat().map((each) => each.value ?? each)).toEqual(['y']);
    }
  });

  it('X-14: "__proto__" as well', async () => {
    const headers = JSON.parse('{"__proto__":"x","x-a":"1"}');
    const environ = await environOf(eventOf(URL_KIND, {}, { headers }));
    expect(environ).not.toHaveProperty('HTTP___PROTO__'); // it has a "_"
    expect(environ.HTTP_X_A).toBe('1');
    for (const kind of KINDS) {
      const result = JSON.stringify(await resultOf(kind, answering('200 OK', [['__proto__', 'z']])));
      expect(result).toMatch(/"__proto__":(\["z"\]|"z"|\[\{"key":"__proto__","value":"z"\}\])/);
    }
  });

  it.each(KINDS)('X-15: %s has no HTTP_PROXY', async (kind) => {
    for (const name of ['Proxy', 'proxy', 'PROXY'])
      expect(await environOf(eventWithHeaders(kind, [[name, 'http://evil.example']]))).not.toHaveProperty('HTTP_PROXY');
  });

  it.each(KINDS)('X-16: %s does not take a name with "_" for one with "-"', async (kind) => {
    const both: HeaderList = [
      ['X-Real-Ip', 'true'],
      ['X_Real_Ip', 'evil'],
      ['X-Real_Ip', 'evil'],
      ['Content_Length', '999'],
      ['CONTENT_TYPE', 'evil/evil'],
    ];
    for (const headers of [both, [...both].reverse()]) {
      const environ = await environOf(eventWithHeaders(kind, headers));
      expect(environ.HTTP_X_REAL_IP).toBe('true');
      for (const key of ['CONTENT_LENGTH', 'CONTENT_TYPE', 'HTTP_CONTENT_LENGTH', 'HTTP_CONTENT_TYPE'])
        expect(environ).not.toHaveProperty(key);
    }
  });

  it.each(KINDS)('X-20: %s has no header for its own use: a client can’t name a user or a context', async (kind) => {
    const spoof: HeaderList = [
      ['x-amzn-request-context', '{"authorizer":{"principalId":"root"}}'],
      ['x-amzn-lambda-context', '{}'],
      ['Remote-User', 'root'],
      ['Auth-Type', 'CUSTOM'],
      ['Script-Name', '/evil'],
      ['Path-Info', '/evil'],
      ['wsgi.url_scheme', 'http'],
      ['aws.event', 'x'],
    ];
    const event = eventWithHeaders(kind, [...spoof, ['Host', 'h.example']]);
    const environ = await environOf(event);
    expect(environ).not.toHaveProperty('REMOTE_USER');
    expect(environ).not.toHaveProperty('AUTH_TYPE');
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual([kind === REST ? '/prod' : '', '/']);
    expect([environ.HTTP_REMOTE_USER, environ.HTTP_X_AMZN_LAMBDA_CONTEXT]).toEqual(['root', '{}']);
    expect(environ['aws.event']).toEqual(event);
    expect(environ['aws.context']).toBe(context);
  });
});

describe('methods and paths', () => {
  it.each(KINDS)('X-17: %s gives no line end of a path to a URL', async (kind) => {
    const event = eventWithPath(kind, '/a\r\nSet-Cookie: evil=1');
    expect((await environOf(event)).PATH_INFO).toBe('/a\r\nSet-Cookie: evil=1');
    expect(await targetOf(event)).toBe('/a%0D%0ASet-Cookie:%20evil=1');
    // An application that puts the path into a header is told of it.
    const app: Application = (environ, startResponse) => {
      startResponse('302 Found', [['Location', `https://h.example${environ.PATH_INFO}`]]);
      return [];
    };
    const result = await toLambdaHandler(app, { errors: () => {} })(event, context);
    expect([statusOf(result), JSON.stringify(result).includes('evil')]).toEqual([500, false]);
  });

  it.each(KINDS)(
    'X-18: %s gives any method to the application, and 501 for a Fetch handler that can’t have it',
    async (kind) => {
      for (const method of ['TRACE', 'CONNECT']) {
        expect((await environOf(eventWithMethod(kind, method))).REQUEST_METHOD).toBe(method);
        await expect(requestOf(eventWithMethod(kind, method))).rejects.toThrow('called 0 times');
      }
      // The Fetch API takes these in lower case for what they are.
      for (const method of ['get', 'head', 'post'])
        expect((await requestOf(eventWithMethod(kind, method, { body: 'x' }))).method).toMatch(
          new RegExp(`^${method}$`, 'i'),
        );
    },
  );

  it.each(KINDS)('X-19: %s leaves a method that it does not know to the application', async (kind) => {
    for (const method of ['PURGE', 'PROPFIND', 'M-SEARCH', 'QUERY', 'get', 'Custom!']) {
      expect((await environOf(eventWithMethod(kind, method))).REQUEST_METHOD).toBe(method);
    }
    expect((await requestOf(eventWithMethod(kind, 'PURGE'))).method).toBe('PURGE');
  });
});

it.each(LATTICE)('X-11: %s takes the scheme from its own header, not from the client’s', async (kind) => {
  const spoof: HeaderList = [['X-Forwarded-Proto', 'https']];
  expect((await environOf(eventWithHeaders(kind, spoof)))['wsgi.url_scheme']).toBe('http');
  const own: HeaderList = [...spoof, ['x-forwarded-for-proto', 'https']];
  expect((await environOf(eventWithHeaders(kind, own)))['wsgi.url_scheme']).toBe('https');
});
