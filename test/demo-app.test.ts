import { readFileSync } from 'node:fs';
import { expect, it, test } from 'vitest';
import { demoApp } from '../src/demo-app.js';
import { bytesToText } from '../src/native-string.js';
import type { Environ } from '../src/types.js';
import { validator } from '../src/validator/index.js';
import { callApp, testEnviron } from '../testing/app.js';

const oracle = JSON.parse(readFileSync(new URL('./fixtures/wsgiref-demo.json', import.meta.url), 'utf8')) as {
  environ: Environ;
  status: string;
  headers: Array<[string, string]>;
  body: string;
};

test('as CPython wsgiref.simple_server.demo_app, but for the quotes around strings', () => {
  const head: unknown[] = [];
  const body = demoApp(oracle.environ, (status, headers) => {
    head.push(status, headers);
    return async () => {};
  }) as Uint8Array[];
  expect(head).toEqual([oracle.status, oracle.headers]);
  const unquoted = (text: string) => text.replace(/ = '(.*)'$/gm, (_, value: string) => ` = ${value}`);
  const ours = bytesToText(body[0] ?? new Uint8Array()).replace(
    / = "(.*)"$/gm,
    (_, value: string) => ` = ${value.replaceAll('\\"', '"')}`,
  );
  expect(ours).toBe(unquoted(oracle.body));
});

it('shows no more of an object than its kind', async () => {
  const environ = testEnviron({ 'workers.env': { SECRET: 'hidden' }, 'x.nothing': null, 'x.list': ['a', [1n]] });
  const response = await callApp(validator(demoApp), environ);
  expect(response.status).toBe('200 OK');
  const lines = response.text().split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'wsgi.file_wrapper = <a function>',
      'wsgi.multiprocess = true',
      'wsgi.version = [1, 0]',
      'workers.env = <an Object>',
      'x.list = ["a", [<a bigint>]]',
      'x.nothing = <null>',
    ]),
  );
  expect(response.text()).not.toContain('hidden');
});
