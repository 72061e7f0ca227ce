// Any application in Python, and any request and event to one: as test/fuzz, with fewer of them, as Python is slower.
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Application } from '../../src/types.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { serve } from '../../targets/node/index.js';
import { fromPython } from '../../targets/python/index.js';
import { type LambdaKind, lambdaEvent, readLambdaResult } from '../../targets/testing.js';
import { sendRaw } from '../conformance/wire.js';
import { method, program } from '../fuzz/arbitrary.js';
import { exchange, headerName, headerValue, request } from '../fuzz/bytes.js';
import type { Program } from '../fuzz/program.js';
import { RUNS, SEED, TIMEOUT } from '../fuzz/runs.js';
import { loadAssets } from './assets.ts';

const FEWER = Math.ceil(RUNS / 3);
const KINDS: LambdaKind[] = ['apigw-rest-v1', 'apigw-http-v2', 'function-url', 'alb-single', 'alb-multi', 'lattice-v2'];
const BODY = new TextEncoder().encode('a request body');

let run: Application;
let echo: Application;
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

/** What every answer to a program must be, or `null` where it broke off. */
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
        // The same on both; what broke off is a 500 on Lambda, which has sent nothing yet.
        expect(lambda.status).toBe(node.complete ? node.status : 500);
        if (node.complete && verb !== 'HEAD') expect([...lambda.body]).toEqual([...node.body]);
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
