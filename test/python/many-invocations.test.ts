// Lambda Managed Instances: AWS's runtime client in its mode for several invocations at a time, with worker threads. The Runtime
// API that hands it 64 at a time is emulated here. Ids, logs, metrics and Python of each invocation must be its own.
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startRuntime } from '../../emulation/lambda/runtime.ts';
import { lambdaEvent, readLambdaResult } from '../../testing/index.js';
import { ASSETS } from './assets.ts';
import { runtimeMissing } from './lambda.ts';

const AT_A_TIME = 64;
const THREADS = 2;
const INVOCATIONS = 320;
const PATHS = ['/', '/boom', '/late', '/python', '/python/boom'];

const FUNCTION = `
import { threadId } from 'node:worker_threads';
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { fromPython } from '../../python/index.js';
import { compose, logRecord, mount } from '../../src/index.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { fromMiddy } from '../../targets/aws-lambda/powertools.js';
import assets from './python_assets/node.mjs';

const logger = new Logger({ serviceName: 'many' });
const metrics = new Metrics({ namespace: 'many', serviceName: 'many' });
const bytes = (text) => new TextEncoder().encode(text);
// Long enough for the runtime to fetch as many invocations as it is given.
const sleep = () => new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 200));
const site = async (environ, startResponse) => {
  const own = environ['aws.request_id'];
  await sleep();
  logger.appendKeys({ own });
  environ['wsgi.errors'].write('line of ' + own + '\\n');
  logRecord(environ, { level: 'info', message: 'thread ' + threadId + ' of ' + own });
  await sleep();
  logger.info('powertools of ' + own);
  metrics.addMetric('hits', 'Count', 1);
  metrics.addMetadata('own', own);
  if (environ.PATH_INFO === '/boom') throw new Error('boom of ' + own);
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return (async function* () {
    await sleep();
    yield bytes([own, environ['aws.trace_id'], environ['aws.tenant_id'], environ['wsgi_edge.request_id']].join(' '));
    if (environ.PATH_INFO === '/late') throw new Error('late of ' + own);
  })();
};
const observed = compose(fromMiddy(injectLambdaContext(logger, { resetKeys: true }), logMetrics(metrics)))(site);
const ended = {
  after: ({ context, response }) => logger.info('after ' + response.statusCode + ' of ' + context.awsRequestId),
  onError: ({ context }) => logger.info('failed of ' + context.awsRequestId),
};
const python = compose(fromMiddy(injectLambdaContext(logger, { resetKeys: true }), ended))(
  fromPython(assets, { application: 'ids:app' }),
);
export const handler = toLambdaHandler(mount({ '/python': python }, observed));
`;

interface Invocation {
  id: string;
  path: string;
  trace: string;
  tenant: string;
  result?: { status: number; text: string };
}

const invocations: Invocation[] = Array.from({ length: INVOCATIONS }, (_, n) => ({
  id: randomUUID(),
  path: PATHS[n % PATHS.length] as string,
  trace: `1-${n.toString(16).padStart(8, '0')}-${'0'.repeat(24)}`,
  tenant: `tenant-${n}`,
}));

const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-many-'));
let output = '';
let most = 0;
let stop: (() => Promise<void>) | undefined;

beforeAll(async () => {
  if (runtimeMissing !== undefined) return;
  cpSync(ASSETS, join(folder, 'python_assets'), { recursive: true });
  await build({
    stdin: { contents: FUNCTION, resolveDir: import.meta.dirname, loader: 'ts' },
    outfile: join(folder, 'index.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['./python_assets/node.mjs'],
    logLevel: 'warning',
  });
  const { address, done, close } = await startManyApi();
  const runtime = await startRuntime({
    taskRoot: folder,
    handler: 'index.handler',
    runtimeApi: address,
    env: {
      AWS_LAMBDA_MAX_CONCURRENCY: String(AT_A_TIME),
      AWS_LAMBDA_NODEJS_WORKER_COUNT: String(THREADS),
    },
    onOutput: (text) => {
      output += text;
    },
    onExit: ({ errorMessage }) => {
      output += `${errorMessage}\n`;
    },
  });
  stop = async () => {
    await runtime.stop();
    await close();
  };
  await done;
});
afterAll(async () => {
  await stop?.();
  rmSync(folder, { recursive: true, force: true });
});

/** Hands out the invocations, 64 at a time. */
async function startManyApi(): Promise<{ address: string; done: Promise<void>; close(): Promise<void> }> {
  const byId = new Map(invocations.map((each) => [each.id, each]));
  const waiting: ServerResponse[] = [];
  let next = 0;
  let inFlight = 0;
  let answered = 0;
  let finish = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const hand = () => {
    while (waiting.length > 0 && next < INVOCATIONS && inFlight < AT_A_TIME) {
      const response = waiting.shift() as ServerResponse;
      const { id, path, trace, tenant } = invocations[next++] as Invocation;
      most = Math.max(most, ++inFlight);
      response.writeHead(200, {
        'Content-Type': 'application/json',
        'Lambda-Runtime-Aws-Request-Id': id,
        'Lambda-Runtime-Aws-Tenant-Id': tenant,
        'Lambda-Runtime-Deadline-Ms': String(Date.now() + 60_000),
        'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-1:123456789012:function:local',
        'Lambda-Runtime-Trace-Id': `Root=${trace};Sampled=0`,
      });
      response.end(JSON.stringify(lambdaEvent('function-url', { target: path })));
    }
  };
  const server = createServer(async (req, res) => {
    if (req.url?.endsWith('/invocation/next')) {
      waiting.push(res);
      return hand();
    }
    const [, id = ''] = /\/invocation\/([^/]+)\//.exec(req.url ?? '') ?? [];
    const body = await textOf(req);
    res.writeHead(202).end();
    const invocation = byId.get(id);
    if (invocation === undefined || !req.url?.endsWith('/response')) {
      output += `${req.url}: ${body}\n`;
      return finish();
    }
    const { status, text } = readLambdaResult('function-url', JSON.parse(body));
    invocation.result = { status, text: text() };
    inFlight--;
    if (++answered === INVOCATIONS) finish();
    hand();
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, done, close };
}

async function textOf(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req) text += chunk;
  return text;
}

interface Entry {
  requestId?: string;
  tenantId?: string;
  level: string;
  message: string;
  function_request_id?: string;
  own?: string;
  hits?: number;
}

it('keeps ids, logs, metrics and Python of 64 invocations at a time apart, in two worker threads', async ({ skip }) => {
  skip(runtimeMissing !== undefined, runtimeMissing);
  expect([most, invocations.filter(({ result }) => result === undefined).length], output.slice(0, 300)).toEqual([
    AT_A_TIME,
    0,
  ]);
  const expected = invocations.flatMap(expectedEntries).length;
  await expect.poll(() => entriesOf(output).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(expected);
  const entries = entriesOf(output);
  for (const invocation of invocations) {
    const { id, path, trace, tenant, result } = invocation;
    if (path.endsWith('boom') || path === '/late')
      expect(result).toEqual({ status: 500, text: `Internal Server Error\nRequest id: ${id}\n` });
    else expect(result).toEqual({ status: 200, text: path === '/' ? [id, trace, tenant, id].join(' ') : id });
    const own = entries.filter(({ text }) => text.includes(id));
    expect(own.map(({ kind }) => kind).sort()).toEqual(expectedEntries(invocation).sort());
    for (const { owners } of own) expect(owners).toEqual([id]);
  }
  expect(entries.length).toBe(expected);
  expect(new Set(output.match(/thread \d+/g)).size).toBe(THREADS);
});

/** The kinds of entries that an invocation must leave in the log. */
function expectedEntries({ path }: Invocation): string[] {
  if (path === '/python') return ['logging', 'print', 'after'];
  if (path === '/python/boom') return ['logging', 'print', 'failed', 'boom'];
  const common = ['line', 'thread', 'powertools', 'metrics'];
  return path === '/' ? common : [...common, path.slice(1)];
}

/** The entries of the log: their kind, and every id that they are assigned to by one of the ways. */
function entriesOf(text: string): Array<{ text: string; kind: string; owners: string[] }> {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => {
      const entry = JSON.parse(line) as Entry;
      const message = entry.message ?? '';
      const [, named] = / of ([0-9a-f-]{36})/.exec(message) ?? [];
      const [, prefixed] = /^\[([^\]]+)\]/.exec(message) ?? [];
      const ids = [named, prefixed, entry.requestId, entry.function_request_id, entry.own];
      const [, kind = 'metrics'] = /(\w+) (?:\d+ )?of [0-9a-f]/.exec(message) ?? [];
      return { text: line, kind, owners: [...new Set(ids.filter((id) => id !== undefined))] };
    });
}
