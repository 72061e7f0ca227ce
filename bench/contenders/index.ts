// The Lambda functions that are compared. Each is a module with a `handler`, which a process loads only if it needs it.

// biome-ignore lint/suspicious/noExplicitAny: each adapter has its own types for event, context and result
export type Handler = (event: any, context: any) => Promise<any>;

const FILES = {
  'by hand': 'by-hand',
  hono: 'hono',
  srvx: 'srvx',
  'serverless-http': 'serverless-http',
  'serverless-http and express': 'serverless-http-express',
  '@codegenie/serverless-express': 'serverless-express',
  '@fastify/aws-lambda': 'fastify',
  'wsgi-edge, synchronous': 'wsgi-synchronous',
  'wsgi-edge, asynchronous': 'wsgi-asynchronous',
};

export type Contender = keyof typeof FILES;

export const CONTENDERS = Object.keys(FILES) as Contender[];

export const fileOf = (name: Contender): string => `${import.meta.dirname}/${FILES[name]}.ts`;

export async function handlerOf(name: Contender): Promise<Handler> {
  const { handler } = await import(fileOf(name));
  return handler;
}
