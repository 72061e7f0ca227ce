import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { createErrorStream } from '../src/error-stream.js';
import { type HeaderView, headerView } from '../src/header-view.js';
import type { HeaderList } from '../src/types.js';
import { callApp, testEnviron } from '../testing/app.js';

type Step = [[method: 'get', ...args: unknown[]], result: unknown];
interface Sequence {
  list: HeaderList;
  steps: Step[];
  after: HeaderList;
  keys: string[];
  values: string[];
  length: number;
  text: string;
}
const oracle = JSON.parse(readFileSync(new URL('./fixtures/wsgiref-headers.json', import.meta.url), 'utf8')) as {
  sequences: Sequence[];
};

test.each(oracle.sequences)('as CPython wsgiref.headers: $steps', ({ list, steps, ...expected }) => {
  const view = headerView(list);
  for (const [[method, ...args], result] of steps) {
    const call = view[method] as (...args: unknown[]) => unknown;
    expect(call(...args) ?? null, `${method} ${JSON.stringify(args)}`).toEqual(result);
  }
  // The list itself has changed, and the view has no other state.
  expect(list).toEqual(expected.after);
  const described = (given: HeaderView) => ({
    after: given.entries(),
    keys: given.keys(),
    values: given.values(),
    length: given.length,
    text: String(given),
  });
  expect(described(view)).toEqual(expected);
  expect([...view]).toEqual(expected.after);
});

describe('headerView', () => {
  it('begins with an empty list of its own', () => {
    const [one, other] = [headerView(), headerView()];
    one.set('A', '1');
    expect([one.entries(), other.entries()]).toEqual([[['A', '1']], []]);
  });

  it('sees what changes in the list', () => {
    const list: HeaderList = [];
    const view = headerView(list);
    list.push(['A', '1']);
    expect([view.get('a'), view.length]).toEqual(['1', 1]);
  });

  it('gives copies, which may be changed', () => {
    const list: HeaderList = [
      ['A', '1'],
      ['B', '2'],
    ];
    const view = headerView(list);
    for (const name of view.keys()) view.delete(name);
    expect(list).toEqual([]);
    view.entries().push(['C', '3']);
    expect(list).toEqual([]);
  });

  it('removes a pair that stands in the list twice', () => {
    const pair: [string, string] = ['A', '1'];
    const list: HeaderList = [pair, ['B', '2'], pair];
    headerView(list).delete('a');
    expect(list).toEqual([['B', '2']]);
  });

  test.each<['set' | 'delete', string[]]>([
    ['set', ['B', 'A']],
    ['delete', ['B']],
  ])('%s() goes through the list once, however often the name stands in it', (method, names) => {
    const pairs: HeaderList = Array.from({ length: 1000 }, (_, i) => ['a', String(i)]);
    let touched = 0;
    const list = new Proxy<HeaderList>([...pairs, ['B', '2'], ...pairs], {
      get: (target, key, receiver) => {
        touched++;
        return Reflect.get(target, key, receiver);
      },
      set: (target, key, value, receiver) => {
        touched++;
        return Reflect.set(target, key, value, receiver);
      },
    });
    headerView(list)[method]('A', '1');
    expect(touched).toBeLessThan(3 * 2001);
    expect(list.map((pair) => pair[0])).toEqual(names);
  });

  test.each([
    ['Schätze €.txt', "filename*=UTF-8''Sch%C3%A4tze%20%E2%82%AC.txt"],
    // RFC 8187, section 3.2.1: attr-char stays, all else is escaped.
    ['\u00e9!#$&+-.^_`|~', "filename*=UTF-8''%C3%A9!#$&+-.^_`|~"],
    ['\u00e9*\'()%"\\;,/ \r\n', "filename*=UTF-8''%C3%A9%2A%27%28%29%25%22%5C%3B%2C%2F%20%0D%0A"],
    ['\u{1f600}', "filename*=UTF-8''%F0%9F%98%80"],
    // Python's Headers drops the value of an empty parameter.
    ['', 'filename=""'],
    ['a"b\\c', 'filename="a\\"b\\\\c"'],
  ])('add() writes the parameter %j', (filename, expected) => {
    const view = headerView();
    view.add('Content-Disposition', 'attachment', { filename });
    expect(view.get('content-disposition')).toBe(`attachment; ${expected}`);
  });

  it('add() leaves out a parameter that is undefined', () => {
    const view = headerView();
    view.add('X', 'v', { a: undefined, b: '1' });
    expect(view.get('X')).toBe('v; b="1"');
  });

  it('leaves the checks to startResponse', async () => {
    const view = headerView();
    view.add('X', 'v', { a: 'b\r\nSet-Cookie: evil=1' });
    const lines: string[] = [];
    const errors = createErrorStream({ log: ({ message }) => lines.push(message) });
    const { status } = await callApp(
      (_environ, startResponse) => {
        startResponse('200 OK', view.entries());
        return [];
      },
      testEnviron({ 'wsgi.errors': errors }),
    );
    expect(status).toBe('500 Internal Server Error');
    expect(lines.join('\n')).toContain('application: header value for "X" contains CR');
  });

  it('refuses what is no list', () => {
    expect(() => headerView(new Headers() as never)).toThrow(
      'headerView: takes an array of [name, value] pairs, not a Headers',
    );
  });
});
