// What a streaming function sends to Lambda, seen at the Runtime API: AWS's own runtime client runs the gateway.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureRuntimeClient } from '../../emulation/lambda/install-ric.ts';
import { startRuntime } from '../../emulation/lambda/runtime.ts';
import { type FunctionError, type RuntimeApi, startRuntimeApi } from '../../emulation/lambda/runtime-api.ts';
import type { ResponseStream } from '../../targets/aws-lambda/index.js';
import { toLambdaStreamHandler } from '../../targets/aws-lambda/index.js';
import { type LambdaKind, type LambdaRequest, lambdaEvent } from '../../testing/index.js';
import { ID, withoutId } from '../request-id.js';
import { type AnyEvent, context, environOf, eventOf, KINDS, REST, sample, URL_KIND } from './harness.js';

const missing = await ensureRuntimeClient().then(
  () => undefined,
  (error: unknown) => error as Error,
);
if (missing !== undefined && process.env.CI) throw missing;
if (missing !== undefined) console.warn(`the traps of streaming are not tried: ${missing.message}`);

const STREAMING: LambdaKind[] = [URL_KIND, REST];
const PRELUDE = 'application/vnd.awslambda.http-integration-response';

let api: RuntimeApi;
let stop: () => Promise<void>;
let folder: string;
let log = '';

async function open(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
  await build({
    entryPoints: [fileURLToPath(new URL('function.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    outfile: join(folder, 'index.mjs'),
  });
  const onOutput = (text: string) => {
    log += text;
  };
  api = await startRuntimeApi((error) => onOutput(error.errorMessage));
  const runtime = await startRuntime({
    taskRoot: folder,
    handler: 'index.handler',
    runtimeApi: api.address,
    onOutput,
    onExit: (error) => api.fail(error),
  });
  stop = () => runtime.stop();
}

/** What reaches Lambda: `head` is the metadata in front of the body, where there is some. */
interface Streamed {
  contentType: string;
  head: AnyEvent;
  body: Buffer;
  /** The error after the first byte. */
  failed: FunctionError | undefined;
}

async function streamOf(event: unknown): Promise<Streamed> {
  const outcome = await api.invoke(event, 20_000);
  if (outcome.kind !== 'stream') throw new Error(outcome.kind === 'error' ? outcome.error.errorMessage : outcome.json);
  const chunks: Buffer[] = [];
  for await (const chunk of outcome.body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const end = bytes.indexOf(Buffer.alloc(8));
  const { contentType } = outcome;
  const failed = await outcome.failed;
  if (contentType !== PRELUDE) return { contentType, head: undefined, body: bytes, failed };
  if (end < 0) throw new Error(`no metadata in ${bytes.length} bytes`);
  return { contentType, head: JSON.parse(bytes.subarray(0, end).toString()), body: bytes.subarray(end + 8), failed };
}
const stream = (kind: LambdaKind, target: string, request: LambdaRequest = {}) =>
  streamOf(lambdaEvent(kind, { ...request, target }));

describe.skipIf(missing !== undefined)('in the runtime', () => {
  beforeAll(open);
  afterAll(async () => {
    await stop?.();
    await api?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it.each(STREAMING)('S-01: %s has the head of a response without a body', async (kind) => {
    const location = { statusCode: 302, headers: { Location: '/there' } };
    for (const [target, head] of [
      ['/redirect', location],
      ['/redirect-generator', location],
      ['/no-content', { statusCode: 204, headers: { 'X-A': '1' } }],
      ['/no-body', { statusCode: 204, headers: { 'x-a': '1' } }],
      ['/nowhere', { statusCode: 404, headers: {} }],
    ] as const) {
      const sent = { contentType: PRELUDE, head, body: Buffer.alloc(0), failed: undefined };
      expect(await stream(kind, target), target).toEqual(sent);
    }
    const head = await stream(kind, '/large', { method: 'HEAD' });
    expect(head).toEqual({
      contentType: PRELUDE,
      head: { statusCode: 200, headers: {} },
      body: Buffer.alloc(0),
      failed: undefined,
    });
  });

  it.each(STREAMING)('S-03: %s has the head in front of a stream of nothing', async (kind) => {
    for (const [target, statusCode] of [
      ['/empty-stream', 202],
      ['/empty-chunks', 201],
    ] as const)
      expect(await stream(kind, target)).toEqual({
        contentType: PRELUDE,
        head: { statusCode, headers: {} },
        body: Buffer.alloc(0),
        failed: undefined,
      });
  });

  it.each(STREAMING)('S-04: %s has the bytes of every kind of Uint8Array', async (kind) => {
    for (const [target, text] of [
      ['/subclass', 'own!'],
      ['/subclass-generator', 'own!'],
      ['/realm', 'own'],
      ['/same-buffer', 'abcdefghi'],
    ] as const)
      expect((await stream(kind, target)).body.toString(), target).toBe(text);
    for (const target of ['/array-buffer', '/text']) {
      const { head, body } = await stream(kind, target);
      expect([head.statusCode, withoutId(body.toString())], target).toEqual([500, 'Internal Server Error\n']);
    }
    const wide = await stream(kind, '/wide');
    expect(wide.body.toString()).toBe('ok');
    expect(wide.failed?.errorMessage).toMatch(/a chunk of the body must be a Uint8Array, not a Uint16Array/);
  });

  it.each(STREAMING)('S-05: %s has a 500 before the first byte, a failed stream after it', async (kind) => {
    for (const target of ['/throws', '/rejects-generator']) {
      const { contentType, head, body, failed } = await stream(kind, target);
      expect([contentType, failed, withoutId(body.toString())]).toEqual([
        PRELUDE,
        undefined,
        'Internal Server Error\n',
      ]);
      expect(head).toEqual({ statusCode: 500, headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
    }
    const late = await stream(kind, '/fails-late');
    expect(late.head).toEqual({ statusCode: 200, headers: { 'Content-Type': 'text/plain' } });
    expect([late.body.toString(), late.failed?.errorMessage]).toEqual(['part', 'late']);
    // A head that the front end would not take is an error before the first byte.
    expect(log).toContain('Error: secret');
  });

  it.each(STREAMING)('S-09: %s: a failed stream does not end the process', async (kind) => {
    const before = (await stream(kind, '/pid')).body.toString();
    expect((await stream(kind, '/fails-late')).failed?.errorMessage).toBe('late');
    expect((await stream(kind, '/wide')).failed).toBeDefined();
    expect((await stream(kind, '/throws')).head.statusCode).toBe(500);
    expect((await stream(kind, '/pid')).body.toString()).toBe(before);
    expect(log).not.toMatch(/[Uu]nhandled/);
  });

  it('S-12: what cannot stream is refused by name, and other events are handed on', async () => {
    for (const kind of KINDS.filter((each) => !STREAMING.includes(each))) {
      const { contentType, body, failed } = await stream(kind, '/pid');
      expect([contentType === PRELUDE, body.length], kind).toEqual([false, 0]);
      expect(failed?.errorMessage, kind).toMatch(/^aws-lambda: .* does not stream responses; use toLambdaHandler$/);
    }
    const other = await streamOf(sample('reject-sqs.json'));
    expect(JSON.parse(other.body.toString())).toEqual({ other: sample('reject-sqs.json') });
  });

  it.each(STREAMING)('S-13: %s has the content type of the application', async (kind) => {
    const { contentType, head, body } = await stream(kind, '/sse');
    expect(contentType).toBe(PRELUDE);
    expect(head).toEqual({ statusCode: 200, headers: { 'Content-Type': 'text/event-stream' } });
    expect(body.toString()).toBe('data: 1\n\ndata: 2\n\n');
  });

  it.each(STREAMING)('S-15: %s has no header that frames a body', async (kind) => {
    const length = await stream(kind, '/length');
    expect(length.head).toEqual({ statusCode: 200, headers: {} });
    expect(length.body.toString()).toBe('data');
    const { head, body } = await stream(kind, '/transfer-encoding');
    expect([head.statusCode, withoutId(body.toString())]).toEqual([500, 'Internal Server Error\n']);
  });

  it.each(STREAMING)('S-16: %s takes large bodies whole, in one chunk or by many writes', async (kind) => {
    const large = await stream(kind, '/large');
    expect(large.body.equals(Buffer.alloc(10 * 1024 * 1024, 'a'))).toBe(true);
    const written = await stream(kind, '/writes');
    const expected = Buffer.concat(Array.from({ length: 400 }, (_, i) => Buffer.alloc(25_600, 97 + (i % 26))));
    expect(written.body.equals(expected)).toBe(true);
  });

  it.each(STREAMING)('S-21: %s gives the environ that a buffered function has', async (kind) => {
    const event = eventOf(kind, {
      target: '/environ?a=1&b=%20',
      method: 'POST',
      body: 'x',
      headers: [
        ['X-Forwarded-For', '127.0.0.1'],
        ['Cookie', 'a=1; b=2'],
        ['X-A', '\u00fc'],
        ['Content-Type', 'text/plain'],
      ],
    });
    const buffered = await environOf(event, { basePath: '/base' });
    const strings = Object.entries(buffered).filter(
      ([key, value]) => typeof value === 'string' && key !== ID && !key.startsWith('aws.'),
    );
    expect(JSON.parse((await streamOf(event)).body.toString())).toEqual(strings);
    expect(buffered).toMatchObject({ REMOTE_ADDR: '203.0.113.7', HTTP_COOKIE: 'a=1; b=2' });
  });

  it.each(STREAMING)('S-22: %s: trailers, which nothing would send, are refused', async (kind) => {
    const { head, body } = await stream(kind, '/trailer');
    expect([head.statusCode, withoutId(body.toString())]).toEqual([500, 'Internal Server Error\n']);
    expect(log).toContain('header "Trailer" is hop-by-hop');
  });

  it.each(STREAMING)('S-23: %s has the options of the buffered handler', async (kind) => {
    const echoed = await stream(kind, '/base/echo', { method: 'POST', body: Uint8Array.of(0, 255) });
    const script = kind === REST ? '/prod/base' : '/base';
    expect([echoed.head.headers['X-Mount'], [...echoed.body]]).toEqual([script, [0, 255]]);
    const own = await stream(kind, '/custom-error');
    expect([own.head, own.body.toString()]).toEqual([{ statusCode: 503, headers: { 'X-Page': 'own' } }, 'own page']);
    const large = await stream(kind, '/echo', { method: 'POST', body: new Uint8Array(1001) });
    expect(large.head.statusCode).toBe(413);
  });

  it.each(['/cookies', '/cookies-generator'])(
    'C-11: all cookies of a stream are in its metadata (%s)',
    async (target) => {
      const a = 'a=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT';
      // The second time: H-18, the application's own list is as it was.
      for (let i = 0; i < 2; i++) {
        expect((await stream(URL_KIND, target)).head).toEqual({
          statusCode: 200,
          headers: { 'Content-Type': 'text/plain', Vary: 'Accept, Origin' },
          cookies: [a, 'b=2'],
        });
        expect((await stream(REST, target)).head).toEqual({
          statusCode: 200,
          headers: { 'Content-Type': 'text/plain' },
          multiValueHeaders: { 'Set-Cookie': [a, 'b=2'], Vary: ['Accept', 'Origin'] },
        });
      }
    },
  );
});

describe('outside of Lambda', () => {
  /** The least that Lambda's stream is documented to have. */
  function bareStream(behave: (write: number, fire: (event: string) => void) => boolean) {
    const listeners = new Map<string, Set<() => void>>();
    const fire = (event: string) => {
      for (const listener of [...(listeners.get(event) ?? [])]) listener();
    };
    const calls: string[] = [];
    let writes = 0;
    const bare: ResponseStream = {
      write(chunk) {
        calls.push(Buffer.from(chunk as string).toString());
        return behave(++writes, fire);
      },
      end() {
        calls.push('end');
        setTimeout(() => {
          calls.push('finish');
          fire('finish');
        }, 5);
      },
      on: (event, listener) => listeners.set(event, (listeners.get(event) ?? new Set()).add(listener as () => void)),
      off: (event, listener) => listeners.get(event)?.delete(listener as () => void),
    };
    return { bare, calls, left: () => [...listeners.values()].reduce((total, { size }) => total + size, 0) };
  }
  const marked = Symbol.for('marked');
  const inRuntime = async (bare: ResponseStream, task: () => Promise<void>) => {
    const scope = globalThis as { awslambda?: unknown };
    scope.awslambda = {
      streamifyResponse: <T extends object>(handler: T) => Object.assign(handler, { [marked]: true }),
      HttpResponseStream: { from: () => bare },
    };
    try {
      await task();
    } finally {
      delete scope.awslambda;
    }
  };
  async function* body(_environ: unknown, startResponse: (status: string, headers: []) => unknown) {
    startResponse('200 OK', []);
    yield Buffer.from('one');
    yield Buffer.from('two');
  }

  it('S-14: the global is looked up when it is needed, and may come late', async () => {
    const handler = toLambdaStreamHandler(body);
    expect(marked in handler).toBe(false);
    const { bare, calls } = bareStream(() => true);
    await expect(handler(lambdaEvent(URL_KIND), bare, context)).rejects.toThrow(/needs the global `awslambda`/);
    await inRuntime(bare, async () => {
      expect(marked in toLambdaStreamHandler(body)).toBe(true);
      await handler(lambdaEvent(URL_KIND), bare, context);
    });
    expect(calls).toEqual(['one', 'two', 'end', 'finish']);
    // Something else of that name is no runtime.
    for (const awslambda of [{}, { streamifyResponse: 5 }, null]) {
      Object.assign(globalThis, { awslambda });
      try {
        await expect(handler(lambdaEvent(URL_KIND), bare, context)).rejects.toThrow(/needs the global `awslambda`/);
      } finally {
        delete (globalThis as { awslambda?: unknown }).awslambda;
      }
    }
  });

  it('S-20: write, end, on and off are all that it needs of a stream, and it waits for "finish"', async () => {
    const { bare, calls, left } = bareStream((write, fire) => {
      if (write === 1) setTimeout(() => fire('drain'), 5);
      return write !== 1;
    });
    await inRuntime(bare, async () => {
      await toLambdaStreamHandler(body)(lambdaEvent(URL_KIND), bare, context);
      expect(calls).toEqual(['one', 'two', 'end', 'finish']);
    });
    expect(left()).toBe(0);
  });

  it.each(['close', 'error'])('S-07: a stream that says "%s" in place of "drain" is given up', async (event) => {
    const { bare, calls, left } = bareStream((_, fire) => {
      setTimeout(() => fire(event), 5);
      return false;
    });
    await inRuntime(bare, async () => {
      const given = toLambdaStreamHandler(body, { errors: () => {} })(lambdaEvent(URL_KIND), bare, context);
      await expect(given).rejects.toThrow('aws-lambda: the response stream was closed');
    });
    expect([calls, left()]).toEqual([['one'], 0]);
  });
});
