import type { RawRequest, RawResponse } from '../../command/raw.js';
import type { Application, GatewayOptions, HeaderList } from '../../src/types.js';
import { withoutId } from '../request-id.js';
import type { Capability } from './capabilities.js';
import type { Report } from './report.js';

export { noResponse, type RawRequest, type RawResponse } from '../../command/raw.js';

export type Send = (request?: RawRequest) => Promise<RawResponse>;
/** What the application has noted; asks again, for some seconds, until `until` holds. */
export type Recall = (until?: (report: Report) => boolean) => Promise<Report>;
export type Check = (send: Send, recall: Recall) => Promise<void>;

/** One rule of the interface: an application that runs inside the target, and a check that stays outside. */
export interface Case {
  /** ASCII: it travels in a header. */
  name: string;
  /** The section of PEP 3333, of README or docs, or the RFC that it rests on. */
  clause: string;
  needs?: Capability[];
  app: Application;
  check: Check;
  onError?: NonNullable<GatewayOptions['onError']>;
  /** Where the gateway tolerates what the validator refuses: why, and what happens inside `validator`. */
  refused?: { why: string; check: Check };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (response: { body: Uint8Array }): string => decoder.decode(response.body);
export const native = (data: Uint8Array): string => Array.from(data, (byte) => String.fromCharCode(byte)).join('');
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const PLAIN: readonly [string, string] = ['Content-Type', 'text/plain'];
/** Headers of a plain text response. */
export const plain = (...more: HeaderList): HeaderList => [[...PLAIN], ...more];

/** An application that answers 200 with the text that `make` gives. */
export function answer(make: (environ: Parameters<Application>[0]) => string | Promise<string>): Application {
  return async (environ, startResponse) => {
    const body = bytes(await make(environ));
    startResponse('200 OK', plain());
    return [body];
  };
}

/** All values of a response header, in order. */
export function values(response: RawResponse, name: string): string[] {
  return response.headers.filter(([given]) => given.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** The only value of a response header, or undefined. */
export function value(response: RawResponse, name: string): string | undefined {
  const [first, ...others] = values(response, name);
  if (others.length > 0) throw new Error(`${name} came ${others.length + 1} times`);
  return first;
}

export function ok(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Compares by JSON, which is enough for strings, numbers and lists of them. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [show(actual), show(expected)];
  if (got !== wanted) throw new Error(`${what}: got ${got}, expected ${wanted}`);
}

const show = (given: unknown): string => {
  const text = given === undefined ? 'undefined' : JSON.stringify(given);
  return text.length > 600 ? `${text.slice(0, 600)}... (${text.length})` : text;
};

/** The response is a whole 200 with this text. */
export function holds(response: RawResponse, text?: string): void {
  equal(response.status, 200, 'status');
  if (text !== undefined) equal(textOf(response), text, 'body');
  ok(response.complete, 'the response is not complete');
}

/** The response is the gateway's own 500. */
export function isErrorPage(response: RawResponse): void {
  equal(response.status, 500, 'status');
  ok(response.complete, 'the 500 is not complete');
  equal(withoutId(textOf(response)), 'Internal Server Error\n', 'body');
  equal(value(response, 'content-type'), 'text/plain; charset=utf-8', 'Content-Type');
}

/** The client can tell that the response is not whole: it broke off, or became an error where nothing had gone out. */
export function isBroken(response: RawResponse): void {
  ok(!response.complete || response.status >= 500, `a broken response came as a whole ${response.status}`);
}

/** The check for what the validator refuses before anything is sent. */
export const refusedWith500: Check = async (send, recall) => {
  equal((await send()).status, 500, 'status inside the validator');
  const { errors } = await recall((report) => report.errors.length > 0);
  ok(errors.length > 0, 'the validator logged nothing');
};
