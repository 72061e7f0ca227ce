// What front ends check of a result.
import { quote } from '../../src/errors.js';
import { textToBytes } from '../../src/native-string.js';
import type { HeaderList } from '../../src/types.js';

export type Result = Record<string, unknown>;
/** Throws, with the fault that the front end finds. */
export type Refuse = (fault: string) => never;

// A result leaves the function as JSON.
export function jsonOf(result: unknown, refuse: Refuse): string {
  try {
    return JSON.stringify(result) ?? 'null';
  } catch (error) {
    return refuse(`what JSON can not hold (${String(error)})`);
  }
}

export function objectOf(result: unknown, refuse: Refuse): Result {
  return typeof result === 'object' && result !== null && !Array.isArray(result)
    ? (result as Result)
    : refuse('it is no object');
}

/** The fields of an object, or none if the value is not an object. */
export function fieldsOf(value: unknown): Result {
  return typeof value === 'object' && value !== null ? (value as Result) : {};
}

// API Gateway and CloudFront also take a status as text.
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

export function valuesOf(map: unknown, refuse: Refuse): HeaderList {
  return entriesOf(map, refuse).map(([name, value]) =>
    typeof value === 'string' ? [name, value] : refuse(`header "${name}" that is no string`),
  );
}

export function listsOf(map: unknown, refuse: Refuse): HeaderList {
  return entriesOf(map, refuse).flatMap(([name, values]) =>
    Array.isArray(values) && values.every((value) => typeof value === 'string')
      ? values.map((value): [string, string] => [name, value])
      : refuse(`header "${name}" that is no list of strings`),
  );
}

export function entriesOf(map: unknown, refuse: Refuse): Array<[string, unknown]> {
  if (map === undefined || map === null) return [];
  return typeof map === 'object' && !Array.isArray(map) ? Object.entries(map) : refuse('headers that are no object');
}

export function bodyOf({ body, isBase64Encoded }: Result, refuse: Refuse): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array(0);
  if (typeof body !== 'string') return refuse('a body that is no string');
  if (isBase64Encoded !== true) return textToBytes(body);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(body) || body.length % 4 !== 0) refuse('a body that is no base64');
  return Buffer.from(body, 'base64');
}
