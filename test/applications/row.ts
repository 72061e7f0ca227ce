import type { Application, Body, Environ, HeaderList, StartResponse, Write } from '../../src/types.js';
import type { Capability } from '../conformance/capabilities.js';
import {
  bytes,
  type Case,
  type Check,
  equal,
  isBroken,
  native,
  ok,
  type RawRequest,
  type RawResponse,
  type Recall,
  type Send,
  values,
} from '../conformance/case.js';
import { keep, note, type Report } from '../conformance/report.js';
import { withoutId } from '../request-id.js';

/** What a client, the application and the log see of one row. */
export interface Expected {
  status: number;
  /** The reason phrase, where the row is about it. */
  reason?: string;
  /** Headers that the client gets, with all values of a name joined in order; Content-Length stands in `length`. */
  headers?: HeaderList;
  /** Of `headers`, what is about their lines: the case of their names, or their order with none joined. */
  lines?: 'case' | 'order';
  /** The values of one header that must stay apart, in order. */
  apart?: [name: string, ...values: string[]];
  /** Names that the client must not get. */
  without?: string[];
  /** The Content-Length that the client gets, where the row is about it; null for none. */
  length?: string | null;
  /** Bytes as a native string. */
  body: string;
  /** True by default: the client gets the whole response. False: it can tell that it has not. 'unknown': it can not,
   *  or does not look. */
  complete?: boolean | 'unknown';
  /** The fault is known before anything is sent, so that a 500 can go out. */
  early?: boolean;
  /** What the application noted, in order. */
  events: string[];
  /** What the log says; nothing by default. */
  log?: RegExp;
}

/** What the measured servers are compared in. */
export type Field = 'status' | 'complete' | 'body' | 'close' | 'logged' | 'events';

/** One measured application, written anew for JavaScript. */
export interface Row {
  /** The id of the measured case, in consensus.json. */
  id: string;
  title: string;
  app: (environ: Environ, startResponse: StartResponse, seen: Seen) => unknown;
  request?: RawRequest;
  expect: Expected;
  /** Why we are not where all six servers, or four of them, are; by field. */
  why?: Partial<Record<Field, string>>;
  needs?: Capability[];
  /** The application breaks a rule that the gateway tolerates: why the validator refuses it, and what comes of that: all
   *  of it, or what the log says where that is enough. */
  refused?: { why: string } & ({ expect: Expected } | { log: RegExp });
  /** What is left to check, each with what it needs of the platform. */
  also?: Array<{ title: string; needs: Capability[]; check: Check }>;
}

/** How an application notes what happens to it. */
export interface Seen {
  note(event: string): void;
  /** Waits, and keeps the time in the middle of that (ms since 1970) as that of an event, for a check outside. */
  midway(event: string): Promise<void>;
  /** A body that notes its steps and its end. Of `items`, an error is thrown, a function called for its result, and
   *  anything else yielded. `atClose` is what its `close()` does beside noting. */
  body(items: Iterable<unknown>, atClose?: () => unknown): Body;
  /** The same, asynchronous. */
  asyncBody(items: Iterable<unknown> | AsyncIterable<unknown>, atClose?: () => unknown): Body;
}

export const TEXT: readonly [string, string] = ['Content-Type', 'text/plain'];
/** Headers of a plain text response. */
export const text = (...more: HeaderList): HeaderList => [[...TEXT], ...more];
/** Of `text`, what the client gets. */
export const SENT: Expected = { status: 200, headers: [[...TEXT]], body: '', events: [] };

/** The gateway's own 500. */
export const error = (log: RegExp, ...events: string[]): Expected => ({
  status: 500,
  headers: [['Content-Type', 'text/plain; charset=utf-8']],
  without: ['X-A', 'X-First'],
  body: 'Internal Server Error\n',
  events,
  log,
});
/** What comes of a call of `startResponse` that throws. */
export const refused = (log: RegExp): Expected => error(log, 'start_response raised');

/** An application that answers 200 with plain text headers and the body that `make` gives. */
export const gives =
  (make: (seen: Seen, environ: Environ) => unknown, ...headers: HeaderList): Row['app'] =>
  (environ, startResponse, seen) => {
    startResponse('200 OK', text(...headers));
    return make(seen, environ);
  };

/** What failing applications throw. */
export const boom = (): Error => new Error('boom');
/** What comes of a body that the gateway would cut, inside the validator. */
export const MEASURED: NonNullable<Row['refused']> = {
  why: 'a breach by the application, if one that the gateway can mend',
  log: /bytes (where|of) its Content-Length/,
};
/** For bodies of which nothing more is sent. */
export const EARLY =
  'a body of which nothing more is sent is asked for no more: it may be endless, and time is billed; PEP 3333 lets a request end early, with close()';
export const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

/** The cases of the conformance suite that a row makes. */
export function casesOf(row: Row, clause: string): Case[] {
  const { id, title, expect, request, needs = [], also = [] } = row;
  const app: Application = (environ, startResponse) => {
    // A copy: the application may change its environ.
    const seen = seenOf({ ...environ });
    const noted: StartResponse = (...args) => {
      let write: Write;
      try {
        write = startResponse(...args);
      } catch (error) {
        seen.note('start_response raised');
        throw error;
      }
      seen.note('start_response ok');
      return write;
    };
    return row.app(environ, noted, seen) as Body;
  };
  const made = (what: string, more: Capability[], check: Check, inside?: Check): Case => ({
    name: [id, title, what].filter(Boolean).join(': '),
    clause,
    ...(needs.length + more.length > 0 ? { needs: [...needs, ...more] } : {}),
    app,
    check,
    ...(row.refused && inside && { refused: { why: row.refused.why, check: inside } }),
  });
  const aspect = (what: string, need: Capability[], given: keyof Expected, check: (e: Expected) => Check): Case[] => {
    if (expect[given] === undefined) return [];
    const inside = row.refused && 'expect' in row.refused ? row.refused.expect : undefined;
    return [made(what, need, check(expect), inside?.[given] === undefined ? nothing : check(inside))];
  };
  const { reason = '' } = expect;
  const reasonNeeds: Capability[] = ['reasonPhrase'];
  if (/[\x80-\xff]/.test(reason)) reasonNeeds.push('latin1Headers');
  if (reason !== reason.trim()) reasonNeeds.push('reasonSpaces');
  const lengthNeeds: Capability[] =
    expect.length === null ? [] : expect.status === 304 ? ['contentLength', 'notModifiedLength'] : ['contentLength'];
  const nothing: Check = async () => {};
  return [
    made(
      '',
      [],
      (send, recall) => meets(expect, request, send, recall),
      async (send, recall) => {
        if (row.refused === undefined) return;
        if ('expect' in row.refused) await meets(row.refused.expect, request, send, recall);
        else await isRefused(row.refused.log, expect, request, send, recall);
      },
    ),
    ...aspect('the reason reaches the client', reasonNeeds, 'reason', ({ reason }) => async (send) => {
      equal((await send(request)).reason, reason, 'reason');
    }),
    ...aspect(
      'header lines',
      [expect.lines === 'case' ? 'headerCase' : 'headerLines'],
      'lines',
      ({ headers = [] }) =>
        async (send) => {
          const names = new Set(headers.map(([name]) => name.toLowerCase()));
          const lines = (await send(request)).headers.filter(([name]) => names.has(name.toLowerCase()));
          equal(lines, headers, 'lines');
        },
    ),
    ...aspect('Content-Length', lengthNeeds, 'length', ({ length }) => async (send) => {
      equal(values(await send(request), 'content-length'), length === null ? [] : [length], 'Content-Length');
    }),
    ...(expect.complete === false
      ? [
          made(
            'the client can tell',
            expect.early ? [] : ['truncation'],
            async (send) => isBroken(await send(request)),
            nothing,
          ),
        ]
      : []),
    ...also.map(({ title, needs, check }) => made(title, needs, check, row.refused && nothing)),
  ];
}

/** The validator has logged why, and the body, where the application came to return one, is closed once. */
async function isRefused(
  log: RegExp,
  { events }: Expected,
  request: RawRequest | undefined,
  send: Send,
  recall: Recall,
): Promise<void> {
  await send(request);
  const closes = (noted: string[]) => noted.filter((event) => event === 'close').length;
  const returned = (so: Report) => so.events.includes('iter') || closes(so.events) > 0;
  const report = await recall((so) => log.test(so.errors.join('\n')) && (!returned(so) || closes(so.events) > 0));
  ok(log.test(report.errors.join('\n')), `the log does not say ${log}: ${JSON.stringify(report.errors)}`);
  if (returned(report)) equal(closes(report.events), closes(events), 'calls of close()');
}

async function meets(expected: Expected, request: RawRequest | undefined, send: Send, recall: Recall): Promise<void> {
  const response = await send(request);
  const got = withoutId(native(response.body));
  const { complete = true } = expected;
  if (complete !== true) {
    // A platform that holds a broken response back can still make an error of it, or break off without a head.
    const expressed = complete === 'unknown' ? [response.status] : [expected.status, 0, 500];
    ok(expressed.includes(response.status), `status: got ${response.status}, expected ${expected.status}`);
    if (response.status === expected.status)
      ok(expected.body.startsWith(got), `${JSON.stringify(got)} is not the beginning of the body`);
  } else {
    equal(response.status, expected.status, 'status');
    equal(got, expected.body, 'body');
    ok(response.complete, 'the response is not complete');
    headersMeet(expected, response);
  }
  const { events, log } = expected;
  const logged = (report: Report) => report.errors.join('\n');
  const report = await recall((so) => so.events.length >= events.length && (log === undefined || log.test(logged(so))));
  equal(report.events, events, 'events');
  if (log === undefined) equal(report.errors, [], 'log');
  else ok(log.test(logged(report)), `the log does not say ${log}: ${JSON.stringify(logged(report))}`);
}

function headersMeet({ headers = [], apart, without = [] }: Expected, response: RawResponse): void {
  for (const name of new Set(headers.map(([given]) => given.toLowerCase()))) {
    const wanted = headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
    equal(values(response, name).join(', '), wanted.join(', '), name);
  }
  for (const name of without) equal(values(response, name), [], name);
  if (apart !== undefined) equal(values(response, apart[0]), apart.slice(1), apart[0]);
}

function seenOf(environ: Environ): Seen {
  const seen = (event: string) => note(environ, event);
  const step = (result: IteratorResult<unknown>): unknown => {
    if (result.done) return DONE;
    const value = typeof result.value === 'function' ? result.value() : result.value;
    if (value instanceof Error) throw value;
    return value;
  };
  const settled = (count: number, value: unknown): IteratorResult<Uint8Array> => {
    seen(value === DONE ? 'stop' : `next ${count}`);
    return value === DONE ? { done: true, value: undefined } : { done: false, value: value as Uint8Array };
  };
  const close = (atClose?: () => unknown) => {
    seen('close');
    return atClose?.() as Promise<void> | undefined;
  };
  return {
    note: seen,
    async midway(event) {
      await pause();
      keep(environ, event, Date.now());
      await pause();
    },
    body(items, atClose) {
      const source = items[Symbol.iterator]();
      let count = 0;
      return {
        [Symbol.iterator]() {
          seen('iter');
          return {
            next() {
              let value: unknown;
              try {
                value = step(source.next());
              } catch (error) {
                seen('iterable raises');
                throw error;
              }
              return settled(++count, value);
            },
            return() {
              seen('return');
              source.return?.();
              return { done: true, value: undefined };
            },
          };
        },
        close: () => close(atClose),
      };
    },
    asyncBody(items, atClose) {
      const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
      let count = 0;
      return {
        [Symbol.asyncIterator]() {
          seen('iter');
          return {
            async next() {
              let value: unknown;
              try {
                value = await step(await source.next());
              } catch (error) {
                seen('iterable raises');
                throw error;
              }
              return settled(++count, value);
            },
            async return() {
              seen('return');
              await source.return?.();
              return { done: true, value: undefined };
            },
          };
        },
        async close() {
          await close(atClose);
        },
      };
    },
  };
}

const DONE = Symbol('done');

/** Bytes as Python shows them, for events that the servers noted. */
export const repr = (data: Uint8Array): string => `b'${native(data).replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;

/** When a piece of the response came (ms since 1970). */
export const arrival = (at: number | undefined): number => performance.timeOrigin + (at ?? Number.NaN);

/** Checks that something happened before the application's event `event`. It is asked three times: a busy machine may be
 *  late once, a platform that holds back always is. */
export const before =
  (event: string, time: (response: RawResponse) => number, request?: RawRequest): Check =>
  async (send, recall) => {
    const late: number[] = [];
    while (late.length < 3) {
      const begun = Date.now();
      const response = await send(request);
      const { values } = await recall((report) => Number(report.values[event]) >= begun);
      late.push(time(response) - Number(values[event]));
      if (late.some((ms) => ms < 0)) return;
    }
    throw new Error(`it came ${late.join(', ')} ms later`);
  };

export { bytes };
