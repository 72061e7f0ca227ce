// Lambda@Edge: an application lets CloudFront go on with a request, changed or not.
import { describe, expect, it, test } from 'vitest';
import { textToBytes } from '../src/native-string.js';
import type { Application, HeaderList } from '../src/types.js';
import { validator } from '../src/validator/index.js';
import { type AwsEnviron, type EdgeChanges, type EdgeRequest, toLambdaHandler } from '../targets/aws-lambda/index.js';
import { type LambdaRequest, lambdaEvent } from '../testing/index.js';
import { checkResult, KINDS } from './lambda-result-shape.ts';
import { bare } from './request-id.js';

type Trigger = 'edge-viewer-request' | 'edge-origin-request';
const TRIGGERS: Trigger[] = ['edge-viewer-request', 'edge-origin-request'];

const forward = (environ: object, ...args: [changes?: EdgeChanges]) =>
  (environ as AwsEnviron<Trigger>)['aws.forward'](...args);
const forwarding =
  (...args: [changes?: EdgeChanges]): Application =>
  (environ, startResponse) => {
    forward(environ, ...args);
    startResponse('204 No Content', []);
    return [];
  };

/** The result for a request, and the request as CloudFront sent it. */
async function ask(kind: Trigger, app: Application, request: LambdaRequest = {}) {
  const event = lambdaEvent(kind, request);
  const sent = structuredClone(event);
  const lines: string[] = [];
  const result = await toLambdaHandler(app, { errors: (line) => void lines.push(bare(line)) })(event, {});
  expect(event).toEqual(sent);
  return { result, request: sent.Records[0]?.cf.request as EdgeRequest, lines };
}

describe.each(TRIGGERS)('%s', (kind) => {
  test.each(['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE'])('a %s goes on as it came', async (method) => {
    const body = method === 'POST' ? { body: 'data' } : {};
    const headers: HeaderList = [
      ['Host', 'www.example.com'],
      ['X-A', '1'],
      ['X-A', '2'],
    ];
    for (const wrap of [(app: Application) => app, validator]) {
      const given = { method, target: '/a%20b?q=%20', headers, ...body };
      const { result, request, lines } = await ask(kind, wrap(forwarding()), given);
      expect(result).toEqual(request);
      expect(lines).toEqual([]);
    }
  });

  it('goes on with the changes', async () => {
    const changes: EdgeChanges = {
      uri: '/index.html',
      querystring: '',
      headers: { 'x-tenant': [{ key: 'X-Tenant', value: 'a' }] },
      body: { action: 'replace', encoding: 'text', data: 'new' },
    };
    const { result, request } = await ask(kind, forwarding(changes), { method: 'POST', target: '/a?b', body: 'old' });
    expect(result).toEqual({ ...request, ...changes });
  });

  it('goes on with a copy of the request that the application has changed', async () => {
    const { result, request } = await ask(kind, (environ, startResponse) => {
      const { request } = (environ as AwsEnviron<Trigger>)['aws.event'].Records[0]?.cf ?? {};
      const copy = structuredClone(request) as EdgeRequest;
      copy.uri = `/tenant${copy.uri}`;
      return forwarding(copy)(environ, startResponse);
    });
    expect(result).toEqual({ ...request, uri: '/tenant/' });
  });

  it('goes on whatever the form of the application, and its body is closed once', async () => {
    const closed: string[] = [];
    const late: Application = async (environ, startResponse) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      forward(environ, { uri: '/late' });
      startResponse('204 No Content', []);
      return Object.assign([textToBytes('not sent')], { close: () => void closed.push('late') });
    };
    const generator: Application = async function* (environ, startResponse) {
      startResponse('204 No Content', [['X-A', 'not sent']]);
      try {
        forward(environ, { uri: '/generator' });
        yield textToBytes('not sent');
      } finally {
        closed.push('generator');
      }
    };
    for (const [app, uri] of [
      [late, '/late'],
      [generator, '/generator'],
    ] as const) {
      const { result, request } = await ask(kind, app);
      expect(result).toEqual({ ...request, uri });
    }
    expect(closed).toEqual(['late', 'generator']);
  });

  it('goes on with the last changes, each made to the request as it came', async () => {
    const { result, request } = await ask(kind, (environ, startResponse) => {
      forward(environ, { uri: '/first', querystring: 'first' });
      return forwarding({ uri: '/last' })(environ, startResponse);
    });
    expect(result).toEqual({ ...request, uri: '/last' });
  });

  it('does not go on if middleware answers with another status', async () => {
    const guarded: Application = (environ, startResponse) =>
      forwarding({ uri: '/secret' })(environ, (_status, headers, excInfo) =>
        startResponse('403 Forbidden', headers, excInfo),
      );
    const { result } = await ask(kind, guarded);
    expect(result).toEqual({ status: '403', statusDescription: 'Forbidden', headers: {} });
    checkResult(kind, result);
  });

  it('does not go on if the application fails afterwards', async () => {
    const { result, lines } = await ask(kind, (environ, startResponse) => {
      forwarding()(environ, startResponse);
      throw new Error('own');
    });
    expect(result).toMatchObject({
      status: '500',
      body: expect.stringMatching(/^Internal Server Error\nRequest id: \S+\n$/),
    });
    expect(lines[0]).toBe('Error: own');
  });

  it('answers 204 where nobody has asked for more', async () => {
    const { result } = await ask(kind, (_environ, startResponse) => {
      startResponse('204 No Content', []);
      return [];
    });
    expect(result).toEqual({ status: '204', statusDescription: 'No Content', headers: {} });
    checkResult(kind, result);
  });

  test.each<[unknown, string]>([
    [null, 'application: aws.forward takes an object of changes, not null'],
    ['/index.html', 'application: aws.forward takes an object of changes, not a string'],
    [
      { method: 'POST' },
      "application: aws.forward can't change the method of a request, because CloudFront answers 502",
    ],
    [{ clientIp: '::1' }, "application: aws.forward can't change the clientIp of a request, because CloudFront"],
  ])('takes no %j', async (changes, message) => {
    const { result, lines } = await ask(kind, forwarding(changes as EdgeChanges));
    expect(result).toMatchObject({ status: '500' });
    expect(lines[0]).toContain(`WsgiError: ${message}`);
  });
});

test.each(KINDS.filter((kind) => !kind.startsWith('edge-')))('%s has no aws.forward', async (kind) => {
  let has: boolean | undefined;
  await toLambdaHandler((environ, startResponse) => {
    has = 'aws.forward' in environ;
    startResponse('204 No Content', []);
    return [];
  })(lambdaEvent(kind), {});
  expect(has).toBe(false);
});
