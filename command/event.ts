import { existsSync, readFileSync } from 'node:fs';
import { type LambdaKind, lambdaEvent } from 'wsgi-edge/testing';
import { WsgiError } from '../src/errors.js';
import { parseApplication } from './application.js';
import { textOf, textsOf, type Values } from './arguments.js';
import { type Asked, readRequest, send } from './request.js';
import { start } from './start.js';
import { targetOf } from './target.js';

// The names that --target has, beside the kinds of `lambdaEvent`.
const NAMES: Record<string, LambdaKind> = {
  'rest-api': 'apigw-rest-v1',
  'http-api': 'apigw-http-v2',
  alb: 'alb-single',
};

/** Prints the event of a front end, or replays a recorded request on targets. */
export async function eventCommand([kind, path]: string[], values: Values): Promise<void> {
  if (values.replay !== undefined) return replay(String(values.replay), kind, values);
  if (kind === undefined)
    throw new WsgiError(
      'wsgi-edge: name the front end: wsgi-edge event function-url, rest-api, http-api, alb, lattice-v2 or edge-viewer-request',
    );
  print(kind, readRequest(path, values));
}

function print(kind: string, { method, target, headers, body }: Asked): void {
  const request = { method, target, headers, ...(body !== undefined && { body }) };
  console.log(JSON.stringify(lambdaEvent(NAMES[kind] ?? (kind as LambdaKind), request), null, 2));
}

async function replay(file: string, kind: string | undefined, values: Values): Promise<void> {
  const asked = readRecord(file);
  if (kind !== undefined) return print(kind, asked);
  const application = textOf(values.application);
  if (application === undefined)
    throw new WsgiError(
      'wsgi-edge: --replay needs the application (--application app.ts), or a front end to print its event',
    );
  const named = parseApplication(application);
  const answers: Answer[] = [];
  for (const target of values.target === undefined ? ['node'] : textsOf(values.target)) {
    const options = { port: 0, host: '127.0.0.1', onOutput: (output: string) => void process.stderr.write(output) };
    const started = await start(named, targetOf(target), options);
    try {
      answers.push(await answerOf(target, started.port, asked));
    } finally {
      await started.close();
    }
  }
  for (const { target, status, headers, body } of answers)
    console.log([`== ${target}`, status, ...headers, '', Buffer.from(body).toString(), ''].join('\n'));
  const [first, ...others] = answers;
  const differences = others.flatMap((answer) => compare(first as Answer, answer));
  for (const difference of differences) console.log(`differs: ${difference}`);
  if (others.length > 0 && differences.length === 0) console.log(`${answers.length} targets give the same answer`);
  if (differences.length > 0) process.exitCode = 1;
}

interface Answer {
  target: string;
  status: string;
  /** The headers that servers add are left out. */
  headers: string[];
  body: Uint8Array;
}

// Servers and connections give these.
const OWN = /^(date|server|connection|keep-alive|transfer-encoding|content-length|x-amzn-\S+|apigw-requestid|cf-ray):/;

async function answerOf(target: string, port: number, asked: Asked): Promise<Answer> {
  const response = await send(port, asked);
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const headers: string[] = [];
  for (let at = 0; at < response.rawHeaders.length; at += 2)
    headers.push(`${response.rawHeaders[at]?.toLowerCase()}: ${response.rawHeaders[at + 1]}`);
  return {
    target,
    status: String(response.statusCode),
    headers: headers.filter((line) => !OWN.test(line)).sort(),
    body: Buffer.concat(chunks),
  };
}

function compare(a: Answer, b: Answer): string[] {
  const between = `between ${a.target} and ${b.target}`;
  const found: string[] = [];
  if (a.status !== b.status) found.push(`the status ${between}: ${a.status} and ${b.status}`);
  for (const [left, right] of [
    [a, b],
    [b, a],
  ] as const)
    for (const line of left.headers) if (!right.headers.includes(line)) found.push(`only ${left.target} sends ${line}`);
  if (!Buffer.from(a.body).equals(Buffer.from(b.body)))
    found.push(`the body ${between}: ${a.body.length} and ${b.body.length} bytes`);
  return found;
}

/** Reads a request that the middleware `record` has written.
 *  @throws {WsgiError} when the file does not exist or is not a record */
function readRecord(file: string): Asked {
  if (!existsSync(file)) throw new WsgiError(`wsgi-edge: there is no file ${file}`);
  try {
    const { method, target, headers, body } = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof method !== 'string' || typeof target !== 'string' || !Array.isArray(headers))
      throw new Error('it has no method, target and headers');
    if (!/^[\x21-\xff]+$/.test(target)) throw new Error(`its target ${JSON.stringify(target)} can't be sent`);
    return { method, target, headers, body: body === undefined ? undefined : Buffer.from(body, 'base64') };
  } catch (cause) {
    throw new WsgiError(`wsgi-edge: ${file} is no record of a request: ${(cause as Error).message}`, { cause });
  }
}
