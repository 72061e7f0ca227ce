// Any application in Python, and any request and event to one. It is test/fuzz with fewer runs, because Python is slower.
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sendRaw } from '../../command/wire.js';
import { fromPython } from '../../python/index.js';
import type { Application } from '../../src/types.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { serve } from '../../targets/node/index.js';
import { type LambdaKind, lambdaEvent, readLambdaResult } from '../../testing/index.js';
import { method, program } from '../fuzz/arbitrary.js';
import { exchange, headerName, headerValue, request } from '../fuzz/bytes.js';
import type { Program } from '../fuzz/program.js';
import { RUNS, SEED, TIMEOUT } from '../fuzz/runs.js';
import { withoutId } from '../request-id.js';
import { loadAssets } from './assets.ts';

const FEWER = Math.ceil(RUNS / 3);
const KINDS: LambdaKind[] = ['apigw-rest-v1', 'apigw-http-v2', 'function-url', 'alb-single', 'alb-multi', 'lattice-v2'];
const BODY = new TextEncoder().encode('a request body');

let run: Application;
let echo: Application;
let inject: Application;
let server: Awaited<ReturnType<typeof serve>>;
let given: Program;
let seen = { handed: 0, closed: 0 };
const logged: string[] = [];
const errors = (line: string) => void logged.push(line);
const fuzzed: Application = (environ, startResponse) => {
  const noted = seen;
  environ['fuzz.program'] = JSON.stringify(given);
  environ['fuzz.note'] = (what: 'handed' | 'closed') => void noted[what]++;
  return run(environ, startResponse);
};
beforeAll(async () => {
  const assets = await loadAssets();
  run = fromPython(assets, { application: 'fuzzed:run' });
  echo = fromPython(assets, { application: 'fuzzed:echo' });
  inject = fromPython(assets, { application: 'fuzzed:inject' });
  server = await serve(
    (environ, startResponse) => (environ.HTTP_X_FUZZED === undefined ? echo : fuzzed)(environ, startResponse),
    { errors },
  );
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const settled = async () => {
  for (let i = 0; i < 200 && seen.closed < seen.handed; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  return seen;
};

/** Checks an answer against the rules that hold for every program. */
function check(status: number, names: string[], body: Uint8Array): void {
  const steps = [...given.before, ...given.body];
  const said = steps.flatMap((step) => (step.do === 'start' ? [step] : []));
  if (status !== 500) expect(said.map((each) => Number(each.status.slice(0, 3)))).toContain(status);
  const allowed = [
    ...said.flatMap((each) => each.headers.map(([name]) => name.toLowerCase())),
    ...['content-length', 'date', 'connection', 'keep-alive', 'transfer-encoding'],
    ...(status === 500 ? ['content-type'] : []),
  ];
  for (const name of names) expect(allowed).toContain(name.toLowerCase());
  expect(Buffer.from(body).toString('latin1')).not.toMatch(/a secret|Traceback/);
}

it.each([
  ['a header value with CR LF', '200 OK', 'X-A', 'x\r\nSet-Cookie: stolen=1'],
  ['a header value with NUL', '200 OK', 'X-A', 'x\0Set-Cookie\0stolen=1'],
  ['a header name with NUL', '200 OK', 'X-A\0x\0Set-Cookie', 'stolen=1'],
  ['a header value beyond latin-1', '200 OK', 'X-A', '\u010d\u010aSet-Cookie: stolen=1'],
  ['a header name with CR LF', '200 OK', 'X-A: 1\r\nSet-Cookie', 'stolen=1'],
  ['a lone surrogate', '200 OK', 'X-A', 'stolen\ud800'],
  ['a framing header', '200 OK', 'Transfer-Encoding', 'chunked'],
  ['a status with CR LF', '200 OK\r\nSet-Cookie: stolen=1', 'X-A', '1'],
  ['a status with NUL', '200 OK\0Set-Cookie\0stolen=1', 'X-A', '1'],
])('response splitting in Python: %s becomes a 500', async (_case, ...head) => {
  const app: Application = (environ, startResponse) => {
    environ['fuzz.program'] = JSON.stringify(head);
    return inject(environ, startResponse);
  };
  for (const kind of KINDS) {
    const result = await toLambdaHandler(app, { errors })(lambdaEvent(kind), {});
    const { status, headers, text } = readLambdaResult(kind, result);
    expect([status, withoutId(text())]).toEqual([500, 'Internal Server Error\n']);
    expect(JSON.stringify(headers)).not.toMatch(/stolen|x-a|cookie/i);
  }
});

it('spoofing in Python: Proxy, X_Real_Ip and __proto__ reach no environ', async () => {
  const { port } = server.address() as AddressInfo;
  const got = await sendRaw(port, {
    target: '/?__proto__=1',
    headers: [
      ['Proxy', 'http://evil.example'],
      ['X_Real_Ip', '127.0.0.1'],
      ['__proto__', 'polluted'],
      ['constructor', 'c'],
      ['X-Nul', 'a'],
    ],
  });
  const echoed = JSON.parse(Buffer.from(got.body).toString()) as Record<string, unknown>;
  const keys = Object.keys(echoed).filter((key) => key.startsWith('HTTP_') || key.includes('proto'));
  expect(keys.sort()).toEqual(['HTTP_CONNECTION', 'HTTP_CONSTRUCTOR', 'HTTP_HOST', 'HTTP_X_NUL']);
  expect(echoed.QUERY_STRING).toBe('__proto__=1');
  // The packed environ is split at NUL. A path with NUL in it must not add keys.
  const nul = await sendRaw(port, { target: '/a%00REMOTE_USER%00root', headers: [] });
  const path = JSON.parse(Buffer.from(nul.body).toString()) as Record<string, unknown>;
  expect([path.PATH_INFO, 'REMOTE_USER' in path]).toEqual(['/a\0REMOTE_USER\0root', false]);
});

it(
  'any application in Python ends, is closed once, and adds neither a header nor a word of its errors',
  () =>
    fc.assert(
      fc.asyncProperty(program, method, async (made, verb) => {
        given = made;
        const body = verb === 'POST' ? { body: BODY } : {};
        seen = { handed: 0, closed: 0 };
        const { port } = server.address() as AddressInfo;
        const node = await sendRaw(port, { method: verb, headers: [['X-Fuzzed', '1']], ...body });
        const names = node.headers.map(([name]) => name);
        if (node.complete) check(node.status, names, node.body);
        const onNode = await settled();
        expect(onNode.closed).toBe(onNode.handed);

        seen = { handed: 0, closed: 0 };
        const event = lambdaEvent('function-url', { method: verb, ...body });
        const result = await toLambdaHandler(fuzzed, { errors })(event, {});
        const lambda = readLambdaResult('function-url', result);
        check(
          lambda.status,
          lambda.headers.map(([name]) => name),
          lambda.body,
        );
        const onLambda = await settled();
        expect([onLambda.handed, onLambda.closed]).toEqual([onNode.handed, onNode.handed]);
        // Both answer the same. Lambda answers 500 to a response that breaks off, because it has not sent anything yet.
        expect(lambda.status).toBe(node.complete ? node.status : 500);
        const textOf = (body: Uint8Array) => withoutId(Buffer.from(body).toString('latin1'));
        if (node.complete && verb !== 'HEAD') expect(textOf(lambda.body)).toEqual(textOf(node.body));
      }),
      { numRuns: FEWER, seed: SEED },
    ),
  TIMEOUT,
);

it(
  'any bytes leave a Python application able to serve the next request, with an environ that its validator takes',
  () =>
    fc.assert(
      fc.asyncProperty(request, async (bytes) => {
        logged.splice(0);
        const { port } = server.address() as AddressInfo;
        await exchange(port, bytes);
        const mark = `nonce-${Math.random()}`;
        const next = await sendRaw(port, { method: 'POST', headers: [['X-Mark', mark]], body: BODY });
        expect(JSON.parse(Buffer.from(next.body).toString())).toMatchObject({ HTTP_X_MARK: mark, length: BODY.length });
        expect(logged.filter((line) => /AssertionError|WsgiError|TypeError/.test(line))).toEqual([]);
      }),
      { numRuns: FEWER, seed: SEED },
    ),
  TIMEOUT,
);

it(
  'any event is answered by a Python application behind every front end alike',
  () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT'),
        fc.array(fc.tuple(headerName, headerValue), { maxLength: 4 }),
        fc.uint8Array({ maxLength: 40 }),
        async (verb, headers, body) => {
          logged.splice(0);
          const spoofed = /^HTTP_(PROXY|__PROTO__|X_A|PROTO)$/;
          const sent = headers.filter(([name]) => /^[a-z-]+$/i.test(name));
          const lengths: unknown[] = [];
          for (const kind of KINDS) {
            const event = lambdaEvent(kind, { method: verb, headers: [...sent, ['x_a', 'spoofed']], body });
            const { status, text } = readLambdaResult(kind, await toLambdaHandler(echo, { errors })(event, {}));
            expect([kind, status, logged]).toEqual([kind, 200, []]);
            const echoed = JSON.parse(text());
            lengths.push(echoed.length);
            for (const key of Object.keys(echoed)) if (spoofed.test(key)) expect(echoed[key]).not.toBe('spoofed');
            expect(echoed).not.toHaveProperty('HTTP_PROXY');
          }
          expect(new Set(lengths)).toEqual(new Set([body.length]));
        },
      ),
      { numRuns: FEWER, seed: SEED },
    ),
  TIMEOUT,
);
