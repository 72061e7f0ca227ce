// Any application on every target: nothing hangs or escapes, close() runs once, and all targets answer alike.
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import fc from 'fast-check';
import type { Miniflare } from 'miniflare';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import { Connection } from '../../src/connection.js';
import { createEnviron, setInput, setPeer, setServer } from '../../src/environ.js';
import { toFetchHandler } from '../../src/fetch/gateway.js';
import { createGateway } from '../../src/gateway.js';
import { bytesSource } from '../../src/input-stream.js';
import { encodeNative } from '../../src/native-string.js';
import type { Head } from '../../src/start-response.js';
import type { Application, HeaderList } from '../../src/types.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { serve } from '../../targets/node/index.js';
import { lambdaEvent, readLambdaResult } from '../../testing/index.js';
import { ID, withoutId } from '../request-id.js';
import { run } from '../responder.js';
import { FAULTS, withoutProvoked } from '../workerd-log.js';
import { method, program } from './arbitrary.js';
import { interpret, type Note, note, type Program } from './program.js';
import { RUNS, SEED, TIMEOUT } from './runs.js';

const BODY = new TextEncoder().encode('a request body');
const quiet = { errors: () => {} };

/** A response as every target can show it; `null` for one that broke off. */
interface Answer {
  status: number;
  headers: Record<string, string>;
  body: number[];
}

// A promise of the gateway's that nobody handles would end a process.
const escaped: unknown[] = [];
const onEscaped = (error: unknown) => escaped.push(error);
beforeEach(() => {
  process.on('unhandledRejection', onEscaped);
  process.on('uncaughtException', onEscaped);
});
afterEach(async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off('unhandledRejection', onEscaped);
  process.off('uncaughtException', onEscaped);
  expect(escaped.splice(0)).toEqual([]);
});

const OWN = /^(date|connection|keep-alive|transfer-encoding)$/; // of the platform

function answer(status: number, headers: HeaderList, body: Uint8Array): Answer {
  const byName = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const folded = name.toLowerCase();
    if (!OWN.test(folded)) byName.set(folded, [...(byName.get(folded) ?? []), value]);
  }
  // A platform that joins repeated headers may do so in another order.
  const joined = [...byName].map(([name, values]) => [name, values.join(', ').split(', ').sort().join(', ')]);
  const own = withoutId(Buffer.from(body).toString('latin1'));
  // The gateway's page has an id, whose length may differ.
  const page = status === 500 && (own.length < body.length || body.length === 0);
  const compared = page ? joined.filter(([name]) => name !== 'content-length') : joined;
  return {
    status,
    headers: Object.fromEntries(compared.sort()),
    body: page ? [...Buffer.from(own, 'latin1')] : [...body],
  };
}

/** The reference: the core alone, with a responder that takes everything at once. */
async function reference(app: Application, verb: string): Promise<Answer | null> {
  let head: Head | undefined;
  let whole = false;
  const chunks: Uint8Array[] = [];
  const gateway = createGateway('fuzz', app, quiet, 599);
  const connection = new Connection(() => {}, undefined);
  const line = { method: verb, path: '/', query: '', protocol: 'HTTP/1.1' };
  const environ = createEnviron(line, connection);
  environ[ID] = 'reference';
  setPeer(environ, connection, 'http', undefined);
  setServer(environ, 'h', 'h');
  setInput(environ, bytesSource(verb === 'POST' ? BODY : new Uint8Array(0)), Number.POSITIVE_INFINITY);
  await run(gateway, environ, {
    head(given, body) {
      head = given;
      if (body) chunks.push(body.slice());
      whole = body !== undefined;
    },
    write: (chunk) => void chunks.push(chunk.slice()),
    end() {
      whole = true;
    },
    abort() {},
  });
  return head === undefined || !whole ? null : answer(head.code, head.headers, Buffer.concat(chunks));
}

// close() may come after the last byte of the response.
async function expectClosed(seen: Note): Promise<void> {
  for (let i = 0; i < 200 && seen.closed < seen.handed; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(seen.closed).toBe(seen.handed);
}

describe('any application', () => {
  it(
    'ends, has its body closed once, and sends no header and no byte of its own making',
    () =>
      fc.assert(
        fc.asyncProperty(program, method, async (given, verb) => {
          const seen = note();
          const got = await reference(interpret(given, seen), verb);
          await expectClosed(seen);
          if (got === null) return;
          const said = given.before.concat(given.body).flatMap((step) => (step.do === 'start' ? [step] : []));
          const names = said.flatMap(({ headers }) => headers.map(([name]) => name.toLowerCase()));
          const statuses = said.map(({ status }) => Number(status.slice(0, 3)));
          if (got.status !== 500) expect(statuses).toContain(got.status);
          for (const name of Object.keys(got.headers))
            expect([...names, 'content-length', ...(got.status === 500 ? ['content-type'] : [])]).toContain(name);
          expect(JSON.stringify(got)).not.toMatch(/a secret|X-Injected/i);
          if (verb === 'HEAD' || [204, 205, 304].includes(got.status)) expect(got.body).toEqual([]);
          else if (got.headers['content-length'] !== undefined)
            expect(got.body.length).toBe(Number(got.headers['content-length']));
          if (got.status !== 500) expect(isMade(given, got.body)).toBe(true);
        }),
        { numRuns: RUNS * 4, seed: SEED },
      ),
    TIMEOUT,
  );

  const sameAs = (
    target: string,
    send: (given: Program, verb: string, seen: Note) => Promise<Answer | null>,
    recall: (seen: Note) => Promise<Note> = async (seen) => seen,
    carried: (expected: Answer) => Answer = (expected) => expected,
  ) =>
    it(
      `is answered by ${target} as by the core`,
      () =>
        fc.assert(
          fc.asyncProperty(program, method, async (given, verb) => {
            const expected = await reference(interpret(given, note()), verb);
            const seen = note();
            const got = await send(given, verb, seen);
            expect(got && carried(got)).toEqual(expected && carried(expected));
            await expectClosed(await recall(seen));
          }),
          { numRuns: RUNS, seed: SEED },
        ),
      TIMEOUT,
    );

  sameAs('toFetchHandler', async (given, verb, seen) => {
    const body = verb === 'POST' ? { body: BODY } : {};
    try {
      const response = await toFetchHandler(
        interpret(given, seen),
        quiet,
      )(new Request('http://h/', { method: verb, ...body }));
      const bytes = new Uint8Array(await response.arrayBuffer());
      const cookies = response.headers.getSetCookie().map((cookie): [string, string] => ['set-cookie', cookie]);
      const others = [...response.headers].filter(([name]) => name !== 'set-cookie');
      return answer(response.status, [...others, ...cookies], bytes);
    } catch {
      return null;
    }
  });

  const context = { getRemainingTimeInMillis: () => 30_000 };
  for (const kind of ['function-url', 'apigw-rest-v1', 'alb-multi'] as const)
    sameAs(`Lambda behind ${kind}`, async (given, verb, seen) => {
      const event = lambdaEvent(kind, { method: verb, ...(verb === 'POST' ? { body: BODY } : {}) });
      const result = await toLambdaHandler(interpret(given, seen), quiet)(event, context);
      const { status, headers, body } = readLambdaResult(kind, result);
      const native = headers.map(([name, value]): [string, string] => [name, encodeNative(value)]);
      const text = Buffer.from(body).toString();
      // A response that broke off can still be a 500 there.
      const broken =
        status === 500 &&
        withoutId(text) === 'Internal Server Error\n' &&
        !headers.some(([name]) => /length/i.test(name));
      return broken ? null : answer(status, native, body);
    });

  describe('over a socket', () => {
    let next: { given: Program; seen: Note } | undefined;
    let server: Awaited<ReturnType<typeof serve>>;
    beforeAll(async () => {
      server = await serve((environ, startResponse) => {
        if (next === undefined) throw new Error('no program');
        return interpret(next.given, next.seen)(environ, startResponse);
      }, quiet);
    });
    afterAll(() => server.close());

    sameAs('Node', async (given, verb, seen) => {
      next = { given, seen };
      const { port } = server.address() as AddressInfo;
      const got = await sendRaw(port, { method: verb, ...(verb === 'POST' ? { body: BODY } : {}) });
      return got.complete ? answer(got.status, got.headers, got.body) : null;
    });
  });

  describe('on workerd', () => {
    let workerd: Miniflare;
    let port: number;
    beforeAll(async () => {
      const { outputFiles } = await build({
        stdin: {
          contents: `import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
            import { interpret, note } from './program.js';
            let seen;
            export default toCloudflareHandler((environ, startResponse) => {
              if (environ.PATH_INFO === '/note') {
                startResponse('200 OK', []);
                return [new TextEncoder().encode(JSON.stringify(seen))];
              }
              seen = note();
              return interpret(JSON.parse(decodeURIComponent(environ.HTTP_X_PROGRAM)), seen)(environ, startResponse);
            }, { errors() {} });`,
          resolveDir: fileURLToPath(new URL('.', import.meta.url)),
          loader: 'ts',
        },
        bundle: true,
        format: 'esm',
        write: false,
      });
      const miniflare: typeof import('miniflare') = createRequire(import.meta.url)('miniflare');
      workerd = new miniflare.Miniflare(
        miniflare.convertV4MiniflareOptions({
          name: 'fuzz',
          modules: [{ type: 'ESModule', path: 'worker.js', contents: outputFiles[0]?.text ?? '' }],
          compatibilityDate: '2026-10-20',
          host: '127.0.0.1',
          cf: false,
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
          // The errors that a program throws.
          handleStructuredLogs: withoutProvoked(...FAULTS, 'a secret', 'handled', 'null', 'undefined'),
        }),
      );
      await workerd.ready;
      port = Number((await workerd.unsafeGetDirectURL('fuzz')).port);
    }, 60_000);
    afterAll(() => workerd?.dispose());

    sameAs(
      'workerd',
      async (given, verb) => {
        const got = await sendRaw(port, {
          method: verb,
          headers: [['X-Program', encodeURIComponent(JSON.stringify(given))]],
          ...(verb === 'POST' ? { body: BODY } : {}),
        });
        return got.complete ? answer(got.status, got.headers, got.body) : null;
      },
      async () => {
        const get = async (): Promise<Note> =>
          JSON.parse(Buffer.from((await sendRaw(port, { target: '/note' })).body).toString());
        let seen = await get();
        for (let i = 0; i < 50 && seen.closed !== seen.handed; i++) seen = await get();
        return seen;
      },
      // workerd drops headers that it knows and that are empty, and the length of most 304s.
      ({ status, headers, body }) => {
        const kept = Object.entries(headers)
          .map(([name, value]) => [name, value.split(/, ?/).filter(Boolean).join(', ')])
          .filter(([name, value]) => value !== '' && !(status === 304 && name === 'content-length'));
        return { status, headers: Object.fromEntries(kept), body };
      },
    );
  });
});

/** Whether `body` is some of the bytes that the program hands out, in order. */
function isMade({ before, body }: Program, sent: number[]): boolean {
  const made = [...before, ...body].flatMap((step) => (step.do === 'chunk' || step.do === 'write' ? step.bytes : []));
  let at = 0;
  for (const byte of sent) {
    at = made.indexOf(byte, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
