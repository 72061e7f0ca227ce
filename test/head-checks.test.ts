import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { mapResponse } from '../middleware/index.js';
import { changedSince, isMislabelled } from '../src/head-checks.js';
import { toFetchHandler } from '../src/index.js';
import { textToBytes } from '../src/native-string.js';
import type { Application, HeaderList, LogRecord, Middleware } from '../src/types.js';
import { validator } from '../src/validator/index.js';
import { answering, get } from './middleware/call.js';

// The gzip middleware that many would write: it decides when the application has returned, by a head that a generator has
// not given yet.
const gzip: Middleware = (app) =>
  async function gzipped(environ, startResponse) {
    let isText = false;
    const body = (await app(environ, (status, headers, excInfo) => {
      isText = headers.some(([name, value]) => name === 'Content-Type' && value === 'text/plain');
      return startResponse(status, isText ? [...headers, ['Content-Encoding', 'gzip']] : headers, excInfo);
    })) as AsyncIterable<Uint8Array>;
    // A list is compressed here; a generator has not called startResponse yet.
    return isText ? compressed(body) : body;
  };

async function* compressed(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) yield gzipSync(chunk);
}

const generator: Application = async function* (_environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  yield textToBytes('plain bytes');
};

const late: Middleware = (app) =>
  async function latecomer(environ, startResponse) {
    const given: HeaderList = [['Content-Type', 'text/plain']];
    const body = await app(environ, (status, _headers, excInfo) => startResponse(status, given, excInfo));
    given.push(['X-Late', '1']);
    return body;
  };
const list: Application = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return [textToBytes('body')];
};

describe('middleware that labels a body that it does not encode', () => {
  it('is named in the log of the gateway', async () => {
    const { log } = await get(gzip(generator));
    expect(log).toMatch(/the body is not gzip, which its Content-Encoding names/);
    expect(log).toMatch(/startResponse was called at .*head-checks\.test\.ts:\d+/);
  });

  it('is refused by the validator, which names it', async () => {
    const response = await get(validator(gzip(generator)));
    expect(response.code).toBe(500);
    expect(response.log).toMatch(
      /gave a body that is not gzip; startResponse was called at .*head-checks\.test\.ts:\d+/,
    );
  });
});

it.each([
  ['the gateway', late(list)],
  ['mapResponse', mapResponse(late(list), {})],
])('is a warning in the log: %s', async (_, app) => {
  const records: LogRecord[] = [];
  await toFetchHandler(app, { errors: { record: (each) => records.push(each) } })(new Request('http://h/'));
  expect(records).toMatchObject([{ level: 'warn', message: expect.stringContaining('changed the header "X-Late"') }]);
});

it('the place of a call becomes text only if a warning is written', async () => {
  const encoded = answering(gzipSync('body'), [['Content-Encoding', 'gzip']]);
  const mislabelled = answering('body', [['Content-Encoding', 'gzip']]);
  const formatted = vi.fn((_error: Error, frames: NodeJS.CallSite[]) => `Error\n    at ${frames[0]}`);
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = formatted;
  try {
    for (const app of [encoded, validator(encoded)]) expect((await get(app)).log).toBe('');
    expect(formatted).not.toHaveBeenCalled();
    expect((await get(mislabelled)).log).toMatch(/startResponse was called at /);
    expect(formatted).toHaveBeenCalled();
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
});

describe('middleware that changes the head after it was given', () => {
  it('is named in the log of the gateway, from the second time on by its place', async () => {
    await get(late(list));
    const { log, headers } = await get(late(list));
    expect(log).toMatch(
      /changed the header "X-Late" in its list after startResponse had copied it, called at .*head-checks/,
    );
    expect(headers.map(([name]) => name)).not.toContain('X-Late');
  });

  it('is named if mapResponse is around it', async () => {
    expect((await get(mapResponse(late(list), {}))).log).toMatch(
      /changed the header "X-Late".* called at .*head-checks\.test/,
    );
  });

  it('is refused by the validator, which names it, and not the application inside', async () => {
    const response = await get(validator(late(validator(list))));
    expect(response.code).toBe(500);
    expect(response.log).toMatch(
      /changed the header "X-Late" after startResponse was called at .*head-checks\.test\.ts:\d+/,
    );
  });

  it('may change the list that it is given before it passes it on', async () => {
    const adding: Middleware = (app) => (environ, startResponse) =>
      app(environ, (status, headers, excInfo) => {
        (headers as unknown as HeaderList).push(['X-More', '1']);
        return startResponse(status, headers, excInfo);
      });
    const response = await get(validator(adding(validator(list))));
    expect([response.code, response.header('x-more'), response.log]).toEqual([200, '1', '']);
  });
});

describe('changedSince', () => {
  const copy: HeaderList = [
    ['A', '1'],
    ['B', '2'],
  ];
  it.each<[HeaderList, string | undefined]>([
    [
      [
        ['A', '1'],
        ['B', '2'],
      ],
      undefined,
    ],
    [
      [
        ['A', ' 1'],
        ['B', '2\t'],
      ],
      undefined,
    ],
    [
      [
        ['A', '1'],
        ['B', '3'],
      ],
      'B',
    ],
    [
      [
        ['A', '1'],
        ['C', '2'],
      ],
      'B',
    ],
    [[['A', '1']], 'B'],
    [
      [
        ['A', '1'],
        ['B', '2'],
        ['C', '3'],
      ],
      'C',
    ],
  ])('%j: %s', (given, name) => {
    expect(changedSince(given, copy)).toBe(name);
  });
});

describe('isMislabelled', () => {
  it.each<[string, number, number[], boolean]>([
    ['gzip', 200, [0x1f, 0x8b, 8], false],
    ['gzip', 200, [0x1f], false],
    ['GZIP', 200, [0x1f, 0x8c], true],
    ['gzip', 206, [1, 2], false],
    ['zstd', 200, [0x28, 0xb5, 0x2f, 0xfd], false],
    ['zstd', 200, [0x1f, 0x8b], true],
    ['br', 200, [1, 2], false],
    ['identity', 200, [1, 2], false],
  ])('%s %i %j: %s', (encoding, code, bytes, expected) => {
    expect(isMislabelled(encoding, code, Uint8Array.from(bytes))).toBe(expected);
  });
});
