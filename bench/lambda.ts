// One function in this process, called as Lambda's runtime calls it.
import { strict as assert } from 'node:assert';
import serverlessExpress from '@codegenie/serverless-express';
import awsLambdaFastify from '@fastify/aws-lambda';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import serverlessHttp from 'serverless-http';
import { toLambdaHandler as srvx } from 'srvx/aws-lambda';
import { toLambdaHandler } from '../dist/targets/aws-lambda/index.js';
import { lambdaEvent, readLambdaResult } from '../dist/testing/index.js';
import { type Race, race } from './rounds.ts';

// biome-ignore lint/suspicious/noExplicitAny: each adapter has types of its own for event, context and result
type Handler = (event: any, context: any) => Promise<any>;

const encoder = new TextEncoder();
const BINARY = new Uint8Array(100_000).map((_, i) => i % 251);
const TEXT = 'text/plain; charset=utf-8';

const wsgi = toLambdaHandler(async (environ, startResponse) => {
  switch (environ.PATH_INFO) {
    case '/binary':
      startResponse('200 OK', [['Content-Type', 'application/octet-stream']]);
      return [BINARY];
    case '/json': {
      const { items } = JSON.parse(new TextDecoder().decode(await environ['wsgi.input'].read()));
      startResponse('200 OK', [['Content-Type', 'application/json']]);
      return [encoder.encode(JSON.stringify({ count: items.length }))];
    }
    case '/upload': {
      const { length } = await environ['wsgi.input'].read();
      startResponse('200 OK', [['Content-Type', TEXT]]);
      return [encoder.encode(String(length))];
    }
    default:
      startResponse('200 OK', [['Content-Type', TEXT]]);
      return [encoder.encode(`Hello, ${environ.HTTP_X_NAME}\n`)];
  }
});
// The same for a plain hello, as a synchronous application.
const wsgiSync = toLambdaHandler((environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', TEXT]]);
  return [encoder.encode(`Hello, ${environ.HTTP_X_NAME}\n`)];
});

const honoApp = new Hono();
honoApp.get('/hello', (c) => c.text(`Hello, ${c.req.header('x-name')}\n`));
honoApp.get('/binary', (c) => c.body(BINARY, 200, { 'Content-Type': 'application/octet-stream' }));
honoApp.post('/json', async (c) => c.json({ count: (await c.req.json()).items.length }));
honoApp.post('/upload', async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)));

const fetchApp = async (request: Request): Promise<Response> => {
  switch (new URL(request.url).pathname) {
    case '/binary':
      return new Response(BINARY, { headers: { 'Content-Type': 'application/octet-stream' } });
    case '/json':
      return Response.json({ count: (await request.json()).items.length });
    case '/upload':
      return new Response(String((await request.arrayBuffer()).byteLength), { headers: { 'Content-Type': TEXT } });
    default:
      return new Response(`Hello, ${request.headers.get('x-name')}\n`, { headers: { 'Content-Type': TEXT } });
  }
};

const expressApp = express();
expressApp.disable('x-powered-by');
expressApp.set('etag', false);
expressApp.use(express.json(), express.raw({ type: 'application/octet-stream', limit: '10mb' }));
expressApp.get('/hello', (req, res) => res.type('text').send(`Hello, ${req.get('x-name')}\n`));
expressApp.get('/binary', (_, res) => res.type('application/octet-stream').send(Buffer.from(BINARY)));
expressApp.post('/json', (req, res) => res.json({ count: req.body.items.length }));
expressApp.post('/upload', (req, res) => res.type('text').send(String(req.body.length)));

const fastify = Fastify();
fastify.addContentTypeParser(
  'application/octet-stream',
  { parseAs: 'buffer', bodyLimit: 10_000_000 },
  (_, body, done) => done(null, body),
);
fastify.get('/hello', (request, reply) => reply.type(TEXT).send(`Hello, ${request.headers['x-name']}\n`));
fastify.get('/binary', (_, reply) => reply.type('application/octet-stream').send(Buffer.from(BINARY)));
fastify.post('/json', (request, reply) => reply.send({ count: (request.body as { items: unknown[] }).items.length }));
fastify.post('/upload', (request, reply) => reply.type(TEXT).send(String((request.body as Buffer).length)));

// What does only what these requests need, for one kind of event.
const byHand: Handler = async (event) => {
  const path = event.rawPath ?? event.path;
  const bytes = () => Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const list = event.multiValueHeaders !== undefined && event.requestContext.elb !== undefined;
  const headers = (type: string, length: number) =>
    list
      ? { multiValueHeaders: { 'content-type': [type], 'content-length': [String(length)] } }
      : { headers: { 'content-type': type, 'content-length': String(length) } };
  const text = (type: string, body: string) => ({
    statusCode: 200,
    ...headers(type, Buffer.byteLength(body)),
    body,
    isBase64Encoded: false,
  });
  if (path === '/binary')
    return {
      statusCode: 200,
      ...headers('application/octet-stream', BINARY.length),
      body: Buffer.from(BINARY.buffer).toString('base64'),
      isBase64Encoded: true,
    };
  if (path === '/json')
    return text('application/json', JSON.stringify({ count: JSON.parse(bytes().toString()).items.length }));
  if (path === '/upload') return text(TEXT, String(bytes().length));
  return text(
    TEXT,
    `Hello, ${list ? event.multiValueHeaders['x-name'][0] : (event.headers['x-name'] ?? event.headers['X-Name'])}\n`,
  );
};

const contenders: Record<string, Handler> = {
  'by hand': byHand,
  'wsgi-edge': wsgi as Handler,
  hono: handle(honoApp) as Handler,
  srvx: srvx({ fetch: fetchApp }) as unknown as Handler,
  'serverless-http': serverlessHttp(expressApp, { binary: ['application/octet-stream'] }) as Handler,
  '@codegenie/serverless-express': serverlessExpress({
    app: expressApp,
    binarySettings: { contentTypes: ['application/octet-stream'] },
  }) as unknown as Handler,
  '@fastify/aws-lambda': awsLambdaFastify(fastify, {
    binaryMimeTypes: ['application/octet-stream'],
    albMultiValueHeaders: true,
  } as never) as unknown as Handler,
};

const headers = (type?: string): Array<[string, string]> => [
  ['x-name', 'bench'],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
  ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['accept-language', 'en-US,en;q=0.5'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['cookie', 'session=0123456789abcdef; theme=dark'],
  ['cache-control', 'no-cache'],
  ...(type === undefined ? [] : ([['content-type', type]] as Array<[string, string]>)),
];
const json = JSON.stringify({ items: Array.from({ length: 50 }, (_, i) => `item number ${i}`) }).slice(0, 1100);

const requests = {
  'GET with 12 headers': { target: '/hello?a=1&b=two', headers: headers() },
  'POST of 1 kB JSON': {
    method: 'POST',
    target: '/json',
    headers: headers('application/json'),
    body: `${json.slice(0, json.lastIndexOf(','))}]}`,
  },
  '100 kB binary response': { target: '/binary', headers: headers() },
  '5 MB upload': {
    method: 'POST',
    target: '/upload',
    headers: headers('application/octet-stream'),
    body: new Uint8Array(5_000_000),
  },
};
const KINDS = { 'HTTP API 2.0': 'apigw-http-v2', 'REST v1': 'apigw-rest-v1', 'ALB, multi-value': 'alb-multi' } as const;

export async function lambda(rounds: number, ms: number): Promise<Race[]> {
  await fastify.ready();
  const context = { getRemainingTimeInMillis: () => 30_000, awsRequestId: 'x', callbackWaitsForEmptyEventLoop: true };
  const races: Race[] = [];
  for (const [kindName, kind] of Object.entries(KINDS))
    for (const [name, request] of Object.entries(requests)) {
      const event = lambdaEvent(kind, request);
      const runners: Record<string, () => Promise<number>> = {};
      const all = name.startsWith('GET')
        ? { ...contenders, 'wsgi-edge, synchronous': wsgiSync as Handler }
        : contenders;
      const expected = readLambdaResult(kind, await byHand(event, context));
      for (const [contender, handler] of Object.entries(all)) {
        // A handler may change its event; and it must give the same answer before it is measured.
        try {
          const got = readLambdaResult(kind, await handler(structuredClone(event), context));
          assert.equal(got.status, 200);
          assert.deepEqual(Buffer.from(got.body), Buffer.from(expected.body));
        } catch (error) {
          console.log(`${kindName}, ${name}: ${contender} is left out: ${(error as Error).message.split('\n', 1)[0]}`);
          continue;
        }
        runners[contender] = async () => {
          const until = performance.now() + ms;
          const start = process.cpuUsage();
          let calls = 0;
          do {
            for (let i = 0; i < 10; i++) await handler(event, context);
            calls += 10;
          } while (performance.now() < until);
          const { user, system } = process.cpuUsage(start);
          return (user + system) / calls;
        };
      }
      for (const run of Object.values(runners)) await run(); // warm
      races.push(await race(`Lambda, ${kindName}: ${name}`, 'µs of CPU', runners, rounds));
    }
  await fastify.close();
  return races;
}
