// Events are written by hand, too, and changed on their way: whatever comes, the gateway answers as its front end would
// take it, or says that the event is no request or malformed.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { WsgiError } from '../src/errors.js';
import type { Application, Environ } from '../src/types.js';
import { validator } from '../src/validator/index.js';
import { detect } from '../targets/aws-lambda/detect.js';
import { toLambdaHandler } from '../targets/aws-lambda/index.js';
import { type LambdaKind, lambdaEvent } from '../testing/index.js';
import { RUNS, SEED, TIMEOUT } from './fuzz/runs.js';
import { checkResult, KINDS } from './lambda-result-shape.ts';

const events = new URL('./events/', import.meta.url);
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, events), 'utf8'));
const index = read('index.json') as Array<{ file: string; expect: string }>;
const SAMPLES = index.filter(({ expect: outcome }) => outcome === 'http').map(({ file }) => file);

let breach: unknown;
const inner = validator(async (environ: Environ, startResponse) => {
  const body = await environ['wsgi.input'].read();
  startResponse('200 OK', [
    ['Content-Type', 'text/plain'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ]);
  return [body.slice(0, 1000)];
});
const app: Application = async (environ, startResponse) => {
  try {
    return await inner(environ, startResponse);
  } catch (error) {
    breach = error;
    throw error;
  }
};
const handler = toLambdaHandler(app, { errors: () => {} });

/** What became of an event: 'answered' or 'refused'; throws where it is neither as it should be. */
async function outcomeOf(event: unknown): Promise<'answered' | 'refused'> {
  breach = undefined;
  let result: unknown;
  try {
    result = await handler(event, { getRemainingTimeInMillis: () => 30_000 });
  } catch (error) {
    if (error instanceof WsgiError) return 'refused';
    throw error;
  }
  if (breach !== undefined) throw breach;
  const kind = detect(event);
  if (kind instanceof WsgiError) throw new Error('answered, and no HTTP event');
  checkResult(kind, result);
  return 'answered';
}

type Path = Array<string | number>;

function pathsOf(value: unknown): Path[] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, each]) => pathsOf(each).map((path) => [key, ...path]))];
}

const REMOVED = Symbol('removed');
const IN_A_LIST = Symbol('in a list');

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by === IN_A_LIST ? [value] : by;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  const inner = replaced((value as Record<string, unknown>)[key], rest, by);
  if (inner === REMOVED) Reflect.deleteProperty(copy, key);
  else Object.defineProperty(copy, key, { value: inner, enumerable: true, configurable: true, writable: true });
  return copy;
}

// A list of one string becomes that string where a regular expression is asked; String() fails for a `toString` that is none.
const NO_TEXT = [{ toString: [], valueOf: [] }];
const REPLACEMENTS = [
  REMOVED,
  IN_A_LIST,
  null,
  '',
  'x',
  'ü€\ud800\r\n\0',
  '65536',
  5,
  true,
  [],
  [null],
  {},
  { a: {} },
  NO_TEXT,
];
const shown = (by: unknown) => (typeof by === 'symbol' ? by.description : JSON.stringify(by));

test.each(SAMPLES)('%s: any one field replaced', async (file) => {
  const sample = read(file);
  expect(await outcomeOf(sample)).toBe('answered');
  const wrong: string[] = [];
  for (const path of pathsOf(sample).slice(1))
    for (const by of REPLACEMENTS)
      await outcomeOf(replaced(sample, path, by)).catch((error: unknown) => {
        wrong.push(`${path.join('.')} ${shown(by)}: ${error}`);
      });
  expect(wrong).toEqual([]);
});

it(
  'holds with several fields replaced by anything',
  async () => {
    const made = KINDS.map((kind) => lambdaEvent(kind, { method: 'POST', target: '/a?b=c', body: 'x' }));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SAMPLES.map(read), ...made),
        fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(...REPLACEMENTS), fc.jsonValue())), {
          minLength: 2,
          maxLength: 8,
        }),
        async (event, replacements) => {
          let changed: unknown = event;
          for (const [at, by] of replacements) {
            const paths = pathsOf(changed).slice(1);
            if (paths.length > 0) changed = replaced(changed, paths[at % paths.length] as Path, by);
          }
          await outcomeOf(changed);
        },
      ),
      { numRuns: RUNS * 10, seed: SEED },
    );
  },
  TIMEOUT,
);

it(
  'holds for any JSON',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (event) => {
        expect(await outcomeOf(event)).toBe('refused');
      }),
      { numRuns: RUNS * 4, seed: SEED },
    );
  },
  TIMEOUT,
);

describe('a malformed event', () => {
  const changed = (kind: LambdaKind, path: Path, by: unknown) =>
    handler(replaced(lambdaEvent(kind), path, by), { getRemainingTimeInMillis: () => 30_000 });

  test.each<[LambdaKind, Path, unknown, string]>([
    [
      'function-url',
      ['requestContext', 'http', 'method'],
      'GET ',
      'a Function URL is malformed (TypeError: "GET " is not a method)',
    ],
    ['apigw-rest-v1', ['httpMethod'], 5, 'an API Gateway REST API is malformed (TypeError: 5 is not a string)'],
    ['lattice-v2', ['method'], '', 'VPC Lattice is malformed (TypeError: "" is not a method)'],
    [
      'apigw-http-v2',
      ['rawQueryString'],
      ['a=1'],
      'an API Gateway HTTP API is malformed (TypeError: ["a=1"] is not a string)',
    ],
    ['alb-multi', ['path'], { a: 1 }, 'an Application Load Balancer is malformed (TypeError: {"a":1} is not a string)'],
    [
      'apigw-http-v1',
      ['body'],
      [1],
      'an API Gateway HTTP API with payload 1.0 is malformed (TypeError: [1] is not a string)',
    ],
    [
      'function-url',
      ['requestContext', 'http', 'sourceIp'],
      ['203.0.113.7'],
      'a Function URL is malformed (TypeError: ["203.0.113.7"] is not a string)',
    ],
    [
      'edge-viewer-request',
      ['Records', 0, 'cf', 'request', 'headers'],
      { a: 'x' },
      'Lambda@Edge (viewer request) is malformed (TypeError: ',
    ],
    [
      'alb-single',
      ['headers'],
      { a: { toString: 1, valueOf: 1 } },
      'an Application Load Balancer is malformed (TypeError: ',
    ],
  ])('%s with %j %j is refused by name', async (kind, path, by, why) => {
    await expect(changed(kind, path, by)).rejects.toThrow(WsgiError);
    await expect(changed(kind, path, by)).rejects.toThrow(`aws-lambda: this event of ${why}`);
  });

  it('has no trigger of Lambda@Edge where that is not text', async () => {
    const event = replaced(lambdaEvent('edge-viewer-request'), ['Records', 0, 'cf', 'config', 'eventType'], NO_TEXT);
    expect(detect(event)).toBe('edge-viewer-request');
    expect(await outcomeOf(event)).toBe('answered');
  });

  it('still has its cookies where they are no list', async () => {
    const seen: unknown[] = [];
    const cookies = async (given: unknown) =>
      toLambdaHandler((environ, startResponse) => {
        seen.push(environ.HTTP_COOKIE);
        startResponse('200 OK', []);
        return [];
      })({ ...lambdaEvent('function-url', { headers: [['cookie', 'h=1']] }), cookies: given }, {});
    for (const given of ['a=1', ['a=1', null, 'b=2'], [], null, '']) await cookies(given);
    expect(seen).toEqual(['a=1', 'a=1; b=2', 'h=1', 'h=1', 'h=1']);
  });

  it('has HTTP/1.1 for a protocol that is a list, or none', async () => {
    const seen: unknown[] = [];
    const app: Application = (environ, startResponse) => {
      seen.push(environ.SERVER_PROTOCOL);
      startResponse('200 OK', []);
      return [];
    };
    const givens = ['HTTP/2.0', ['HTTP/2.0'], ['HTTP/1.0', 'HTTP/2.0'], [], {}, 5, null, 'HTTP/9\r\n', 'http'];
    for (const given of givens) {
      await toLambdaHandler(app)(replaced(lambdaEvent('apigw-rest-v1'), ['requestContext', 'protocol'], given), {});
      await toLambdaHandler(app)(
        replaced(lambdaEvent('function-url'), ['requestContext', 'http', 'protocol'], given),
        {},
      );
    }
    expect(seen.slice(0, 2)).toEqual(['HTTP/2.0', 'HTTP/2.0']);
    expect(new Set(seen.slice(2))).toEqual(new Set(['HTTP/1.1']));
  });

  it('has no SCRIPT_NAME of a stage that is not a string', async () => {
    const seen: unknown[] = [];
    for (const stage of [[], [null], {}, 5, 'prod']) {
      const event = replaced(lambdaEvent('apigw-http-v2', { target: '/x' }), ['requestContext', 'stage'], stage);
      const { requestContext } = event as { requestContext: object };
      const domainName = 'id.execute-api.eu-central-1.amazonaws.com';
      const path = `/${Array.isArray(stage) ? '' : stage}/x`;
      await toLambdaHandler((environ, startResponse) => {
        seen.push(environ.SCRIPT_NAME);
        startResponse('200 OK', []);
        return [];
      })({ ...(event as object), rawPath: path, requestContext: { ...requestContext, domainName } }, {});
    }
    expect(seen).toEqual(['', '', '', '', '/prod']);
  });

  it('has the port of its scheme where X-Forwarded-Port is none', async () => {
    const ports: unknown[] = [];
    const port = (headers: Record<string, string>) =>
      toLambdaHandler((environ, startResponse) => {
        ports.push(environ.SERVER_PORT);
        startResponse('200 OK', []);
        return [];
      })({ ...lambdaEvent('alb-single'), headers }, {});
    for (const given of ['8080', '65535', '65536', '0', 'x', '']) await port({ 'x-forwarded-port': given });
    expect(ports).toEqual(['8080', '65535', '80', '80', '80', '80']);
  });
});
