import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type {
  ALBEvent,
  ALBHandler,
  APIGatewayProxyEvent,
  APIGatewayProxyEventV2,
  APIGatewayProxyEventV2WithIAMAuthorizer,
  APIGatewayProxyEventV2WithJWTAuthorizer,
  APIGatewayProxyEventV2WithLambdaAuthorizer,
  APIGatewayProxyHandler,
  APIGatewayProxyHandlerV2,
  APIGatewayProxyWithCognitoAuthorizerEvent,
  APIGatewayProxyWithLambdaAuthorizerEvent,
  CloudFrontRequest,
  CloudFrontRequestEvent,
  CloudFrontRequestHandler,
  Context,
  LambdaFunctionURLEvent,
  LambdaFunctionURLEventWithIAMAuthorizer,
  LambdaFunctionURLHandler,
} from 'aws-lambda';
import { describe, expect, expectTypeOf, it, test } from 'vitest';
import { ClientDisconnected } from '../src/errors.js';
import { textToBytes } from '../src/native-string.js';
import type { Application, Environ, HeaderList } from '../src/types.js';
import { detect } from '../targets/aws-lambda/detect.js';
import {
  type AlbEvent,
  type AlbResult,
  type AwsEnviron,
  type EdgeChanges,
  type EdgeEvent,
  type EdgeRequest,
  type EdgeResult,
  type HttpEvent,
  type LambdaContext,
  type LambdaEvents,
  type LambdaKind,
  type LambdaResult,
  type LambdaResultOf,
  type LatticeResult,
  type ProxyEventV1,
  type ProxyEventV2,
  type ProxyResultV1,
  type ProxyResultV2,
  toLambdaHandler,
  toLambdaStreamHandler,
} from '../targets/aws-lambda/index.js';
import { lambdaEvent, readLambdaResult } from '../testing/index.js';
import { checkResult, KINDS } from './lambda-result-shape.ts';
import { bare } from './request-id.js';

const events = new URL('./events/', import.meta.url);
const sample = (file: string): HttpEvent => JSON.parse(readFileSync(new URL(file, events), 'utf8'));
const index: Array<{ file: string; expect: string }> = JSON.parse(readFileSync(new URL('index.json', events), 'utf8'));
const context = { getRemainingTimeInMillis: () => 30_000 };

const environOf = async (event: unknown): Promise<AwsEnviron> => {
  let seen: AwsEnviron | undefined;
  await toLambdaHandler((environ, startResponse) => {
    seen = environ as AwsEnviron;
    startResponse('200 OK', []);
    return [];
  })(event, context);
  return seen as AwsEnviron;
};
const answering =
  (status: string, headers: HeaderList, ...chunks: Uint8Array[]): Application =>
  (_, startResponse) => {
    startResponse(status, headers);
    return chunks;
  };
const resultOf = (app: Application, options = {}) =>
  toLambdaHandler(app, options)(lambdaEvent('function-url'), context);

describe('the environ of an event', () => {
  it('HTTP API: the path comes decoded, cookies in a list (a live capture)', async () => {
    const environ = await environOf(sample('http-v2-voker-live.json'));
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'POST',
      SCRIPT_NAME: '',
      PATH_INFO: '/capture/space value',
      SERVER_NAME: 'sjzepsqsu5.execute-api.us-west-2.amazonaws.com',
      SERVER_PORT: '443',
      SERVER_PROTOCOL: 'HTTP/1.1',
      REMOTE_ADDR: '68.8.83.18',
      HTTPS: 'on',
      'wsgi.url_scheme': 'https',
      CONTENT_TYPE: 'application/json',
      CONTENT_LENGTH: '66',
      HTTP_COOKIE: 'session=abc123; theme=dark',
    });
    expect(environ).not.toHaveProperty('REQUEST_URI');
    expect(environ.QUERY_STRING).toMatch(/^repeat=one&repeat=two&redirect=https%3A%2F%2Fexample\.com%2Fa/);
    expect((await environ['wsgi.input'].read()).length).toBe(66);
    expect(environ['aws.event']).toEqual(sample('http-v2-voker-live.json'));
    expect(environ['aws.context']).toBe(context);
  });

  it('Function URL: the path comes as sent, cookies twice (a live capture)', async () => {
    const environ = await environOf(sample('furl-voker-live.json'));
    expect(environ).toMatchObject({
      PATH_INFO: '/capture/space value',
      HTTP_COOKIE: 'session=abc123; theme=dark',
      REMOTE_ADDR: '68.8.83.18',
    });
    expect(environ.REQUEST_URI).toMatch(/^\/capture\/space%20value\?repeat=one&/);
  });

  it.each([
    ['furl-encoded-path.json', '/a/b/\u00e3\u0081\u0082/\u00ff/100%'],
    ['http-v2-path-with-space.json', '/my/path-with space'],
    ['http-v2-trailing-slash.json', '/my/path/'],
    ['furl-missing-rawpath.json', '/'],
  ])('%s has the path %j', async (file, path) => {
    expect((await environOf(sample(file))).PATH_INFO).toBe(path);
  });

  it('a decoded path is not decoded again, and REQUEST_URI is not made up', async () => {
    const event = { ...sample('http-v2-voker-live.json'), rawPath: '/50%/%41/ü#?' };
    expect((await environOf(event)).PATH_INFO).toBe('/50%/%41/\u00c3\u00bc#?');
  });

  it('a named stage on the default host is SCRIPT_NAME', async () => {
    const environ = await environOf(sample('http-v2-behind-cloudfront.json'));
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual(['/production', '/']);
    const custom = await environOf(sample('http-v2-custom-domain.json'));
    expect([custom.SCRIPT_NAME, custom.PATH_INFO]).toEqual(['', '/production/']);
  });

  it('the stage of a REST API on its default host is in SCRIPT_NAME, not in the path', async () => {
    const event = lambdaEvent('apigw-rest-v1', { target: '/a%20b?q=%20' });
    expect(await environOf(event)).toMatchObject({
      SCRIPT_NAME: '/prod',
      PATH_INFO: '/a b',
      QUERY_STRING: 'q=+',
      REQUEST_URI: '/prod/a%20b?q=+',
    });
  });

  it('the address is trimmed and never one that the client sent', async () => {
    expect((await environOf(sample('http-v2-behind-cloudfront.json'))).REMOTE_ADDR).toBe('3.231.2.1');
    const spoofed = await environOf(sample('furl-spoofed-headers.json'));
    expect(spoofed.REMOTE_ADDR).toBe('68.8.83.18');
    expect(Object.keys(spoofed).filter((key) => key === 'HTTP_PROXY')).toEqual([]);
  });

  it.each(['lattice-v1', 'lattice-v2'] as const)('%s: the scheme is not what X-Forwarded-Proto says', async (kind) => {
    const scheme = async (name: string) =>
      (await environOf(lambdaEvent(kind, { headers: [[name, 'https']] })))['wsgi.url_scheme'];
    expect([await scheme('X-Forwarded-Proto'), await scheme('X-Forwarded-For-Proto')]).toEqual(['http', 'https']);
  });

  it('null, absent and empty mean the same', async () => {
    const event = lambdaEvent('apigw-http-v2');
    const empty = { ...event, cookies: null, headers: null, body: null, rawQueryString: null, isBase64Encoded: null };
    expect(await environOf(empty)).toMatchObject({ QUERY_STRING: '', PATH_INFO: '/', SERVER_PORT: '443' });
    expect(await environOf(empty)).not.toHaveProperty('CONTENT_LENGTH');
  });

  it('CONTENT_LENGTH is the true length of the decoded body', async () => {
    const event = lambdaEvent('function-url', {
      method: 'POST',
      headers: [
        ['content-type', 'image/png'],
        ['content-length', '3'],
      ],
      body: Uint8Array.of(0, 255, 128, 10),
    });
    const environ = await environOf(event);
    expect(environ.CONTENT_LENGTH).toBe('4');
    expect(await environ['wsgi.input'].read()).toEqual(Uint8Array.of(0, 255, 128, 10));
  });

  it('a header value has spaces for CR, LF and NUL', async () => {
    const event = lambdaEvent('function-url', {
      headers: [
        ['X-A', 'x\r\n y'],
        ['X-B', '\nx\0'],
      ],
    });
    expect(await environOf(event)).toMatchObject({ HTTP_X_A: 'x   y', HTTP_X_B: 'x' });
  });

  it('base64 may be wrapped into lines', async () => {
    const event = lambdaEvent('function-url', { method: 'POST', body: new Uint8Array([1, 2, 3, 4, 5]) });
    const environ = await environOf({ ...event, body: `${event.body?.slice(0, 4)}\r\n${event.body?.slice(4)}\n` });
    expect(environ.CONTENT_LENGTH).toBe('5');
    expect(await environ['wsgi.input'].read()).toEqual(new Uint8Array([1, 2, 3, 4, 5]));
  });

  it('a Function URL event without rawPath has its path decoded once', async () => {
    const { rawPath: _, ...event } = lambdaEvent('function-url', { target: '/a%2541' });
    const environ = await environOf(event);
    expect([environ.PATH_INFO, environ.REQUEST_URI]).toEqual(['/a%41', undefined]);
  });

  it('a domain that is no host is not taken for SERVER_NAME', async () => {
    const event = lambdaEvent('function-url');
    event.requestContext.domainName = '<url-id>.lambda-url.us-east-1.on.aws';
    const environ = await environOf({ ...event, headers: {} });
    expect(environ.SERVER_NAME).toBe('localhost');
  });

  it('header values are native strings, and names can not touch the prototype', async () => {
    const event = lambdaEvent('function-url');
    event.headers = JSON.parse('{"x-name":"José","__proto__":"x","constructor":"y","x-n":5}');
    const environ = await environOf(event);
    expect(environ.HTTP_X_NAME).toBe('Jos\u00c3\u00a9');
    expect(environ.HTTP_X_N).toBe('5');
    expect(environ).toHaveProperty('HTTP_CONSTRUCTOR', 'y');
    expect(Object.getPrototypeOf(environ)).toBe(Object.prototype);
  });
});

describe('other events', () => {
  const others = index.filter(({ expect: outcome }) => outcome === 'reject').map(({ file }) => file);
  const refusal = (event: unknown) => toLambdaHandler(answering('200 OK', []))(event, context);

  it('there is a sample of every kind', () => {
    const files = readdirSync(events).filter((file) => file.endsWith('.json') && !file.endsWith('.environ.json'));
    expect(files.length).toBe(index.length + 1);
    expect(index.length).toBe(120);
  });

  test.each(others)('%s is refused', async (file) => {
    await expect(refusal(sample(file))).rejects.toThrow(
      /^aws-lambda: this is an? .*, not an HTTP request; the option onOtherEvent can take it$/,
    );
  });

  test.each([
    ['reject-sqs.json', 'an SQS event'],
    ['reject-sns.json', 'an SNS event'],
    ['ws-connect-bref.json', 'an API Gateway WebSocket event'],
    ['reject-apigw-v2-authorizer-v2.json', 'a Lambda authorizer event'],
    ['reject-scheduled.json', 'an EventBridge event'],
    ['reject-requestcontext-only.json', 'an event of unknown kind (its keys: requestContext)'],
    ['edge-origin-response-docs.json', 'a Lambda@Edge response event'],
    ['reject-kafka.json', 'a Kafka event'],
    ['reject-alexa-or-lex.json', 'a Lex event'],
  ])('%s is refused by name', async (file, message) => {
    await expect(refusal(sample(file))).rejects.toThrow(
      `aws-lambda: this is ${message}, not an HTTP request; the option onOtherEvent can take it`,
    );
  });

  test.each([
    [null, 'null'],
    [undefined, 'undefined'],
    [5, 'a number'],
    ['{}', 'a string'],
    [[], 'an Array'],
    [{}, 'an event of unknown kind (without keys)'],
  ])('%j is no event', async (event, name) => {
    await expect(refusal(event)).rejects.toThrow(
      `aws-lambda: this is ${name}, not an HTTP request; the option onOtherEvent can take it`,
    );
  });
});

describe('an event written by hand', () => {
  const v2 = (http: object, more: object = {}) => ({ requestContext: { http, ...more } });
  const domainName = 'id.lambda-url.eu-central-1.on.aws';

  test.each<[LambdaKind, object]>([
    ['apigw-rest-v1', { httpMethod: 'GET', path: '/' }],
    ['apigw-rest-v1', { httpMethod: 'GET', path: '/', headers: {}, queryStringParameters: null, body: '' }],
    ['apigw-rest-v1', { httpMethod: 'GET', path: '/', requestContext: {} }],
    ['apigw-rest-v1', { resource: '/', httpMethod: 'GET', path: '/', multiValueHeaders: { host: ['h.example'] } }],
    ['apigw-http-v1', { version: '1.0', httpMethod: 'GET', path: '/' }],
    ['apigw-http-v2', { version: '2.0', rawPath: '/', ...v2({ method: 'GET' }) }],
    ['apigw-http-v2', { rawPath: '/', rawQueryString: '', headers: {}, ...v2({ method: 'GET' }) }],
    ['apigw-http-v2', v2({ method: 'GET', path: '/' })],
    ['function-url', { rawPath: '/', ...v2({ method: 'GET' }, { domainName }) }],
    ['lattice-v1', { method: 'GET', raw_path: '/' }],
    ['lattice-v2', { version: '2.0', method: 'GET', path: '/' }],
    ['lattice-v2', { method: 'GET', path: '/', headers: {}, requestContext: null }],
    ['edge-viewer-request', { Records: [{ cf: { request: { method: 'GET', uri: '/' } } }] }],
  ])('is one of %s: %j', async (kind, event) => {
    const environ = await environOf(event);
    expect([environ.REQUEST_METHOD, environ.PATH_INFO, environ.QUERY_STRING]).toEqual(['GET', '/', '']);
    expect(detect(event)).toBe(kind);
    const app = answering('200 OK', [['Content-Type', 'text/plain']], textToBytes('ok'));
    checkResult(kind, await toLambdaHandler(app)(event, context));
  });

  it('has what it says, and defaults for the rest', async () => {
    const environ = await environOf({
      httpMethod: 'POST',
      path: '/a%20b',
      queryStringParameters: { q: 'x y' },
      headers: { Host: 'h.example:8080', 'Content-Type': 'text/plain' },
      body: 'data',
    });
    expect(environ).toMatchObject({
      SCRIPT_NAME: '',
      PATH_INFO: '/a b',
      QUERY_STRING: 'q=x+y',
      SERVER_NAME: 'h.example',
      SERVER_PORT: '8080',
      SERVER_PROTOCOL: 'HTTP/1.1',
      CONTENT_LENGTH: '4',
    });
    expect(environ).not.toHaveProperty('REMOTE_ADDR');
  });

  const bare = [
    { httpMethod: 'GET', path: '/' },
    { rawPath: '/', ...v2({ method: 'GET' }) },
    { method: 'GET', path: '/' },
  ];
  const request = { ...bare[0], ...bare[1], ...bare[2] };
  test.each<[string, object]>([
    ['an SQS event', { Records: [{ eventSource: 'aws:sqs', body: JSON.stringify(request) }] }],
    ['an SNS event', { Records: [{ EventSource: 'aws:sns', Sns: { Message: JSON.stringify(request) } }] }],
    ['a Records event', { Records: [] }],
    ['an Amazon MQ event', { eventSource: 'aws:mq' }],
    ['an EventBridge event', { source: 'my.app', 'detail-type': 'request', detail: request }],
    ['a CloudWatch Logs event', { awslogs: { data: '' } }],
    ['a warm-up event', { source: 'serverless-plugin-warmup' }],
    ['a Bedrock agent event', { messageVersion: '1.0', agent: {}, apiPath: '/' }],
    ['a Cognito trigger event', { triggerSource: 'PreSignUp_SignUp', request: {} }],
    ['a Lambda authorizer event', { type: 'REQUEST' }],
    ['a Lambda authorizer event', { methodArn: 'arn:aws:execute-api:x' }],
    ['a Lambda authorizer event', { routeArn: 'arn:aws:execute-api:x' }],
    ['a CloudFormation custom resource event', { RequestType: 'Create', ResponseURL: 'https://s3.example/' }],
    ['an Amazon Connect event', { Name: 'ContactFlowEvent' }],
    ['an Alexa event', { session: {}, request: {} }],
  ])('is not %s that holds a method and a path: %j', async (name, event) => {
    const refusal = `aws-lambda: this is ${name}, not an HTTP request; the option onOtherEvent can take it`;
    for (const more of [{}, ...bare]) await expect(environOf({ ...more, ...event })).rejects.toThrow(refusal);
  });

  test.each([
    { detail: request },
    { source: 'my.app', detail: request },
    { body: JSON.stringify(request) },
    { request },
    { httpMethod: 'GET' },
    { path: '/' },
    { httpMethod: 'GET', path: { id: '1' } }, // an integration without proxy: the parameters of its route
    { method: 'GET', path: { id: '1' }, query: {}, headers: {} },
    { httpMethod: '', path: '/' },
    { httpMethod: 5, path: '/' },
    { apiPath: '/', httpMethod: 'GET' },
    { requestContext: { http: { method: 'GET' } } },
    { requestContext: { http: 'GET' }, rawPath: '/' },
    { rawPath: '/', httpMethod: 'GET' },
    { requestContext: { routeKey: '$connect', eventType: 'CONNECT' }, headers: {} },
    { version: '1.0', requestContext: { condition: 'Success' }, requestPayload: request, responsePayload: {} },
  ])('is of unknown kind without a method and a path in their places: %j', async (event) => {
    await expect(environOf(event)).rejects.toThrow(/^aws-lambda: this is an event of unknown kind \(its keys: /);
  });
});

describe('a buffered result', () => {
  it('has the bytes that the application gave, whatever close() does to them', async () => {
    const bytes = textToBytes('hello');
    const app: Application = (_, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return Object.assign([bytes], { close: () => void bytes.fill(42) });
    };
    expect((await resultOf(app)).body).toBe('hello');
  });

  it('has the bytes of each chunk, where the application fills one Buffer again and again', async () => {
    const buffer = Buffer.alloc(3);
    const app: Application = async function* (_, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      for (const text of ['abc', 'def']) {
        buffer.write(text);
        yield buffer;
      }
    };
    expect((await resultOf(app)).body).toBe('abcdef');
    const whole: Application = (_, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return Object.assign([buffer], { close: () => void buffer.fill(42) });
    };
    expect((await resultOf(whole)).body).toBe('def');
  });

  it('takes isText only as a function', () => {
    expect(() => toLambdaHandler(() => [], { isText: 5 as never })).toThrow(
      'toLambdaHandler: isText must be a function, not a number',
    );
  });

  it('has cookies apart, repeated headers joined, text as text', async () => {
    const headers: HeaderList = [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Set-Cookie', 'a=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT'],
      ['Vary', 'Accept'],
      ['set-cookie', 'b=2'],
      ['vary', 'Origin'],
      ['__proto__', 'x'],
    ];
    expect(await resultOf(answering('201 Created', headers, textToBytes('grüße')))).toEqual({
      statusCode: 201,
      headers: JSON.parse(
        '{"Content-Type":"text/plain; charset=utf-8","Vary":"Accept, Origin","__proto__":"x","Content-Length":"7"}',
      ),
      cookies: ['a=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT', 'b=2'],
      body: 'grüße',
      isBase64Encoded: false,
    });
  });

  test.each([
    ['text/html', 'abc', true],
    ['application/json', '{}', true],
    ['application/problem+json', '{}', true],
    ['image/svg+xml', '<svg/>', true],
    ['image/png', 'abc', false],
    ['application/octet-stream', 'abc', false],
    ['application/vnd.x-text/odd', 'abc', false],
    ['', 'abc', true],
    [' ; charset=utf-8', 'abc', true],
    ['', '\ufeff\0\u{1f600}', true],
  ])('with the type %j is text: %s', async (type, text, isText) => {
    const result = await resultOf(answering('200 OK', [['Content-Type', type]], textToBytes(text)));
    expect(result.isBase64Encoded).toBe(!isText);
    expect(readLambdaResult('function-url', result).text()).toBe(text);
  });

  it('is base64 where the bytes are not UTF-8 or encoded, whatever the type', async () => {
    const latin = await resultOf(answering('200 OK', [['Content-Type', 'text/plain']], Uint8Array.of(0xe9)));
    expect(latin).toMatchObject({ body: '6Q==', isBase64Encoded: true });
    const zipped = gzipSync('abc');
    const headers: HeaderList = [
      ['Content-Type', 'text/html'],
      ['Content-Encoding', 'gzip'],
    ];
    const result = await resultOf(answering('200 OK', headers, zipped));
    expect(Buffer.from(readLambdaResult('apigw-http-v2', result).body)).toEqual(zipped);
  });

  test.each(KINDS)('%s: is text without a Content-Type if the bytes are UTF-8, and else base64', async (kind) => {
    const made = async (headers: HeaderList, bytes: Uint8Array) => {
      const result = await toLambdaHandler(answering('200 OK', headers, bytes))(lambdaEvent(kind), context);
      checkResult(kind, result);
      expect(Buffer.from(readLambdaResult(kind, result).body)).toEqual(Buffer.from(bytes));
      return 'isBase64Encoded' in result
        ? !result.isBase64Encoded
        : 'status' in result && result.bodyEncoding === 'text';
    };
    // A REST API without binaryMediaTypes shows base64 to the client as it is.
    expect(await made([], textToBytes('grüße'))).toBe(true);
    expect(await made([], Uint8Array.of(0xff, 0xfe))).toBe(false);
    expect(await made([['Content-Encoding', 'x-own']], textToBytes('abc'))).toBe(false);
    expect(await made([['Content-Type', 'application/octet-stream']], textToBytes('abc'))).toBe(false);
  });

  it('asks isText, with the bare media type', async () => {
    const asked: string[] = [];
    const isText = (type: string) => asked.push(type) > 0;
    const app = answering('200 OK', [['Content-Type', 'Application/X-Odd; v=1']], textToBytes('abc'));
    expect(await resultOf(app, { isText })).toMatchObject({ body: 'abc', isBase64Encoded: false });
    expect(asked).toEqual(['application/x-odd']);
  });

  it('is a 500 when the response broke off after its head', async () => {
    const lines: string[] = [];
    const app: Application = async function* (_, startResponse) {
      startResponse('200 OK', []);
      yield textToBytes('partial');
      throw new Error('late');
    };
    const result = await resultOf(app, { errors: (line: string) => lines.push(bare(line)) });
    expect(result).toMatchObject({
      statusCode: 500,
      body: expect.stringMatching(/^Internal Server Error\nRequest id: \S+\n$/),
    });
    expect(lines[0]).toBe('Error: late');
  });

  it('waits for close() and for wait_until', async () => {
    const order: string[] = [];
    const note = (name: string) => void order.push(name);
    let closing: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => {
      closing = resolve;
    });
    await resultOf((environ, startResponse) => {
      startResponse('200 OK', []);
      const first = closed.then(() => note('first'));
      environ['wsgi_edge.wait_until'](
        first.then(() => environ['wsgi_edge.wait_until'](Promise.resolve().then(() => note('chained')))),
      );
      return Object.assign([], {
        close: async () => {
          await new Promise((resolve) => setTimeout(resolve, 0));
          note('close');
          closing?.();
        },
      });
    });
    expect(order).toEqual(['close', 'first', 'chained']);
  });

  it('is a 500 in time when the function is about to be ended', async () => {
    const hanging = toLambdaHandler(() => new Promise(() => {}), { errors: () => {} });
    const result = await hanging(lambdaEvent('function-url'), { getRemainingTimeInMillis: () => 510 });
    expect(result.statusCode).toBe(500);
  });

  it('is the whole response in time when close() or wait_until does not settle', async () => {
    const never = new Promise<void>(() => {});
    const lines: string[] = [];
    for (const app of [
      (_environ, startResponse) => {
        startResponse('201 Created', []);
        return Object.assign([textToBytes('body')], { close: () => never });
      },
      async function* (environ, startResponse) {
        environ['wsgi_edge.wait_until'](never);
        startResponse('201 Created', []);
        yield textToBytes('body');
      },
    ] as Application[]) {
      const handler = toLambdaHandler(app, { errors: (line) => lines.push(line) });
      const result = await handler(lambdaEvent('function-url'), { getRemainingTimeInMillis: () => 600 });
      expect(readLambdaResult('function-url', result)).toMatchObject({ status: 201 });
      expect(readLambdaResult('function-url', result).text()).toBe('body');
    }
    expect(lines.map((line) => /time is up/.test(line))).toEqual([true, true]);
  });

  it('is a 500 in time when a body that has begun does not go on', async () => {
    const handler = toLambdaHandler(
      async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield textToBytes('part');
        await new Promise(() => {});
      },
      { errors: () => {} },
    );
    const result = await handler(lambdaEvent('function-url'), { getRemainingTimeInMillis: () => 600 });
    expect(result.statusCode).toBe(500);
  });
});

describe('toLambdaStreamHandler', () => {
  const inRuntime = async (task: () => Promise<void>) => {
    const scope = globalThis as { awslambda?: unknown };
    scope.awslambda = {
      streamifyResponse: <T>(handler: T) => handler,
      HttpResponseStream: { from: (stream: unknown) => stream },
    };
    try {
      await task();
    } finally {
      delete scope.awslambda;
    }
  };
  const listenersOf = (stream: Writable) => ['close', 'error'].map((event) => stream.listenerCount(event));
  /** An application whose body never gives a second chunk. */
  const waiting = (events: string[], signals: AbortSignal[], between: () => void): Application => {
    let chunks = 0;
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      if (chunks++ === 0) return { done: false, value: textToBytes('one') };
      between();
      return new Promise(() => {});
    };
    const end = async () => ({ done: true as const, value: undefined });
    return (environ, startResponse) => {
      signals.push(environ['wsgi_edge.signal']);
      startResponse('200 OK', []);
      return {
        [Symbol.asyncIterator]: () => ({ next, return: end }),
        close: () => void events.push('close()'),
      };
    };
  };

  it('says what it needs, outside Lambda', async () => {
    const stream = toLambdaStreamHandler(answering('200 OK', []));
    await expect(stream(lambdaEvent('function-url'), {} as never, context)).rejects.toThrow(
      /response streaming needs the global `awslambda`/,
    );
  });

  it('waits for an asynchronous onOtherEvent, and rejects as it does', async () => {
    const sqs = { Records: [{ eventSource: 'aws:sqs' }] };
    const written: string[] = [];
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        written.push(String(chunk));
        done();
      },
    });
    await inRuntime(async () => {
      const app = answering('200 OK', []);
      await toLambdaStreamHandler(app, { onOtherEvent: async () => ({ taken: 1 }) })(sqs, stream, context);
      const failing = toLambdaStreamHandler(app, { onOtherEvent: () => Promise.reject(new Error('own')) });
      await expect(failing(sqs, stream, context)).rejects.toThrow('own');
    });
    expect(written).toEqual(['{"taken":1}']);
  });

  // Without getRemainingTimeInMillis nothing else ends these invocations.
  test.each<[string, (stream: Writable) => void]>([
    ['is destroyed', (stream) => stream.destroy()],
    ['fails', (stream) => stream.destroy(new Error('reset'))],
    ['is ended by somebody else', (stream) => stream.end()],
  ])('a stream that %s between two chunks ends the invocation at once', async (_, harm) => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
    const before = listenersOf(stream);
    const events: string[] = [];
    const signals: AbortSignal[] = [];
    const app = waiting(events, signals, () => harm(stream));
    await inRuntime(async () => {
      const lines: string[] = [];
      const handler = toLambdaStreamHandler(app, { errors: (line) => void lines.push(bare(line)) });
      await expect(handler(lambdaEvent('function-url'), stream, {})).rejects.toThrow(ClientDisconnected);
      expect(lines).toEqual([]); // nobody is left to be told
    });
    expect([events, signals[0]?.aborted]).toEqual([['close()'], true]);
    expect(listenersOf(stream)).toEqual(before);
  });

  it('a stream that is destroyed before the head ends the invocation at once', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
    const app: Application = () => {
      stream.destroy();
      return new Promise(() => {});
    };
    await inRuntime(async () => {
      const given = toLambdaStreamHandler(app)(lambdaEvent('function-url'), stream, {});
      await expect(given).rejects.toThrow('aws-lambda: the response stream was closed');
    });
  });

  it('a stream that closes after the end has ended well, and keeps no listener', async () => {
    const whole = answering('200 OK', [], textToBytes('all'));
    const chunked: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield textToBytes('all');
    };
    for (const app of [whole, chunked]) {
      const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
      const before = listenersOf(stream);
      let signal: AbortSignal | undefined;
      const closed = once(stream, 'close');
      await inRuntime(async () => {
        const kept: Application = (environ, startResponse) => {
          signal = environ['wsgi_edge.signal'];
          environ['wsgi_edge.wait_until'](closed);
          return app(environ, startResponse);
        };
        await toLambdaStreamHandler(kept)(lambdaEvent('function-url'), stream, {});
      });
      expect([signal?.aborted, listenersOf(stream)]).toEqual([false, before]);
    }
  });
});

describe('the types of @types/aws-lambda fit', () => {
  test('events are what the gateway takes for them', () => {
    expectTypeOf<APIGatewayProxyEvent>().toExtend<ProxyEventV1>();
    expectTypeOf<APIGatewayProxyWithCognitoAuthorizerEvent>().toExtend<ProxyEventV1>();
    expectTypeOf<APIGatewayProxyWithLambdaAuthorizerEvent<{ a: 1 }>>().toExtend<ProxyEventV1>();
    expectTypeOf<APIGatewayProxyEventV2>().toExtend<ProxyEventV2>();
    expectTypeOf<APIGatewayProxyEventV2WithIAMAuthorizer>().toExtend<ProxyEventV2>();
    expectTypeOf<APIGatewayProxyEventV2WithJWTAuthorizer>().toExtend<ProxyEventV2>();
    expectTypeOf<APIGatewayProxyEventV2WithLambdaAuthorizer<{ a: 1 }>>().toExtend<ProxyEventV2>();
    expectTypeOf<LambdaFunctionURLEvent>().toExtend<ProxyEventV2>();
    expectTypeOf<LambdaFunctionURLEventWithIAMAuthorizer>().toExtend<ProxyEventV2>();
    expectTypeOf<ALBEvent>().toExtend<AlbEvent>();
    expectTypeOf<CloudFrontRequestEvent>().toExtend<EdgeEvent>();
    expectTypeOf<Context>().toExtend<LambdaContext>();
  });

  test('results are what AWS takes', () => {
    const handler = toLambdaHandler(answering('200 OK', []));
    type Handler = typeof handler;
    expectTypeOf<Handler>().toExtend<APIGatewayProxyHandler>();
    expectTypeOf<Handler>().toExtend<APIGatewayProxyHandlerV2>();
    expectTypeOf<Handler>().toExtend<LambdaFunctionURLHandler>();
    expectTypeOf<Handler>().toExtend<ALBHandler>();
    expectTypeOf<Handler>().toExtend<CloudFrontRequestHandler>();
    // The same without the help of a checker of types.
    const v1: APIGatewayProxyHandler = handler;
    const v2: APIGatewayProxyHandlerV2 = handler;
    const url: LambdaFunctionURLHandler = handler;
    const alb: ALBHandler = handler;
    const edge: CloudFrontRequestHandler = handler;
    expect(new Set([v1, v2, url, alb, edge]).size).toBe(1);
  });

  test('the type of an event tells that of its result', () => {
    type Results = { [Kind in LambdaKind]: LambdaResultOf<LambdaEvents[Kind]> };
    expectTypeOf<Results>().toEqualTypeOf<{
      'apigw-rest-v1': ProxyResultV1;
      'apigw-http-v1': ProxyResultV1;
      'apigw-http-v2': ProxyResultV2;
      'function-url': ProxyResultV2;
      'alb-single': AlbResult;
      'alb-multi': AlbResult;
      'lattice-v1': LatticeResult;
      'lattice-v2': LatticeResult;
      'edge-viewer-request': EdgeResult | EdgeRequest;
      'edge-origin-request': EdgeResult | EdgeRequest;
    }>();
    expectTypeOf<LambdaResultOf<APIGatewayProxyEvent>>().toEqualTypeOf<ProxyResultV1>();
    expectTypeOf<LambdaResultOf<ALBEvent>>().toEqualTypeOf<AlbResult>();
    expectTypeOf<LambdaResultOf<CloudFrontRequestEvent>>().toEqualTypeOf<EdgeResult | CloudFrontRequest>();
    expectTypeOf<LambdaResultOf<unknown>>().toEqualTypeOf<LambdaResult>();
  });

  test('environ has the event of its front end', () => {
    expectTypeOf<AwsEnviron<'alb-multi'>['aws.event']>().toEqualTypeOf<AlbEvent>();
    expectTypeOf<AwsEnviron<'function-url'>['aws.event']>().toEqualTypeOf<ProxyEventV2>();
    expectTypeOf<AwsEnviron['aws.event']>().toEqualTypeOf<HttpEvent>();
    expectTypeOf<AwsEnviron<'lattice-v1'>>().toExtend<Environ>();
    expectTypeOf<AwsEnviron<'edge-viewer-request'>['aws.forward']>().toEqualTypeOf<(changes?: EdgeChanges) => void>();
    expectTypeOf<AwsEnviron<'function-url'>['aws.forward']>().toEqualTypeOf<undefined>();
  });
});

describe('a response that is too large', () => {
  it('and has no end is stopped at the limit of its front end, and closed once', async () => {
    const lines: string[] = [];
    let made = 0;
    let closed = 0;
    const app: Application = (_, startResponse) => {
      startResponse('200 OK', []);
      return {
        *[Symbol.iterator]() {
          for (;;) {
            made++;
            yield new Uint8Array(100_000);
          }
        },
        close: () => void closed++,
      };
    };
    const handler = toLambdaHandler(app, { errors: (line) => void lines.push(bare(line)) });
    const result = await handler(lambdaEvent('alb-multi'), context);
    expect(result).toMatchObject({
      statusCode: 500,
      body: expect.stringMatching(/^The response is too large to be sent\nRequest id: \S+\n$/),
    });
    expect([made, closed]).toEqual([11, 1]);
    expect(lines[0]).toBe(
      'WsgiError: aws-lambda: the response makes a result of at least 1100000 bytes; an Application Load Balancer takes 1048576',
    );
  });
});
