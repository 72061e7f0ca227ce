import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { headerView } from '../src/header-view.js';
import * as core from '../src/index.js';
import * as validator from '../src/validator/index.js';
import * as node from '../targets/node/index.js';
import * as testing from '../testing/index.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const { names } = JSON.parse(read('./fixtures/wsgiref-names.json')) as { names: string[] };
const modules: Record<string, object> = {
  'wsgi-edge': core,
  'wsgi-edge/node': node,
  'wsgi-edge/testing': testing,
  'wsgi-edge/validator': validator,
};

// docs/WSGIREF.md: the names of wsgiref, the counterpart, a remark or the reason.
const rows = read('../docs/WSGIREF.md')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, wsgiref = '', here = '', remark = ''] = line.split('|').map((cell) => cell.trim());
    return { wsgiref: wsgiref.split(', ').map((name) => name.replaceAll('`', '')), here, remark };
  });

test('docs/WSGIREF.md has each name of wsgiref once', () => {
  expect(rows.flatMap((row) => row.wsgiref).sort()).toEqual([...names].sort());
});

test.each(rows)('the counterpart of $wsgiref is there: $here', ({ here, remark }) => {
  if (here === 'none') {
    expect(remark, 'a reason').not.toBe('');
    return;
  }
  const [, kind = '', text = '', from = ''] = /^(\w*) ?`([^`]+)`(?: \(`([^`]+)`\))?$/.exec(here) ?? [];
  const name = /^[\w.]*\w/.exec(text)?.[0] ?? '';
  if (kind === 'option') expect(read('../src/types.ts')).toContain(`\n  ${name}?: `);
  else if (kind === 'environ') expect(testing.testEnviron()).toHaveProperty([name]);
  else if (kind === 'type')
    expect(read('../src/index.ts')).toMatch(new RegExp(`^export type \\{[^}]*\\b${name},`, 'm'));
  else expect(modules[from]).toHaveProperty([name]);
  const method = /^headerView\(list\)\.(\w+)/.exec(text)?.[1];
  if (method !== undefined) expect(headerView()).toHaveProperty([method]);
});
