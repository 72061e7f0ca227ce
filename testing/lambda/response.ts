// A result on its way through a front end, and the checks that several front ends share.
import { quote, WsgiError } from '../../src/errors.js';
import { bytesToText, textToBytes } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';

/** A result as its front end would send it on. */
export interface LambdaResponse {
  status: number;
  headers: HeaderList;
  body: Uint8Array;
  /** The body as UTF-8 text. */
  text(): string;
}

export type Result = Record<string, unknown>;
/** Throws the error of a result that the front end refuses. */
export type Refuse = (what: string) => never;

export function response(status: number, headers: HeaderList, body: Uint8Array): LambdaResponse {
  return { status, headers, body, text: () => bytesToText(body) };
}

/** @param what  the kind of answer, "result" or "stream" */
export function refusing(kind: string, what: string): Refuse {
  return (why) => {
    throw new WsgiError(`testing: ${kind} answers 502 to this ${what}: ${why}`);
  };
}

// A result leaves its function as JSON.
export function jsonOf(result: unknown, refuse: Refuse): string {
  try {
    return JSON.stringify(result) ?? 'null';
  } catch (error) {
    return refuse(`JSON can't hold it (${String(error)})`);
  }
}

export function objectOf(result: unknown, refuse: Refuse): Result {
  return typeof result === 'object' && result !== null && !Array.isArray(result)
    ? (result as Result)
    : refuse('it is not an object');
}

// API Gateway and CloudFront take a status as text, too.
export function numeral(status: unknown): unknown {
  return typeof status === 'string' && /^[0-9]{3}$/.test(status) ? Number(status) : status;
}

export function statusOf(status: unknown, refuse: Refuse, lowest = 100): number {
  return typeof status === 'number' && Number.isInteger(status) && status >= lowest && status <= 599
    ? status
    : refuse(`the status code ${quote(status)}`);
}

// "200 OK"
export function checkDescription(status: number, { statusDescription: given }: Result, refuse: Refuse): void {
  if (given !== undefined && !(typeof given === 'string' && new RegExp(`^${status} [^ ]`).test(given)))
    refuse(`the statusDescription ${quote(given)}`);
}

export function valuesIn(map: unknown, refuse: Refuse): HeaderList {
  return entriesOf(map, refuse).map(([name, value]) =>
    typeof value === 'string' ? [name, value] : refuse(`header "${name}" that is not a string`),
  );
}

export function listsIn(map: unknown, refuse: Refuse): HeaderList {
  return entriesOf(map, refuse).flatMap(([name, values]) =>
    stringsOf(values, () => refuse(`header "${name}" that is not a list of strings`)).map((value): [string, string] => [
      name,
      value,
    ]),
  );
}

export function cookiesIn(cookies: unknown, refuse: Refuse): HeaderList {
  if (cookies === undefined) return [];
  return stringsOf(cookies, () => refuse('cookies that are not a list of strings')).map((cookie) => [
    'set-cookie',
    cookie,
  ]);
}

function stringsOf(values: unknown, refuse: () => never): string[] {
  return Array.isArray(values) && values.every((value) => typeof value === 'string') ? values : refuse();
}

export function entriesOf(map: unknown, refuse: Refuse): Array<[string, unknown]> {
  if (map === undefined || map === null) return [];
  return typeof map === 'object' && !Array.isArray(map)
    ? Object.entries(map)
    : refuse('headers that are not an object');
}

export function bodyOf({ body, isBase64Encoded }: Result, refuse: Refuse): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array(0);
  if (typeof body !== 'string') return refuse('a body that is not a string');
  if (isBase64Encoded !== true) return textToBytes(body);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(body) || body.length % 4 !== 0) refuse('a body that is not base64');
  return Buffer.from(body, 'base64');
}
