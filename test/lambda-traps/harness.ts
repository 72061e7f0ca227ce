// What the tests of the known traps have in common: events, the environ that they make, and the raw result.
import { readFileSync } from 'node:fs';
import { fromFetchHandler } from '../../src/fetch/application.js';
import type { Application, HeaderList } from '../../src/types.js';
import { type AwsEnviron, type LambdaOptions, toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { type LambdaKind, type LambdaRequest, lambdaEvent } from '../../testing/index.js';
import { bare } from '../request-id.js';

export { KINDS } from '../lambda-result-shape.ts';

export const context = { getRemainingTimeInMillis: () => 30_000 };

export const REST = 'apigw-rest-v1';
export const HTTP1 = 'apigw-http-v1';
export const HTTP2 = 'apigw-http-v2';
export const URL_KIND = 'function-url';
export const V1: LambdaKind[] = [REST, HTTP1];
export const V2: LambdaKind[] = [HTTP2, URL_KIND];
export const ALB: LambdaKind[] = ['alb-single', 'alb-multi'];
export const LATTICE: LambdaKind[] = ['lattice-v1', 'lattice-v2'];
export const EDGE: LambdaKind[] = ['edge-viewer-request', 'edge-origin-request'];
/** Those that send the path as the client spelled it. */
export const ENCODED: LambdaKind[] = [REST, URL_KIND, ...ALB, ...LATTICE, ...EDGE];
/** Those that tell how the client spelled it. */
export const RAW: LambdaKind[] = [REST, URL_KIND, ...ALB, ...EDGE];

// biome-ignore lint/suspicious/noExplicitAny: events are written by hand here, in every form that JSON can have
export type AnyEvent = any;

/** A sample of `test/events`. */
export const sample = (file: string): AnyEvent =>
  JSON.parse(readFileSync(new URL(`../events/${file}`, import.meta.url), 'utf8'));

/** The event of a front end, with some of its members replaced. */
export const eventOf = (kind: LambdaKind, request: LambdaRequest = {}, changes: object = {}): AnyEvent => ({
  ...lambdaEvent(kind, request),
  ...changes,
});

/** The event of a front end with this text as its path, whatever the front end would send. */
export function eventWithPath(kind: LambdaKind, path: string, request: LambdaRequest = {}): AnyEvent {
  const event: AnyEvent = lambdaEvent(kind, request);
  if (V2.includes(kind)) event.rawPath = path;
  else if (kind === 'lattice-v1') event.raw_path = path;
  else if (EDGE.includes(kind)) event.Records[0].cf.request.uri = path;
  else event.path = path;
  return event;
}

/** The event of a front end with this method, whatever the front end would take. */
export function eventWithMethod(kind: LambdaKind, method: string, request: LambdaRequest = {}): AnyEvent {
  return lambdaEvent(kind, { ...request, method });
}

/** The event of a front end with these headers alone, in its own form. */
export function eventWithHeaders(kind: LambdaKind, headers: HeaderList, request: LambdaRequest = {}): AnyEvent {
  const event: AnyEvent = lambdaEvent(kind, request);
  const names = [...new Set(headers.map(([name]) => name))];
  const valuesOf = (name: string) => headers.filter(([given]) => given === name).map(([, value]) => value);
  const lists = Object.fromEntries(names.map((name) => [name, valuesOf(name)]));
  const last = Object.fromEntries(headers);
  const joined = Object.fromEntries(names.map((name) => [name, valuesOf(name).join(',')]));
  delete event.cookies;
  if (V1.includes(kind)) Object.assign(event, { headers: last, multiValueHeaders: lists });
  else if (kind === 'alb-single') event.headers = last;
  else if (kind === 'alb-multi') event.multiValueHeaders = lists;
  else if (kind === 'lattice-v2') event.headers = lists;
  else if (EDGE.includes(kind))
    event.Records[0].cf.request.headers = Object.fromEntries(
      names.map((key) => [
        key.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
        valuesOf(key).map((value) => ({ key, value })),
      ]),
    );
  else event.headers = joined;
  return event;
}

/** The environ that an application sees. */
export async function environOf(event: unknown, options: LambdaOptions = {}): Promise<AwsEnviron> {
  const seen: AwsEnviron[] = [];
  const app: Application = (environ, startResponse) => {
    seen.push(environ as AwsEnviron);
    startResponse('200 OK', []);
    return [];
  };
  await toLambdaHandler(app, options)(asJson(event), context);
  if (seen.length !== 1) throw new Error(`the application was called ${seen.length} times`);
  return seen[0] as AwsEnviron;
}

/** The Request that a Fetch handler sees, without the prefix "https://host" of its URL. */
export async function requestOf(event: unknown, options: LambdaOptions = {}): Promise<Request> {
  const seen: Request[] = [];
  const app = fromFetchHandler((request) => {
    seen.push(request);
    return new Response();
  });
  await toLambdaHandler(app, options)(asJson(event), context);
  if (seen.length !== 1) throw new Error(`the handler was called ${seen.length} times`);
  return seen[0] as Request;
}

/** What stands behind the host of the URL that a Fetch handler sees. */
export async function targetOf(event: unknown, options: LambdaOptions = {}): Promise<string> {
  const { url } = await requestOf(event, options);
  return url.slice(new URL(url).origin.length);
}

/** The raw result for a request. */
export async function resultOf(
  kind: LambdaKind,
  app: Application,
  options: LambdaOptions = {},
  request: LambdaRequest = {},
): Promise<AnyEvent> {
  return asJson(await toLambdaHandler(app, options)(asJson(lambdaEvent(kind, request)), context));
}

/** An application that gives this response, in one chunk. */
export const answering =
  (status: string, headers: HeaderList = [], body: string | Uint8Array = ''): Application =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return body.length === 0 ? [] : [Buffer.from(body as string)];
  };

export const statusOf = (result: AnyEvent): number => Number(result.statusCode ?? result.status);

/** The bytes of a result's body. */
export const bytesOf = ({ body = '', isBase64Encoded, bodyEncoding }: AnyEvent): Buffer =>
  Buffer.from(body, isBase64Encoded === true || bodyEncoding === 'base64' ? 'base64' : 'utf8');

/** What crosses the border of a function is JSON. */
export function asJson<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value));
}

/** Collects the log of a handler. */
export function logged(): { lines: string[]; errors: (line: string) => void } {
  const lines: string[] = [];
  return { lines, errors: (line) => void lines.push(bare(line)) };
}
