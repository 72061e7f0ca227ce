import { describe, expect, it, test } from 'vitest';
import {
  BodyTooLarge,
  ClientDisconnected,
  describe as describeError,
  nameOf,
  quote,
  WsgiError,
} from '../src/errors.js';

test('errors tell their kind by their name, and ClientDisconnected what has happened', () => {
  expect(String(new WsgiError('application: x'))).toBe('WsgiError: application: x');
  expect(String(new BodyTooLarge('client: x'))).toBe('BodyTooLarge: client: x');
  expect(String(new ClientDisconnected())).toBe(
    'ClientDisconnected: client: disconnected before the exchange was complete',
  );
  const cause = new Error('ECONNRESET');
  expect(new ClientDisconnected('client: x', { cause })).toMatchObject({ message: 'client: x', cause });
});

describe('quote', () => {
  it.each<[string, unknown, string]>([
    ['text', 'a\nb', '"a\\nb"'],
    ['60 characters', 'x'.repeat(58), `"${'x'.repeat(58)}"`],
    ['more than 60', 'x'.repeat(59), `"${'x'.repeat(56)}...`],
    ['what JSON has no word for', undefined, 'undefined'],
    ['a BigInt', 1n, 'a bigint'],
  ])('shows %s on one line', (_, value, text) => {
    expect(quote(value)).toBe(text);
  });
});

describe('nameOf', () => {
  class Thing {}
  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a string', ''],
    ['a function', class {}],
    ['a Promise', Promise.resolve()],
    ['an Array', []],
    ['an Error', new Error('x')],
    ['a Thing', new Thing()],
    ['an object', new (class {})()],
    ['an object', Object.create(null)],
    ['an object', { constructor: { name: 5 } }],
  ])('says %s', (name, value) => {
    expect(nameOf(value)).toBe(name);
  });
});

describe('describe', () => {
  const bare = (error: Error) => Object.assign(error, { stack: undefined });

  it('gives the stack alone where there is no cause', () => {
    const error = new Error('x');
    expect(describeError(error)).toBe(error.stack);
  });

  it('gives name and message where there is no stack', () => {
    expect(describeError(bare(new TypeError('x')))).toBe('TypeError: x');
  });

  it('gives the causes one by one, the error that one stands for first', () => {
    const error = bare(
      new AggregateError([bare(new Error('one')), 'two'], 'several', {
        cause: bare(new Error('why', { cause: bare(new Error('at first')) })),
      }),
    );
    expect(describeError(error)).toBe(
      [
        'AggregateError: several',
        'caused by: Error: why',
        'caused by: Error: at first',
        'caused by: Error: one',
        'caused by: application: threw a string: "two"',
      ].join('\n'),
    );
  });

  it('lets no message begin a line of the log, nor steer the terminal that shows it', () => {
    const forged = 'no user x\r\n127.0.0.1 - admin logged in\n\x1b[31mred\x9b0m\x7f\ttab';
    const shown = 'no user x\\x0d\\n127.0.0.1 - admin logged in\\n\\x1b[31mred\\x9b0m\\x7f\ttab';
    const lines = describeError(new Error(forged, { cause: `\x7f${forged}` })).split('\n');
    expect(lines[0]).toBe(`Error: ${shown}`);
    for (const line of lines.slice(1, -1)) expect(line).toMatch(/^ {4}at /);
    expect(lines.at(-1)).toMatch(/^caused by: application: threw a string: "\\x7fno user x\\r\\n127\.0/);
    expect(describeError(bare(new Error(forged)))).toBe(`Error: ${shown}`);
  });

  it('takes null for a cause', () => {
    expect(describeError(bare(new Error('x', { cause: null })))).toBe(
      'Error: x\ncaused by: application: threw null: null',
    );
  });
});
