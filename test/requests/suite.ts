// The requests of requests.json, sent as they stand to a target, and what its application sees of them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { RESULTS, type Result } from '../conformance/suite.js';
import { ID } from '../request-id.js';
import type { Seen } from './application.js';
import { kinds } from './kinds.js';

type Strings = Record<string, string>;

export interface Expected {
  environ?: Strings;
  /** Keys that servers differ on, or that a request without the header must not have. */
  absent?: string[];
  body?: string;
  /** The statuses of a refusal before the application; 0 is a connection closed without an answer. */
  refused?: number[];
}

/** What a handler of the platform sees of a request without the gateway. */
export interface Bare {
  method: string;
  /** Node's `req.url`, a Worker's `request.url`. */
  target: string;
  /** null where the platform does not tell it. */
  version: string | null;
  headers: Array<[name: string, value: string]>;
  body: string;
}

/** How a platform has a case otherwise, and what shows that it is the platform. */
export interface Exception {
  /** A key of `reasons`. */
  reason: string;
  bare: { refused: number } | { seen: Partial<Omit<Bare, 'headers'>> & { headers?: Record<string, string | null> } };
  /** What the gateway makes of it, over what is expected; null where a key is absent. */
  environ?: Record<string, string | null>;
  body?: string;
}

export interface Case {
  id: string;
  title: string;
  raw: string;
  append?: 'plain' | 'chunked';
  segments?: number[];
  mount?: string;
  /** The client closes its side of the connection when it has sent the request. */
  hangUp?: true;
  measured?: {
    same?: Strings;
    differs?: Record<string, Strings>;
    refused?: Record<string, number>;
    body?: string | Strings;
  };
  expected: Expected;
  why?: Strings;
  exceptions?: Record<string, Exception>;
}

interface Data {
  origin: { servers: Strings };
  rules: Strings;
  reasons: Strings;
  cases: Case[];
}

export const data = JSON.parse(readFileSync(new URL('requests.json', import.meta.url), 'utf8')) as Data;

const cases: Array<[section: string, one: Case]> = [
  ...data.cases.map((one): [string, Case] => ['requests', one]),
  ...kinds.map((one): [string, Case] => ['variants of requests', one]),
];

/** Ports of 127.0.0.1. */
export interface Ports {
  /** The application of this suite. */
  bare: number;
  validator: number;
  /** The same, mounted at /mnt. */
  bareMounted: number;
  validatorMounted: number;
  /** A handler of the platform alone; `X-Recall: 1` gives and forgets what it saw, as `Bare[]`. */
  platform: number;
}

export interface Target {
  ports: () => Ports;
  /** The undecoded path and query in the target that a handler of the platform sees, as a native string. */
  uriOf: (bare: Bare) => string;
}

const MOUNTED = { bare: 'bareMounted', validator: 'validatorMounted' } as const;
// What a request has no say in.
const OWN = new Set([
  'GATEWAY_INTERFACE',
  'RAW_URI',
  'REMOTE_ADDR',
  'REMOTE_PORT',
  'REQUEST_URI',
  'SERVER_SOFTWARE',
  ID,
]);

/** Runs every case on a target, bare and inside the validator. */
export function testRequests(name: string, target: Target): void {
  const results: Result[] = [];
  describe(`requests on ${name}`, () => {
    for (const [section, one] of cases)
      for (const inside of ['bare', 'validator'] as const) {
        const exception = one.exceptions?.[name];
        it(`${one.id}: ${one.title} (${inside})`, async () => {
          const record = (outcome: Result['outcome'], reason?: string) =>
            results.push({ section, name: one.title, inside, outcome, ...(reason ? { reason } : {}) });
          const ports = target.ports();
          try {
            const bare = await send<Bare>(ports.platform, one);
            if (exception !== undefined) checkPlatform(bare, exception);
            const port = ports[one.mount === undefined ? inside : MOUNTED[inside]];
            const answer = await send<Seen>(port, one);
            checkAnswer(answer, expectedOn(one, exception), bare.seen[0] && target.uriOf(bare.seen[0]));
          } catch (error) {
            record('fails', String(error));
            throw error;
          }
          if (exception === undefined) record('holds');
          else record('lacked', data.reasons[exception.reason]);
        });
      }
    afterAll(() => {
      mkdirSync(RESULTS, { recursive: true });
      const file = new URL(`requests-${name}.json`, RESULTS);
      writeFileSync(file, `${JSON.stringify({ target: name, results }, null, 1)}\n`);
    });
  });
}

function expectedOn(one: Case, exception: Exception | undefined): Expected {
  if (exception === undefined) return one.expected;
  if ('refused' in exception.bare) return { refused: [exception.bare.refused] };
  const merged = Object.entries({ ...one.expected.environ, ...exception.environ });
  const environ = Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
  return { environ, body: exception.body ?? one.expected.body ?? '' };
}

/** The platform does by itself what the exception says. */
function checkPlatform({ status, seen }: Answer<Bare>, { bare }: Exception): void {
  if ('refused' in bare) {
    expect({ status, calls: seen.length }, 'the platform alone').toEqual({ status: bare.refused, calls: 0 });
    return;
  }
  const { headers = {}, ...rest } = bare.seen;
  expect(seen, 'the platform alone').toHaveLength(1);
  expect(seen[0], 'the platform alone').toMatchObject(rest);
  for (const [name, value] of Object.entries(headers)) {
    const values = seen[0]?.headers.filter(([given]) => given.toLowerCase() === name).map((pair) => pair[1]);
    expect(values, `${name} on the platform alone`).toEqual(value === null ? [] : [value]);
  }
}

function checkAnswer({ status, seen }: Answer<Seen>, expected: Expected, uri: string | undefined): void {
  if (expected.refused !== undefined) {
    expect(seen, 'what the application saw of a request to be refused').toEqual([]);
    expect(expected.refused, 'statuses').toContain(status);
    return;
  }
  expect(status, 'status').toBe(200);
  expect(seen, 'calls of the application').toHaveLength(1);
  const { environ, body } = seen[0] as Seen;
  const own = Object.fromEntries(Object.entries(environ).filter(([key]) => !OWN.has(key)));
  expect(own).toEqual(expected.environ);
  for (const key of expected.absent ?? []) expect(environ).not.toHaveProperty([key]);
  expect(body, 'what was read from wsgi.input').toBe(expected.body);
  expect(environ.RAW_URI, 'RAW_URI').toBe(environ.REQUEST_URI);
  // Unknown where the platform alone refuses what the target's own server lets pass.
  if (uri !== undefined) expect(environ.REQUEST_URI, 'REQUEST_URI').toBe(uri);
}

interface Answer<T> {
  /** 0 when the connection ended without an answer. */
  status: number;
  seen: T[];
}

const PAUSE = 100; // ms before the second piece of a request

/** Sends a case, and asks what the handler saw of it, which also shows that the server lives. */
async function send<T>(port: number, one: Case): Promise<Answer<T>> {
  const { status } = await exchange(port, piecesOf(one), one.hangUp);
  const path = one.mount ?? '/';
  const recall = await exchange(port, [
    Buffer.from(`GET ${path} HTTP/1.1\r\nHost: recall\r\nX-Recall: 1\r\nConnection: close\r\n\r\n`),
  ]);
  expect(recall.status, 'status of the next request').toBe(200);
  return { status, seen: JSON.parse(recall.body) as T[] };
}

function piecesOf({ raw, append, segments }: Case): Buffer[] {
  const bytes = Buffer.from(raw, 'base64');
  if (append !== undefined) {
    const body = Buffer.from(Array.from({ length: 1_048_576 }, (_, i) => i % 251));
    if (append === 'plain') return [Buffer.concat([bytes, body])];
    const chunks = Array.from({ length: 16 }, (_, i) => [
      Buffer.from('10000\r\n'),
      body.subarray(i * 65_536, (i + 1) * 65_536),
      Buffer.from('\r\n'),
    ]);
    return [Buffer.concat([bytes, ...chunks.flat(), Buffer.from('0\r\n\r\n')])];
  }
  const [length = bytes.length] = segments ?? [];
  return [bytes.subarray(0, length), bytes.subarray(length)].filter((piece) => piece.length > 0);
}

/** The status of the first final response, and its body where it has a Content-Length. */
function exchange(port: number, pieces: Buffer[], hangUp = false): Promise<{ status: number; body: string }> {
  return new Promise((resolve) => {
    let text = '';
    const isHead = pieces[0]?.toString('latin1', 0, 5) === 'HEAD ';
    const socket = connect(port, '127.0.0.1');
    const end = (status: number, body = '') => {
      socket.destroy();
      resolve({ status, body });
    };
    socket.on('data', (data) => {
      text = `${text}${data.toString('latin1')}`.replace(/^(?:HTTP\/1\.1 1[\s\S]*?\r\n\r\n)+/, '');
      const [head = '', ...rest] = text.split('\r\n\r\n');
      if (rest.length === 0) return;
      const body = Buffer.from(rest.join('\r\n\r\n'), 'latin1');
      const length = Number(/\r\ncontent-length: *([0-9]+)/i.exec(head)?.[1] ?? 0);
      if (body.length >= length || isHead) end(Number(head.slice(9, 12)), body.toString());
    });
    // A server that refuses may reset the connection while the rest of the request is on its way.
    socket.on('error', () => {});
    socket.on('close', () => end(0));
    void (async () => {
      for (const [i, piece] of pieces.entries()) {
        if (i > 0) await new Promise((resume) => setTimeout(resume, PAUSE));
        if (!socket.destroyed) socket.write(piece);
      }
      if (hangUp) socket.end();
    })();
  });
}
