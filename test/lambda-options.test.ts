// The options of the Lambda target, and the limits of each front end.
import { describe, expect, it, test, vi } from 'vitest';
import { WsgiError } from '../src/errors.js';
import { textToBytes } from '../src/native-string.js';
import type { Application, Environ, HeaderList } from '../src/types.js';
import { type LambdaOptions, toLambdaHandler, toLambdaStreamHandler } from '../targets/aws-lambda/index.js';
import { type LambdaKind, type LambdaRequest, lambdaEvent, readLambdaResult } from '../testing/index.js';
import { checkResult, KINDS } from './lambda-result-shape.ts';
import { bare, withoutId } from './request-id.js';

const context = { getRemainingTimeInMillis: () => 30_000 };
const answering =
  (status: string, headers: HeaderList, ...chunks: Uint8Array[]): Application =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return chunks;
  };

/** What becomes of a request, and what is logged. */
async function ask(kind: LambdaKind, app: Application, options: LambdaOptions = {}, request: LambdaRequest = {}) {
  const lines: string[] = [];
  const handler = toLambdaHandler(app, { errors: (line) => lines.push(bare(line)), ...options });
  const result = await handler(lambdaEvent(kind, request), context);
  checkResult(kind, result);
  const { status, headers, text } = readLambdaResult(kind, result);
  return { result, status, headers, text: withoutId(text()), lines, size: Buffer.byteLength(JSON.stringify(result)) };
}

describe('basePath and stage', () => {
  const placed = async (kind: LambdaKind, target: string, options: LambdaOptions) => {
    let seen: Environ | undefined;
    const app: Application = (environ, startResponse) => {
      seen = environ;
      return answering('200 OK', [])(environ, startResponse);
    };
    await ask(kind, app, options, { target });
    // What a REST API says of its stage by itself.
    return [seen?.SCRIPT_NAME.slice(kind === 'apigw-rest-v1' ? '/prod'.length : 0), seen?.PATH_INFO];
  };
  const both = { basePath: '/v1', stage: 'dev' };

  test.each(KINDS)('%s: move from PATH_INFO to SCRIPT_NAME, one after the other', async (kind) => {
    expect(await placed(kind, '/v1/dev/users/', both)).toEqual(['/v1/dev', '/users/']);
    expect(await placed(kind, '/v1/users', both)).toEqual(['/v1', '/users']);
    expect(await placed(kind, '/dev/users', both)).toEqual(['/dev', '/users']);
    expect(await placed(kind, '/users', both)).toEqual(['', '/users']);
    expect(await placed(kind, '/v1/dev', both)).toEqual(['/v1/dev', '']);
    expect(await placed(kind, '/v1', { basePath: '/v1' })).toEqual(['/v1', '']);
    expect(await placed(kind, '/dev/', { stage: 'dev' })).toEqual(['/dev', '/']);
  });

  test.each(KINDS)('%s: at the end of a segment, in front, once', async (kind) => {
    for (const target of ['/v1x/dev/users', '/v/1/dev', '/a/v1/dev', '//v1/dev', '/V1/dev'])
      expect(await placed(kind, target, both)).toEqual(['', target]);
    expect(await placed(kind, '/v1/v1/dev', { basePath: '/v1' })).toEqual(['/v1', '/v1/dev']);
    expect(await placed(kind, '/dev/dev/users', { stage: 'dev' })).toEqual(['/dev', '/dev/users']);
    expect(await placed(kind, '/dev/v1/users', both)).toEqual(['/dev', '/v1/users']);
    expect(await placed(kind, '/v1/devel', both)).toEqual(['/v1', '/devel']);
  });

  it('basePath needs no slash in front, and may have one behind', async () => {
    for (const basePath of ['v1', '/v1/', 'v1/', '/v1'])
      expect(await placed('function-url', '/v1/users', { basePath }), basePath).toEqual(['/v1', '/users']);
    expect(await placed('function-url', '/a/b/c', { basePath: 'a/b/' })).toEqual(['/a/b', '/c']);
    expect(await placed('function-url', '/v1/users', { basePath: '' })).toEqual(['', '/v1/users']);
  });

  it('may be of several segments, and of any characters', async () => {
    expect(await placed('function-url', '/a/b/c', { basePath: '/a/b' })).toEqual(['/a/b', '/c']);
    expect(await placed('function-url', '/a/bc', { basePath: '/a/b' })).toEqual(['', '/a/bc']);
    for (const kind of ['function-url', 'apigw-http-v2'] as const)
      expect(await placed(kind, '/%C3%BC%20/x', { basePath: '/ü ' })).toEqual(['/\u00c3\u00bc ', '/x']);
    expect(await placed('alb-multi', '/a.b/x', { basePath: '/a.b' })).toEqual(['/a.b', '/x']);
    expect(await placed('alb-multi', '/aXb/x', { basePath: '/a.b' })).toEqual(['', '/aXb/x']);
  });

  it('come before scriptName, outside of which is nothing', async () => {
    const options = { basePath: '/v1', stage: 'dev', scriptName: '/app' };
    expect(await placed('alb-single', '/v1/dev/app/x', options)).toEqual(['/v1/dev/app', '/x']);
    const { status } = await ask('alb-single', answering('200 OK', []), options, { target: '/v1/dev/x' });
    expect(status).toBe(404);
  });

  it('leave REQUEST_URI as the client sent it', async () => {
    let seen: Environ | undefined;
    const app: Application = (environ, startResponse) => {
      seen = environ;
      return answering('200 OK', [])(environ, startResponse);
    };
    await ask('function-url', app, both, { target: '/v1/dev/x?a=1' });
    expect(seen?.REQUEST_URI).toBe('/v1/dev/x?a=1');
  });

  test.each([
    [
      'basePath',
      ['/', '//', '//v1', '/v1//', '/v1//a', ' /v1', ' ', 5, null, true, ['/v1'], {}],
      'must be like "/v1", not ',
    ],
    ['stage', ['/prod', 'a/b', '/', 5, null, true, ['prod'], {}], 'must be like "prod", not '],
    ['isText', [5, 'x', null, true, /x/, {}], 'must be a function, not '],
    ['onOtherEvent', [5, 'x', null, true, {}], 'must be a function, not '],
  ])('%s is refused at once where it is wrong', (option, values, why) => {
    for (const value of values) {
      const options = { [option]: value } as never;
      const app = answering('200 OK', []);
      expect(() => toLambdaHandler(app, options)).toThrow(WsgiError);
      expect(() => toLambdaHandler(app, options)).toThrow(`toLambdaHandler: ${option} ${why}`);
      expect(() => toLambdaStreamHandler(app, options)).toThrow(`toLambdaStreamHandler: ${option} ${why}`);
    }
    toLambdaHandler(answering('200 OK', []), { [option]: undefined } as never);
  });
});

describe('onOtherEvent', () => {
  const sqs = { Records: [{ eventSource: 'aws:sqs', body: 'x' }] };
  const handlerOf = (onOtherEvent: LambdaOptions['onOtherEvent']) =>
    toLambdaHandler(answering('200 OK', []), { ...(onOtherEvent && { onOtherEvent }) });

  it('takes what is no HTTP request, and its result is that of the function', async () => {
    const calls: unknown[][] = [];
    const batch = { batchItemFailures: [] };
    const handler = handlerOf((...args) => {
      calls.push(args);
      return batch;
    });
    expect(await handler(sqs, context)).toBe(batch);
    expect(calls).toEqual([[sqs, context]]);
    expect(calls[0]?.[0]).toBe(sqs);
    expect(calls[0]?.[1]).toBe(context);
    for (const event of [null, undefined, 'x', 5, [], {}]) expect(await handler(event, context)).toBe(batch);
    expect(await handlerOf(() => undefined)(sqs, context)).toBeUndefined();
    expect(await handlerOf(async () => 'later')(sqs, context)).toBe('later');
  });

  it('rejects with its own error', async () => {
    const error = new Error('own');
    const failing = () => {
      throw error;
    };
    await expect(handlerOf(failing)(sqs, context)).rejects.toBe(error);
    await expect(handlerOf(async () => failing())(sqs, context)).rejects.toBe(error);
  });

  test.each(KINDS)('%s: is not asked for a request, not for a malformed one either', async (kind) => {
    let asked = 0;
    const handler = handlerOf(() => ++asked);
    checkResult(kind, await handler(lambdaEvent(kind), context));
    expect(asked).toBe(0);
  });

  it('is not asked for a malformed request', async () => {
    let asked = 0;
    const handler = handlerOf(() => ++asked);
    await expect(handler({ ...lambdaEvent('alb-multi'), body: 5 }, context)).rejects.toThrow(WsgiError);
    expect(asked).toBe(0);
  });
});

describe('the time that is left', () => {
  const later: Application = async (_environ, startResponse) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    startResponse('200 OK', []);
    return [textToBytes('done')];
  };

  // As mocks and emulators have it: none of them says how much time is left.
  test.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 31 + 1000,
    Number.MAX_SAFE_INTEGER,
    null,
    undefined,
    'soon',
    {},
    Promise.resolve(30_000),
  ])('is no limit where getRemainingTimeInMillis() gives %s', async (remaining) => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on('warning', note);
    try {
      const given = { getRemainingTimeInMillis: () => remaining as number };
      expect(await toLambdaHandler(later)(lambdaEvent('function-url'), given)).toMatchObject({ statusCode: 200 });
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('warning', note);
    }
    expect(warnings).toEqual([]);
  });

  test.each([0, -1, Number.NEGATIVE_INFINITY])('is over where it is %s', async (remaining) => {
    const given = { getRemainingTimeInMillis: () => remaining };
    const handler = toLambdaHandler(() => new Promise(() => {}), { errors: () => {} });
    expect(await handler(lambdaEvent('function-url'), given)).toMatchObject({ statusCode: 500 });
  });
});

describe('the ids of an invocation', () => {
  const NAMES = ['wsgi_edge.request_id', 'aws.request_id', 'aws.trace_id', 'aws.tenant_id'];
  const idsOf = async (given: object) => {
    let ids: unknown[] = [];
    const app: Application = (environ, startResponse) => {
      ids = NAMES.map((name) => environ[name]);
      return answering('200 OK', [])(environ, startResponse);
    };
    await toLambdaHandler(app)(lambdaEvent('function-url'), given);
    return ids;
  };
  const made = expect.stringMatching(/^[a-z0-9]+-\d+$/);
  const trace = '1-5759e988-bd862e3fe1be46a994272793';

  it('are those of its context', async () => {
    const header = `Root=${trace};Parent=53995c3f42cd8ad8;Sampled=1`;
    const ids = await idsOf({ awsRequestId: 'R-1', xRayTraceId: header, tenantId: 'blue' });
    expect(ids).toEqual(['R-1', 'R-1', trace, 'blue']);
    expect(await idsOf({ awsRequestId: 'R-2', xRayTraceId: `Lineage=a:1;Root=${trace}` })).toEqual([
      'R-2',
      'R-2',
      trace,
      undefined,
    ]);
    expect(await idsOf({})).toEqual([made, undefined, undefined, undefined]);
    expect(await idsOf({ xRayTraceId: 'Sampled=0' })).toEqual([made, undefined, undefined, undefined]);
  });

  it('take the trace from the process, for a runtime whose context lacks it', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'fn');
    vi.stubEnv('_X_AMZN_TRACE_ID', `Root=${trace};Sampled=0`);
    expect(await idsOf({ awsRequestId: 'R-1' })).toEqual(['R-1', 'R-1', trace, undefined]);
    vi.unstubAllEnvs();
  });
});

describe('isText', () => {
  const typed = (type: string, ...more: HeaderList) =>
    answering('200 OK', [['Content-Type', type], ...more], textToBytes('hé'));
  const form = (base64: boolean) => (kind: LambdaKind) =>
    kind.startsWith('edge-')
      ? { body: base64 ? 'aMOp' : 'hé', bodyEncoding: base64 ? 'base64' : 'text' }
      : { body: base64 ? 'aMOp' : 'hé', isBase64Encoded: base64 };
  const text = form(false);
  const base64 = form(true);

  test.each(KINDS)('%s: says which bodies are text', async (kind) => {
    const asked: string[] = [];
    const isText = (type: string) => asked.push(type) > 0 && type === 'application/x-odd';
    expect((await ask(kind, typed(' Application/X-Odd ;v=1'), { isText })).result).toMatchObject(text(kind));
    expect((await ask(kind, typed('text/plain'), { isText })).result).toMatchObject(base64(kind));
    expect((await ask(kind, typed(''), { isText })).result).toMatchObject(base64(kind));
    expect(asked).toEqual(['application/x-odd', 'text/plain', '']);
  });

  test.each(KINDS)('%s: does not make text of what is none', async (kind) => {
    const isText = () => true;
    expect((await ask(kind, typed('text/plain', ['Content-Encoding', 'br']), { isText })).result).toMatchObject(
      base64(kind),
    );
    const bytes = answering('200 OK', [['Content-Type', 'text/plain']], Uint8Array.of(0xff));
    const { result } = await ask(kind, bytes, { isText });
    expect(result).toMatchObject({ body: '/w==' });
    expect((await ask(kind, typed('x/y', ['Content-Encoding', 'identity']), { isText })).result).toMatchObject(
      text(kind),
    );
  });

  test.each(KINDS)('%s: is the default without it', async (kind) => {
    expect((await ask(kind, typed('text/plain'))).result).toMatchObject(text(kind));
    expect((await ask(kind, typed('application/x-odd'))).result).toMatchObject(base64(kind));
  });

  it('that throws makes a 500 that does not speak of sizes', async () => {
    const isText = () => {
      throw new Error('own');
    };
    const { status, text: page, lines } = await ask('function-url', typed('x/y'), { isText });
    expect([status, withoutId(page)]).toEqual([500, 'Internal Server Error\n']);
    expect(lines[0]).toBe('Error: own');
  });

  it('that is asynchronous makes a 500 that says so, and its rejection does not end the process', async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => void rejections.push(reason);
    process.on('unhandledRejection', note);
    try {
      const failing = async () => {
        throw new Error('own');
      };
      for (const isText of [async () => false, failing] as never[]) {
        const { status, text: page, lines } = await ask('function-url', typed('x/y'), { isText });
        expect([status, withoutId(page)]).toEqual([500, 'Internal Server Error\n']);
        expect(lines[0]).toBe(
          'TypeError: toLambdaHandler: isText must return true or false, not a Promise; nobody waits for it',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(rejections).toEqual([]);
  });
});

const LAMBDA = 6_291_556;
const LIMITS: Record<LambdaKind, number> = {
  'apigw-rest-v1': LAMBDA,
  'apigw-http-v1': LAMBDA,
  'apigw-http-v2': LAMBDA,
  'function-url': LAMBDA,
  'alb-single': 1_048_576,
  'alb-multi': 1_048_576,
  'lattice-v1': LAMBDA,
  'lattice-v2': LAMBDA,
  'edge-viewer-request': 40_960,
  'edge-origin-request': 1_048_576,
};
const TOO_LARGE = 'The response is too large to be sent\n';

describe.each(KINDS)('%s: the limit', (kind) => {
  const limit = LIMITS[kind];
  const streams = kind === 'apigw-rest-v1' || kind === 'function-url';
  const nearly = limit - 2000;
  // Each character counts otherwise: one byte, two, three and six in JSON.
  const text = textToBytes('a"€\0'.repeat(nearly / 12));
  const binary = new Uint8Array(Math.floor((nearly / 4) * 3)).fill(0xff);
  const quotes = '"'.repeat(nearly / 400 - 40); // of two bytes each in JSON, in two hundred headers
  const many = Array.from({ length: 200 }, (_, i): HeaderList[number] => [`X-${i}`, quotes]);

  test.each<[string, HeaderList, Uint8Array]>([
    ['text', [['Content-Type', 'text/plain']], text],
    ['base64', [], binary],
    ['headers', many, textToBytes('')],
  ])('%s: exactly at it, and one byte more', async (_, headers, body) => {
    const padded = (pad: number) => answering('200 OK', [...headers, ['X-Pad', 'x'.repeat(pad)]], body);
    const less = await toLambdaHandler(padded(0))(lambdaEvent(kind), context);
    const most = limit - Buffer.byteLength(JSON.stringify(less));
    expect(most).toBeGreaterThan(0);
    const whole = await ask(kind, padded(most));
    expect([whole.status, whole.size, whole.lines]).toEqual([200, limit, []]);
    const more = await ask(kind, padded(most + 1));
    expect([more.status, more.text]).toEqual([500, TOO_LARGE]);
    expect(more.headers).toContainEqual(['Content-Type', 'text/plain; charset=utf-8']);
    expect(more.lines[0]).toMatch(
      new RegExp(
        `^WsgiError: aws-lambda: the response makes a result of at least ${limit + 1} bytes; .+ takes ${limit}${streams ? '; toLambdaStreamHandler can send more' : ''}$`,
      ),
    );
  });

  it('ends a body that has no end, and closes it once', async () => {
    for (const how of ['iteration', 'write'] as const) {
      let given = 0;
      let closed = 0;
      const chunk = new Uint8Array(10_000);
      const app: Application = (_environ, startResponse) => {
        const write = startResponse('200 OK', []);
        const body = (async function* () {
          for (;;) {
            given += chunk.length;
            if (how === 'iteration') yield chunk;
            else await write(chunk);
          }
        })();
        return { [Symbol.asyncIterator]: () => body, close: () => void closed++ };
      };
      const { status, text: page, lines } = await ask(kind, app);
      expect([status, page, closed]).toEqual([500, TOO_LARGE, 1]);
      expect(given).toBeLessThanOrEqual(limit + chunk.length);
      expect(lines[0]).toMatch(
        new RegExp(
          `^WsgiError: aws-lambda: the response makes a result of at least ${given} bytes; .+ takes ${limit}${streams ? '; toLambdaStreamHandler can send more' : ''}$`,
        ),
      );
    }
  });

  it('counts the bytes of a body that is there as a whole', async () => {
    const { status, text: page, lines } = await ask(kind, answering('200 OK', [], new Uint8Array(limit + 1)));
    expect([status, withoutId(page)]).toEqual([500, TOO_LARGE]);
    expect(lines[0]).toContain(`at least ${limit + 1} bytes`);
  });

  it('does not count what is not sent', async () => {
    const body = new Uint8Array(limit + 1);
    const { status } = await ask(kind, answering('200 OK', [], body), {}, { method: 'HEAD' });
    expect(status).toBe(200);
  });
});

describe('cookies', () => {
  const cookies = (count: number): HeaderList => Array.from({ length: count }, (_, i) => ['Set-Cookie', `c${i}=${i}`]);

  test.each(['alb-single', 'lattice-v1', 'lattice-v2'] as const)(
    '%s: 512 are all there, one more is a 500',
    async (kind) => {
      const { status, headers } = await ask(kind, answering('200 OK', cookies(512)));
      expect(status).toBe(200);
      const given = headers.filter(([name]) => name.toLowerCase() === 'set-cookie');
      expect(given.map(([, value]) => value)).toEqual(cookies(512).map(([, value]) => value));
      expect(given[0]?.[0]).toBe('Set-Cookie');
      const more = await ask(kind, answering('200 OK', cookies(513)));
      expect([more.status, more.text]).toEqual([500, TOO_LARGE]);
      expect(more.lines[0]).toBe('WsgiError: aws-lambda: 513 cookies are more than the 512 that this front end takes');
    },
  );

  test.each(['apigw-rest-v1', 'apigw-http-v2', 'function-url', 'alb-multi', 'edge-origin-request'] as const)(
    '%s: has no such limit',
    async (kind) => {
      const { status, headers } = await ask(kind, answering('200 OK', cookies(513)));
      expect(status).toBe(200);
      expect(headers.filter(([name]) => name.toLowerCase() === 'set-cookie')).toHaveLength(513);
    },
  );
});

describe('a request body that CloudFront has cut', () => {
  test.each([
    ['edge-viewer-request', 40_960],
    ['edge-origin-request', 1_048_576],
  ] as const)('%s: is answered with 413, without the application', async (kind, shown) => {
    let called = 0;
    const app: Application = (environ, startResponse) => {
      called++;
      return answering('200 OK', [])(environ, startResponse);
    };
    const request = (length: number) => ({ method: 'POST', body: new Uint8Array(length) });
    expect((await ask(kind, app, {}, request(shown))).status).toBe(200);
    expect(called).toBe(1);
    const { status, text: page, lines } = await ask(kind, app, {}, request(shown + 1));
    expect([status, page, called]).toEqual([413, 'Content Too Large\n', 1]);
    expect(lines).toEqual([
      `aws-lambda: Lambda@Edge (${kind.slice('edge-'.length).replace('-', ' ')}) has cut the request body; refused with 413 Content Too Large`,
    ]);
  });
});
