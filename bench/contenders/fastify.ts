import awsLambdaFastify from '@fastify/aws-lambda';
import Fastify from 'fastify';
import { binary, CACHE, COOKIE, TEXT } from './answers.ts';

const app = Fastify();
app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer', bodyLimit: 10_000_000 }, (_, body, done) =>
  done(null, body),
);
app.get('/hello', (request, reply) =>
  reply
    .header('Cache-Control', CACHE)
    .header('Set-Cookie', COOKIE)
    .type(TEXT)
    .send(`Hello, ${request.headers['x-name']}\n`),
);
app.get('/binary', (_, reply) => reply.type('application/octet-stream').send(Buffer.from(binary())));
app.post('/json', (request, reply) => reply.send({ count: (request.body as { items: unknown[] }).items.length }));
app.post('/upload', (request, reply) => reply.type(TEXT).send(String((request.body as Buffer).length)));

export const handler = awsLambdaFastify(app, {
  binaryMimeTypes: ['application/octet-stream'],
  albMultiValueHeaders: true,
} as never);

// The adapter's documentation asks for this outside of the handler, so that the first call finds the plugins loaded.
await app.ready();
