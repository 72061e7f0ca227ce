// What `lambdaEvent` makes is what each front end sends, as AWS documents it and as captures show it; `readLambdaResult`
// refuses what each front end answers 502 to.
import { describe, expect, it, test } from 'vitest';
import { WsgiError } from '../src/errors.js';
import type { HeaderList } from '../src/types.js';
import type { AlbEvent, EdgeEvent } from '../targets/aws-lambda/index.js';
import { type LambdaKind, type LambdaRequest, lambdaEvent, readLambdaResult } from '../testing/index.js';
import { KINDS } from './lambda-result-shape.ts';

const V1 = ['apigw-rest-v1', 'apigw-http-v1'] as const;
const V2 = ['apigw-http-v2', 'function-url'] as const;
const ALB = ['alb-single', 'alb-multi'] as const;
const LATTICE = ['lattice-v1', 'lattice-v2'] as const;
const EDGE = ['edge-viewer-request', 'edge-origin-request'] as const;
const isEdge = (kind: LambdaKind) => kind.startsWith('edge-');

/** A field of an event that its type, which is the gateway's view, may not have. */
const field = (event: object, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], event);
const edgeRequest = (event: EdgeEvent) => (event.Records as [EdgeEvent['Records'][number]])[0].cf.request;

/** Where each kind has a header, with the name as the client sent it. */
const headerIn = (kind: LambdaKind, request: LambdaRequest, name: string): unknown => {
  const event = lambdaEvent(kind, request);
  const map = isEdge(kind)
    ? edgeRequest(event as EdgeEvent).headers
    : kind === 'alb-multi'
      ? (event as AlbEvent).multiValueHeaders
      : field(event, 'headers');
  return Object.entries(map as object).find(([key]) => key.toLowerCase() === name)?.[1];
};

describe('lambdaEvent', () => {
  it('knows its kinds', () => {
    expect(() => lambdaEvent('sqs' as never)).toThrow(WsgiError);
    expect(() => lambdaEvent('sqs' as never)).toThrow(/unknown kind of front end "sqs"; known are apigw-rest-v1, /);
    expect(() => lambdaEvent('toString' as never)).toThrow(/unknown kind of front end "toString"/);
  });

  test.each(KINDS)('%s: a GET of / by default, and nothing but JSON', (kind) => {
    const event = lambdaEvent(kind);
    expect(JSON.parse(JSON.stringify(event))).toEqual(event);
    expect(event).toEqual(lambdaEvent(kind, { method: 'GET', target: '/', headers: [] }));
    expect(lambdaEvent(kind, { target: '' })).toEqual(event);
  });

  test.each(KINDS)('%s: the same kind of event as in the samples', (kind) => {
    const { Records, ...event } = lambdaEvent(kind, { method: 'PATCH', target: '/p' }) as unknown as Record<
      string,
      unknown
    >;
    const method = Records
      ? field(Records, '0.cf.request.method')
      : (event.httpMethod ?? event.method ?? field(event, 'requestContext.http.method'));
    expect(method).toBe('PATCH');
    const marks = {
      'apigw-rest-v1': { resource: '/{proxy+}', requestContext: { stage: 'prod', path: '/prod/p' } },
      'apigw-http-v1': { version: '1.0', resource: '$default', requestContext: { stage: '$default', path: '/p' } },
      'apigw-http-v2': {
        version: '2.0',
        routeKey: '$default',
        requestContext: { stage: '$default', accountId: '123456789012' },
      },
      'function-url': {
        version: '2.0',
        routeKey: '$default',
        requestContext: { stage: '$default', accountId: 'anonymous' },
      },
      'alb-single': {
        requestContext: { elb: { targetGroupArn: expect.stringMatching(/^arn:aws:elasticloadbalancing:/) } },
      },
      'alb-multi': {
        requestContext: { elb: { targetGroupArn: expect.stringMatching(/^arn:aws:elasticloadbalancing:/) } },
      },
      'lattice-v1': { raw_path: '/p', is_base64_encoded: false },
      'lattice-v2': {
        version: '2.0',
        requestContext: {
          serviceArn: expect.stringMatching(/^arn:aws:vpc-lattice:/),
          timeEpoch: expect.stringMatching(/^[0-9]{16}$/),
        },
      },
      'edge-viewer-request': { config: { eventType: 'viewer-request' }, request: { clientIp: '203.0.113.7' } },
      'edge-origin-request': { config: { eventType: 'origin-request' }, request: { origin: { custom: {} } } },
    }[kind];
    expect(Records ? field(Records, '0.cf') : event).toMatchObject(marks);
  });

  test.each([
    ['apigw-rest-v1', 'path', '/a%20b/%2F/%C3%BC%FF//x/'],
    ['apigw-rest-v1', 'requestContext.path', '/prod/a%20b/%2F/%C3%BC%FF//x/'],
    ['apigw-rest-v1', 'pathParameters.proxy', 'a%20b/%2F/%C3%BC%FF//x/'],
    ['apigw-http-v1', 'path', '/a b///ü\ufffd//x/'],
    ['apigw-http-v2', 'rawPath', '/a b///ü\ufffd//x/'],
    ['apigw-http-v2', 'requestContext.http.path', '/a b///ü\ufffd//x/'],
    ['function-url', 'rawPath', '/a%20b/%2F/%C3%BC%FF//x/'],
    ['function-url', 'requestContext.http.path', '/a b///ü\ufffd//x/'],
    ['alb-single', 'path', '/a%20b/%2F/%C3%BC%FF//x/'],
    ['alb-multi', 'path', '/a%20b/%2F/%C3%BC%FF//x/'],
    ['lattice-v1', 'raw_path', '/a%20b/%2F/%C3%BC%FF//x/'],
    ['lattice-v2', 'path', '/a%20b/%2F/%C3%BC%FF//x/'],
    ['edge-viewer-request', 'Records.0.cf.request.uri', '/a%20b/%2F/%C3%BC%FF//x/'],
    ['edge-origin-request', 'Records.0.cf.request.uri', '/a%20b/%2F/%C3%BC%FF//x/'],
  ] as const)('%s: %s is %j', (kind, where, path) => {
    expect(field(lambdaEvent(kind, { target: '/a%20b/%2F/%C3%BC%FF//x/?q=1' }), where)).toBe(path);
  });

  it('an HTTP API decodes the path once, and text that is not encoded stays', () => {
    expect(lambdaEvent('apigw-http-v2', { target: '/%2541/50%/%zz/é' }).rawPath).toBe('/%41/50%/%zz/é');
  });

  const QUERY = 'r=1&r=2&enc=%C3%BC%26&plus=a+b&p2=a%2Bb&empty=&bare&a=b=c';

  test.each(V1)('%s: the query is decoded, in two maps', (kind) => {
    const last = { r: '2', enc: 'ü&', plus: 'a b', p2: 'a+b', empty: '', bare: '', a: 'b=c' };
    expect(lambdaEvent(kind, { target: `/?${QUERY}` })).toMatchObject({
      queryStringParameters: last,
      multiValueQueryStringParameters: {
        ...Object.fromEntries(Object.entries(last).map(([name, value]) => [name, [value]])),
        r: ['1', '2'],
      },
    });
    expect(lambdaEvent(kind)).toMatchObject({ queryStringParameters: null, multiValueQueryStringParameters: null });
  });

  test.each(V2)('%s: the query is raw, and decoded in a map with repeats joined', (kind) => {
    expect(lambdaEvent(kind, { target: `/?${QUERY}??` })).toMatchObject({
      rawQueryString: `${QUERY}??`,
      queryStringParameters: { r: '1,2', enc: 'ü&', plus: 'a b', empty: '', bare: '' },
    });
    expect(lambdaEvent(kind).rawQueryString).toBe('');
    expect(lambdaEvent(kind)).not.toHaveProperty('queryStringParameters');
  });

  it('a load balancer decodes no query', () => {
    const last = { r: '2', enc: '%C3%BC%26', plus: 'a+b', p2: 'a%2Bb', empty: '', bare: '', a: 'b=c' };
    const single = lambdaEvent('alb-single', { target: `/?${QUERY}&` });
    expect(single.queryStringParameters).toEqual(last);
    expect(single).not.toHaveProperty('multiValueQueryStringParameters');
    expect(single).not.toHaveProperty('multiValueHeaders');
    const multi = lambdaEvent('alb-multi', { target: `/?${QUERY}` });
    expect(multi.multiValueQueryStringParameters).toMatchObject({ r: ['1', '2'], plus: ['a+b'], bare: [''] });
    expect(multi).not.toHaveProperty('queryStringParameters');
    expect(multi).not.toHaveProperty('headers');
    expect(lambdaEvent('alb-single').queryStringParameters).toEqual({});
    expect(lambdaEvent('alb-multi').multiValueQueryStringParameters).toEqual({});
  });

  it('Lattice has one value for a parameter in version 1, lists in version 2', () => {
    expect(lambdaEvent('lattice-v1', { target: `/?${QUERY}` })).toMatchObject({
      raw_path: '/',
      query_string_parameters: { r: '2', plus: 'a b', p2: 'a+b' },
    });
    expect(lambdaEvent('lattice-v2', { target: `/?${QUERY}` }).queryStringParameters).toMatchObject({
      r: ['1', '2'],
      plus: ['a b'],
    });
  });

  test.each(EDGE)('%s: the query is raw', (kind) => {
    expect(edgeRequest(lambdaEvent(kind, { target: `/?${QUERY}?` })).querystring).toBe(`${QUERY}?`);
    expect(edgeRequest(lambdaEvent(kind)).querystring).toBe('');
  });

  test.each(KINDS)('%s: names may be any property of an object', (kind) => {
    const request: LambdaRequest = {
      target: '/?__proto__=1&constructor=2',
      headers: [
        ['__proto__', '3'],
        ['toString', '4'],
      ],
    };
    const text = JSON.stringify(lambdaEvent(kind, request));
    expect(text).toMatch(/__proto__/);
    const value = (name: string) => headerIn(kind, request, name);
    for (const [name, sent] of [
      ['__proto__', '3'],
      ['tostring', '4'],
    ] as const)
      expect(JSON.stringify(value(name))).toContain(sent);
  });

  const REPEATED: HeaderList = [
    ['X-A', 'first'],
    ['x-b', 'only'],
    ['X-A', 'second'],
  ];

  test.each(V1)('%s: the headers are in two maps, names as the client sends them', (kind) => {
    const event = lambdaEvent(kind, { headers: [...REPEATED, ['host', 'h.example']] });
    expect(event.headers).toMatchObject({ 'X-A': 'second', 'x-b': 'only', host: 'h.example' });
    expect(event.multiValueHeaders).toMatchObject({ 'X-A': ['first', 'second'], 'x-b': ['only'] });
    expect(Object.keys(event.headers ?? {})).toEqual(Object.keys(event.multiValueHeaders ?? {}));
    expect(event.headers).toMatchObject({
      'X-Forwarded-For': '203.0.113.7',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Proto': 'https',
      'X-Amzn-Trace-Id': expect.stringMatching(/^Root=1-/),
    });
    expect(lambdaEvent(kind).headers).toHaveProperty('Host', 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com');
  });

  test.each(V2)('%s: names are in lower case, repeats joined without a space', (kind) => {
    const { headers } = lambdaEvent(kind, { headers: [...REPEATED, ['x-a', 'third']] });
    expect(headers).toMatchObject({ 'x-a': 'first,second,third', 'x-b': 'only', 'x-forwarded-proto': 'https' });
    expect(Object.keys(headers ?? {}).filter((name) => name !== name.toLowerCase())).toEqual([]);
  });

  it('a load balancer has lower-case names, and lists or the last value', () => {
    const { headers } = lambdaEvent('alb-single', { headers: [...REPEATED, ['x-a', 'third']] });
    expect(headers).toMatchObject({
      'x-a': 'third',
      'x-b': 'only',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    });
    const { multiValueHeaders } = lambdaEvent('alb-multi', { headers: [...REPEATED, ['x-a', 'third']] });
    expect(multiValueHeaders).toMatchObject({ 'x-a': ['first', 'second', 'third'], 'x-b': ['only'] });
    expect(Object.keys({ ...headers, ...multiValueHeaders }).filter((name) => name !== name.toLowerCase())).toEqual([]);
  });

  it('Lattice has lower-case names, repeats joined in version 1, lists in version 2', () => {
    expect(lambdaEvent('lattice-v1', { headers: REPEATED }).headers).toMatchObject({ 'x-a': 'first,second' });
    expect(lambdaEvent('lattice-v2', { headers: REPEATED }).headers).toMatchObject({ 'x-a': ['first', 'second'] });
    for (const kind of LATTICE) expect(headerIn(kind, {}, 'x-forwarded-proto')).toBeUndefined();
  });

  test.each(EDGE)('%s: headers are lists of entries under lower-case names', (kind) => {
    const { headers } = edgeRequest(lambdaEvent(kind, { headers: [...REPEATED, ['x-a', 'third']] }));
    expect(headers).toMatchObject({
      'x-a': [
        { key: 'X-A', value: 'first' },
        { key: 'X-A', value: 'second' },
        { key: 'x-a', value: 'third' },
      ],
    });
    expect(headers?.host?.[0]?.value).toBe(
      kind === 'edge-viewer-request' ? 'd111111abcdef8.cloudfront.net' : 'origin.example.com',
    );
    expect(headers).not.toHaveProperty('x-forwarded-for');
  });

  test.each(KINDS.filter((kind) => !isEdge(kind)))('%s: the address goes behind what the client says', (kind) => {
    const request: LambdaRequest = {
      headers: [
        ['X-Forwarded-For', '198.51.100.1'],
        ['x-forwarded-for', '198.51.100.2, 198.51.100.3'],
        ['X-Forwarded-Proto', 'http'],
        ['X-Amzn-Trace-Id', 'spoofed'],
      ],
    };
    expect([headerIn(kind, request, 'x-forwarded-for')].flat()).toEqual([
      '198.51.100.1, 198.51.100.2, 198.51.100.3, 203.0.113.7',
    ]);
    if (!kind.startsWith('lattice-')) {
      expect([headerIn(kind, request, 'x-forwarded-proto')].flat()).toEqual(['https']);
      expect([headerIn(kind, request, 'x-amzn-trace-id')].flat()).toEqual([expect.stringMatching(/^Root=1-/)]);
    }
  });

  test.each([
    ...V1.map((kind) => [kind, 'requestContext.identity.sourceIp'] as const),
    ...V2.map((kind) => [kind, 'requestContext.http.sourceIp'] as const),
    ...EDGE.map((kind) => [kind, 'Records.0.cf.request.clientIp'] as const),
  ])('%s: the address is in %s', (kind, where) => {
    expect(field(lambdaEvent(kind), where)).toBe('203.0.113.7');
  });

  test.each([...V1, ...V2])('%s: the user agent stands in the context too', (kind) => {
    const { requestContext } = lambdaEvent(kind, { headers: [['user-agent', 'curl/8']] });
    expect(JSON.stringify(requestContext)).toContain('"userAgent":"curl/8"');
  });

  test.each(KINDS)('%s: what every front end consumes does not arrive', (kind) => {
    const request: LambdaRequest = {
      headers: [
        ['Connection', 'close'],
        ['Keep-Alive', 'timeout=5'],
        ['transfer-encoding', 'chunked'],
      ],
      body: 'x',
    };
    expect(headerIn(kind, request, 'connection')).toBeUndefined();
    expect(headerIn(kind, request, 'keep-alive')).toBeUndefined();
    expect(headerIn(kind, request, 'transfer-encoding')).toBeUndefined();
    expect([headerIn(kind, request, 'content-length')].flat()).toEqual(
      kind === 'apigw-rest-v1' ? [undefined] : [isEdge(kind) ? { key: 'Content-Length', value: '1' } : '1'],
    );
    expect(headerIn(kind, {}, 'content-length')).toBeUndefined();
  });

  const COOKIES: HeaderList = [
    ['Cookie', 'session=abc123; theme=dark'],
    ['cookie', 'c=3'],
  ];

  it('cookies are apart in payload 2.0, and in the header too from a Function URL', () => {
    const api = lambdaEvent('apigw-http-v2', { headers: COOKIES });
    expect(api.cookies).toEqual(['session=abc123', 'theme=dark', 'c=3']);
    expect(api.headers).not.toHaveProperty('cookie');
    const url = lambdaEvent('function-url', { headers: COOKIES });
    expect(url.cookies).toEqual(['session=abc123', 'theme=dark', 'c=3']);
    expect(url.headers).toHaveProperty('cookie', 'session=abc123; theme=dark,c=3');
    for (const kind of V2) expect(lambdaEvent(kind)).not.toHaveProperty('cookies');
  });

  test.each([...V1, ...ALB, ...LATTICE, ...EDGE])('%s: cookies are a header', (kind) => {
    expect(lambdaEvent(kind, { headers: COOKIES })).not.toHaveProperty('cookies');
    const value = headerIn(kind, { headers: COOKIES.slice(0, 1) }, 'cookie');
    expect(JSON.stringify(value)).toContain('session=abc123; theme=dark');
    if (kind === 'alb-single') expect(headerIn(kind, { headers: COOKIES }, 'cookie')).toBe('c=3');
  });

  const bodyOf = (kind: LambdaKind, request: LambdaRequest) => {
    const event = lambdaEvent(kind, request);
    return kind === 'lattice-v1'
      ? [field(event, 'body'), field(event, 'is_base64_encoded')]
      : [field(event, 'body'), field(event, 'isBase64Encoded')];
  };

  test.each(KINDS.filter((kind) => !isEdge(kind)))('%s: text comes as text, other bodies as base64', (kind) => {
    const typed = (type: string, ...more: HeaderList): LambdaRequest => ({
      headers: [['content-type', type], ...more],
      body: 'hé',
    });
    for (const type of [
      'text/plain',
      'text/html; charset=utf-8',
      'application/json',
      'Application/JSON;v=1',
      'application/javascript',
      'application/xml',
    ])
      expect(bodyOf(kind, typed(type))).toEqual(['hé', false]);
    for (const type of [
      'image/png',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonx',
      'application/json-seq',
      'x-text/plain',
      '',
    ])
      expect(bodyOf(kind, typed(type))).toEqual(['aMOp', true]);
    expect(bodyOf(kind, typed('text/plain', ['Content-Encoding', 'gzip']))).toEqual(['aMOp', true]);
    expect(bodyOf(kind, { body: 'hé' })).toEqual(['aMOp', true]);
    expect(bodyOf(kind, { headers: [['content-type', 'text/plain']], body: Uint8Array.of(0xff) })).toEqual([
      '\ufffd',
      false,
    ]);
  });

  test.each([
    ['apigw-rest-v1', null],
    ['apigw-http-v1', null],
    ['apigw-http-v2', undefined],
    ['function-url', undefined],
    ['alb-single', ''],
    ['alb-multi', ''],
    ['lattice-v1', ''],
    ['lattice-v2', undefined],
  ] as const)('%s: no body is %j', (kind, none) => {
    expect(bodyOf(kind, {})).toEqual([none, false]);
    expect('body' in lambdaEvent(kind)).toBe(none !== undefined);
  });

  test.each([
    ['edge-viewer-request', 40_960],
    ['edge-origin-request', 1_048_576],
  ] as const)('%s: the body is base64, cut at %i bytes', (kind, limit) => {
    expect(edgeRequest(lambdaEvent(kind))).not.toHaveProperty('body');
    const headers: HeaderList = [['content-type', 'text/plain']];
    expect(edgeRequest(lambdaEvent(kind, { headers, body: 'hé' })).body).toEqual({
      inputTruncated: false,
      action: 'read-only',
      encoding: 'base64',
      data: 'aMOp',
    });
    const shown = (length: number) => {
      const { body, headers } = edgeRequest(lambdaEvent(kind, { body: new Uint8Array(length) }));
      return [
        Buffer.from(body?.data ?? '', 'base64').length,
        body?.inputTruncated,
        headers?.['content-length']?.[0]?.value,
      ];
    };
    expect(shown(limit)).toEqual([limit, false, String(limit)]);
    expect(shown(limit + 1)).toEqual([limit, true, String(limit + 1)]);
  });
});

describe('readLambdaResult', () => {
  const reads = (kind: LambdaKind, result: unknown) => {
    const { status, headers, body, text } = readLambdaResult(kind, result);
    expect(text()).toBe(Buffer.from(body).toString());
    return [status, headers, text()];
  };
  const refuses = (kind: LambdaKind, result: unknown, why: string) => {
    expect(() => readLambdaResult(kind, result)).toThrow(WsgiError);
    expect(() => readLambdaResult(kind, result)).toThrow(`testing: ${kind} answers 502 to this result: ${why}`);
  };
  const BARE = [...V1, ...V2, ...ALB, ...LATTICE];
  /** A result of any kind. */
  const made = (kind: LambdaKind, changes: object = {}) =>
    isEdge(kind) ? { status: '200', headers: {}, ...changes } : { statusCode: 200, body: '', ...changes };

  it('knows its kinds', () => {
    expect(() => readLambdaResult('sqs' as never, {})).toThrow(/unknown kind of front end "sqs"/);
  });

  test.each(V1)('%s: both maps count, what both have is sent once', (kind) => {
    const result = {
      statusCode: 201,
      headers: { 'X-A': '1', 'X-B': '2', 'X-C': '3' },
      multiValueHeaders: { 'x-a': ['1'], 'X-B': ['other'], 'set-cookie': ['a=1', 'b=2'] },
      body: 'aMOp',
      isBase64Encoded: true,
    };
    const [status, headers, text] = reads(kind, result);
    expect([status, text]).toEqual([201, 'hé']);
    expect(headers).toEqual([
      ['X-B', '2'],
      ['X-C', '3'],
      ['x-a', '1'],
      ['X-B', 'other'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    expect(reads(kind, { statusCode: '404', headers: null, multiValueHeaders: null, body: null })).toEqual([
      404,
      [],
      '',
    ]);
    expect(reads(kind, { statusCode: 200 })).toEqual([200, [], '']);
  });

  test.each(V1)('%s: keys that it does not know', (kind) => {
    for (const key of ['cookies', 'statusDescription', 'extra'])
      refuses(kind, made(kind, { [key]: 'x' }), `the unknown key "${key}"`);
    reads(kind, made(kind, { cookies: undefined }));
  });

  test.each(V2)('%s: cookies are lines, lists are not looked at', (kind) => {
    const result = { statusCode: 200, headers: { 'X-A': '1, 2' }, cookies: ['a=1', 'b=2'], body: 'hé' };
    const headers = [
      ['X-A', '1, 2'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ];
    expect(reads(kind, result)).toEqual([200, headers, 'hé']);
    expect(reads(kind, { ...result, multiValueHeaders: { 'X-B': [5] }, extra: 1 })).toEqual([200, headers, 'hé']);
    for (const cookies of ['a=1', [5], { a: 1 }])
      refuses(kind, { ...result, cookies }, 'cookies that are not a list of strings');
  });

  test.each(V2)('%s: a result without a status code is the body', (kind) => {
    const json = [['content-type', 'application/json']];
    expect(reads(kind, { hello: 1 })).toEqual([200, json, '{"hello":1}']);
    expect(reads(kind, 'hé')).toEqual([200, json, 'hé']);
    expect(reads(kind, [1])).toEqual([200, json, '[1]']);
    expect(reads(kind, undefined)).toEqual([200, json, 'null']);
  });

  it('a load balancer looks at the headers of its own mode', () => {
    const result = {
      statusCode: 200,
      statusDescription: '200 OK',
      headers: { a: '1' },
      multiValueHeaders: { b: ['2', '3'] },
    };
    expect(reads('alb-single', result)).toEqual([200, [['a', '1']], '']);
    expect(reads('alb-multi', result)[1]).toEqual([
      ['b', '2'],
      ['b', '3'],
    ]);
    expect(reads('alb-single', { ...result, multiValueHeaders: { b: 'x' } })[1]).toEqual([['a', '1']]);
    expect(reads('alb-multi', { ...result, headers: { a: 1 } })[1]).toHaveLength(2);
    expect(reads('alb-multi', { statusCode: 200, headers: { a: '1' } })).toEqual([200, [], '']);
  });

  test.each(['alb-single', ...LATTICE] as const)('%s: each spelling of Set-Cookie is a line', (kind) => {
    const headers = { 'Set-Cookie': 'a=1', 'sEt-cookie': 'b=2', 'set-cookie': 'c=3' };
    expect(reads(kind, made(kind, { headers }))[1]).toEqual(Object.entries(headers));
  });

  test.each(ALB)('%s: null', (kind) => {
    for (const key of ['headers', 'multiValueHeaders', 'body', 'statusDescription', 'isBase64Encoded'])
      refuses(kind, made(kind, { [key]: null }), `null as its ${key}`);
  });

  test.each([...ALB, ...LATTICE])('%s: the status code is an integer, its description like "200 OK"', (kind) => {
    refuses(kind, made(kind, { statusCode: '200' }), 'the status code "200"');
    for (const statusDescription of ['OK', '200', '200 ', '200  OK', '404 Not Found', '', 200])
      refuses(kind, made(kind, { statusDescription }), 'the statusDescription ');
    expect(reads(kind, made(kind, { statusDescription: '200 Very fine' }))[0]).toBe(200);
  });

  test.each(EDGE)('%s: entries are lines, the key is the name', (kind) => {
    const headers = {
      'x-a': [{ key: 'X-A', value: '1' }, { value: '2' }],
      'set-cookie': [{ key: 'Set-Cookie', value: 'a=1' }],
    };
    expect(reads(kind, { status: '200', headers, body: 'hé' })).toEqual([
      200,
      [
        ['X-A', '1'],
        ['x-a', '2'],
        ['Set-Cookie', 'a=1'],
      ],
      'hé',
    ]);
    expect(reads(kind, { status: 404, body: 'aMOp', bodyEncoding: 'base64' })).toEqual([404, [], 'hé']);
    expect(reads(kind, { status: '204' })).toEqual([204, [], '']);
  });

  test.each(EDGE)('%s: what CloudFront does not take', (kind) => {
    const entry = (name: string, given: unknown) => made(kind, { headers: { [name]: given } });
    refuses(kind, entry('x-a', '1'), 'header "x-a" that is not a list');
    refuses(kind, entry('x-a', [{ key: 'x-a', value: 1 }]), 'header "x-a" that is not a string');
    refuses(kind, entry('x-a', ['1']), 'header "x-a" that is not a string');
    refuses(kind, entry('x-a', [{ key: 'x-b', value: '1' }]), 'header "x-a" under the key "x-b"');
    refuses(kind, entry('x-a', [{ key: 5, value: '1' }]), 'header "x-a" under the key "5"');
    const own = kind === 'edge-viewer-request' ? ['host'] : ['accept-encoding', 'if-none-match'];
    const all =
      'Connection Expect Keep-Alive Proxy-Authenticate Proxy-Authorization Proxy-Connection Trailer Upgrade Transfer-Encoding Via Content-Length X-Accel-Buffering X-Amz-Cf-Id X-Amzn-Auth X-Amzn-RequestId X-Cache X-Edge-Any X-Forwarded-Proto X-Real-IP';
    for (const name of [...all.split(' '), ...own])
      refuses(kind, entry(name, [{ value: '1' }]), `header "${name}", which CloudFront keeps to itself`);
    for (const name of ['x-cache-status', 'x-upgrade-token', kind === 'edge-viewer-request' ? 'if-none-match' : 'host'])
      reads(kind, entry(name, [{ value: '1' }]));
    for (const body of ['', 'x']) refuses(kind, made(kind, { status: '204', body }), 'a body and status 204');
    refuses(kind, made(kind, { bodyEncoding: 'gzip' }), 'bodyEncoding "gzip"');
    for (const status of [undefined, '', '2e2', 'OK', '0200', 199, '600', 200.5, null, ['200']])
      refuses(kind, { status, headers: {} }, 'the status code ');
    refuses(kind, made(kind, { headers: 'x' }), 'headers that are not an object');
  });

  test.each(BARE)('%s: a status code that is none, headers and bodies of the wrong type', (kind) => {
    for (const statusCode of [null, '', 'OK', '2e2', 99, 600, 200.5, true, [200]])
      refuses(
        kind,
        { statusCode, body: '' },
        kind.startsWith('alb-') && statusCode === null ? 'null as its statusCode' : 'the status code ',
      );
    const map = kind === 'alb-multi' ? 'multiValueHeaders' : 'headers';
    for (const headers of ['x', 5, ['x']])
      refuses(kind, made(kind, { [map]: headers }), 'headers that are not an object');
    for (const value of [5, true, null, {}, kind === 'alb-multi' ? 'x' : ['x']])
      refuses(
        kind,
        made(kind, { [map]: { a: value } }),
        `header "a" that is not a ${kind === 'alb-multi' ? 'list of strings' : 'string'}`,
      );
    if (kind === 'alb-multi')
      refuses(kind, made(kind, { [map]: { a: [5] } }), 'header "a" that is not a list of strings');
  });

  test.each(V1)('%s: lists of the wrong type', (kind) => {
    for (const value of [5, 'x', null, [5], [null]])
      refuses(kind, made(kind, { multiValueHeaders: { a: value } }), 'header "a" that is not a list of strings');
  });

  test.each([...V1, ...ALB, ...LATTICE, ...EDGE])('%s: what is no object, or has no status', (kind) => {
    for (const result of [undefined, null, 'x', 5, [], () => {}]) refuses(kind, result, 'it is not an object');
    refuses(kind, {}, 'the status code undefined');
  });

  test.each(KINDS)('%s: a body that is no string or no base64, and what JSON can not hold', (kind) => {
    for (const body of [{}, 5, [], true]) refuses(kind, made(kind, { body }), 'a body that is not a string');
    const base64 = isEdge(kind) ? { bodyEncoding: 'base64' } : { isBase64Encoded: true };
    for (const body of ['ü', 'abc', 'ab=c', 'a b=', '='])
      refuses(kind, made(kind, { ...base64, body }), 'a body that is not base64');
    refuses(kind, made(kind, { body: 5n }), "JSON can't hold it (TypeError: ");
    const cycle: Record<string, unknown> = {};
    cycle.cycle = cycle;
    refuses(kind, cycle, "JSON can't hold it (TypeError: ");
  });

  test.each([
    ...[...V1, ...V2, ...LATTICE].map((kind) => [kind, 6_291_556] as const),
    ...ALB.map((kind) => [kind, 1_048_576] as const),
    ['edge-viewer-request', 40_960] as const,
    ['edge-origin-request', 1_048_576] as const,
  ])('%s: more than %i bytes', (kind, limit) => {
    const room = limit - JSON.stringify(made(kind, { body: '' })).length;
    expect(readLambdaResult(kind, made(kind, { body: 'x'.repeat(room) })).body).toHaveLength(room);
    refuses(kind, made(kind, { body: 'x'.repeat(room + 1) }), `${limit + 1} bytes, more than ${limit}`);
    const escaped = Math.floor(room / 2) + 1; // each of two bytes
    refuses(
      kind,
      made(kind, { body: '\n'.repeat(escaped) }),
      `${limit - room + 2 * escaped} bytes, more than ${limit}`,
    );
  });
});
