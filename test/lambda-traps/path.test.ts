import { describe, expect, it } from 'vitest';
import { applicationUri, requestUri } from '../../src/url.js';
import type { LambdaKind } from '../../testing/index.js';
import {
  ALB,
  answering,
  ENCODED,
  environOf,
  eventOf,
  eventWithPath,
  HTTP1,
  HTTP2,
  KINDS,
  LATTICE,
  RAW,
  REST,
  requestOf,
  resultOf,
  sample,
  targetOf,
  URL_KIND,
  V1,
} from './harness.js';

const DECODED: LambdaKind[] = [HTTP1, HTTP2];

const pathOf = async (event: unknown, options = {}) => (await environOf(event, options)).PATH_INFO;
/** SCRIPT_NAME and PATH_INFO. */
const mountOf = async (event: unknown, options = {}) => {
  const { SCRIPT_NAME, PATH_INFO } = await environOf(event, options);
  return [SCRIPT_NAME, PATH_INFO];
};
const onDefaultHost = (kind: LambdaKind, path: string, stage: string, more: object = {}) => {
  const event = eventWithPath(kind, path);
  event.requestContext = { ...event.requestContext, stage, ...more };
  return event;
};
const onCustomDomain = (kind: LambdaKind, path: string, more: object = {}) => {
  const event = onDefaultHost(kind, path, 'prod', { domainName: 'api.example.com', path, ...more });
  for (const map of [event.headers, event.multiValueHeaders])
    for (const name of Object.keys(map ?? {}))
      if (name.toLowerCase() === 'host') map[name] = map === event.headers ? 'api.example.com' : ['api.example.com'];
  return event;
};

it.each(DECODED)(
  'P-01: %s sends "/a%%2Fb" decoded: it is not decoded again, nor is a REQUEST_URI made up',
  async (kind) => {
    expect(eventOf(kind, { target: '/a%2Fb' })[kind === HTTP2 ? 'rawPath' : 'path']).toBe('/a/b');
    expect(await pathOf(eventOf(kind, { target: '/a%2Fb' }))).toBe('/a/b');
    // The client's "/a%252Fb".
    const environ = await environOf(eventWithPath(kind, '/a%2Fb/%41'));
    expect(environ.PATH_INFO).toBe('/a%2Fb/%41');
    expect([environ.REQUEST_URI, environ.RAW_URI]).toEqual([undefined, undefined]);
    expect(await targetOf(eventWithPath(kind, '/a%2Fb'))).toBe('/a%252Fb');
  },
);

describe('P-02: a "#", "?" or "%" of a decoded path ends no path', () => {
  it.each(DECODED)('P-02: %s', async (kind) => {
    expect(await pathOf(eventWithPath(kind, '/x#y?z%w'))).toBe('/x#y?z%w');
    expect(await targetOf(eventWithPath(kind, '/x#y?z%w', { target: '/?q=1' }))).toBe('/x%23y%3Fz%25w?q=1');
  });

  it.each(ENCODED)('P-02: %s, where a client has sent the "#" raw', async (kind) => {
    expect(await pathOf(eventWithPath(kind, '/x#y/%23'))).toBe('/x#y/#');
    // Lattice does not tell the client's spelling.
    expect(await targetOf(eventWithPath(kind, '/x#y/%23'))).toBe('/x%23y/%23');
  });
});

it.each(KINDS)('P-04: %s has a bare "%%" for data', async (kind) => {
  for (const path of ['/50%/done', '/%', '/%zz/%4']) expect(await pathOf(eventWithPath(kind, path)), path).toBe(path);
  const escaped = DECODED.includes(kind) || LATTICE.includes(kind);
  expect(await targetOf(eventWithPath(kind, '/50%/done'))).toBe(escaped ? '/50%25/done' : '/50%/done');
});

it.each(KINDS)('P-05: %s gives a Fetch handler a URL without raw spaces, line ends and letters', async (kind) => {
  expect(await targetOf(eventWithPath(kind, '/capture/space value'))).toBe('/capture/space%20value');
  expect(await targetOf(eventWithPath(kind, '/\u00fcn\u00ef/\u{1f600}'))).toBe('/%C3%BCn%C3%AF/%F0%9F%98%80');
  expect(await targetOf(eventWithPath(kind, '/a\r\nb\tc'))).toBe('/a%0D%0Ab%09c');
  expect(await targetOf(eventWithPath(kind, '/a\\b'))).toBe('/a%5Cb');
});

it.each(KINDS)('P-06: %s takes a path with spaces and letters', async (kind) => {
  expect(await pathOf(eventWithPath(kind, '/my/path-with space/\u00fc'))).toBe('/my/path-with space/\u00c3\u00bc');
});

it.each(ENCODED)('P-08: %s has its path decoded once, to bytes', async (kind) => {
  const environ = await environOf(eventOf(kind, { target: '/api/path%2Finfo/%C3%BC/%FF/%2541' }));
  expect(environ.PATH_INFO).toBe('/api/path/info/\u00c3\u00bc/\u00ff/%41');
  if (!LATTICE.includes(kind)) expect(environ.REQUEST_URI).toMatch(/\/api\/path%2Finfo\/%C3%BC\/%FF\/%2541$/);
});

it.each([HTTP2, URL_KIND] as const)(
  'P-09: %s has rawPath, not the other field, which may lack the slash',
  async (kind) => {
    const event = eventWithPath(kind, '/foo/');
    event.requestContext.http.path = '/foo';
    expect(await pathOf(event)).toBe('/foo/');
  },
);

describe('P-10: a named stage is no part of PATH_INFO', () => {
  it.each(DECODED)('P-10: %s on the default host', async (kind) => {
    expect(await mountOf(onDefaultHost(kind, '/dev/foo', 'dev'))).toEqual(['/dev', '/foo']);
    expect(await mountOf(onDefaultHost(kind, '/dev/dev/foo', 'dev'))).toEqual(['/dev', '/dev/foo']);
    expect(await mountOf(onDefaultHost(kind, '/dev/', 'dev'))).toEqual(['/dev', '/']);
    for (const path of ['/devious/foo', '/DEV/foo', '/', '/foo/dev'])
      expect(await mountOf(onDefaultHost(kind, path, 'dev')), path).toEqual(['', path]);
    expect(await mountOf(onDefaultHost(kind, '/$default/foo', '$default'))).toEqual(['', '/$default/foo']);
  });

  it.each(DECODED)('P-10: %s on a custom domain, by the option', async (kind) => {
    const event = onCustomDomain(kind, '/prod/foo');
    expect(await mountOf(event)).toEqual(['', '/prod/foo']);
    expect(await mountOf(event, { stage: 'prod' })).toEqual(['/prod', '/foo']);
  });
});

it.each(V1)('P-13: %s of a mapping without a stage has base path and stage in front', async (kind) => {
  const event = onCustomDomain(kind, '/base/prod/foo');
  expect(await mountOf(event)).toEqual(['', '/base/prod/foo']);
  expect(await mountOf(event, { basePath: '/base', stage: 'prod' })).toEqual(['/base/prod', '/foo']);
  expect(await mountOf(event, { basePath: '/base' })).toEqual(['/base', '/prod/foo']);
  expect(await mountOf(sample('rest-v1-custom-domain-basepath.json'), { basePath: '/v1' })).toEqual([
    '/v1',
    '/payment',
  ]);
  expect(await mountOf(onCustomDomain(kind, '/a/b/foo'), { basePath: '/a/b' })).toEqual(['/a/b', '/foo']);
});

it.each(KINDS)('P-16: %s loses its base path once', async (kind) => {
  expect(await mountOf(eventWithPath(kind, '/api/api/x'), { basePath: '/api' })).toEqual(['/api', '/api/x']);
  expect(await mountOf(eventWithPath(kind, '/api/api/api'), { basePath: '/api' })).toEqual(['/api', '/api/api']);
});

it.each(KINDS)('P-18: %s loses its base path at a segment border alone', async (kind) => {
  for (const path of ['/apix', '/apix/y', '/x/api', '/API/x'])
    expect(await mountOf(eventWithPath(kind, path), { basePath: '/api' }), path).toEqual(['', path]);
  expect(await mountOf(eventWithPath(kind, '/api'), { basePath: '/api' })).toEqual(['/api', '']);
  expect(await mountOf(eventWithPath(kind, '/api/'), { basePath: '/api' })).toEqual(['/api', '/']);
  expect(await mountOf(eventWithPath(kind, '/prodigy/x'), { stage: 'prod' })).toEqual(['', '/prodigy/x']);
});

it.each<LambdaKind>([...V1, HTTP2, URL_KIND])('P-19: %s has its path, not the parameter of a route', async (kind) => {
  const event = { ...eventWithPath(kind, '/user/42'), pathParameters: { proxy: '42' }, resource: '/user/{proxy+}' };
  expect(await pathOf(event)).toBe('/user/42');
  expect(await pathOf({ ...eventWithPath(kind, ''), pathParameters: { proxy: '42' } })).toBe('/');
});

it('P-20: the stage of a REST API is never put in front of the path', async () => {
  const event = onDefaultHost(REST, '/foo', 'prod', { path: '/prod/foo' });
  expect(await mountOf(event)).toEqual(['/prod', '/foo']);
  // An application may have a path of the stage's name.
  expect(await mountOf(onDefaultHost(REST, '/prod/foo', 'prod', { path: '/prod/prod/foo' }))).toEqual([
    '/prod',
    '/prod/foo',
  ]);
  const environ = await environOf(event);
  expect((environ['aws.event'] as { requestContext: { stage: string } }).requestContext.stage).toBe('prod');
});

it.each(V1)('P-21: %s is routed by path, not by the path of its context', async (kind) => {
  expect(await pathOf(onDefaultHost(kind, '/foo', 'prod', { path: '/prod/foo' }))).toBe('/foo');
  expect(await targetOf(onDefaultHost(kind, '/foo', 'prod', { path: '/prod/foo' }))).toBe('/foo');
  expect(await mountOf(sample('http-v1-custom-domain.json'))).toEqual(['', '/']);
});

it('P-22: a URL that an application makes of its environ has the stage', async () => {
  const environ = await environOf(eventOf(REST, { target: '/a%20b?q=1' }));
  const origin = 'https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com';
  expect(applicationUri(environ)).toBe(`${origin}/prod`);
  expect(requestUri(environ)).toBe(`${origin}/prod/a%20b?q=1`);
  expect(environ.REQUEST_URI).toBe('/prod/a%20b?q=1');
  const named = await environOf(onDefaultHost(HTTP2, '/dev/foo', 'dev'));
  expect(requestUri(named)).toBe(`${origin}/dev/foo`);
});

it.each(KINDS)('P-23: %s keeps the slash at the end, and makes none', async (kind) => {
  for (const target of ['/foo/', '/foo', '/foo//', '/']) {
    expect(await pathOf(eventOf(kind, { target })), target).toBe(target);
    expect(await targetOf(eventOf(kind, { target })), target).toBe(target);
  }
});

it.each([HTTP2, URL_KIND] as const)('P-24: %s without rawPath has the path of its context', async (kind) => {
  const event = eventOf(kind, { target: '/a%20b' });
  delete event.rawPath;
  const environ = await environOf(event);
  expect([environ.PATH_INFO, environ.REQUEST_URI]).toEqual(['/a b', undefined]);
  expect(await targetOf(event)).toBe('/a%20b');
  delete event.requestContext.http.path;
  expect(await pathOf(event)).toBe('/');
});

it('P-25: an event of payload 1.0 with a rawPath stays one', async () => {
  const event = { ...eventOf(REST, { target: '/foo?a=1' }), rawPath: '/other', rawQueryString: 'b=2' };
  const environ = await environOf(event);
  expect([environ.PATH_INFO, environ.QUERY_STRING]).toEqual(['/foo', 'a=1']);
  expect(await pathOf(sample('rest-v1-with-rawpath.json'))).toBe('/capture/space value');
  const result = await resultOf(REST, answering('200 OK', [['Set-Cookie', 'a=1']]));
  expect(Object.keys(result)).toEqual(['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded']);
});

it.each(KINDS)('P-27: %s keeps dots and empty segments', async (kind) => {
  for (const path of ['/index.php/x.y', '//a///b//', '/a/./b/../c', '/.well-known/x', '/..'])
    expect(await pathOf(eventWithPath(kind, path)), path).toBe(path);
  expect(await targetOf(eventWithPath(kind, '//a///b.c//'))).toBe('//a///b.c//');
});

it.each(KINDS)('P-28: %s has the one rule of base paths for every path', async (kind) => {
  for (const path of ['/', '/data/x.json', '/_next/data/x', '/%2e']) {
    const [script, rest] = await mountOf(eventWithPath(kind, `/base${path}`), { basePath: '/base' });
    expect([script, rest]).toEqual(['/base', ENCODED.includes(kind) ? path.replace('%2e', '.') : path]);
  }
  // REQUEST_URI stays what the client has sent; a Fetch handler sees what is left of the path.
  const event = eventWithPath(kind, '/base/a%20b');
  const request = await requestOf(event, { basePath: '/base' });
  expect(new URL(request.url).pathname).toBe(DECODED.includes(kind) ? '/a%2520b' : '/a%20b');
  if (RAW.includes(kind) && kind !== REST)
    expect((await environOf(event, { basePath: '/base' })).REQUEST_URI).toBe('/base/a%20b');
});

it.each(ALB)('P-28: %s is refused outside of scriptName, whatever the base path', async (kind) => {
  const options = { basePath: '/base', scriptName: '/app' };
  expect(await mountOf(eventWithPath(kind, '/base/app/x'), options)).toEqual(['/base/app', '/x']);
  await expect(environOf(eventWithPath(kind, '/base/x'), options)).rejects.toThrow('called 0 times');
});
