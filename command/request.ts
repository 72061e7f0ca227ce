import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { WsgiError } from '../src/errors.js';
import { parseApplication } from './application.js';
import { textOf, textsOf, type Values } from './arguments.js';
import { aroundOf } from './around.js';
import { start } from './start.js';
import { targetOf } from './target.js';

/** A request in ordinary text. */
export interface Asked {
  method: string;
  /** The path and query, as they go over the wire. */
  target: string;
  headers: Array<[name: string, value: string]>;
  body: Uint8Array | undefined;
}

/** Sends one request to an application, and prints the response. The process ends with 1 for a status of 500 or more. */
export async function requestCommand([text = '', path]: string[], flags: Values): Promise<void> {
  const asked = readRequest(path, flags);
  const started = await start(parseApplication(text), targetOf(textOf(flags.target)), {
    port: 0,
    host: '127.0.0.1',
    around: aroundOf(flags),
    onOutput: (output) => process.stderr.write(output),
  });
  try {
    const response = await send(started.port, asked);
    const lines = [`HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`];
    for (let at = 0; at < response.rawHeaders.length; at += 2)
      lines.push(`${response.rawHeaders[at]}: ${response.rawHeaders[at + 1]}`);
    process.stdout.write(`${lines.join('\n')}\n\n`);
    for await (const chunk of response) process.stdout.write(chunk);
    if (Number(response.statusCode) >= 500) process.exitCode = 1;
  } finally {
    await started.close();
  }
}

/** Reads a request from options like curl's.
 *  @throws {WsgiError} on a header without a colon, and when a file can't be read */
export function readRequest(path: string | undefined, { method, header, data }: Values): Asked {
  const headers = textsOf(header).map((line): [string, string] => {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new WsgiError(`wsgi-edge: --header takes "Name: value", not ${JSON.stringify(line)}`);
    return [name, value];
  });
  const body = data === undefined ? undefined : readData(String(data));
  const named = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
  if (body !== undefined && !named('content-type')) headers.push(['Content-Type', 'application/x-www-form-urlencoded']);
  return {
    method: String(method ?? (body === undefined ? 'GET' : 'POST')),
    target: requestTarget(path ?? '/'),
    headers,
    body,
  };
}

/** Makes a request target of a path as a person writes it. As with curl, a fragment is left out, the characters that no target may
 *  have are encoded, and any other stays, so that an encoded path and "?a[]=1" are sent as they are.
 *  @throws {WsgiError} on a path that does not begin with "/" */
export function requestTarget(path: string): string {
  if (!path.startsWith('/'))
    throw new WsgiError(`wsgi-edge: the path must begin with "/", as in /users?page=2, not ${path}`);
  return path
    .replace(/#.*$/s, '')
    .toWellFormed()
    .replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
}

function readData(data: string): Uint8Array {
  if (!data.startsWith('@')) return Buffer.from(data);
  const file = data.slice(1);
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (cause) {
    throw new WsgiError(`wsgi-edge: --data ${data}: ${(cause as Error).message}`, { cause });
  }
}

/** Sends a request to a server on 127.0.0.1. */
export function send(port: number, { method, target, headers, body }: Asked): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const lines = headers.flat();
    const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
    if (!has('host')) lines.push('Host', `127.0.0.1:${port}`);
    if (body !== undefined && !has('content-length')) lines.push('Content-Length', String(body.length));
    const sent = httpRequest({ host: '127.0.0.1', port, method, path: target, headers: lines, agent: false }, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
}
