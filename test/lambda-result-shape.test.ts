import { describe, expect, it, test } from 'vitest';
import type { LambdaKind } from '../testing/index.js';
import { checkResult, KINDS } from './lambda-result-shape.ts';

const V1 = {
  statusCode: 200,
  headers: { 'Content-Type': 'text/plain' },
  multiValueHeaders: { 'Set-Cookie': ['a=1'], Vary: ['a', 'b'] },
  body: 'hello',
  isBase64Encoded: false,
};
const V2 = { statusCode: 200, headers: { Vary: 'a, b' }, cookies: ['a=1', 'b=2'], body: '/w==', isBase64Encoded: true };
const SINGLE = {
  statusCode: 200,
  statusDescription: '200 OK',
  headers: { 'Content-Type': 'text/plain', 'Set-Cookie': 'a=1', 'set-cookie': 'b=2' },
  body: '',
  isBase64Encoded: false,
};
const MULTI = {
  statusCode: 404,
  statusDescription: '404 Not Found',
  multiValueHeaders: { 'Content-Type': ['text/plain'], 'Set-Cookie': ['a=1', 'b=2'] },
  body: 'hello',
  isBase64Encoded: false,
};
const EDGE = {
  status: '200',
  statusDescription: 'OK',
  headers: {
    'content-type': [{ key: 'Content-Type', value: 'text/plain' }],
    'set-cookie': [
      { key: 'Set-Cookie', value: 'a=1' },
      { key: 'set-cookie', value: 'b=2' },
    ],
  },
  body: 'hello',
  bodyEncoding: 'text',
};
const GOOD: Record<LambdaKind, Record<string, unknown>> = {
  'apigw-rest-v1': V1,
  'apigw-http-v1': V1,
  'apigw-http-v2': V2,
  'function-url': V2,
  'alb-single': SINGLE,
  'alb-multi': MULTI,
  'lattice-v1': SINGLE,
  'lattice-v2': SINGLE,
  'edge-viewer-request': EDGE,
  'edge-origin-request': EDGE,
};
const isEdge = (kind: LambdaKind) => kind.startsWith('edge-');
const without = (result: object, key: string) => Object.fromEntries(Object.entries(result).filter(([k]) => k !== key));

test.each(KINDS)('%s: a good result is good, and with the least of keys', (kind) => {
  checkResult(kind, GOOD[kind]);
  const least = isEdge(kind)
    ? { status: '204', headers: {} }
    : {
        statusCode: 204,
        [kind === 'alb-multi' ? 'multiValueHeaders' : 'headers']: {},
        body: '',
        isBase64Encoded: false,
      };
  checkResult(kind, least);
});

describe.each(KINDS)('%s', (kind) => {
  const good = GOOD[kind];
  const refused = (changes: object, why: RegExp | string) =>
    expect(() => checkResult(kind, { ...good, ...changes })).toThrow(why);

  it('has its keys and no other', () => {
    const required = isEdge(kind)
      ? ['status', 'headers']
      : ['statusCode', kind === 'alb-multi' ? 'multiValueHeaders' : 'headers', 'body', 'isBase64Encoded'];
    for (const key of required) expect(() => checkResult(kind, without(good, key))).toThrow(`${key} is missing`);
    const all = new Set(Object.values(GOOD).flatMap((each) => Object.keys(each)));
    for (const key of [...all, 'extra']) if (!(key in good)) refused({ [key]: 'x' }, `${key} is unknown`);
  });

  it('is JSON without null', () => {
    for (const value of [undefined, null, Number.NaN, new Map(), () => {}, 5n])
      for (const key of Object.keys(good)) refused({ [key]: value }, `it.${key} is nothing that JSON can hold`);
    for (const value of [null, undefined, [], 'x', 5, new Error('x')])
      expect(() => checkResult(kind, value)).toThrow(/it is no object|it is nothing that JSON can hold/);
  });

  it('has a status that the front end takes', () => {
    const key = isEdge(kind) ? 'status' : 'statusCode';
    const made = (status: number) => (isEdge(kind) ? String(status) : status);
    for (const status of [100, 199, 600, 999])
      refused(
        { [key]: made(status), ...('statusDescription' in good ? { statusDescription: `${status} X` } : {}) },
        /status/,
      );
    refused({ [key]: isEdge(kind) ? 200 : '200' }, /three digits|no integer/);
    refused({ [key]: isEdge(kind) ? '20' : 200.5 }, /three digits|no integer/);
  });

  it('fits', () => {
    const limit =
      {
        'edge-viewer-request': 40_960,
        'edge-origin-request': 1_048_576,
        'alb-single': 1_048_576,
        'alb-multi': 1_048_576,
      }[kind as string] ?? 6_291_556;
    const text = isEdge(kind) ? { bodyEncoding: 'text' } : { isBase64Encoded: false };
    const room = limit - Buffer.byteLength(JSON.stringify({ ...good, ...text, body: '' }));
    checkResult(kind, { ...good, ...text, body: 'x'.repeat(room) });
    refused({ ...text, body: 'x'.repeat(room + 1) }, `${limit + 1} bytes are more than ${limit}`);
    refused({ ...text, body: 'ü'.repeat(room / 2 + 1) }, 'bytes are more than');
  });

  it('has a body that is what it says', () => {
    const flag = (base64: boolean) =>
      isEdge(kind) ? { bodyEncoding: base64 ? 'base64' : 'text' } : { isBase64Encoded: base64 };
    for (const body of ['a', 'ab==c', '/w', '/x==', '/w==\n', 'ü'])
      refused({ ...flag(true), body }, 'body is no base64');
    refused({ ...flag(false), body: 5 }, 'body is no string');
    refused({ ...flag(false), body: '\ud800' }, 'not well-formed');
    for (const status of [204, 205, 304])
      refused(
        {
          ...flag(false),
          body: 'x',
          ...(isEdge(kind)
            ? { status: String(status) }
            : { statusCode: status, ...('statusDescription' in good ? { statusDescription: `${status} X` } : {}) }),
        },
        `a body with status ${status}`,
      );
  });
});

test.each(KINDS.filter((kind) => !isEdge(kind)))('%s: isBase64Encoded is a boolean', (kind) => {
  expect(() => checkResult(kind, { ...GOOD[kind], isBase64Encoded: 'true' })).toThrow('no boolean');
});

test.each(KINDS.filter((kind) => !isEdge(kind) && kind !== 'alb-multi'))('%s: headers are strings', (kind) => {
  const refused = (headers: unknown, why: string) =>
    expect(() => checkResult(kind, { ...GOOD[kind], headers })).toThrow(why);
  for (const value of [5, true, ['x'], { x: 'y' }]) refused({ a: value }, 'header "a" is no string');
  refused({ 'a b': 'x' }, 'no token');
  refused({ '': 'x' }, 'no token');
  refused({ a: 'x\r\nb: c' }, 'CR, LF or NUL');
  refused({ Connection: 'close' }, 'hop-by-hop');
  refused({ 'X-A': '1', 'x-a': '2' }, 'there twice');
  refused(['a'], 'headers is no object');
});

test.each(['apigw-rest-v1', 'apigw-http-v1', 'apigw-http-v2', 'function-url'] as const)(
  '%s: no Set-Cookie in headers',
  (kind) => {
    expect(() => checkResult(kind, { ...GOOD[kind], headers: { 'SET-cookie': 'a=1' } })).toThrow(
      'Set-Cookie is in headers',
    );
  },
);

test.each(['apigw-rest-v1', 'apigw-http-v1', 'alb-multi'] as const)('%s: multiValueHeaders has lists', (kind) => {
  const refused = (multiValueHeaders: unknown, why: string) =>
    expect(() => checkResult(kind, { ...GOOD[kind], multiValueHeaders })).toThrow(why);
  refused({ a: 'x' }, 'header "a" is no list');
  refused({ a: [] }, 'header "a" is no list');
  refused({ a: ['x', 5] }, 'header "a" is no string');
  refused({ a: ['x', 'y\n'] }, 'CR, LF or NUL');
  refused({ upgrade: ['x', 'y'] }, 'hop-by-hop');
  refused({ 'X-A': ['1', '2'], 'x-a': ['3', '4'] }, 'there twice');
});

test.each(['apigw-rest-v1', 'apigw-http-v1'] as const)(
  '%s: a name is in one map, the one that it belongs in',
  (kind) => {
    const refused = (changes: object, why: string) =>
      expect(() => checkResult(kind, { ...GOOD[kind], ...changes })).toThrow(why);
    refused({ headers: { vary: 'a' } }, 'there twice');
    refused({ multiValueHeaders: { Vary: ['a'] } }, 'occurs once');
    refused({ multiValueHeaders: {} }, 'multiValueHeaders is empty');
  },
);

test.each(['apigw-http-v2', 'function-url'] as const)('%s: cookies is a list of strings', (kind) => {
  for (const cookies of [[], 'a=1', [5], ['a=1\r\n'], [['a=1']]])
    expect(() => checkResult(kind, { ...GOOD[kind], cookies })).toThrow(/cookies/);
});

test.each(['alb-single', 'alb-multi', 'lattice-v1', 'lattice-v2'] as const)(
  '%s: statusDescription is like "200 OK"',
  (kind) => {
    for (const statusDescription of ['', 'OK', '200', '200 ', '200  OK', '201 OK', '200OK', '200 O\nK', 200])
      expect(() => checkResult(kind, { ...GOOD[kind], statusCode: 200, statusDescription })).toThrow(
        'statusDescription',
      );
  },
);

describe.each(['edge-viewer-request', 'edge-origin-request'] as const)('%s', (kind) => {
  const refused = (changes: object, why: string) =>
    expect(() => checkResult(kind, { ...EDGE, ...changes })).toThrow(why);

  it('has a reason for statusDescription', () => {
    for (const statusDescription of ['', ' OK', 'O\nK', 200]) refused({ statusDescription }, 'not like "OK"');
  });

  it('has header lists under lower-case keys', () => {
    refused({ headers: { 'X-A': [{ key: 'X-A', value: '1' }] } }, 'not in lower case');
    refused({ headers: { 'x-a': [{ key: 'X-B', value: '1' }] } }, 'has the key "X-B"');
    refused({ headers: { 'x-a': [{ value: '1' }] } }, 'no key and value');
    refused({ headers: { 'x-a': [{ key: 'x-a', value: '1', more: '2' }] } }, 'no key and value');
    refused({ headers: { 'x-a': ['1'] } }, 'no key and value');
    refused({ headers: { 'x-a': '1' } }, 'no list');
    refused({ headers: { 'x-a': [] } }, 'no list');
    refused({ headers: { 'x-a': [{ key: 'x-a', value: 5 }] } }, 'no string');
  });

  it('has no header that CloudFront keeps to itself', () => {
    const own = kind === 'edge-viewer-request' ? ['host'] : ['accept-encoding', 'if-none-match', 'if-range'];
    for (const name of [
      'connection',
      'x-cache',
      'x-edge-anything',
      'x-amz-cf-id',
      'via',
      'content-length',
      'expect',
      'x-real-ip',
      ...own,
    ])
      refused({ headers: { [name]: [{ key: name, value: 'x' }] } }, `CloudFront keeps header "${name}" to itself`);
    const others = kind === 'edge-viewer-request' ? ['accept-encoding'] : ['host'];
    for (const name of [...others, 'x-cache-status', 'x-edge'])
      checkResult(kind, { ...EDGE, headers: { [name]: [{ key: name, value: 'x' }] } });
  });

  it('has body and bodyEncoding, or neither', () => {
    refused({ body: '' }, 'body is empty');
    refused({ bodyEncoding: 'utf8' }, 'neither "text" nor "base64"');
    expect(() => checkResult(kind, without(EDGE, 'body'))).toThrow('alone');
    expect(() => checkResult(kind, without(EDGE, 'bodyEncoding'))).toThrow('alone');
  });
});
