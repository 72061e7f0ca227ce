// The parts of testing/lambda that only the emulation needs: streams, and requests that arrive at this machine.
import { describe, expect, it, test } from 'vitest';
import { WsgiError } from '../src/errors.js';
import { lambdaEvent } from '../testing/index.js';
import { eventOf } from '../testing/lambda/event.js';
import { ARRIVAL } from '../testing/lambda/request.js';
import { ownResponse, readStreamStart, readUnstreamed } from '../testing/lambda/stream.js';

const KINDS = ['function-url', 'apigw-rest-v1'] as const;
const TYPE = 'application/vnd.awslambda.http-integration-response';
const NULS = '\0'.repeat(8);
const start = (kind: (typeof KINDS)[number], text: string, type = TYPE) =>
  readStreamStart(kind, type, Buffer.from(text));
const head = (kind: (typeof KINDS)[number], fields: unknown) => start(kind, JSON.stringify(fields) + NULS);

describe('readStreamStart', () => {
  test.each(KINDS)('%s: waits for the delimiter and keeps the bytes behind it', (kind) => {
    const json = '{"statusCode":201,"headers":{"X-A":"é"},"cookies":["a=1","b=2"]}';
    for (const part of ['', json.slice(0, 9), json, json + NULS.slice(1)]) expect(start(kind, part)).toBeUndefined();
    expect(start(kind, `${json}${NULS}body\0`)).toEqual({
      status: 201,
      headers: [
        ['X-A', 'é'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
      rest: Buffer.from('body\0'),
    });
    expect(head(kind, {})).toMatchObject({ status: 200, headers: [], rest: Buffer.alloc(0) });
  });

  test.each(KINDS)('%s: renames a Content-Length', (kind) => {
    expect(head(kind, { headers: { 'Content-Length': '5' } })?.headers).toEqual([
      ['x-amzn-remapped-content-length', '5'],
    ]);
  });

  it('takes lists and no unknown key from a REST API, ignores both from a Function URL', () => {
    const multiValueHeaders = { 'X-A': ['1', '2'] };
    expect(head('apigw-rest-v1', { multiValueHeaders })?.headers).toEqual([
      ['X-A', '1'],
      ['X-A', '2'],
    ]);
    expect(head('function-url', { multiValueHeaders, extra: 1 })?.headers).toEqual([]);
    expect(() => head('apigw-rest-v1', { extra: 1 })).toThrow('the unknown key "extra"');
  });

  it('needs no head from a Function URL whose stream has another type', () => {
    expect(start('function-url', 'x', 'text/plain')).toEqual({
      status: 200,
      headers: [['content-type', 'text/plain']],
      rest: Buffer.from('x'),
    });
    expect(start('apigw-rest-v1', 'x', 'text/plain')).toBeUndefined();
  });

  it('takes 16 KB as the head of a REST API, with the delimiter', () => {
    const sized = (size: number) => `{"headers":{"X":"${'x'.repeat(size - 28)}"}}${NULS}`;
    expect(start('apigw-rest-v1', sized(16_384))?.status).toBe(200);
    for (const text of [sized(16_385), 'x'.repeat(16_385)])
      expect(() => start('apigw-rest-v1', text)).toThrow('a head of 16385 bytes or more, more than 16384');
    expect(start('function-url', sized(100_000))?.status).toBe(200);
  });

  test.each(KINDS)('%s: refuses a head that is malformed', (kind) => {
    const refuses = (text: string, why: string) => {
      expect(() => start(kind, text + NULS)).toThrow(WsgiError);
      expect(() => start(kind, text + NULS)).toThrow(`testing: ${kind} answers 502 to this stream: ${why}`);
    };
    refuses('{', 'a head that is not JSON');
    refuses('[]', 'it is not an object');
    refuses('{"statusCode":"x"}', 'the status code "x"');
    refuses('{"statusCode":600}', 'the status code 600');
    refuses('{"headers":{"a":1}}', 'header "a" that is not a string');
    refuses('{"cookies":[1]}', 'cookies that are not a list of strings');
  });
});

it('a buffered result is sent on as it is by a Function URL that streams, and refused by a REST API', () => {
  const { status, headers, text } = readUnstreamed('function-url', '{"statusCode":404}');
  expect([status, headers, text()]).toEqual([200, [], '{"statusCode":404}']);
  expect(() => readUnstreamed('apigw-rest-v1', '{}')).toThrow('apigw-rest-v1 answers 502 to this result');
});

test.each([
  ['function-url', 'tooLarge', 413, undefined, 'Request Too Long'],
  ['function-url', 'failed', 502, 'text/plain', 'Internal Server Error'],
  ['apigw-rest-v1', 'tooLarge', 413, 'application/json', '{"message":"Request Too Long"}'],
  ['apigw-rest-v1', 'failed', 502, 'application/json', '{"message":"Internal server error"}'],
  ['apigw-http-v2', 'tooLarge', 413, 'application/json', '{"message":"Request Entity Too Large"}'],
  ['apigw-http-v2', 'failed', 500, 'application/json', '{"message":"Internal Server Error"}'],
  ['alb-single', 'tooLarge', 413, 'text/html', '<html><head><title>413 Request Entity Too Large</title></head></html>'],
  ['alb-single', 'failed', 502, 'text/html', '<html><head><title>502 Bad Gateway</title></head></html>'],
] as const)('%s answers by itself: %s', (kind, why, status, type, body) => {
  const response = ownResponse(kind, why);
  expect([response.status, response.headers[0]?.[1], response.text()]).toEqual([status, type, body]);
});

describe('eventOf', () => {
  const arrival = {
    client: '127.0.0.1',
    port: '8788',
    scheme: 'http',
    protocol: 'HTTP/1.0',
    customDomain: 'api.example.com',
    time: 0,
    trace: 'Root=1-0-0',
    requestId: 'one',
  };

  it('is lambdaEvent with another arrival', () => {
    expect(eventOf('function-url', {}, ARRIVAL)).toEqual(lambdaEvent('function-url'));
    expect(eventOf('function-url', { headers: [['X-Forwarded-For', '192.0.2.1']] }, arrival)).toMatchObject({
      headers: {
        host: 'api.example.com',
        'x-forwarded-for': '192.0.2.1, 127.0.0.1',
        'x-forwarded-port': '8788',
        'x-forwarded-proto': 'http',
        'x-amzn-trace-id': 'Root=1-0-0',
      },
      requestContext: {
        domainName: 'api.example.com',
        http: { protocol: 'HTTP/1.0', sourceIp: '127.0.0.1' },
        requestId: 'one',
        time: '01/Jan/1970:00:00:00 +0000',
        timeEpoch: 0,
      },
    });
  });

  it('has no stage in the path of a custom domain', () => {
    const { requestContext } = eventOf('apigw-rest-v1', { target: '/a' }, arrival);
    expect(requestContext).toMatchObject({ domainName: 'api.example.com', domainPrefix: 'api', path: '/a' });
    expect(lambdaEvent('apigw-rest-v1', { target: '/a' }).requestContext?.path).toBe('/prod/a');
  });
});
